"""One mutant through `rnn-jax check` and its peers: what was found, and whether it is so."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from mutation.base import Base, same_loss
from mutation.edit import Edit, Mutant
from mutation.faults import accepts
from mutation.peers import asked, peers
from rnn_jax.errors import InputError
from rnn_jax.verify.check_report import CheckReport, Finding, Fix, Suspect
from rnn_jax.verify.report import Verdict

PLACES = 3  # how many suspects count


@dataclass
class Outcome:
    """What came of one mutant, or of one pair."""

    id: str
    base: str
    edits: list[dict[str, Any]]
    verdict: str = "error"
    error: str = ""
    ranks: list[int | None] = field(default_factory=list)  # for each edit, the suspect that names it, from 0
    named: str = ""  # the kind in the report
    kind_right: bool | None = None
    reproduced: str = ""  # the kind that the report claims to reproduce the numbers
    false_claim: bool = False
    fix: str = ""  # "right", or why it is not
    fix_diff: str = ""
    seconds: float = 0.0
    peers: dict[str, tuple[bool | None, float]] = field(default_factory=dict)

    @property
    def detected(self) -> bool:
        """Whether a gradient was called wrong."""
        return self.verdict == "fail"

    @property
    def kind(self) -> str:
        """The kind of the edit."""
        return self.edits[0]["kind"] if len(self.edits) == 1 else "pair"


def measured(base: Base, mutant: Mutant, seed: int, with_peers: bool) -> Outcome:
    """Check one mutant."""
    outcome = Outcome(mutant.id, mutant.base, [asdict(edit) for edit in mutant.edits])
    start = time.perf_counter()
    with base.written(mutant.source) as file:
        try:
            report = base.check(file, seed)
            outcome.seconds = time.perf_counter() - start
        except Exception as error:  # a fault of ours is counted, and the others are still measured
            outcome.error = f"{type(error).__name__}: {error}"
        else:
            score(outcome, mutant, report, file.name)
            outcome.fix, outcome.fix_diff = tried(base, mutant, report, seed)
    for name, ask in (peers() if with_peers else {}).items():
        outcome.peers[name] = asked(base, mutant.source, ask)
    return outcome


def score(outcome: Outcome, mutant: Mutant, report: CheckReport, file: str) -> None:
    """What the report says of place and kind."""
    outcome.verdict = str(report.verdict)
    if not report.findings:
        return
    root = report.findings[0]
    outcome.error = next((said for said in root.details if "please report it" in said), "")
    suspects = named_places(report.findings, len(mutant.edits))
    outcome.ranks = [rank(edit, suspects, root.fix, file) for edit in mutant.edits]
    outcome.named = root.kind
    if len(mutant.edits) > 1:
        return
    mistake = mutant.edits[0].mistake
    outcome.kind_right = accepts(mistake, root.kind)
    if root.diagnosis is not None and root.diagnosis.reproduced:
        outcome.reproduced = root.diagnosis.kind
        outcome.false_claim = accepts(mistake, root.diagnosis.kind) is False


def named_places(findings: tuple[Finding, ...], mistakes: int) -> list[Suspect]:
    """The suspects in order: of one mistake the root's; of two the first of each finding, then the others in turn."""
    if mistakes == 1:
        return list(findings[0].suspects)
    longest = max(len(f.suspects) for f in findings)
    return [f.suspects[k] for k in range(longest) for f in findings if k < len(f.suspects)]


def rank(edit: Edit, suspects: list[Suspect], fix: Fix | None, file: str) -> int | None:
    """The first suspect that names the place of an edit."""
    for number, suspect in enumerate(suspects[:PLACES]):
        if os.path.basename(suspect.file) == file and names(edit, suspect, fix):
            return number
    return None


def names(edit: Edit, suspect: Suspect, fix: Fix | None) -> bool:
    """Whether a suspect is the place of an edit: its statement, or where the dropped one belongs, and what it wrote."""
    if not edit.missing:
        return edit.line <= suspect.line <= edit.end_line
    said = [suspect.expression, suspect.expected, *(fix.after if fix is not None else ())]
    word = rf"(?<![\w.]){re.escape(edit.target)}(?!\w)" if edit.target else ""
    writes = any(re.search(word, text.replace('"', "'")) for text in said)
    return suspect.missing and edit.low <= suspect.line <= edit.high and writes


def tried(base: Base, mutant: Mutant, report: CheckReport, seed: int) -> tuple[str, str]:
    """Whether the fix that is offered makes the program right: at other points, at other sizes, the loss untouched."""
    fix = next((finding.fix for finding in report.findings if finding.fix is not None), None)
    if fix is None:
        return "", ""
    if os.path.basename(fix.file) != base.path.name:
        return "is for another file", fix.diff
    source = mended(mutant.source, fix)
    return (verdict(base, source, seed) if source is not None else "does not fit the source"), fix.diff


def mended(source: str, fix: Fix) -> str | None:
    """The source with a fix made; None where its lines are not those that the fix speaks of."""
    lines = source.splitlines()
    at = fix.line if not fix.before else fix.line - 1
    if tuple(lines[at : at + len(fix.before)]) != tuple(fix.before):
        return None
    return "\n".join([*lines[:at], *fix.after, *lines[at + len(fix.before) :]]) + "\n"


def verdict(base: Base, source: str, seed: int) -> str:
    """What is wrong with a mended program, or "right"."""
    made, right = base.values(source), base.values(base.source)
    if made is None or right is None or not same_loss(made, right):
        return "changes the loss" if made is not None else "does not run"
    with base.written(source) as file:
        for sizes in (False, True) if base.sizes else (False,):
            try:
                again = base.check(file, seed + 1000, points=3, sizes=sizes)
            except InputError as error:
                return f"fails{' at other sizes' * sizes}: {error}"
            if again.verdict is not Verdict.PASS:
                return f"is {again.verdict} {'at other sizes' if sizes else 'at other points'}"
    return "right"


@dataclass
class RightOutcome:
    """A right program at many points."""

    base: str
    points: int
    gradients: Counter[str]
    offered: int  # fixes
    peers: dict[str, tuple[bool | None, float]]
    report: str  # where it is not right


def measured_right(base: Base, points: int, seed: int, with_peers: bool) -> RightOutcome:
    """Check a right program, as it stands."""
    report = base.check(base.path, seed, points)
    counts = Counter(str(c.verdict) for p in report.parameters for _, c in p.comparisons)
    offered = sum(finding.fix is not None for finding in report.findings)
    said = {name: asked(base, base.source, ask) for name, ask in peers().items()} if with_peers else {}
    text = str(report) if report.verdict is not Verdict.PASS or report.findings else ""
    return RightOutcome(base.name, len(report.points), counts, offered, said, text)
