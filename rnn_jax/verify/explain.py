"""What would give exactly the wrong numbers: one factor, a clip, a truncation, a penalty that the loss does not show.

An explanation counts only if it reproduces every wrong gradient to rounding, at every point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_jax.verify.compare import TOLERANCE
from rnn_jax.verify.declared import clipped
from rnn_jax.verify.judge import Judgement, failing
from rnn_jax.verify.noise import norm
from rnn_jax.verify.subject import Values
from rnn_jax.verify.trace.tape import Use
from rnn_jax.verify.truncation import LARGEST, by_age, chunked, prepared, total


@dataclass(frozen=True)
class Explanation:
    """A kind of mistake or intention that reproduces the numbers, in words, and how to declare it."""

    kind: str
    words: str
    declaration: str = ""


def explain(made: list[Judgement]) -> Explanation | None:
    """The first explanation that fits the gradients at all points where any is wrong."""
    wrong = [each for each in made if failing(each)]
    if not wrong or any(each.compared[n].note for each in wrong for n in failing(each)):
        return None
    for attempt in (factor, clip_value, clip_norm, truncation, penalty):
        found = attempt(wrong)
        if found:
            return found
    return None


def fits(made: Judgement, wanted: Values, names: list[str] | None = None) -> bool:
    """Whether the hand-written gradients are these, to rounding."""
    for name in names or list(made.manual):
        size = max(norm(wanted[name]), norm(made.truth.gradients[name]))
        # What is compared with may be larger than the truth, and its rounding with it.
        larger = size / (norm(made.truth.gradients[name]) or 1.0)
        allowed = TOLERANCE * max(1.0, larger) * made.truth.noise[name]
        if not np.isfinite(allowed):  # of a gradient that has run away nothing is told
            return False
        if not norm(made.manual[name] - wanted[name]) <= allowed:
            return False
    return True


def factor(made: list[Judgement]) -> Explanation | None:
    """One number times the right gradients, for all of them at all points, or for those that are wrong."""
    numbers = [each.compared[n].factor for each in made for n in failing(each)]
    known = [number for number in numbers if number is not None]
    alone = [each.manual[n].size < 2 for each in made for n in failing(each)]
    if not known or any(number is None and not lone for number, lone in zip(numbers, alone, strict=True)):
        return None
    number = known[0]
    if not all(abs(other - number) <= 1e-6 * abs(number) for other in known):
        return None
    if not all(fits(e, {n: number * g for n, g in e.wanted.items()}, failing(e)) for e in made):
        return None
    everywhere = all(len(failing(each)) == len(each.manual) for each in made)
    if abs(number + 1) < 1e-6:
        return Explanation("sign", "the negative of the right gradient", "--sign negative" if everywhere else "")
    terms = round(1 / number) if number > 0 else 0
    if terms > 1 and abs(number * terms - 1) < 1e-6:
        return Explanation("scale", f"right but for a division by {terms}", "--scale mean" if everywhere else "")
    return Explanation("scale", f"right but for a factor of {number:.9g}")


def clip_value(made: list[Judgement]) -> Explanation | None:
    """Every entry held within ±C."""
    limit = max(float(np.max(np.abs(g), initial=0.0)) for each in made for g in each.manual.values())
    if limit <= rounding(made) or not all(fits(each, clipped(each.wanted, "value", limit)) for each in made):
        return None
    return Explanation("clip", f"the right gradients clipped at ±{limit:g}", f"--clip value:{limit:g}")


def clip_norm(made: list[Judgement]) -> Explanation | None:
    """All gradients together scaled down to a norm."""
    limits = [norm(np.concatenate([g.ravel() for g in each.manual.values()])) for each in made]
    limit = float(f"{limits[0]:.12g}")
    if limit <= rounding(made) or not all(abs(other - limit) <= 1e-9 * limit for other in limits):
        return None
    if not all(fits(each, clipped(each.wanted, "norm", limit)) for each in made):
        return None
    return Explanation("clip", f"the right gradients scaled to the norm {limit:g}", f"--clip norm:{limit:g}")


def rounding(made: list[Judgement]) -> float:
    """What gradients that are nothing but rounding come to: no limit lies below it."""
    return max(TOLERANCE * noise for each in made for noise in each.truth.noise.values())


def truncation(made: list[Judgement]) -> Explanation | None:
    """Each step's loss reaching so many cells, or chunks of so many."""
    first = made[0]
    clock = prepared(first.truth.recording)[0]
    if clock.cells < 2:
        return None
    nodes = len(first.truth.recording.recorder.tape.nodes)
    longest = min(clock.cells - 1, LONGEST, max(1, int(LARGEST // first.truth.recording.recorder.tape.size)))
    parts = by_age(first.truth.recording, longest + 1)
    for cells in range(1, longest + 1):
        if fits(first, total(parts[:cells])) and same_for_others(made, lambda e, k=cells: total(by_age(e, k))):
            return Explanation(
                "truncation",
                f"each step's loss reaches {cells} cell{'s' * (cells > 1)}, its own included",
                f"--truncate {cells}",
            )
    sizes = range(1, longest + 1)
    if clock.cells * nodes > MOST:
        sizes = [cells for cells in sizes if cells in USUAL]  # type: ignore[assignment]
    for cells in sizes:
        if fits(first, chunked(first.truth.recording, cells)) and same_for_others(
            made, lambda e, k=cells: chunked(e, k)
        ):
            return Explanation("truncation", f"nothing passes between chunks of {cells} steps")
    return None


# How far to look for a truncation that nobody declared: what a report may take, not what is possible.
LONGEST = 100  # cells
MOST = 20_000  # operations in all sweeps over the tape, some two seconds; beyond, chunks of usual sizes alone
USUAL = (2, 4, 5, 8, 10, 16, 20, 25, 32, 40, 50, 64, 100)


def same_for_others(made: list[Judgement], wanted: Callable[..., Values]) -> bool:
    """Whether it reproduces the gradients at the other points as well."""
    return all(fits(each, wanted(each.truth.recording)) for each in made[1:])


def penalised(made: Judgement, name: str) -> bool:
    """Whether the loss holds a product of the parameter with itself alone, as the square in a penalty."""
    recorded = made.truth.recording
    low, high = int(recorded.ids[name].min()), int(recorded.ids[name].max())
    for node in recorded.recorder.tape.nodes:
        uses = [o for o in node.operands if isinstance(o, Use)]
        own = all(o.start >= low and o.start <= high if o.ids is None else within(o.ids, low, high) for o in uses)
        if uses and own and node.op in SQUARES and (len(uses) > 1 or node.op not in ("multiply", "dot", "matmul")):
            return True
    return False


SQUARES = "multiply square power float_power dot vdot inner matmul tensordot einsum linalg.norm absolute".split()


def within(ids: np.ndarray, low: int, high: int) -> bool:
    """Whether all ids lie between two."""
    return bool(ids.min(initial=low) >= low and ids.max(initial=high) <= high)


HEAVIEST = 0.9  # a decay that takes away nearly all of a weight at a rate of 1 is none that anyone means, but a slip


def penalty(made: list[Judgement]) -> Explanation | None:
    """A multiple of the parameter itself on top, the same for all points: the gradient of a penalty."""
    found: dict[str, float] = {}
    for each in made:
        for name in failing(each):
            value, extra = each.values[name].astype(float), each.manual[name] - each.wanted[name]
            size = norm(value) ** 2
            share = float(np.vdot(value, extra)) / size if size and value.size > 1 else 0.0
            rest = norm(extra - share * value)
            eps = float(np.finfo(each.values[name].dtype).eps)
            allowed = TOLERANCE * (each.truth.noise[name] + eps * abs(share) * norm(value))
            if not share or rest > allowed or abs(share - found.setdefault(name, share)) > 1e-6 * abs(share):
                return None
    said = ", ".join(f"{share:+.6g} {name} in d{name}" for name, share in found.items())
    if all(0 < share < HEAVIEST and not penalised(made[0], name) for name, share in found.items()):
        return Explanation("penalty", f"{said}, which the loss does not hold: the gradient of a penalty?")
    return Explanation("penalty", f"{said}: the gradient of a penalty is missing, halved or of the wrong sign")
