"""What is said of a program whose gradients are wrong: for each fault the place, the cause, and what mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rnn_jax.verify import lengths
from rnn_jax.verify.blame import Blamed, blame
from rnn_jax.verify.check_report import Diagnosis, Finding
from rnn_jax.verify.damage.kinds import KINDS
from rnn_jax.verify.diagnose import diagnose
from rnn_jax.verify.explain import Explanation
from rnn_jax.verify.judge import Bench, Judgement, failing
from rnn_jax.verify.shrink import Case, smallest
from rnn_jax.verify.subject import Values


@dataclass(frozen=True)
class Depth:
    """How far a report goes, in seconds: for the line and its mending, and for the smallest case. 0 leaves it out."""

    blame: float = 8.0
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
    said = lengths.sentences(lengths.sweep(bench, worst, over), wrong, over) if telling else []
    if why is not None and why.declaration:
        said.insert(0, f"if that is meant: {why.declaration}")
    said += [f"it {note}" for note in again]
    found: tuple[Diagnosis, ...] = ()
    blamed: list[Blamed] = []
    case: Case | None = None
    # The verdict stands. What goes wrong in explaining it must not take it away.
    for part in ("cause", "line", "smallest case"):
        try:
            if part == "cause" and depth.blame:
                found = diagnose(made)
            elif part == "line" and depth.blame:
                blamed = blame(bench, made, own, over, depth.blame)
            elif part == "smallest case" and depth.shrink:
                case = smallest(bench, worst, wrong, over, depth.shrink)
        except Exception as error:
            if depth.strict:
                raise
            said.append(f"the search for the {part} failed ({type(error).__name__}: {error}); please report it")
    blamed = blamed or [Blamed(wrong, ())]
    if case is not None:
        on_case(case)
    findings = [finding(each, found if len(blamed) == 1 else (), wrong) for each in blamed]
    findings[0] = replace(findings[0], details=tuple(said), smallest=case.smallest if case else None)
    return findings


def finding(blamed: Blamed, found: tuple[Diagnosis, ...], wrong: tuple[str, ...]) -> Finding:
    """One fault in a report."""
    diagnosis = found[0] if found else None
    if diagnosis is not None and (diagnosis.kind, blamed.kind) in NO_FIX:
        # It may be meant so, or it is the forward that lacks something: no edit of the backward is offered.
        blamed = replace(blamed, fix=None, kind=diagnosis.kind)
    kind = blamed.kind if blamed.kind in KINDS else ""
    if diagnosis is not None and not kind:
        kind = diagnosis.kind
    elif diagnosis is not None and diagnosis.kind != kind:
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
