"""Sums of several terms that are missing as a whole: dh = dnew * z + drh * r + (W.T @ da)[:n].

What goes back to a state is the sum of the shares of its single uses. So where a right value is such a sum, each share
is looked for by itself, which is a product as a rule, whatever the others are; or a part of one, where the state was
used side by side with something else.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.filling import counts_in
from rnn_jax.verify.repair.harvest import end_of
from rnn_jax.verify.repair.match import NEAR, Matcher
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.quantities import Quantities
from rnn_jax.verify.repair.sent_on import sent_on
from rnn_jax.verify.repair.terms import added_up
from rnn_jax.verify.repair.worded import bracketed
from rnn_jax.verify.trace.places import Place
from rnn_jax.verify.trace.tape import NOTHING, Use

MOST_USES = 8  # of one value: all sums of some of their shares are made
MOST_STEPS = 50  # of a value that was computed for all of them at once
MOST_OPERATIONS = 20_000  # of a forward
COST = 3.0

Where = tuple[Place, int]  # an operation of the source, and which of its operands
Cut = tuple[int, int, int]  # of what is used side by side with something else: the axis, the first, the end


class Share(NamedTuple):
    """What one use of a value sends back to it."""

    row: np.ndarray
    whole: np.ndarray  # to all that was used there together, in its shape
    cut: Cut | None  # where in that the value lies; None where it is all of it, or lies about


class Part(NamedTuple):
    """The share of one use at each visit, in the shape of what is wanted there; and of all that was used there."""

    values: list[np.ndarray]
    wholes: list[np.ndarray]
    cut: Cut | None


class Shares:
    """What each use of each value that the forward computed sends back to it."""

    def __init__(self, quantities: Quantities) -> None:
        self.quantities = quantities

    @cached_property
    def by_size(self) -> dict[int, list[dict[Where, Share]]]:
        """Of each value with several uses their shares, by the value's size."""
        tape = self.quantities.made.recorder.tape
        if len(tape.nodes) > MOST_OPERATIONS:
            return {}
        starts = np.array([node.start for node in tape.nodes])
        sizes = np.array([node.where.stop - node.start for node in tape.nodes])
        sent: dict[int, dict[Where, Share]] = defaultdict(dict)
        for (number, k), share in sorted(self.quantities.adjoints[1].items(), key=lambda each: each[0]):
            operand = tape.nodes[number].operands[k]
            if not isinstance(operand, Use) or not share.any():
                continue
            ids = operand.start + np.arange(share.size) if operand.ids is None else operand.ids.ravel()
            owner = np.where(ids == NOTHING, NOTHING, np.searchsorted(starts, ids, side="right") - 1)
            for node in np.unique(owner[owner != NOTHING]).tolist():
                places = np.flatnonzero(owner == node)
                row = np.zeros(sizes[node])
                np.add.at(row, ids[places] - starts[node], share.ravel()[places])
                in_order = np.array_equal(ids[places] - starts[node], np.arange(sizes[node]))
                cut = cut_of(places, operand.shape) if in_order else None
                where, whole = (tape.nodes[number].place, k), share.reshape(operand.shape)
                if where in sent[node]:  # as in a loop within
                    before = sent[node][where]
                    same = before.cut == cut and before.whole.shape == whole.shape
                    row, whole, cut = row + before.row, before.whole + whole if same else whole, cut if same else None
                sent[node][where] = Share(row, whole, cut)
        found: dict[int, list[dict[Where, Share]]] = defaultdict(list)
        few = [(node, uses) for node in sorted(sent) for uses in in_groups(sent[node])]
        for node, uses in few:
            found[int(sizes[node])].append(uses)
        for node, uses in few:
            for several in in_slices(uses, tape.nodes[node].shape):
                found[several[0].size].append({use: Share(r, r, None) for use, r in zip(uses, several, strict=True)})
        return dict(found)

    def making_up(self, wanted: list[np.ndarray]) -> Iterator[list[Part]]:
        """The uses whose shares are together what is wanted at each visit, of one value each time; 0 is of none."""
        told = [k for k, value in enumerate(wanted) if np.any(value)]
        values = self.by_size.get(wanted[0].size, []) if told and np.all(np.isfinite(np.stack(wanted))) else []
        given: set[frozenset[Where]] = set()
        for uses in values:
            for several in sums_to(uses, wanted[told[0]].ravel()):
                if several in given:
                    continue
                given.add(several)
                visits = [self.of_one(several, v.ravel()) if np.any(v) else {} for v in wanted]
                if all(visit is not None for visit in visits):
                    order = sorted(several, key=lambda use: (use[0].file, use[0].line, use[1]))
                    yield [part_of(use, [visit or {} for visit in visits], wanted[0].shape) for use in order]

    def of_one(self, several: frozenset[Where], wanted: np.ndarray) -> dict[Where, Share] | None:
        """The shares of these uses of the one value of which they are together what is wanted."""
        for uses in self.by_size[wanted.size]:
            present = {use: uses[use] for use in several if use in uses}
            if present and near(np.sum([each.row for each in present.values()], axis=0), wanted):
                return present
        return None


def in_groups(uses: dict[Where, Share]) -> Iterator[dict[Where, Share]]:
    """All of them, or where they are many those of each function: what is used in a function is one term as a rule."""
    functions = dict.fromkeys(place.code for place, _ in uses) if len(uses) > MOST_USES else (None,)
    for code in functions:
        own = {use: share for use, share in uses.items() if code is None or use[0].code is code}
        if 1 < len(own) <= MOST_USES:
            yield own


def cut_of(places: np.ndarray, shape: tuple[int, ...]) -> Cut | None:
    """Along which axis, and from where to where, these elements of an array are a part of it; None for all of it."""
    marked = np.zeros(shape, bool)
    marked.ravel()[places] = True
    for axis in dict.fromkeys((0, len(shape) - 1)) if shape and not marked.all() else ():
        rest = tuple(k for k in range(len(shape)) if k != axis)
        along, every = np.flatnonzero(marked.any(axis=rest)), np.asarray(marked.all(axis=rest))
        first, end = int(along[0]), int(along[-1]) + 1
        if end - first == len(along) and every[along].all():
            return axis, first, end
    return None


def in_slices(uses: dict[Where, Share], shape: tuple[int, ...]) -> Iterator[list[np.ndarray]]:
    """The shares of the uses of each slice of a value of this shape, as where all steps were computed at once."""
    rows = np.stack([share.row.reshape(shape) for share in uses.values()])
    for axis in range(min(2, len(shape))) if len(shape) > 1 and math.prod(shape) > max(shape) else ():
        if 1 < shape[axis] <= MOST_STEPS:
            yield from (list(rows.take(k, axis + 1).reshape(len(rows), -1)) for k in range(shape[axis]))


def part_of(use: Where, visits: list[dict[Where, Share]], shape: tuple[int, ...]) -> Part:
    """The shares of one use at all visits, 0 where there is none."""
    some = next(visit[use] for visit in visits if use in visit)
    cuts = {visit[use].cut for visit in visits if use in visit}
    return Part(
        [visit[use].row.reshape(shape) if use in visit else np.zeros(shape) for visit in visits],
        [visit[use].whole if use in visit else np.zeros_like(some.whole) for visit in visits],
        some.cut if len(cuts) == 1 else None,
    )


def sums_to(uses: dict[Where, Share], wanted: np.ndarray) -> Iterator[frozenset[Where]]:
    """Two uses or more whose shares are together what is wanted."""
    for count in range(2, len(uses) + 1):
        for several in itertools.combinations(uses, count):
            if near(np.sum([uses[use].row for use in several], axis=0), wanted):
                yield frozenset(several)


def near(value: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether these are the same numbers, as far as a solution of equations can tell."""
    return bool(np.linalg.norm(value - wanted) <= NEAR * np.linalg.norm(wanted))


def in_shares(shares: Shares, here: Matcher) -> Iterator[Edit]:
    """The expression as a sum of shares: in its place, added to it, or sent on by the iteration before."""
    if here.where is None or len(set(here.shapes)) > 1 or here.healing.inner:
        return
    first, last = here.telling()
    known = here.places.monomials(here.where.statement)
    if known is not None and last > first:
        for operator, values, kind in here.goals()[-2:]:
            for parts in shares.making_up(values[first:last]):
                for other in written(known, parts, first):
                    yield from here.written(operator, other, kind)
    start = max(first, 1)
    if here.where.loop is not None and here.consecutive and last > start and len(here.starts) == 1:
        loop = here.live.node(here.where.loop)
        there = here.places.monomials(end_of(here.where.loop, loop))
        if there is not None:
            for parts in shares.making_up(here.healing.shifts[start:last]):
                for other in written(there, parts, start - 1):
                    yield from sent_on(here, loop, other)


def written(here: Monomials, parts: list[Part], start: int) -> Iterator[Written]:
    """The sum as it is written, where each share can be; what cannot be alone may be together with the others."""
    texts = [alone(here, part, start) for part in parts]
    rest = [part.values for part, text in zip(parts, texts, strict=True) if text is None]
    if len(rest) > 1:
        together = [np.sum(values, axis=0) for values in zip(*rest, strict=True)]
        texts.append(text_of(simplest(here, together, start)))
    known = [text for text in texts if text is not None]
    if known and len(known) == len(texts) - len(rest):
        yield Written(added_up(known, [True] * len(known)), [], COST)


def alone(here: Monomials, part: Part, start: int) -> str | None:
    """One share as it is written, or as a part of that of all that was used together; None where it is no product."""
    text = text_of(simplest(here, part.values, start))
    if text is None and part.cut is not None:
        axis, first, end = part.cut
        whole = text_of(simplest(here, part.wholes, start))
        if whole is not None:
            counts, length = counts_in(here.stock), part.wholes[0].shape[axis]
            index = stretch(first, end, length, counts)
            before = "..., " if axis else ""
            text = ast.unparse(parsed(f"{bracketed(whole)}[{before}{index}]"))
    return text


def text_of(made: Written | None) -> str | None:
    """The text, if there is any."""
    return made.text if made is not None else None


def stretch(first: int, end: int, length: int, counts: dict[int, str]) -> str:
    """From the first to the end of an axis, by the names of whole numbers where there are such: `:n`, `d:`, `-n:`."""
    if end == length and first not in counts and end - first in counts:
        return f"-{counts[end - first]}:"
    return f"{counts.get(first, first) if first else ''}:{counts.get(end, end) if end < length else ''}"


def simplest(here: Monomials, wanted: list[np.ndarray], start: int) -> Written | None:
    """The simplest product that is worth this; None where there is none."""
    found = itertools.islice(equal_to(here, wanted, start), 3)
    return min(found, key=lambda each: (each.cost, len(each.text)), default=None)
