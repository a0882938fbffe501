"""What is said of a program whose gradients are wrong: for each fault the place, the cause, and what mends it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from rnn_jax.verify import lengths
from rnn_jax.verify.blame import blame
from rnn_jax.verify.blamed import Blamed
from rnn_jax.verify.check_report import Diagnosis, Finding
from rnn_jax.verify.damage.kinds import FINER, KINDS
from rnn_jax.verify.diagnose import diagnose
from rnn_jax.verify.explain import Explanation
from rnn_jax.verify.judge import Bench, Judgement, failing
from rnn_jax.verify.smallest.shrink import Case, smallest
from rnn_jax.verify.subject import Values

T = TypeVar("T")


@dataclass(frozen=True)
class Depth:
    """How far a report goes, in seconds: for the line and its mending, and for the smallest case. 0 leaves it out."""

    blame: float = 12.0
    shrink: float = 3.0
    strict: bool = False  # whether a fault of ours in them is raised


QUICK = Depth(0, 0)
# Where the numbers are those of the first, an edit of the second kind mends the wrong thing.
NO_FIX = {("truncation", "index-shift"), ("dead-parameter", "double-count"), ("dead-parameter", "never-computed")}


def accuse(
    bench: Bench,
    made: list[Judgement],
    own: Values,
    wrong: tuple[str, ...],
    why: Explanation | None,
    over: dict[str, int],
    depth: Depth,
    on_case: Callable[[Case], None] = lambda case: None,
) -> list[Finding]:
    """The findings, one for each fault; `on_case` is given the smallest case where one is found."""
    worst = next(each for each in made if failing(each))
    again = {c.note for c in worst.compared.values() if c.note}
    telling = (why is None or why.kind == "truncation") and not again
    telling = telling and lengths.runs_over_time(bench, worst, over)
    said = lengths.sentences(lengths.sweep(bench, worst, over), wrong, over) if telling else []
    if why is not None and why.declaration:
        said.insert(0, f"if that is meant: {why.declaration}")
    said += [f"it {note}" for note in again]
    found: tuple[Diagnosis, ...] = ()
    blamed: list[Blamed] = []
    case: Case | None = None
    if depth.blame:
        found = attempted("cause", lambda: diagnose(made, pairs=False), said, depth) or ()
        hints = frozenset(each.kind for each in found if each.reproduced and len(found) == 1)
        hints |= {"never-zeroed"} if again else set()
        broken: list[Exception] = []
        blamed = attempted("line", lambda: blame(bench, made, own, over, depth.blame, hints, broken), said, depth) or []
        for error in broken[:1]:
            failed("line", error, said, depth)
        if not found and not any(each.fix for each in blamed):
            found = attempted("cause", lambda: diagnose(made), said, depth) or ()
    if depth.shrink:
        search = lambda: smallest(bench, worst, wrong, over, depth.shrink)  # noqa: E731
        case = attempted("smallest case", search, said, depth)
    blamed = blamed or [Blamed(wrong, ())]
    if case is not None:
        on_case(case)
    whole = why is not None and bool(why.declaration)
    if whole and len(blamed) > 1:  # one thing was done to all of them: these are no faults of their own
        blamed = [replace(blamed[0], parameters=wrong, fix=blamed[-1].fix)]
    findings = [finding(each, found if len(blamed) == 1 else (), wrong, whole) for each in blamed]
    said += [each.note for each in blamed if each.note]
    if again and not found:
        findings[0] = replace(findings[0], kind="state")
    findings[0] = replace(findings[0], details=tuple(said), smallest=case.smallest if case else None)
    return findings


def attempted(part: str, work: Callable[[], T], said: list[str], depth: Depth) -> T | None:
    """What the work gives. The verdict stands: what goes wrong in explaining it must not take it away."""
    collecting = gc.isenabled()
    gc.disable()  # a pause in the middle of an edited program would be taken for one that does not end
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # edited programs may well divide by zero
            return work()
    except Exception as error:
        failed(part, error, said, depth)
        return None
    finally:
        if collecting:
            gc.enable()


def failed(part: str, error: Exception, said: list[str], depth: Depth) -> None:
    """Say that something went wrong, or raise it."""
    if depth.strict:
        raise error
    said.append(f"the search for the {part} failed ({type(error).__name__}: {error}); please report it")


def finding(blamed: Blamed, found: tuple[Diagnosis, ...], wrong: tuple[str, ...], whole: bool) -> Finding:
    """One fault in a report; `whole`: the diagnosis says what is done to all gradients alike."""
    diagnosis = found[0] if found else None
    if diagnosis is not None and (diagnosis.kind, blamed.kind) in NO_FIX:
        # It may be meant so, or it is the forward that lacks something: no edit of the backward is offered.
        blamed = replace(blamed, fix=None, kind=diagnosis.kind)
    kind = blamed.kind if blamed.kind in KINDS else ""
    if diagnosis is not None:
        finer = diagnosis.reproduced and diagnosis.kind in FINER.get(kind, ())
        # A sum that was never made leaves all uses of a value out.
        finer = finer and (kind, diagnosis.kind) != ("never-computed", "missing-term")
        if not kind or whole or finer or diagnosis.kind == "never-zeroed":
            kind = diagnosis.kind
        elif diagnosis.kind != kind:
            # Two mistakes can leave the same numbers; what mends the code tells which of them was made.
            diagnosis = None
    names = blamed.parameters or wrong
    message = f"the gradient{'s' * (len(names) > 1)} of {', '.join(names)} {'are' if len(names) > 1 else 'is'} wrong"
    if kind in KINDS:
        message += f": {KINDS[kind]}"
    file, line = (blamed.suspects[0].file, blamed.suspects[0].line) if blamed.suspects else ("", None)
    return Finding(
        kind or "gradient", message, file, line, names,
        suspects=blamed.suspects, diagnosis=diagnosis, fix=blamed.fix, curves=blamed.curves,
    )  # fmt: skip
