"""Anyone's gradients against JAX's of their own loss: the whole of `rnn-jax check`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from rnn_jax._version import __version__
from rnn_jax.errors import InputError, require
from rnn_jax.verify import soundness
from rnn_jax.verify.adjoints import Jitter, Ties, value_and_adjoints
from rnn_jax.verify.check_report import CheckReport, Finding, Parameter
from rnn_jax.verify.compare import BLIND, TOLERANCE, compare
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.fresh import fresh_inputs, fresh_values
from rnn_jax.verify.noise import norm
from rnn_jax.verify.report import Comparison, Verdict
from rnn_jax.verify.subject import (
    Calls,
    FileSubject,
    Recording,
    Setting,
    Subject,
    Values,
    evaluate_gradients,
    evaluate_loss,
    evaluate_twice,
    mark,
    once,
    record,
)
from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.recorder import Recorder, RecordingError, recording
from rnn_jax.verify.trace.tape import Constant

DRAWS = 3


@dataclass(frozen=True)
class Truth:
    """JAX's gradients at a point, the rounding noise of each, and what is known of the recording."""

    recording: Recording
    gradients: Values
    noise: dict[str, float]
    kinks: tuple[str, ...]
    others: tuple[Values, ...]  # the gradients where ties at kinks are broken the other ways


@dataclass
class Findings:
    """What a check gathers on its way."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Each once."""
        if text not in self.notes:
            self.notes.append(text)


def check(
    subject: Subject,
    *,
    program: str = "",
    points: int = 2,
    seed: int = 0,
    dtype: str | None = None,
    declared: Declared | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    command: str = "",
) -> CheckReport:
    """Judge every gradient at the program's own values and at `points` fresh random ones.

    Raises InputError for what cannot be run or recorded.
    """
    start = time.perf_counter()
    declared = declared or Declared()
    own = {name: np.array(array) for name, array in subject.parameters().items()}
    dtype = dtype or ("float32" if all(v.dtype == np.float32 for v in own.values()) else "float64")
    require(dtype in BLIND, f"--dtype {dtype!r} is not float64 or float32")
    gathered = Findings()
    first = first_recording(subject, gathered)
    loss_first = needs_loss_first(subject, own, first, seed)
    rng = np.random.default_rng(seed)
    settings = [("own values", Setting())]
    inputs = fresh_inputs(subject)
    if inputs:
        gathered.note(f"{', '.join(inputs)}: zero in the program, random at the random points")
    for k in range(points):
        setting = Setting(fresh_values(own, rng, k), inputs_at(inputs, rng))
        settings += [(f"random {k + 1}", setting)]
    compared: dict[str, list[tuple[str, Comparison]]] = {name: [] for name in own}
    used, verified = [], False
    for number, (point, setting) in enumerate(settings):
        progress(number, len(settings))
        judged = judge(subject, setting, own, point, dtype, loss_first, declared, gathered, rng, verified)
        if judged is None:
            continue
        verified = True
        used.append(point)
        for name, comparison in judged.items():
            compared[name].append((point, comparison))
    require(bool(used), "the loss is not finite at any point; give the program other values")
    parameters = tuple(Parameter(name, own[name].shape, tuple(compared[name])) for name in own)
    findings = (*gathered.findings, *wrong(parameters, subject, gathered))
    return CheckReport(
        program=program,
        parameters=parameters,
        findings=findings,
        notes=tuple(gathered.notes),
        points=tuple(used),
        loss=first.loss,
        operations=len(first.recorder.tape.nodes),
        dtype=dtype,
        seed=seed,
        tolerance=TOLERANCE,
        declared=str(declared),
        command=command,
        versions={"rnn_jax": __version__} | {name: version(name) for name in ("jax", "numpy")},
        seconds={"total": time.perf_counter() - start},
    )


def inputs_at(inputs: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, Any]:
    """Random numbers for inputs that were zero."""
    return {name: (0.5 * rng.normal(size=v.shape)).astype(v.dtype) for name, v in inputs.items()}


def first_recording(subject: Subject, gathered: Findings) -> Recording:
    """The loss as the program has it, recorded; where it hangs on nothing, with the code at the file's top level."""
    made = record(subject, Setting())
    if isinstance(made.output, Constant) and isinstance(subject, FileSubject):
        subject.inline()
        again = record(subject, Setting())
        if not isinstance(again.output, Constant):
            gathered.note("the loss is computed at the file's top level: those statements are run at every point")
            return again
        made = again
    if isinstance(made.output, Constant):
        left = ", ".join(dict.fromkeys(f"{place} ({what})" for what, place in made.recorder.tape.exits))
        raise InputError(
            f"the loss does not depend on {', '.join(subject.names)}"
            + (f": its numbers left the recording at {left}" if left else ": is it computed from them, or from copies?")
        )
    return made


def needs_loss_first(subject: Subject, own: Values, first: Recording, seed: int) -> bool:
    """Whether the gradients are to be asked for after the loss, as where they use what the forward kept."""
    setting = Setting({name: v * 1.01 for name, v in own.items()})
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
    made = record(subject, setting)
    truth = gradients_of(made, value_and_adjoints(made.recorder.tape, made.output))
    off = [sum(norm(g[n] - truth[n]) / (norm(truth[n]) or 1.0) for n in own) for g in (alone, after)]
    return not off[0] < off[1]


def gradients_of(made: Recording, adjoint: np.ndarray) -> Values:
    """The parameters' part of all adjoints."""
    # A parameter that no operation reads has ids as well; the vector covers them all.
    return {name: adjoint[ids] for name, ids in made.ids.items()}


def true_gradients(subject: Subject, setting: Setting, rng: np.random.Generator, declared: Declared) -> Truth:
    """JAX's gradients of the recorded loss and their noise, on the program's own trajectory."""
    made = record(subject, setting)
    tape = made.recorder.tape

    def differentiate(jitter: Jitter | None = None, tie: float = Ties.HALF) -> Values:
        return declared.truth(made, jitter, tie)

    gradients = differentiate()
    # float32 anywhere in a float64 program is a fault to be found, not a noise to be allowed.
    eps = max(float(np.finfo(array.dtype).eps) for array in subject.parameters().values())
    noise = {name: eps * norm(g) for name, g in gradients.items()}
    for _ in range(DRAWS):
        moved = differentiate(Jitter(rng, eps))
        noise = {name: max(level, norm(moved[name] - gradients[name])) for name, level in noise.items()}
    kinks = tuple(dict.fromkeys(kinks_of(tape)))
    others = tuple(differentiate(tie=tie) for tie in (Ties.FIRST, Ties.SECOND)) if kinks else ()
    return Truth(made, gradients, noise, kinks, others)


def kinks_of(tape: Any) -> list[str]:
    """Where maximum, minimum or clip has two equal operands of which at least one is on the tape."""
    found = []
    for node in tape.nodes:
        if node.op in ("maximum", "minimum", "fmax", "fmin", "clip"):
            first, *rest = (np.broadcast_to(tape.recall(o), node.shape) for o in node.operands)
            if any(np.any(first == other) for other in rest):
                found.append(f"{node.place}: {node.op} of two equal numbers, a kink")
    return found


def judge(
    subject: Subject,
    setting: Setting,
    own: Values,
    point: str,
    dtype: str,
    loss_first: bool,
    declared: Declared,
    gathered: Findings,
    rng: np.random.Generator,
    verified: bool,
) -> dict[str, Comparison] | None:
    """The verdict on every gradient at one point; None where the loss is not finite there."""
    truth = true_gradients(subject, setting, rng, declared)
    if not math.isfinite(truth.recording.loss):
        require(point != "own values", f"the loss is {truth.recording.loss} at the program's own values")
        gathered.note(f"{point} was left out: the loss is {truth.recording.loss} there")
        return None
    values = {name: setting.parameters.get(name, array) for name, array in own.items()}
    calls = evaluate_twice(subject, setting, loss_first)
    manual = {name: declared.undo(g) for name, g in calls.first.items()}
    compared = compare_all(manual, truth, dtype, declared, values)
    if any(c.verdict is Verdict.FAIL for c in compared.values()):
        compared = second_thoughts(subject, setting, manual, truth, compared, dtype, loss_first, declared, rng, values)
    else:
        compared = second_call(calls, compared, truth, declared, gathered)
    doubts = doubted(subject, setting, values, truth, rng, declared)
    if doubts.told:
        report_exits(truth, doubts.told, gathered)
        compared = {n: replace(c, verdict=Verdict.UNDECIDED, note=IN_DOUBT) for n, c in compared.items()}
    for kink in truth.kinks:
        gathered.note(f"{kink} ({point}): its derivative there is a convention; either side is accepted")
    return compared


def second_call(
    calls: Calls, compared: dict[str, Comparison], truth: Truth, declared: Declared, gathered: Findings
) -> dict[str, Comparison]:
    """FAIL for gradients that are right at the first call and others at the second, though the loss is the same."""
    if calls.moved or declared.lr is not None:
        return compared
    first, second = calls.losses
    if first is not None and second is not None and abs(second - first) > 1e-9 * abs(first):
        gathered.note(
            f"the loss is {first:.9g} at the first call and {second:.9g} at the second: it carries state along"
        )
        return compared
    found = {}
    for name, c in compared.items():
        change = norm(calls.second[name] - calls.first[name])
        leak = not change <= TOLERANCE * truth.noise[name]
        note = (
            f"is right at the first call, off by {change / (c.norm or 1):.1e} at the second: is it set to zero before?"
        )
        found[name] = replace(c, verdict=Verdict.FAIL, error=change / (c.norm or 1), note=note) if leak else c
    return found


IN_DOUBT = "was not judged: the recording does not tell all of the program"


def compare_all(manual: Values, truth: Truth, dtype: str, declared: Declared, values: Values) -> dict[str, Comparison]:
    """Each gradient against JAX's; at kinks against the nearest of the one-sided ones."""
    best: dict[str, Comparison] | None = None
    for gradients in (truth.gradients, *truth.others):
        gradients = declared.apply(gradients)
        reach = max((norm(g) for g in gradients.values()), default=0.0)
        compared = {}
        for name, by_hand in manual.items():
            noise = truth.noise[name] + declared.update_noise(values[name])
            compared[name] = compare(name, by_hand.astype(float), gradients[name], noise, dtype, reach)
        if best is None or sum(c.multiple > TOLERANCE for c in compared.values()) < sum(
            c.multiple > TOLERANCE for c in best.values()
        ):
            best = compared
    assert best is not None
    return best


def second_thoughts(
    subject: Subject,
    setting: Setting,
    manual: Values,
    truth: Truth,
    compared: dict[str, Comparison],
    dtype: str,
    loss_first: bool,
    declared: Declared,
    rng: np.random.Generator,
    values: Values,
) -> dict[str, Comparison]:
    """Before anyone is accused: what rounding does to the hand-written gradients themselves, every operation shaken."""
    noise = dict(truth.noise)
    for _ in range(DRAWS):
        shaken = shaken_gradients(subject, setting, loss_first, rng, values)
        for name, array in shaken.items():
            change = norm(declared.undo(array) - manual[name])
            noise[name] = max(noise[name], change if math.isfinite(change) else 0.0)
    return compare_all(manual, replace(truth, noise=noise), dtype, declared, values)


def shaken_gradients(
    subject: Subject, setting: Setting, loss_first: bool, rng: np.random.Generator, values: Values
) -> Values:
    """The hand-written gradients with every result off by one eps; where that cannot be recorded, the parameters."""
    eps = max(float(np.finfo(v.dtype).eps) for v in values.values())
    try:
        with subject.world.recorded(), recording(Recorder(rng, eps)):
            mark(subject, Recorder(), setting, tracked=False)
            subject.prepare(Setting(inputs={k: dispatch.wrap_all(v) for k, v in setting.inputs.items()}))
            found, _ = once(subject, loss_first)
            return {name: np.array(array) for name, array in found.items()}
    except RecordingError:
        moved = {n: (v * (1 + eps * rng.choice([-1.0, 1.0], v.shape))).astype(v.dtype) for n, v in values.items()}
        return evaluate_gradients(subject, replace(setting, parameters=moved), loss_first)


def doubted(
    subject: Subject, setting: Setting, values: Values, truth: Truth, rng: np.random.Generator, declared: Declared
) -> soundness.Sound:
    """Whether the program itself contradicts the recording."""
    full = (
        truth.gradients
        if not declared.truncate
        else gradients_of(truth.recording, value_and_adjoints(truth.recording.recorder.tape, truth.recording.output))
    )
    return soundness.test(subject, truth.recording, setting, values, full, rng)


def report_exits(truth: Truth, told: str, gathered: Findings) -> None:
    """Name where values left the tape."""
    exits = list(dict.fromkeys(truth.recording.recorder.tape.exits))
    where = ", ".join(f"{place} ({what})" for what, place in exits[:5]) or "a place the recorder did not see"
    first = exits[0][1] if exits else None
    finding = Finding(
        "tape",
        f"numbers left the recording at {where}, so nobody is accused; keep them in NumPy arrays",
        first.file if first else "",
        first.line if first else None,
        details=(told,),
    )
    if not any(f.kind == "tape" for f in gathered.findings):
        gathered.findings.append(finding)


def wrong(parameters: tuple[Parameter, ...], subject: Subject, gathered: Findings) -> list[Finding]:
    """One finding for what is wrong, scale and sign told apart."""
    failed = [p for p in parameters if p.verdict is Verdict.FAIL]
    if not failed:
        return []
    factors = {p.name: p.worst[1].factor for p in failed}
    names = tuple(p.name for p in failed)
    common = set(factors.values())
    if None not in common and max(common) - min(common) <= 1e-9 * abs(max(common)):  # type: ignore[type-var, operator, arg-type]
        factor = next(iter(common))
        kind = "sign" if factor == -1 else "scale"
        return [Finding(kind, f"right but for a factor of {factor:.9g}", parameters=names)]
    return [Finding("gradient", f"the gradient of {', '.join(names)} is wrong", parameters=names)]


__all__ = ["check", "evaluate_loss"]
