"""What is missing of an array that is made at one place and filled at others: sums, items, rows."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnn_jax.verify.repair.around import inserted, target_of
from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, key_of, parsed
from rnn_jax.verify.repair.harvest import Stock, at_visits
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.match import Matcher
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.sums import MOST_SUMS, added
from rnn_jax.verify.repair.terms import two
from rnn_jax.verify.repair.totals import images_in_all, totals
from rnn_jax.verify.repair.tree import at

NEAR = 1e-6  # of 1: tangents come from differences
MOST_FILLED = 30  # sums that are tried for one array


def filled(here: Matcher, over: Callable[[], bool]) -> Iterator[Edit]:
    """What is to be written into an array that is made where something was healed."""
    if here.where is None:
        return
    empty = not any(np.any(v) for v in here.healing.present)
    used = empty and isinstance(here.node, ast.Name)  # a sum that nothing was added to, as a number
    name = here.node.id if used else target_of(here.live.node(here.where.statement), here.site)
    first, last = here.telling()
    if not name or last == first or not (here.shapes[first] or empty):
        return
    if len(set(here.shapes)) == 1 and here.shapes[first]:
        yield from a_part(here, name, empty, over)
    if last - first == 1:
        yield from once(here, name, first, over)
    elif len(set(here.shapes)) == 1:
        yield from each_time(here, name, first, last, over)


def a_part(here: Matcher, name: str, empty: bool, over: Callable[[], bool]) -> Iterator[Edit]:
    """What is to be written at once into a part of an array of zeros: g[:, 1:] = ..., S[:, -n:] = np.eye(n).

    Or to be added to that, where the array is not `empty`.
    """
    assert here.where is not None
    (field, made_at), block = here.where.statement.path[-1], here.where.statement.path[:-1]
    body = getattr(at(here.live.statement(here.site.spot), block), field)
    shifts, spot, behind = np.stack(here.healing.shifts), here.site.spot, (made_at or 0) + 1
    filled_at = [k + 1 for k in range(behind, len(body)) if part_of(body[k], name)] or [behind]
    for place in (Site(*spot, (*block, (field, k))) for k in filled_at):
        stock = here.places.stocks.get(place, {})
        known = Monomials({t: v for t, v in stock.items() if name not in t}, here.places.numpy)
        if known.iterations != len(shifts):
            continue
        for index, chosen in stretches_of(shifts, counts_in(stock), empty) if not over() else ():
            wanted = [shift[chosen] for shift in shifts]
            target: Any = parsed(f"{name}[{index}]")
            target.ctx = ast.Store()
            made = itertools.chain(
                identity(known, wanted, counts_in(stock)), equal_to(known, wanted), two(known, wanted)
            )
            for other in made:
                cost, value = other.cost + 0.02 * len(other.text), parsed(other.text)
                new = ast.Assign([target], value) if empty else ast.AugAssign(target, ast.Add(), value)
                yield inserted(here.live, place, new, cost)


def counts_in(stock: Stock) -> dict[int, str]:
    """The whole numbers that have a name here and are always the same, with the shortest."""
    found: dict[int, str] = {}
    for text in sorted(stock, key=lambda t: (len(t), t)):
        known = stock[text]
        if (
            known.shape[0] == "int"
            and len({int(v) for v in known.values}) == 1
            and text.replace(".", "").isidentifier()
        ):
            found.setdefault(int(known.values[0]), text)
    return found


def identity(here: Monomials, wanted: list[np.ndarray], counts: dict[int, str]) -> Iterator[Written]:
    """An identity matrix, where that is wanted each time: how a state hangs on itself."""
    size = len(wanted[0])
    if wanted[0].shape == (size, size) and all(np.allclose(v, np.eye(size), atol=NEAR) for v in wanted):
        yield Written(f"{here.numpy}.eye({counts.get(size, size)})", wanted, 1.0)


def part_of(statement: ast.stmt, name: str) -> bool:
    """Whether a statement writes to a part of an array."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(t, ast.Subscript) and ast.unparse(t.value) == name for t in targets)


def stretches_of(
    shifts: np.ndarray, counts: dict[int, str], empty: bool = True
) -> Iterator[tuple[str, tuple[slice, ...]]]:
    """All but the first or the last few along one axis, where nothing is missing of these: [visit, *shape].

    Where something is everywhere and nothing was there, all but one: what is written there later was held at what it
    will be. counts: names of whole numbers.
    """
    for axis in range(shifts.ndim - 1):
        length, before = shifts.shape[axis + 1], ":, " * axis
        sizes = np.max(np.abs(np.moveaxis(shifts, axis + 1, 0).reshape(length, -1)), axis=1, initial=0.0)
        there = np.flatnonzero(sizes > NEAR * np.max(sizes, initial=0.0))
        first, last = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)
        whole = (first, last) == (0, length)
        if whole and not empty:
            continue
        if last == length > 1:
            start = f"-{counts[length - first]}" if not whole and length - first in counts else f"{first + whole}"
            yield f"{before}{start}:", (*[slice(None)] * axis, slice(first + whole, None))
        if first == 0 and last > 1:
            end = counts[last] if not whole and last in counts else f"{last - whole - length}"
            yield f"{before}:{end}", (*[slice(None)] * axis, slice(0, last - whole))


def once(here: Matcher, name: str, which: int, over: Callable[[], bool]) -> Iterator[Edit]:
    """Into one array: at the index of each iteration, or what adds up to what is missing of it."""
    present, missing = here.healing.present[which], here.healing.shifts[which]
    sums: list[tuple[float, Site, Written]] = []
    for place, whole in here.places.whole.items():
        if name not in whole or over():
            continue
        stock = at_visits(whole, of_call(len(whole[name].values), len(here.shapes), which))
        if name in stock and key_of(stock[name].shape) == missing.shape:
            known = Monomials(stock, here.places.numpy)
            yield from items(here.live, place, known, name, present + missing, missing)
            yield from an_end(here.live, place, known, name, present + missing)
            sums += [(total.cost + 0.02 * len(total.text), place, total) for total in totals(known, missing)]
    for _, place, total in sorted(sums, key=lambda each: each[0])[:MOST_FILLED]:
        yield from added(here.live, place, name, total)


def each_time(here: Matcher, name: str, first: int, last: int, over: Callable[[], bool]) -> Iterator[Edit]:
    """Within an inner loop, into what is made anew in each iteration of an outer one: the same sum must do for all."""
    calls, missing = len(here.shapes), here.healing.shifts
    for place, whole in here.places.whole.items():
        visits = len(whole[name].values) if name in whole else 0
        if visits <= calls or visits % calls or over():
            continue
        common: dict[str, Written] | None = None
        for k in range(first, last):
            stock = at_visits(whole, of_call(visits, calls, k))
            fits = name in stock and key_of(stock[name].shape) == missing[k].shape
            # The values were held at the right ones while they were looked at, so the array itself would do.
            others = Monomials({t: v for t, v in stock.items() if name not in t}, here.places.numpy)
            found = [*totals(others, missing[k]), *images_in_all(others, missing[k])] if fits else []
            common = {w.text: w for w in found if common is None or w.text in common}
            if not common:
                break
        for total in list((common or {}).values())[:MOST_SUMS]:
            yield from added(here.live, place, name, total)


def items(
    live: LiveCode, place: Site, here: Monomials, name: str, wanted: np.ndarray, missing: np.ndarray
) -> Iterator[Edit]:
    """What is to be written into an array at the index of each iteration, or to be added there."""
    for index, known in here.stock.items():
        if known.shape[0] != "int" or len(known.values) != here.iterations:
            continue
        numbers = np.array(known.values, int)
        for axis in range(min(2, wanted.ndim)):
            inside = (numbers >= 0) & (numbers < wanted.shape[axis])
            if wanted.ndim < 2 or not np.all(inside):
                continue
            item = f"{name}[{index}]" if axis == 0 else f"{name}[:, {index}]"
            for other in equal_to(here, list(np.moveaxis(wanted, axis, 0)[numbers])):
                target: Any = parsed(item)
                target.ctx = ast.Store()
                cost = other.cost + 0.02 * len(other.text)
                yield inserted(live, place, ast.Assign([target], parsed(other.text)), cost)
            for other in equal_to(here, list(np.moveaxis(missing, axis, 0)[numbers])):
                yield from added(live, place, item, other)


def an_end(live: LiveCode, place: Site, here: Monomials, name: str, wanted: np.ndarray) -> Iterator[Edit]:
    """What is to be written into the first or the last part of an array along one axis, all the rest being 0."""
    if here.iterations != 1 or wanted.ndim < 2:
        return
    for axis, length in enumerate(wanted.shape):
        there = np.flatnonzero(np.any(np.moveaxis(wanted, axis, 0).reshape(length, -1), axis=1))
        if length > 1 and there.tolist() in ([0], [length - 1]):
            target: Any = parsed(f"{name}[{', '.join([':'] * axis + ['-1' if there[0] else '0'])}]")
            target.ctx = ast.Store()
            for other in here.equal_to([np.take(wanted, there[0], axis)]):
                cost = other.cost + 0.02 * len(other.text)
                yield inserted(live, place, ast.Assign([target], parsed(other.text)), cost)


def of_call(visits: int, calls: int, call: int) -> list[int]:
    """Which visits of a place are those of one call, where each call comes by as often."""
    each = visits // calls
    return list(range(call * each, (call + 1) * each)) if each * calls == visits else list(range(visits))
