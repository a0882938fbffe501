"""Mistakes with a number in them that has to be found first: a start that is not zero, a constant, a learning rate.

What is found at one point has to hold at all others as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.damaged import Damage, Rules, damaged
from rnn_jax.verify.damage.edges import Group, bilinear, changed, replaced, times, with_values
from rnn_jax.verify.damage.flows import reach_of, use
from rnn_jax.verify.damage.way import Way, is_leaf, shape_of

LARGEST = 80  # unknown numbers


def unknowns(
    way: Way, groups: list[Group], wrong: list[str], several: bool, late: Callable[[], bool]
) -> Iterator[Damage]:
    """Every damage with an unknown in it, solved for the wrong gradients at this point, until it is late."""
    for name in wrong:
        yield from penalties(way, name)
        yield from sums(way, name, several)
    for group in groups:
        yield from updated(way, group, wrong)
    for group in groups:
        if not late():
            yield from scaled(way, group, wrong)
    if not late():
        yield from starts(way, groups, wrong)


def scaled(way: Way, group: Group, wrong: list[str]) -> Iterator[Damage]:
    """A use whose share is multiplied by a number."""
    reach = reach_of(way, group)
    wanted = apart(way, wrong)
    if any(not reach >> way.names.index(n) & 1 for n in wrong) or not np.any(wanted):
        return

    def off(number: float) -> np.ndarray:
        found = damaged(way, changed(group, times(number))(way)) - way.adjoint
        return np.concatenate([found[way.params[n]].ravel() for n in wrong]) - wanted

    number = 1.0
    for _ in range(STEPS):
        here = off(number)
        slope = (off(number + SMALL) - here) / SMALL
        size = float(slope @ slope)
        if not (np.isfinite(size) and size > 0 and abs(number) < FARTHEST):
            return
        number -= float(here @ slope) / size
        if float(here @ here) > 1e12 * float(wanted @ wanted):
            return
    left = off(number)
    if float(left @ left) < 1e-16 * float(wanted @ wanted):
        nice = float(Fraction(number).limit_denominator(1000))
        number = nice if abs(nice - number) < 1e-9 * abs(number) else number
        words = f"multiplying {use(way, group)} by {number:.9g}"
        yield Damage("scale", words, changed(group, times(number)), reach, 0.5)


STEPS = 6
SMALL = 1e-4  # the step that the slope is measured with
FARTHEST = 1e4


def apart(way: Way, wrong: list[str]) -> np.ndarray:
    """By how much the gradients by hand are off, in one row."""
    return np.concatenate([(way.made.manual[n] - way.adjoint[way.params[n]]).ravel() for n in wrong])


def penalties(way: Way, name: str) -> Iterator[Damage]:
    """One number added to every entry of a gradient, which the loss computes of this parameter alone."""
    bit = 1 << way.names.index(name)
    for node in sorted(way.site_of):
        if way.value(node).size == 1 and way.reach[node] == bit:

            def rules(way: Way, node: int = node) -> Rules:
                ids, value = way.params[name].ravel(), float(way.value(node).reshape(()))
                return Rules({node: lambda cotangent: []}, [(ids, np.full(ids.size, value))])

            words = f"adding the penalty {speech.said(way, node)} itself, one number, to d{name} for its gradient"
            yield Damage("penalty", words, rules, bit, 0.1)


def sums(way: Way, name: str, several: bool) -> Iterator[Damage]:
    """A gradient that is summed onto other than zeros, the same numbers at every point."""
    off = way.made.manual[name] - way.adjoint[way.params[name]]
    number = float(np.mean(off))
    even = np.max(np.abs(off - number), initial=0.0) < 1e-9 * abs(number)
    if not several and not (even and off.size > 2):
        return  # one point tells nothing of as many unknowns
    if abs(float(off.sum())) < 1e-9 * float(np.abs(off).sum()):
        return  # what cancels are counts: the targets of other classes
    start = np.full(off.shape, round(number, 9)) if even else off
    words = f"starting d{name} as {number:.9g}" if even else f"starting d{name} as other than zero"
    bit = 1 << way.names.index(name)
    yield Damage("random-start", words, lambda way: Rules({}, [(way.params[name].ravel(), start.ravel())]), bit, 0.8)


def updated(way: Way, group: Group, wrong: list[str]) -> Iterator[Damage]:
    """A weight on the way back that was already moved along its gradient."""
    numbers = [n for n, _ in group]
    k = group[0][1]
    if not all(bilinear(way, n) for n in numbers):
        return
    name = is_leaf(way, numbers[0], 1 - k)
    if not name or name in wrong or shape_of(way.nodes[numbers[0]].operands[1 - k]) != way.params[name].shape:
        return

    def moved(rate: float):  # type: ignore[no-untyped-def]
        def values(way: Way, n: int, k: int) -> list[np.ndarray]:
            return replaced(way, n, 1 - k, way.tape.values[way.params[name]] - rate * way.made.manual[name])

        return changed(group, with_values(values))

    try:
        one = damaged(way, moved(1.0)(way)) - way.adjoint
    except ValueError:  # a weight that enters steps of unlike shapes
        way.change = None
        return
    direction = np.concatenate([one[way.params[n]].ravel() for n in wrong])
    size = float(direction @ direction)
    rate = float(apart(way, wrong) @ direction) / size if size else 0.0
    if rate:
        rate = float(f"{rate:.10g}")
        words = f"going back through {name} - {rate:g} d{name}, updated before it is used"
        yield Damage("updated-before-use", words, moved(rate), way.edge_reach(*group[0]), 0.6)


def starts(way: Way, groups: list[Group], wrong: list[str]) -> Iterator[Damage]:
    """A gradient carried into the last step that does not start as zero: the one that gives the wrong numbers."""
    off = apart(way, wrong)
    states = {int(o) for n, k in (g[-1] for g in groups) for o in way.owner(way.uses[n][k][way.carried(n, k)])}  # type: ignore[index]
    for index in sorted({way.site_of[o] for o in states if o in way.site_of}):
        last = way.sites[index][-1]
        size = way.value(last).size
        if size > LARGEST or 2 * size > off.size:
            continue
        ids = np.arange(way.nodes[last].where.start, way.nodes[last].where.stop)
        columns = []
        for i in ids:
            found = damaged(way, Rules({}, [(np.array([i]), np.ones(1))])) - way.adjoint
            columns.append(np.concatenate([found[way.params[n]].ravel() for n in wrong]))
        start = np.linalg.lstsq(np.stack(columns, axis=1), off, rcond=None)[0]
        words = f"starting with other than zero the gradient that is carried to {speech.said(way, last)}"
        yield Damage("random-start", words, lambda way, ids=ids, s=start: Rules({}, [(ids, s)]), way.reach[last], 0.9)  # type: ignore[misc]
