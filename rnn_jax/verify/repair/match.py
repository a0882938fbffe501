"""Edits that give an expression the values it would have to have: found by values, without a run of the program."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnn_jax.verify.repair.around import around, inserted, target_of
from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.einsums import einsums
from rnn_jax.verify.repair.expressions import Expressions, Written, parsed
from rnn_jax.verify.repair.harvest import end_of
from rnn_jax.verify.repair.healing import Healing, solution, tells_all
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.places import Places
from rnn_jax.verify.repair.sent_on import sent_on
from rnn_jax.verify.repair.softmax import through_softmax
from rnn_jax.verify.repair.terms import two
from rnn_jax.verify.repair.tree import ATOMS, located, shallow
from rnn_jax.verify.repair.worded import is_number

# What is found by solving equations is right to about the square root of their rounding.
NEAR = 1e-6
MOST_TERMS = 8  # of a sum that is missing as a whole: the gates of an LSTM send back four


class Matcher:
    """The edits that one healing allows."""

    def __init__(
        self, live: LiveCode, healing: Healing, places: Places, runs: Sequence[int] = (), consecutive: bool = True
    ) -> None:
        """consecutive: whether each visit comes right after the one before, which may have sent something on to it."""
        self.live, self.healing, self.places, self.consecutive = live, healing, places, consecutive
        ends = list(itertools.accumulate(runs))
        # At the first visit of each run of its loop nothing has been sent on to it yet.
        self.starts = {0, *ends[:-1]} if ends[-1:] == [len(healing.present)] else {0}
        self.site, self.node = healing.site, live.node(healing.site)
        self.where = around(live, healing.site)
        self.size = float(np.linalg.norm(healing.missing))
        self.shapes = [p.shape for p in healing.present]

    def fitting(self, rows: np.ndarray) -> np.ndarray:
        """Whether moving the site's values by these makes the gradients right: [candidate, visit, *shape]."""
        if not len(rows):
            return np.zeros(0, bool)
        with np.errstate(all="ignore"):
            left = rows.reshape(len(rows), -1) @ self.healing.slopes.T - self.healing.missing
            return np.asarray(np.linalg.norm(left, axis=1) <= NEAR * self.size)

    def rows(self, written: list[Written], least: int) -> tuple[list[Written], np.ndarray]:
        """Those with as many values as the site has, `least` at least, and these: [candidate, visit, *shape]."""
        shape, visits = self.shapes[0], len(self.shapes)
        known = [w for w in written if len(w.values) >= least]
        table = np.zeros((len(known), visits, *shape))
        for row, each in zip(table, known, strict=True):
            row[: len(each.values)] = each.values[:visits]
        return known, table

    def edits(self) -> Iterator[Edit]:
        """All of them."""
        if self.where is None or not isinstance(self.node, ast.expr) or len(set(self.shapes)) > 1:
            return
        here = self.places.get(self.where.statement)
        shape = self.healing.present[0].shape
        if self.telling() == (0, 0):  # anything will do
            return
        if here is not None:
            yield from self.in_place(here, shape)
        if self.where.loop is not None and self.consecutive:
            loop = self.live.node(self.where.loop)
            last = self.places.get(end_of(self.where.loop, loop))
            if last is not None:
                yield from self.carried(last, loop, shape)

    def in_place(self, here: Expressions, shape: tuple[int, ...]) -> Iterator[Edit]:
        """The expression, with a term or a factor, or another one in its place."""
        present = np.stack(self.healing.present)
        known, table = self.rows(here.of(shape), len(present))
        forms = [
            (ast.Add(), "missing-term", table),
            (ast.Sub(), "missing-term", -table),
            (None, "wrong-variable", table - present),
            (ast.Mult(), "missing-factor", table * present - present),
        ]
        yield from self.those_that_fit(known, forms)
        numbers = [w for w in here.of(()) if len(w.values) >= len(present)] if shape else []
        if numbers:
            values = np.array([w.values[: len(present)] for w in numbers])
            values = values.reshape(*values.shape, *(1 for _ in shape))
            with np.errstate(all="ignore"):
                ratio = present / values - present
            forms = [
                (ast.Mult(), "missing-factor", values * present - present),
                (ast.Div(), "missing-factor", ratio),
            ]
            yield from self.those_that_fit(numbers, forms)
        named = any(np.all(w.values[0] == 2) and not is_number(w.text) for w in numbers)
        if self.fitting(present[None])[0] and not named:
            new = ast.BinOp(ast.Constant(2), ast.Mult(), self.node)
            yield self.edit(new, "missing-factor", 1.5)

    def those_that_fit(
        self, known: list[Written], forms: list[tuple[ast.operator | None, str, np.ndarray]]
    ) -> Iterator[Edit]:
        """The edits by values of which the moves in one of the forms make the gradients right."""
        found = [(operator, kind, self.fitting(moves)) for operator, kind, moves in forms]
        for k, other in enumerate(known):
            for operator, kind, fits in found:
                if fits[k]:
                    yield from self.written(operator, other, kind)

    def goals(self) -> list[tuple[ast.operator | None, list[np.ndarray], str]]:
        """What would do in the place of the expression, added to it, or multiplied with it: at each iteration."""
        present, shifts = self.healing.present, self.healing.asked
        first, _ = self.telling()
        whole: list[tuple[ast.operator | None, list[np.ndarray], str]] = [
            (None, [p + s for p, s in zip(present, shifts, strict=True)], "wrong-variable"),
            (ast.Add(), shifts, "missing-term"),
        ]
        if not self.shapes[first] or any(
            np.any(np.nan_to_num(s[p == 0])) for p, s in zip(present, shifts, strict=True)
        ):
            return whole
        with np.errstate(all="ignore"):  # where it is 0 any factor will do
            ratio = [np.where(p == 0, np.nan, (p + s) / p) for p, s in zip(present, shifts, strict=True)]
        return [(ast.Mult(), ratio, "missing-factor"), *whole]

    def summed(self) -> Iterator[Edit]:
        """The same with sums of two products, where it is told what is wanted: many sums are as good as any other."""
        if self.where is None or not isinstance(self.node, ast.expr) or len(set(self.shapes)) > 1:
            return
        here = self.places.monomials(self.where.statement)
        first, last = self.telling()
        if not tells_all(self.healing, first, last):
            return
        for operator, values, kind in self.goals() if here is not None else ():
            for other in two(here, values[first:last], first) if here is not None and last > first else ():
                yield from self.written(operator, other, kind)

    def composed(self) -> Iterator[Edit]:
        """The same with products of several values: for what is wanted, for what is missing, for the factor."""
        if self.where is None or not isinstance(self.node, ast.expr) or len(set(self.shapes)) > 1:
            return
        here = self.places.monomials(self.where.statement)
        present, shifts = self.healing.present, self.healing.shifts
        first, last = self.telling()
        if here is not None and last > first:
            for operator, values, kind in self.goals():
                if not isinstance(operator, ast.Mult):
                    for ways in (Monomials.equal_to, einsums, through_softmax):
                        for other in ways(here, values[first:last], first):
                            yield from self.written(operator, other, kind)
                    continue
                for other in here.worth(values[first:last], first, scale=True):
                    yield from self.written(operator, other, kind)
                with np.errstate(all="ignore"):
                    inverse = [1 / v for v in values[first:last]]
                for other in here.worth(inverse, first, scale=True):
                    yield from self.written(ast.Div(), other, kind)
            yield from self.operands(here, first, last)
            yield from self.spread(here, first, last)
        if self.where.loop is not None and self.consecutive:
            loop = self.live.node(self.where.loop)
            place = end_of(self.where.loop, loop)
            there = self.places.monomials(place)
            start = max(first, 1)
            start += start in self.starts
            end = min((k for k in (*self.starts, last) if k > start), default=start)  # of one run
            if there is not None and end > start:
                for other in there.equal_to(shifts[start:end], start - 1):
                    yield from sent_on(self, loop, other)
                if isinstance(self.node, ast.Name):
                    wanted = [p + s for p, s in zip(present, shifts, strict=True)]
                    for other in there.equal_to(wanted[start:end], start - 1):
                        statement = ast.Assign([ast.Name(self.node.id, ast.Store())], parsed(other.text))
                        yield inserted(self.live, place, statement, other.cost + 0.5 + 0.02 * len(other.text))

    def spread(self, here: Monomials, first: int, last: int) -> Iterator[Edit]:
        """One number for all entries, or for those along an axis, where such are wanted: u @ v, of a softmax."""
        wanted = self.goals()[-2][1][first:last]
        dims = wanted[0].ndim
        for axes in (tuple(range(dims)), *((k,) for k in range(dims if dims > 1 else 0))):
            numbers = [same_along(w, axes, keepdims=len(axes) < dims) for w in wanted]
            if all(n is not None for n in numbers):
                for other in equal_to(here, [n for n in numbers if n is not None], first):
                    yield from self.written(None, other, "missing-factor")
                return

    def operands(self, here: Monomials, first: int, last: int) -> Iterator[Edit]:
        """Another operand of a sum: what is wanted of it is what the other operand leaves."""
        if not isinstance(self.node, ast.BinOp) or not isinstance(self.node.op, ast.Add | ast.Sub):
            return
        minus = isinstance(self.node.op, ast.Sub)
        wanted = [p + s for p, s in zip(self.healing.present, self.healing.shifts, strict=True)]
        for name, other in (("left", self.node.right), ("right", self.node.left)):
            known = here.stock.get(ast.unparse(other))
            if known is None or len(known.values) < last:
                continue
            rest = [
                (w + v if name == "left" else v - w) if minus else w - v
                for w, v in zip(wanted, known.values, strict=False)
            ]
            if {np.shape(r) for r in rest[first:last]} != {self.shapes[0]}:
                continue
            for made in here.equal_to(rest[first:last], first):
                old = getattr(self.node, name)
                site = Site(self.site.file, self.site.number, (*self.site.path, (name, None)))
                kind = "missing-factor" if ast.unparse(old) in made.text else "wrong-variable"
                yield Edit(
                    site, located(parsed(made.text), old), kind, made.cost + 1 + 0.02 * len(made.text), old.lineno
                )

    def telling(self) -> tuple[int, int]:
        """From which of the site's values on, and up to which, the gradients hang on them."""
        sizes = [v.size for v in self.healing.present]
        blocks = np.split(self.healing.slopes, np.cumsum(sizes)[:-1], axis=1)
        scale = float(np.max(np.abs(self.healing.slopes), initial=0.0))
        there = [k for k, block in enumerate(blocks) if np.max(np.abs(block), initial=0.0) > 1e-12 * scale]
        return (there[0], there[-1] + 1) if there else (0, 0)

    def edit(self, new: ast.expr, kind: str, cost: float) -> Edit:
        """Another expression at the site."""
        return Edit(self.site, located(new, self.node), kind, cost, self.node.lineno)

    def written(self, operator: ast.operator | None, other: Written, kind: str) -> Iterator[Edit]:
        """The edit of the expression, and for a name the statement that may be missing before it."""
        text = parsed(other.text)
        new = text if operator is None else ast.BinOp(self.node, operator, text)
        if isinstance(operator, ast.Mult):
            new = times(self.node, text)
        yield self.edit(new, kind, other.cost + 1 + 0.02 * len(other.text))
        if (
            isinstance(operator, ast.Mult)
            and isinstance(self.node, ast.BinOp)
            and isinstance(self.node.op, ast.Add | ast.Sub)
        ):
            yield from self.followed(text, other)
        if isinstance(operator, ast.Add | ast.Sub):
            yield from self.at_one_entry(operator, text, other)
        if isinstance(self.node, ATOMS) and not any(ast.unparse(self.node) == ast.unparse(n) for n in ast.walk(text)):
            target: Any = shallow(self.node)
            target.ctx = ast.Store()
            statement: ast.stmt = (
                ast.Assign([target], text) if operator is None else ast.AugAssign(target, operator, text)
            )
            assert self.where is not None
            # Where one place alone has to change it is the likelier one: what is sent on has several uses.
            cost = other.cost + 1.7 + 0.02 * len(other.text)
            yield inserted(self.live, self.where.statement, statement, cost)

    def followed(self, factor: ast.expr, other: Written) -> Iterator[Edit]:
        """A factor of a whole sum as a statement behind it, rather than around it in brackets: d = d * factor."""
        assert self.where is not None
        statement: Any = self.live.node(self.where.statement)
        name = target_of(statement, self.site)
        if name.isidentifier() and statement.value is self.node:
            field, k = self.where.statement.path[-1]
            behind = Site(*self.site.spot, (*self.where.statement.path[:-1], (field, int(k or 0) + 1)))
            scaled = ast.Assign([ast.Name(name, ast.Store())], times(ast.Name(name, ast.Load()), factor))
            yield inserted(self.live, behind, scaled, other.cost + 1.2 + 0.02 * len(other.text))

    def at_one_entry(self, operator: ast.operator, term: ast.expr, other: Written) -> Iterator[Edit]:
        """A term that is 0 but for one entry as a statement behind: d[k] += e rather than d = ... + e * eye(n)[k]."""
        assert self.where is not None
        statement: Any = self.live.node(self.where.statement)
        name = target_of(statement, self.site)
        product = isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult)
        if not product or not name.isidentifier() or statement.value is not self.node:
            return
        for hot, rest in ((term.left, term.right), (term.right, term.left)):  # type: ignore[attr-defined]
            if isinstance(hot, ast.Subscript) and isinstance(hot.value, ast.Call) and "eye" in ast.unparse(hot.value):
                field, k = self.where.statement.path[-1]
                behind = Site(*self.site.spot, (*self.where.statement.path[:-1], (field, int(k or 0) + 1)))
                target: Any = ast.Subscript(ast.Name(name, ast.Load()), hot.slice, ast.Store())
                yield inserted(self.live, behind, ast.AugAssign(target, operator, rest), other.cost + 0.7)

    def carried(self, last: Expressions, loop: Any, shape: tuple[int, ...]) -> Iterator[Edit]:
        """What the end of an iteration knows, for the next one to begin with."""
        present = np.stack(self.healing.present)
        known, table = self.rows(last.of(shape), len(present) - 1)
        before = self.from_before(table, np.zeros_like(present))
        added = self.fitting(before)
        given = self.fitting(self.from_before(table, present) - present)
        for k, other in enumerate(known):
            if added[k]:
                yield from sent_on(self, loop, other)
            if given[k] and isinstance(self.node, ast.Name):
                assert self.where is not None
                assert self.where.loop is not None
                statement = ast.Assign([ast.Name(self.node.id, ast.Store())], parsed(other.text))
                place = end_of(self.where.loop, loop)
                yield inserted(self.live, place, statement, other.cost + 0.5 + 0.02 * len(other.text))
        found = self.several(before.reshape(len(known), -1)) if known else []
        if found:
            text = " + ".join(known[k].text for k in found)
            yield from sent_on(self, loop, Written(text, [], 2.0))

    def from_before(self, sent: np.ndarray, first: np.ndarray) -> np.ndarray:
        """What each visit gets from the one before, and at the first of each run of the loop what it has instead.

        sent: [candidate, visit, *shape]; first: [visit, *shape].
        """
        before = np.roll(sent, 1, axis=1)
        before[:, sorted(self.starts)] = first[sorted(self.starts)]
        return before

    def several(self, rows: np.ndarray) -> list[int]:
        """Which of the candidates give, added up, what is missing: the nearest one first, each once."""
        with np.errstate(all="ignore"):
            columns = self.healing.slopes @ rows.T
        finite = np.all(np.isfinite(columns), axis=0)  # of equations that hold infinities there is no solution
        columns, kept = columns[:, finite], np.flatnonzero(finite).tolist()
        if not kept:
            return []
        chosen: list[int] = []
        rest = self.healing.missing
        for _ in range(MOST_TERMS):
            sizes = np.linalg.norm(columns, axis=0)
            nearness = np.abs(columns.T @ rest) / np.where(sizes > 0, sizes, np.inf)
            nearness[chosen] = 0
            chosen.append(int(np.argmax(nearness)))
            weights = solution(columns[:, chosen], self.healing.missing)
            if weights is None:
                return []
            rest = self.healing.missing - columns[:, chosen] @ weights
            if np.linalg.norm(rest) <= NEAR * self.size:
                return [kept[k] for k in chosen] if np.allclose(weights, 1, atol=1e-4) else []
        return []


def same_along(values: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray | None:
    """The values without axes along which they are the same; None where they are not. NaN is any value."""
    if not axes or values.size == 0 or np.any(np.all(np.isnan(values), axis=axes)):
        return None
    with np.errstate(all="ignore"):  # of infinities
        mean = np.nanmean(values, axis=axes, keepdims=True)
        same = bool(np.nanmax(np.abs(values - mean)) <= NEAR * np.nanmax(np.abs(values)))
    if not same or mean.size == values.size:
        return None
    return mean if keepdims else mean.reshape([n for k, n in enumerate(mean.shape) if k not in axes])


def times(node: ast.expr, factor: ast.expr) -> ast.expr:
    """A product as one writes it: d * h * (1 - h) for d times h * (1 - h)."""
    if isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Mult):
        return ast.BinOp(times(node, factor.left), ast.Mult(), factor.right)
    return ast.BinOp(node, ast.Mult(), factor)
