"""Products of several of a place's values, found by what they are worth: by logarithms and by random projections.

A gradient by hand is a product nearly everywhere: `dc * i[t] * (1 - g[t] ** 2)`, `W.T @ (dh * z)`. With a hundred
values at a place there are millions of such products. An elementwise one is found as a sum of logarithms at a few
entries, a matrix product and a sum over all iterations by the number that two random vectors make of them.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.tree import ATOMS
from rnn_jax.verify.repair.worded import OVER, TWO, bracketed, divisors, is_number, of_step, powers, product

MOST_FACTORS = 200  # of one shape
FEWER = 110  # where only so few numbers tell them that many products would do by chance
TELLING = 12  # numbers
MOST_PAIRED = 64  # of them, in products of two that are tried in matrix products and sums
MOST_NUMBERS = 32  # of them, in products of three single numbers
LARGEST = 5_000_000  # numbers in the table of their pairs
PROBES = 14  # entries that are compared
NEAR = 1e-5  # of logarithms: the wanted values come from solving equations, right to a millionth
MOST_FOUND = 6
MOST_ALIKE = 2  # texts that are worth the same here, but may not be elsewhere
COSTS = {1: 1.0, 2: 1.5, 3: 1.9, 4: 2.3, 5: 2.7, 6: 3.1}  # by the number of factors, up to two masks among them


class Factors(NamedTuple):
    """The values of a place that can be a factor in an array of one shape."""

    texts: list[str]
    shapes: list[tuple[int, ...]]  # as they stand, before they are spread over the array
    values: np.ndarray  # [factor, iteration, *shape]

    def fill(self, chosen: Sequence[int]) -> bool:
        """Whether the product of some of them has the shape of the whole array."""
        return np.broadcast_shapes(*(self.shapes[k] for k in chosen)) == self.values.shape[2:]


class Monomials:
    """The products of what is known at one place."""

    def __init__(self, stock: Stock, numpy: str) -> None:
        self.stock, self.numpy = stock, numpy
        self._factors: dict[tuple[int, ...], Factors] = {}
        self._pairs: dict[tuple[Any, ...], tuple[list[tuple[int, ...]], np.ndarray]] = {}
        self.rng = np.random.default_rng(0)
        self.made_terms: dict[tuple[int, ...], Any] = {}  # by terms.py

    @cached_property
    def iterations(self) -> int:
        """How often the program came by."""
        return max((len(v.values) for v in self.stock.values()), default=0)

    @cached_property
    def single(self) -> list[tuple[str, np.ndarray]]:
        """What is no product itself, and 1 - x and 1 - x ** 2 of each name; the shortest of those worth the same."""
        known = {
            text: np.stack([np.asarray(v, float) for v in entry.values])
            for text, entry in self.stock.items()
            if entry.shape[0] in ("array", "float", "int") and len(entry.values) == self.iterations
        }
        made = {TWO: np.full(self.iterations, 2.0)} | known
        for text, value in known.items():
            if isinstance(parsed(text), ATOMS) and value.ndim > 1 and self.stock[text].shape[0] == "array":
                made.setdefault(f"1 - {text}", 1 - value)
                made.setdefault(f"1 - {text} ** 2", 1 - value**2)
        for text in sorted(divisors(known)):
            if np.all(known[text]):
                made.setdefault(f"1 / {text}", 1 / known[text])
        found: list[tuple[str, np.ndarray]] = []
        taken: Counter[tuple[object, ...]] = Counter()
        for text in sorted(made, key=lambda t: (is_number(t), len(t), t)):
            tree = parsed(text)
            product = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.MatMult | ast.Div)
            value = made[text]
            if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):  # no product can be made of what is below
                product = isinstance(tree.right, ATOMS | ast.Constant) and not text.startswith(OVER) and value.ndim > 1
            if not product and not isinstance(tree, ast.UnaryOp) and np.all(np.isfinite(value)) and np.any(value):
                key = value.shape, value.tobytes()
                # A number that has a name here is meant by that: 0.01 fits nowhere else.
                if taken[key] < (1 if text.endswith(".T") or is_number(text) else MOST_ALIKE):
                    taken[key] += 1
                    found.append((text, value))
        slopes = ((f"{n} * {base} ** {n - 1}", n * known[base] ** (n - 1)) for base, n in sorted(powers(known, known)))
        return [*((text, value) for text, value in slopes if np.all(np.isfinite(value)) and np.any(value)), *found]

    def factors(self, shape: tuple[int, ...]) -> Factors:
        """Those that fill an array of the shape, by themselves or along some of its axes."""
        if shape not in self._factors:
            texts: list[str] = []
            shapes: list[tuple[int, ...]] = []
            values: list[np.ndarray] = []
            for text, value in self.single:
                for form, inner, filled in spread(text, value, shape):
                    texts.append(form)
                    shapes.append(inner)
                    values.append(filled)
            room = int(np.sqrt(2 * LARGEST / max(1, self.iterations * int(np.prod(shape)))))
            many = self.iterations * int(np.prod(shape)) >= TELLING
            kept = range(len(texts))[: min(MOST_FACTORS if many else FEWER, room)]
            table = np.stack([values[k] for k in kept]) if texts else np.zeros((0, self.iterations, *shape))
            self._factors[shape] = Factors([texts[k] for k in kept], [shapes[k] for k in kept], table)
        return self._factors[shape]

    def small(self, shape: tuple[int, ...], numbers: int = MOST_NUMBERS) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """The single factors and the products of two, as numbers of factors, with their values.

        numbers: of so many single numbers also the products of three.
        """
        if (shape, numbers) not in self._pairs:
            factors = self.factors(shape)
            table = factors.values[:MOST_PAIRED]
            own = [k for k in range(len(table)) if factors.texts[k] != TWO]
            pairs = [p for p in itertools.combinations_with_replacement(own, 2) if factors.fill(p)]
            alone = [(k,) for k in own if factors.fill((k,))]
            first, second = (np.array([p[k] for p in pairs], int) for k in (0, 1))
            values = np.concatenate([table[[k for (k,) in alone]], table[first] * table[second]])
            # What is divided by comes on top; of single numbers every product of three is soon made.
            thirds = [k for k in own if factors.texts[k].startswith(OVER) or (not shape and k < numbers)]
            thirds = thirds[: max(0, LARGEST // max(1, values.size) - 1)]
            triples = [
                (n, k) for k in thirds for n, (i, j) in enumerate(pairs) if (k not in (i, j) if shape else k > j)
            ]
            more, last = (np.array([t[k] for t in triples], int) for k in (0, 1))
            values = np.concatenate([values, table[first[more]] * table[second[more]] * table[last]])
            self._pairs[shape, numbers] = [*alone, *pairs, *((*pairs[n], k) for n, k in triples)], values
        return self._pairs[shape, numbers]

    def scales(self, shape: tuple[int, ...]) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """The same for what is to be multiplied with an array of the shape, so that they need not fill it."""
        table = self.factors(shape).values
        pairs = list(itertools.combinations_with_replacement(range(min(len(table), MOST_PAIRED)), 2))
        first, second = (np.array([p[k] for p in pairs], int) for k in (0, 1))
        return [*((k,) for k in range(len(table))), *pairs], np.concatenate([table, table[first] * table[second]])

    def worth(self, wanted: list[np.ndarray], start: int = 0, scale: bool = False) -> Iterator[Written]:
        """The products of up to four factors that are worth this at the iterations from `start` on.

        Where NaN is wanted anything will do. scale: it is to be multiplied with what has the whole shape.
        """
        shape = wanted[0].shape
        whole = self.factors(shape)
        table, count = whole.values, len(wanted)
        if not len(table) or start + count > self.iterations:
            return
        goal = np.stack(wanted).astype(float).ravel()
        asked = np.isfinite(goal)
        goal = goal[asked]
        rows = table[:, start : start + count].reshape(len(table), -1)[:, asked]
        size = float(np.max(np.abs(goal), initial=0.0))
        there = np.flatnonzero(np.abs(goal) > 1e-3 * size)
        if not len(there):
            return
        probes = np.random.default_rng(0).permutation(there)[:PROBES]
        # A mask, a one-hot row, adds nothing to a logarithm, so up to two of them are tried on top of each product.
        masking = np.all((table == 0) | (table == 1), axis=tuple(range(1, table.ndim))) & ~np.all(rows, axis=1)
        alone = np.flatnonzero(masking).tolist()
        masks = [[], *([k] for k in alone), *map(list, itertools.combinations(alone, 2))]
        usable = np.flatnonzero(np.all(rows[:, probes] != 0, axis=1) & ~masking)
        logs = np.log(np.abs(rows[usable][:, probes]))
        target = np.log(np.abs(goal[probes]))
        found = 0
        for chosen in itertools.chain([()], adding_up(logs, target) if len(usable) else ()):
            for mask in masks:
                factors = [int(usable[k]) for k in chosen] + mask
                if not factors or not (scale or whole.fill(factors)):
                    continue
                if sum(is_number(whole.texts[k]) and whole.texts[k] != TWO for k in factors) > 1:
                    continue  # 0.5 * 0.5 is rather a count that happens to be 4
                value = np.prod(rows[factors], axis=0)
                for sign in (1.0, -1.0):
                    if np.linalg.norm(sign * value - goal) <= NEAR * np.linalg.norm(goal):
                        yield self.written(shape, factors, sign)
                        found += 1
            if found >= MOST_FOUND:
                return

    def written(self, shape: tuple[int, ...], factors: list[int], sign: float = 1.0) -> Written:
        """A product as it is written, with its values at all iterations."""
        table = self.factors(shape)
        text = product([table.texts[k] for k in sorted(factors, key=lambda k: (table.shapes[k] != (), k))], sign)
        return Written(text, list(sign * np.prod(table.values[factors], axis=0)), COSTS[len(factors)])

    @cached_property
    def matrices(self) -> list[tuple[str, np.ndarray]]:
        """The names that are matrices, those of a step and those that are cut out of others last."""
        found = [(t, v) for t, v in self.single if v.ndim == 3 and isinstance(parsed(t), ATOMS)]
        last = lambda each: (":" in each[0], of_step(parsed(each[0])))  # noqa: E731
        return sorted(((t, v) for t, v in found if not t.endswith(".T")), key=last)[:40]

    def images(self, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
        """The products of a matrix with up to two factors that are worth this."""
        shape, count = wanted[0].shape, len(wanted)
        if not all(np.all(np.isfinite(w)) for w in wanted):
            return
        if len(shape) not in (1, 2, 3) or start + count > self.iterations:
            return
        left, right = along(self.rng, shape)
        goal = np.array([spun(w, left, right) for w in wanted])
        size = float(np.linalg.norm(goal))
        if not size:
            return
        for name, matrix in self.matrices:
            for text, inner, weights in forms(name, matrix[start : start + count], shape, left, right):
                chosen, values = self.small(inner)
                if not len(values):
                    continue
                made = values[:, start : start + count].reshape(len(values), count, -1)
                worth = np.einsum("kti,ti->kt", made, weights.reshape(count, -1))
                for sign in (1.0, -1.0):
                    near = np.flatnonzero(np.linalg.norm(sign * worth - goal, axis=1) <= NEAR * size)
                    for k in near[:MOST_FOUND]:
                        factor = self.written(inner, list(chosen[k]))
                        whole = text.format(f"({factor.text})" if len(chosen[k]) > 1 else bracketed(factor.text))
                        signed = whole if sign > 0 else f"-({whole})"
                        yield Written(ast.unparse(parsed(signed)), [], factor.cost + 0.5)

    def equal_to(self, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
        """All products that are worth this at the iterations from `start` on."""
        yield from self.worth(wanted, start)
        yield from self.images(wanted, start)


def spread(text: str, value: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...], np.ndarray]]:
    """The ways in which an array fills a larger one, as it is or with new axes: the text, its shape, the values."""
    own, count = value.shape[1:], len(value)
    if not own:
        filled = np.broadcast_to(value.reshape(count, *(1 for _ in shape)), (count, *shape))
        yield text, (), filled
        return
    for axes in itertools.combinations(range(len(shape)), len(own)):
        if any(own[k] not in (shape[axis], 1) for k, axis in enumerate(axes)) or (set(own) == {1} and own != shape):
            continue
        inner = [n if axis in axes else 1 for axis, n in enumerate(shape)]
        for k, axis in enumerate(axes):
            inner[axis] = own[k]
        index = [":" if axis in axes else "None" for axis in range(axes[0], len(shape))]
        while index and index[-1] == ":" and "None" not in index:
            index.pop()
        form = f"{bracketed(text)}[{', '.join(index)}]" if index else text
        yield form, tuple(inner[axes[0] :]), np.broadcast_to(value.reshape(count, *inner), (count, *shape))


def adding_up(logs: np.ndarray, target: np.ndarray) -> Iterator[tuple[int, ...]]:
    """The rows, up to four of them, that add up to the target; the fewest first."""
    yield from ((int(k),) for k in np.flatnonzero(np.all(np.abs(logs - target) <= NEAR, axis=1)))
    pairs = list(itertools.combinations_with_replacement(range(len(logs)), 2))
    first, second = (np.array([p[k] for p in pairs], int) for k in (0, 1))
    sums = logs[first] + logs[second]
    order = np.argsort(sums[:, 0])
    keys = sums[order, 0]

    def matches(rest: np.ndarray) -> Iterator[tuple[int, int]]:
        low = np.searchsorted(keys, rest[:, 0] - NEAR)
        high = np.searchsorted(keys, rest[:, 0] + NEAR, side="right")
        for k in np.flatnonzero(high > low):
            there = order[low[k] : high[k]]
            for j in there[np.all(np.abs(sums[there] - rest[k]) <= NEAR, axis=1)]:
                yield int(k), int(j)

    found = False
    for _, j in matches(target[None]):
        found = True
        yield pairs[j]
    if not found:
        for k, j in matches(target - logs):
            if k <= pairs[j][0]:
                found = True
                yield (k, *pairs[j])
    if not found:
        for k, j in matches(target - sums):
            if pairs[k][1] <= pairs[j][0]:
                yield (*pairs[k], *pairs[j])


def along(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """Random numbers for the last axis, and for those before it; of one axis alone for that."""
    if len(shape) < 2:
        return np.asarray(rng.normal(size=shape)), None
    return np.asarray(rng.normal(size=shape[:-1])), np.asarray(rng.normal(size=shape[-1]))


def spun(value: np.ndarray, left: np.ndarray, right: np.ndarray | None) -> float:
    """The number that random vectors make of an array."""
    return float(np.sum(left * (value if right is None else value @ right)))


def forms(
    name: str, matrix: np.ndarray, shape: tuple[int, ...], left: np.ndarray, right: np.ndarray | None
) -> Iterator[tuple[str, tuple[int, ...], np.ndarray]]:
    """Products of a matrix with something else, what shape that has, and what the random vectors make of it."""
    rows, columns = matrix.shape[1:]
    for text, own, image, other in (
        (f"{name} @ {{}}", rows, "i,tij->tj", columns),
        (f"{name}.T @ {{}}", columns, "j,tij->ti", rows),
    ):
        if len(shape) < 3 and own == shape[0]:
            made = np.einsum(image, left, matrix)
            yield text, (other, *shape[1:]), made if right is None else made[:, :, None] * right
    for text, own, image, other in (
        (f"{{}} @ {name}", columns, "j,tij->ti", rows),
        (f"{{}} @ {name}.T", rows, "i,tij->tj", columns),
    ):
        if right is not None and own == shape[-1]:
            made = np.einsum(image, right, matrix).reshape(-1, *(1 for _ in left.shape), other)
            yield text, (*shape[:-1], other), left[..., None] * made
