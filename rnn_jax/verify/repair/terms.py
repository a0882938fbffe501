"""Sums and differences of a place's values that are worth a given array: of two products, of three simple terms.

As for products, random vectors make a number of each term at each iteration; numbers that add up are looked for.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.monomials import MOST_FOUND, MOST_PAIRED, NEAR, Monomials, along, forms, spun
from rnn_jax.verify.repair.tree import same
from rnn_jax.verify.repair.worded import bracketed

MOST_OF_THREE = 1_000  # terms, in sums of three
MOST_OF_THREE_FACTORS = 40  # values, in the products of three that are terms
FEWEST = 3  # numbers, for a sum of two to be told from chance


class Terms(NamedTuple):
    """What may be a term of a sum."""

    made: list[tuple[int, ...] | str]  # by their factors, or as they are written
    table: np.ndarray  # [term, number]: what random vectors make of its values
    simple: int  # so many of them, the first, are no products of three


def two(here: Monomials, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
    """Sums and differences of two: products of up to three values, a matrix times a value; and sums of three."""
    shape, count = wanted[0].shape, len(wanted)
    # Of an array any number of numbers can be made.
    draws = -(-FEWEST // count) if wanted[0].size > 1 else 1
    if len(shape) > 3 or count * draws < FEWEST or start + count > here.iterations:
        return
    if not all(np.all(np.isfinite(w)) for w in wanted):
        return
    key = (*shape, -1, start, count)
    if key not in here.made_terms:  # for several expressions of one statement they are the same
        vectors = [along(here.rng, shape) for _ in range(draws)]
        parts = [terms_of(here, shape, start, count, left, right) for left, right in vectors]
        all_numbers = parts[0]._replace(table=np.concatenate([p.table for p in parts], axis=1))
        short = [text_of(here, all_numbers, k, shape) or "" for k in range(all_numbers.simple)]
        here.made_terms[key] = vectors, all_numbers, short
    vectors, terms, short = here.made_terms[key]
    goal = np.array([spun(w, left, right) for left, right in vectors for w in wanted])
    near = NEAR * float(np.linalg.norm(goal))
    if not near or not len(terms.table):
        return
    # The largest number is looked for first: as many things come to 0 as are 0 at that iteration.
    largest = np.argsort(-np.abs(goal))
    goal, terms = goal[largest], terms._replace(table=terms.table[:, largest])
    number, table = len(terms.table), np.concatenate([terms.table, -terms.table])
    order = np.argsort(table[:, 0])
    keys, rest = table[order, 0], goal - table
    low, high = np.searchsorted(keys, rest[:, 0] - near), np.searchsorted(keys, rest[:, 0] + near)
    found = 0
    for k in np.flatnonzero(high > low):
        there = order[low[k] : high[k]]
        there = there[(there > k) & (there != k + number)]
        for j in there[np.linalg.norm(table[there] - rest[k], axis=1) <= near][: MOST_FOUND - found]:
            texts = [text_of(here, terms, int(each) % number, shape) for each in (k, j)]
            if None not in texts:
                found += 1
                yield Written(added_up(texts, [bool(k < number), bool(j < number)]), [], 2.5)
    if not found:
        for three in itertools.islice(of_three(short, terms.table[: terms.simple], goal, near), MOST_FOUND):
            yield Written(added_up(three, [True] * 3), [], 3.0)


def text_of(here: Monomials, terms: Terms, k: int, shape: tuple[int, ...]) -> str | None:
    """A term as it is written; None where it does not have the whole shape."""
    made = terms.made[k]
    if isinstance(made, str):
        return made
    return here.written(shape, list(made)).text if here.factors(shape).fill(made) else None


def terms_of(
    here: Monomials, shape: tuple[int, ...], start: int, count: int, left: np.ndarray, right: np.ndarray | None
) -> Terms:
    """The terms that a sum may have, and what two random vectors make of each at each iteration."""
    window = slice(start, start + count)

    def numbers(values: np.ndarray) -> np.ndarray:
        rest = values if right is None else values @ right
        return rest.reshape(len(values), count, left.size) @ np.ravel(left)

    chosen, values = here.small(shape)
    whole = here.factors(shape)
    more = [k for k in range(len(whole.texts)) if k >= MOST_PAIRED and whole.fill((k,))]
    made: list[tuple[int, ...] | str] = [*chosen, *((k,) for k in more)]
    rows = [numbers(values[:, window]), numbers(whole.values[more][:, window])]
    for name, matrix in here.matrices if shape else ():
        for text, inner, weights in forms(name, matrix[window], shape, left, right):
            table = here.factors(inner)
            alone = [k for k in range(len(table.texts)) if table.fill((k,))]
            if alone:
                image = table.values[alone][:, window].reshape(len(alone), count, -1)
                rows.append(np.einsum("kti,ti->kt", image, weights.reshape(count, -1)))
                made += [text.format(bracketed(table.texts[k])) for k in alone]
    simple = len(made)
    factors = here.factors(shape).values[:MOST_OF_THREE_FACTORS, window]
    pairs = list(itertools.combinations_with_replacement(range(len(factors)), 2))
    products = np.stack([factors[k] * factors[j] for k, j in pairs]) if pairs else factors
    for third in range(len(factors)):
        before = [n for n, (_, j) in enumerate(pairs) if j <= third]
        made += [(*pairs[n], third) for n in before]
        rows.append(numbers(products[before] * factors[third]))
    return Terms(made, np.concatenate(rows), simple)


def added_up(texts: Sequence[str | None], plus: list[bool]) -> str:
    """A sum as it is written, what is taken away last, and what two terms have in common once."""
    trees = sorted(zip(plus, (parsed(str(text)) for text in texts), strict=True), key=lambda pair: not pair[0])
    (positive, whole), *others = trees
    if len(others) == 1 and positive and (short := factored(whole, others[0][1], plus=others[0][0])) is not None:
        return ast.unparse(short)
    whole = whole if positive else ast.UnaryOp(ast.USub(), whole)
    for positive, tree in others:
        whole = ast.BinOp(whole, ast.Add() if positive else ast.Sub(), tree)
    return ast.unparse(whole)


def factored(first: ast.expr, second: ast.expr, plus: bool) -> ast.expr | None:
    """The sum a * m + b * m as (a + b) * m; None where the two products have no factor in common, or nothing else."""
    one, two = factors_of(first), factors_of(second)
    common: list[ast.expr] = []
    for factor in factors_of(first):
        like = next((each for each in two if same(each, factor)), None)
        if like is not None:
            one, two = [each for each in one if each is not factor], [each for each in two if each is not like]
            common.append(factor)
    if not common or not one or not two:
        return None
    both = ast.BinOp(multiplied(one), ast.Add() if plus else ast.Sub(), multiplied(two))
    return multiplied([both, *common])


def factors_of(tree: ast.expr) -> list[ast.expr]:
    """The factors of a product, element by element."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        return [*factors_of(tree.left), *factors_of(tree.right)]
    return [tree]


def multiplied(factors: list[ast.expr]) -> ast.expr:
    """Their product."""
    whole, *others = factors
    for each in others:
        whole = ast.BinOp(whole, ast.Mult(), each)
    return whole


def of_three(texts: list[str], table: np.ndarray, goal: np.ndarray, near: float) -> Iterator[list[str]]:
    """Three of the rows that add up to the goal, of those with the shortest texts."""
    kept = np.array(sorted(range(len(texts)), key=lambda k: (len(texts[k]), k))[:MOST_OF_THREE], int)
    rows = table[kept]
    first, second = np.triu_indices(len(kept), 1)
    sums = rows[first, 0] + rows[second, 0]
    order = np.argsort(sums)
    keys = sums[order]
    for k, row in enumerate(rows):
        low, high = np.searchsorted(keys, [goal[0] - row[0] - near, goal[0] - row[0] + near])
        there = order[low:high]
        there = there[first[there] > k]
        exact = np.linalg.norm(rows[first[there]] + rows[second[there]] + row - goal, axis=1) <= near
        for j in there[exact]:
            yield [texts[kept[k]], texts[kept[first[j]]], texts[kept[second[j]]]]
