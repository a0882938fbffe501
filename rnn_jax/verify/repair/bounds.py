"""Indices, bounds and numbers near by: one further on or back, left out, taken from the other end."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from rnn_jax.verify.repair.products import Option, with_parts
from rnn_jax.verify.repair.tree import shallow

MOST_BOUNDS = 6  # of one array


def slices(node: ast.Slice) -> Iterator[Option]:
    """Bounds moved by one, or left out."""
    for field in ("lower", "upper"):
        bound = getattr(node, field)
        choices: list[ast.expr | None] = [None] if bound is not None else []
        choices += [moved for moved, _ in shifted(bound)] if bound is not None else []
        choices += [ast.Constant(1 if field == "lower" else -1)] if bound is None else []
        for choice in choices:
            made = shallow(node)
            setattr(made, field, choice)
            yield made, "index-shift", 1.5
    if bool(node.lower) != bool(node.upper):  # all but the first, all but the last
        made = shallow(node)
        made.lower, made.upper = opposite(node.upper), opposite(node.lower)
        if made.lower is not None or made.upper is not None:  # of a block as wide as the rest by chance alone
            yield made, "index-shift", 1.2 if is_number(made.lower or made.upper) else 2.0
    if node.step is not None:
        made = shallow(node)
        made.step = None
        yield made, "wrong-order", 1.5
    else:
        made = shallow(node)
        made.step = ast.UnaryOp(ast.USub(), ast.Constant(1))
        yield made, "wrong-order", 2.5


def parts(index: ast.expr, known: Iterable[ast.expr]) -> Iterator[ast.expr]:
    """The last slice of an index between other bounds of those that are known: the part that nothing names.

    The columns :n, n:2 * n and 3 * n: leave 2 * n:3 * n.
    """
    written = {ast.unparse(each) for each in (index, *known)}
    bounds: dict[str, ast.expr | None] = {"": None}
    for each in (index, *known):
        if (last := last_slice(each)) is not None:
            bounds |= {ast.unparse(b): b for b in (last.lower, last.upper) if b is not None}
    if (own := last_slice(index)) is None or len(bounds) > MOST_BOUNDS:
        return
    for lower, upper in itertools.permutations(bounds.values(), 2):
        part = with_parts(own, lower=lower, upper=upper)
        made = with_parts(index, elts=[*index.elts[:-1], part]) if isinstance(index, ast.Tuple) else part
        if ast.unparse(made) not in written:
            yield made


def last_slice(index: ast.expr) -> ast.Slice | None:
    """What an index takes of the last axis that it names, where that is a part."""
    last = index.elts[-1] if isinstance(index, ast.Tuple) and index.elts else index
    return last if isinstance(last, ast.Slice) and (last.lower or last.upper) and last.step is None else None


def is_number(bound: ast.expr | None) -> bool:
    """Whether a bound is a number, and no name of a size."""
    return isinstance(bound.operand if isinstance(bound, ast.UnaryOp) else bound, ast.Constant)


def opposite(bound: ast.expr | None) -> ast.expr | None:
    """The bound that leaves out as many at the other end."""
    if isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub):
        return bound.operand
    return None if bound is None else ast.UnaryOp(ast.USub(), bound)


def ranges(node: ast.Call) -> Iterator[Option]:
    """The ends moved by one; a start or a step put in."""
    for k, argument in enumerate(node.args):
        for moved, cost in shifted(argument):
            yield with_parts(node, args=[*node.args[:k], moved, *node.args[k + 1 :]]), "skips-step", cost
    if len(node.args) == 1:
        yield with_parts(node, args=[ast.Constant(1), *node.args]), "skips-step", 1.5
    if len(node.args) == 2:
        yield with_parts(node, args=node.args[1:]), "skips-step", 1.5


def shifted(index: Any) -> list[tuple[ast.expr, float]]:
    """An index or bound one, or two, further on or back."""
    if isinstance(index, ast.Constant) and isinstance(index.value, int) and not isinstance(index.value, bool):
        return [(number(index.value + d), 1) for d in (-1, 1)]
    if isinstance(index, ast.UnaryOp) and isinstance(index.operand, ast.Constant):
        value = -index.operand.value  # type: ignore[operator]
        return [(number(value + d), 1) for d in (-1, 1)] if isinstance(value, int) else []
    if isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(index.op, ast.Add) else ast.Add()
        near = [(index.left, 1.0), (with_parts(index, op=other), 1.0)]
        return near + [(with_parts(index, right=n), c) for n, c in shifted(index.right)]
    if isinstance(index, ast.Name | ast.Attribute | ast.Call):
        one = ast.Constant(1)
        return [(ast.BinOp(index, ast.Sub(), one), 1), (ast.BinOp(index, ast.Add(), one), 1)]
    if isinstance(index, ast.Tuple):
        found: list[tuple[ast.expr, float]] = []
        for k, part in enumerate(index.elts):
            found += [
                (ast.Tuple([*index.elts[:k], moved, *index.elts[k + 1 :]], ast.Load()), cost)
                for moved, cost in shifted(part)
            ]
        return found
    return []


def number(value: float) -> ast.expr:
    """A number as it is written."""
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def constant(node: ast.Constant) -> Iterator[Option]:
    """Numbers near by."""
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value), "constant", 1.5
    elif isinstance(value, int | float):
        for other in dict.fromkeys([value + 1, value - 1, 0, 1, 2, -value, 2 * value, value / 2]):
            if other != value and (isinstance(value, float) or other == int(other)):
                new = type(value)(other)
                yield number(new), "constant", 1.2
