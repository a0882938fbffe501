"""The tables of the benchmark, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mutation.edit import KINDS
from mutation.measure import Outcome, RightOutcome

PEERS = {"check_grads": "`jax.test_util.check_grads`", "gradcheck": "`torch.autograd.gradcheck`"}


def percent(values: Iterable[bool]) -> str:
    """How many hold, of a hundred; never rounded up to all of them."""
    found = list(values)
    if not found:
        return "·"
    share = 100 * sum(found) / len(found)
    return f"{share:.0f}" if round(share) < 100 or all(found) else f"{share:.1f}"


def seconds(values: Sequence[float], quantile: float) -> str:
    """A quantile of times."""
    return f"{np.quantile(values, quantile):.2f}" if len(values) else "·"


def first(outcome: Outcome, among: int) -> bool:
    """Whether the place of a single mistake is among the first suspects."""
    return bool(outcome.ranks) and outcome.ranks[0] is not None and outcome.ranks[0] < among


def cells(outcomes: list[Outcome]) -> str:
    """The figures of some mutants."""
    known = [o for o in outcomes if o.edits[0]["mistake"] is not None]
    return " | ".join(
        [
            f"{len(outcomes)}",
            percent(o.detected for o in outcomes),
            percent(first(o, 1) for o in outcomes),
            percent(first(o, 3) for o in outcomes),
            f"{percent(bool(o.kind_right) for o in known)} ({len(known)})" if known else "·",
            percent(o.fix == "right" for o in outcomes),
        ]
    )


def singles(outcomes: list[Outcome]) -> list[str]:
    """One row for each kind of edit, and one for all."""
    lines = [
        "| edit | n | detected | line first | among three | kind right (of known) | fix |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        some = [o for o in outcomes if o.kind == kind]
        if some:
            lines.append(f"| {kind} | {cells(some)} |")
    return [*lines, f"| all | {cells(outcomes)} |"]


def checkers(outcomes: list[Outcome], rights: list[RightOutcome]) -> list[str]:
    """One row for each checker, on the same mutants and on the right programs."""
    lines = [
        "| checker | detected | right programs accused | line, kind and fix | median s | 95% s |",
        "|---|---|---|---|---|---|",
    ]
    times = [o.seconds for o in outcomes]
    wrong = {o.base for o in rights if o.gradients["fail"]}
    said = f"{len(wrong)} of {len({o.base for o in rights})}" if rights else "·"
    lines.append(
        f"| `rnn-jax check` | {percent(o.detected for o in outcomes)} | {said} | yes | {seconds(times, 0.5)} "
        f"| {seconds(times, 0.95)} |"
    )
    for name, title in PEERS.items():
        asked = [o.peers[name] for o in outcomes if name in o.peers]
        if not asked:
            continue
        right = [o.peers[name][0] for o in rights if name in o.peers]
        said = f"{sum(found is not False for found in right)} of {len(right)}" if right else "·"
        spent = [s for _, s in asked]
        lines.append(
            f"| {title} | {percent(found is True for found, _ in asked)} | {said} | no | {seconds(spent, 0.5)} "
            f"| {seconds(spent, 0.95)} |"
        )
    return lines


def pairs(outcomes: list[Outcome]) -> list[str]:
    """Programs with two mistakes: whether the first two places are theirs."""
    lines = [
        "| pairs | detected | both lines | both among three | one line at least | fix |",
        "|---|---|---|---|---|---|",
    ]

    def named(outcome: Outcome, among: int) -> int:
        return sum(rank is not None and rank < among for rank in outcome.ranks)

    found = [
        percent(o.detected for o in outcomes),
        percent(named(o, 2) == 2 for o in outcomes),
        percent(named(o, 3) == 2 for o in outcomes),
        percent(named(o, 2) > 0 for o in outcomes),
        percent(o.fix == "right" for o in outcomes),
    ]
    return [*lines, f"| {len(outcomes)} | {' | '.join(found)} |"]


def rights(outcomes: list[RightOutcome]) -> list[str]:
    """The right programs at random points."""
    lines = ["| right programs | points | gradients | fail | undecided | fixes offered |", "|---|---|---|---|---|---|"]
    counts = [sum(o.gradients[word] for o in outcomes) for word in ("pass", "fail", "undecided")]
    points = sum(o.points for o in outcomes)
    offered = sum(o.offered for o in outcomes)
    programs = len({o.base for o in outcomes})
    row = f"| {programs} | {points:,} | {sum(counts):,} | {counts[1]:,} | {counts[2]:,} | {offered} |"
    return [*lines, row]


def remarks(outcomes: list[Outcome]) -> list[str]:
    """What must not happen, counted and named."""
    false_fixes = [o for o in outcomes if o.fix not in ("", "right")]
    false_claims = [o for o in outcomes if o.false_claim]
    errors = [o for o in outcomes if o.error]
    escaped = [o for o in outcomes if not o.detected and not o.error]
    lines = [
        f"Not detected: {len(escaped)}; fixes offered that are none: {len(false_fixes)}; kinds reproduced that "
        f"contradict the edit: {len(false_claims)}; reports that failed: {len(errors)}."
    ]
    lines += [f"- {o.id}: not detected, {o.verdict}" for o in escaped]
    lines += [f"- {o.id}: the fix {o.fix}" for o in false_fixes]
    lines += [f"- {o.id}: {o.edits[0]['mistake']}, but reproduced as {o.reproduced}" for o in false_claims]
    return lines + [f"- {o.id}: {o.error}" for o in errors]
