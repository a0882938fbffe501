"""Anyone's gradients against JAX's of their own loss: the whole of `rnn-jax check`."""

from __future__ import annotations

import linecache
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from rnn_jax._version import __version__
from rnn_jax.errors import InputError, require
from rnn_jax.verify import lengths, standard, truth
from rnn_jax.verify.accuse import Depth, accuse
from rnn_jax.verify.autodiff import on_cpu
from rnn_jax.verify.check_report import CheckReport, Finding, Parameter
from rnn_jax.verify.compare import BLIND, TOLERANCE
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.explain import Explanation, explain
from rnn_jax.verify.fresh import fresh_inputs, fresh_values
from rnn_jax.verify.gradients import matched
from rnn_jax.verify.judge import Bench, Judgement, failing, judge
from rnn_jax.verify.noise import norm
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.remarks import another_loss, beforehand, remarks
from rnn_jax.verify.report import Comparison, Verdict
from rnn_jax.verify.smallest.shrink import Case
from rnn_jax.verify.subject import Recording, Setting, Subject, Values, evaluate_gradients, evaluate_loss, mark, record
from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.places import NOWHERE, Place
from rnn_jax.verify.trace.recorder import Recorder, ids_of, recording
from rnn_jax.verify.trace.tape import Constant
from rnn_jax.verify.unset import NUMBERS

UNSET = "the loss reads memory of np.empty that nothing has set: it held fixed numbers for this check"


@on_cpu()  # where NumPy computes; a GPU would wait for most of so many small operations
def check(
    subject: Subject,
    *,
    program: str = "",
    points: int = 2,
    seed: int = 0,
    dtype: str | None = None,
    declared: Declared | None = None,
    vary: str | None = None,
    cell: str | None = None,
    gain: float = 1.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda text: None,
    command: str = "",
    depth: Depth = Depth(),  # noqa: B008 (frozen)
    on_case: Callable[[Case], None] = lambda case: None,
) -> CheckReport:
    """Judge every gradient at the program's own values and at `points` fresh random ones.

    depth: how far to look for line, cause and fix of what is wrong. on_case: is given the smallest wrong case.
    warn: is told how long it takes where that is long.

    Raises InputError for what cannot be run or recorded.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    own = {name: np.array(array) for name, array in subject.parameters().items()}
    dtype = dtype or ("float32" if all(v.dtype == np.float32 for v in own.values()) else "float64")
    require(dtype in BLIND, f"--dtype {dtype!r} is not float64 or float32")
    notes: list[str] = []
    first = first_recording(subject, notes)
    beforehand(time.perf_counter() - start, points, bool(depth.blame), warn)
    over = lengths.sequences(subject, vary)
    bench = Bench(subject, dtype, needs_loss_first(subject, own), declared or Declared(), rng)
    made = judged(bench, list(places(subject, own, points, gain, rng, notes)), own, notes, progress)
    notes += remarks(bench, made)
    notes += another_loss(subject, first)
    if cell is not None:
        notes.append(standard.compare(made[-1].truth.recording, cell))
    made = also_short(bench, tested_somewhere(made), over)
    why = explain(made)
    made = penalty_apart(made, why)
    parameters = tuple(parameter_of(name, array, made) for name, array in own.items())
    progress(points + 1, points + 2)
    told = tuple(findings(bench, made, parameters, why, over, own, depth, on_case))
    if UNSET in notes:  # it is rather the loss that has to change
        told = tuple(replace(finding, fix=None) for finding in told)
    return CheckReport(
        program=program,
        parameters=parameters,
        findings=told,
        sources=sources_of(subject, told),
        notes=tuple(notes + untold(parameters)),
        points=tuple(each.point for each in made),
        loss=first.loss,
        operations=len(first.recorder.tape.nodes),
        dtype=dtype,
        seed=seed,
        tolerance=TOLERANCE,
        declared=str(bench.declared),
        command=command,
        versions={"rnn_jax": __version__} | {name: version(name) for name in ("jax", "numpy")},
        seconds={"total": time.perf_counter() - start},
    )


def also_short(bench: Bench, made: list[Judgement], over: dict[str, int]) -> list[Judgement]:
    """The judgements, and where nothing is wrong yet that of shorter inputs if something is wrong there."""
    if any(failing(each) or each.doubt for each in made):
        return made
    short = lengths.wrong_when_short(bench, made[-1], over)
    return [*made, short] if failing(short) else made


def parameter_of(name: str, array: np.ndarray, made: list[Judgement]) -> Parameter:
    """What was found of one parameter at all points."""
    return Parameter(
        name, array.shape, tuple((each.point, each.compared[name]) for each in made), *worst_of(made, name)
    )


def worst_of(made: list[Judgement], name: str) -> tuple[np.ndarray, np.ndarray]:
    """A gradient by hand and by JAX, at the first point where it is wrong."""
    there = next((each for each in made if name in failing(each)), made[0])
    return there.manual[name], there.wanted[name]


def judged(
    bench: Bench,
    settings: list[tuple[str, Setting]],
    own: Values,
    notes: list[str],
    progress: Callable[[int, int], None],
) -> list[Judgement]:
    """The judgement at each point where the loss is a number. Raises InputError where it is one nowhere."""
    made = []
    for number, (point, setting) in enumerate(settings):
        progress(number, len(settings) + 1)
        there = judge(bench, point, setting, own)
        loss = there.truth.recording.loss
        if math.isfinite(loss):
            made.append(there)
            notes += [note for note in there.notes if note not in notes]
        else:
            notes.append(f"{point} was left out: the loss is {loss} there")
    require(bool(made), f"the loss is {loss} at every point; other values of the parameters would be right")
    return made


def places(
    subject: Subject, own: Values, points: int, gain: float, rng: np.random.Generator, notes: list[str]
) -> Iterator[tuple[str, Setting]]:
    """The points to judge at: the program's own values, then random ones."""
    yield "own values", Setting()
    zero = fresh_inputs(subject) if points else {}
    if zero:
        notes.append(f"{', '.join(zero)}: 0 in the program, random at the random points")
    for k in range(points):
        inputs = {name: (0.5 * rng.normal(size=v.shape)).astype(v.dtype) for name, v in zero.items()}
        yield f"random {k + 1}", Setting(fresh_values(own, rng, k, gain), inputs)


def first_recording(subject: Subject, notes: list[str]) -> Recording:
    """The loss as the program has it, recorded; where it hangs on nothing, with the code at the file's top level."""
    twice = [evaluate_loss(subject, Setting()) for _ in range(2)]  # what fails here is the program's own mistake
    require(
        twice[0] == twice[1] or not math.isfinite(twice[0]),
        f"the loss is {twice[0]:.12g} and then {twice[1]:.12g} at the same parameters: chance in it has to be seeded",
    )
    if evaluate_loss(subject, Setting(), NUMBERS[::-1]) != twice[0] and math.isfinite(twice[0]):
        notes.append(UNSET)
    made = record(subject, Setting())
    if isinstance(subject, FileSubject) and (isinstance(made.output, Constant) or subject.gradients_are_left_over()):
        subject.inline()
        again = record(subject, Setting())
        if not isinstance(again.output, Constant):
            notes.append("the file computes at its top level: those statements run again at every point")
            return again
    if isinstance(made.output, Constant):
        left = ", ".join(dict.fromkeys(f"{place} ({what})" for what, place in made.recorder.tape.exits))
        raise InputError(
            f"the loss does not depend on {', '.join(subject.names)}"
            + (
                f": its numbers left the recording at {left}"
                if left
                else ": is it computed from them, or from copies, or rounded?"
            )
        )
    return made


def needs_loss_first(subject: Subject, own: Values) -> bool:
    """Whether the gradients are to be asked for after the loss, as where they use what the forward kept."""
    setting = Setting({name: v * 1.01 + 0.001 for name, v in own.items()})
    try:
        alone = evaluate_gradients(subject, setting, loss_first=False)
    except InputError:
        return True
    except Exception:
        return True
    after = evaluate_gradients(subject, setting, loss_first=True)
    if all(np.array_equal(alone[n], after[n], equal_nan=True) for n in own):
        return False
    # They differ: either the gradients alone used a forward of before, or the loss before them left something behind.
    right = truth.differentiate(record(subject, setting))
    off = [sum(norm(g[n] - right[n]) / (norm(right[n]) or 1.0) for n in own) for g in (alone, after)]
    return not off[0] < off[1]


def tested_somewhere(made: list[Judgement]) -> list[Judgement]:
    """UNDECIDED for all where the recording could be tested at no point. One point is enough: it is one program."""
    if any(each.sound for each in made) or any(each.doubt for each in made):
        return made
    doubt = "the loss is too rough or too flat for its slope to be measured"
    return [replace(each, compared=undecided(each, doubt), doubt=doubt) for each in made]


def undecided(made: Judgement, note: str) -> dict[str, Comparison]:
    """Every verdict withdrawn."""
    return {name: replace(c, verdict=Verdict.UNDECIDED, note=note) for name, c in made.compared.items()}


def penalty_apart(made: list[Judgement], why: Explanation | None) -> list[Judgement]:
    """A penalty's gradient whose loss is reported apart is no fault, nor proven right: UNDECIDED."""
    if why is None or why.kind != "penalty" or "does not hold" not in why.words:
        return made
    return [
        replace(each, compared=each.compared | {n: undecided(each, why.words)[n] for n in failing(each)})
        for each in made
    ]


def untold(parameters: tuple[Parameter, ...]) -> list[str]:
    """What was not tested."""
    zero = [p.name for p in parameters if all(c.zero for _, c in p.comparisons)]
    return [f"the gradient of {', '.join(zero)} is 0 at every point: little was tested there"] if zero else []


def findings(
    bench: Bench,
    made: list[Judgement],
    parameters: tuple[Parameter, ...],
    why: Explanation | None,
    over: dict[str, int],
    own: Values,
    depth: Depth,
    on_case: Callable[[Case], None],
) -> list[Finding]:
    """What is wrong or in doubt, the root first."""
    doubts = [each for each in made if each.doubt]
    if doubts:
        return [left_the_tape(bench.subject, doubts[0])]
    wrong = tuple(p.name for p in parameters if p.verdict is Verdict.FAIL)
    if why is not None and why.kind == "penalty" and not wrong:
        return [Finding("penalty", why.words + " Add it to --loss to have it checked.", details=())]
    if not wrong:
        return []
    made_out = accuse(bench, made, own, wrong, why, over, depth, on_case)
    if made_out[0].line is None:
        file, line = subject_place(bench.subject, computed_at(bench, wrong))
        made_out[0] = replace(made_out[0], file=file, line=line)
    return made_out


def sources_of(subject: Subject, told: tuple[Finding, ...]) -> dict[str, tuple[str, ...]]:
    """The lines of each file, or cell of a notebook, that a finding names."""
    named = {finding.file for finding in told} | {each.file for finding in told for each in finding.suspects}
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(named - {""}):
        path, _, cell = name.partition(", cell ")
        if cell and isinstance(subject, FileSubject):
            lines = zip(subject.program.source.splitlines(), subject.program.lines_of, strict=True)
            found[name] = tuple(line for line, (number, _) in lines if number == int(cell))
        else:
            found[name] = tuple(line.rstrip("\r\n") for line in linecache.getlines(os.path.abspath(path)))
    return found


def subject_place(subject: Subject, place: Place) -> tuple[str, int | None]:
    """The file as the user named it, and the line; of a notebook the cell and the line in it."""
    if not place.line:
        return "", None
    return subject.program.locate(place.file, place.line) if isinstance(subject, FileSubject) else place[:2]


def left_the_tape(subject: Subject, made: Judgement) -> Finding:
    """Where numbers went that the recording lost."""
    if made.beside:
        message = (
            f"the loss itself sides with the gradient by hand ({made.point}): a kink, or a fault of ours; not judged"
        )
        return Finding("doubt", message, details=(made.doubt,))
    exits = list(dict.fromkeys(made.truth.recording.recorder.tape.exits))
    where = ", ".join(f"{place} ({what})" for what, place in exits[:5]) or "a place that the recorder did not see"
    place = exits[0][1] if exits else NOWHERE
    message = f"numbers left the recording at {where}: nobody is accused; keep them in NumPy's arrays and functions"
    return Finding("tape", message, *subject_place(subject, place), (), (made.doubt,))


def computed_at(bench: Bench, names: tuple[str, ...]) -> Place:
    """The line that computed the first wrong gradient last; where it is a constant, the last line of the backward."""
    subject, recorder = bench.subject, Recorder()
    try:
        with subject.world.recorded(), recording(recorder):
            mark(subject, recorder, Setting())
            subject.prepare(Setting())
            if bench.loss_first:
                subject.evaluate_loss()
            before = {name: dispatch.lifted(array).copy() for name, array in subject.parameters().items()}
            raw = subject.evaluate_gradients(before)
            updated = isinstance(subject, FileSubject) and subject.update is not None
            found = subject.parameters() if updated else matched(raw, before)
            ids = [ids_of(found[name]) for name in names]
    except Exception:  # it ran without the recorder; the report does without a line
        return NOWHERE
    nodes = [node for node in recorder.tape.nodes if node.place.line and node.op not in ("input", "constant")]
    for last in ids:
        mine = [] if last is None else [node for node in nodes if node.start <= last.max(initial=-1)]
        if mine and (last is not None and last.max(initial=-1) < mine[-1].where.stop):
            return mine[-1].place
    return nodes[-1].place if nodes else NOWHERE
