"""What is added to a part of an array and is part of another: pull[1:] += f[:-1], transpose of f[:-1] += pull[1:]."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import names_in, walk

COST = 1.6
SMALL = 8  # names of a function in which each may be meant


class Moved(NamedTuple):
    """A part of an array that is added to a part of another one, as text."""

    target: str  # what stands within the brackets
    value: str


def transposed(live: LiveCode) -> Iterator[Edit]:
    """Statements that do for other names what one of the program does with parts, or the transpose of that.

    Behind each statement of a small function that gives such a name its value.
    """
    pairs = dict.fromkeys(each for spot in live.spots for each in moved(live.statement(spot)))
    both = dict.fromkeys(each for one, two in pairs for each in (Moved(two, one), Moved(one, two)))
    for spot in live.spots if both else ():
        for path, function in walk(live.statement(spot)):
            names = local_names(function) if isinstance(function, ast.FunctionDef) else []
            if not isinstance(function, ast.FunctionDef) or len(names) > SMALL:
                continue
            for where, given in walk(function):
                target = given.targets[0] if isinstance(given, ast.Assign) else None
                if isinstance(target, ast.Name):
                    (field, k), block = where[-1], where[:-1]
                    place = Site(*spot, (*path, *block, (field, int(k or 0) + 1)))
                    for other in names:
                        for one, two in both if other != target.id else ():
                            for sign in ("+=", "-="):
                                made = ast.parse(f"{target.id}[{one}] {sign} {other}[{two}]").body[0]
                                yield inserted(live, place, made, COST)


def moved(whole: ast.AST) -> Iterator[Moved]:
    """The parts of names to which parts of others are added or from which they are taken off, as they are."""
    for node in ast.walk(whole):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            target, value = node.target, node.value
            if is_part(target) and is_part(value):
                yield Moved(within(target), within(value))


def within(part: Any) -> str:
    """What stands within the brackets: `:, 1:`."""
    text = ast.unparse(part.slice)
    return text.removeprefix("(").removesuffix(")") if isinstance(part.slice, ast.Tuple) else text


def is_part(node: ast.AST) -> bool:
    """Whether it is a part of a name by a slice that says numbers alone: `f[:-1]`, `g[:, 1:]`."""
    index = node.slice if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else None
    return index is not None and any(isinstance(n, ast.Slice) for n in ast.walk(index)) and not names_in(index)


def local_names(function: ast.FunctionDef) -> list[str]:
    """What a function is handed and what it gives a value."""
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return list(dict.fromkeys([a.arg for a in function.args.args] + stored))


def taken_elsewhere(live: LiveCode) -> Iterator[Edit]:
    """What is taken off a stretch of an array is added to one item beside it: change[t] += post.sum(axis=0).

    So differences are kept of which a running sum is made later on: what begins at t ends further on.
    """
    for spot in live.spots:
        for path, node in walk(live.statement(spot)):
            index: Any = getattr(getattr(node, "target", None), "slice", None)
            if not isinstance(node, ast.AugAssign) or not isinstance(index, ast.Slice) or index.lower is None:
                continue
            lower, whole = ast.unparse(index.lower), ast.unparse(node.target.value)  # type: ignore[union-attr]
            (field, k), block = path[-1], path[:-1]
            for item in dict.fromkeys([*sorted(names_in(index.lower)), f"{lower} - 1", lower]):
                for sign in ("+=", "-="):
                    text = f"{whole}[{item}] {sign} ({ast.unparse(node.value)}).sum(axis=0)"
                    made = ast.parse(text).body[0]
                    yield inserted(live, Site(*spot, (*block, (field, int(k or 0)))), made, COST)
