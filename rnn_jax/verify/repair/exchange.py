"""Edits that put one known value in the place of another, or of a function of it; and terms that hold at one step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import is_atom, key_of, parsed
from rnn_jax.verify.repair.first_state import own_expressions
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import ATOMS, at, located

MOST = 40  # other values for one


def exchanges(live: LiveCode, trace: Trace, place: Site, stock: Stock, telling: set[Site]) -> Iterator[Edit]:
    """Within the statement at a place: another array of the same shape, or a function of the same one.

    telling: the expressions on which just the wrong gradients hang.
    """
    (field, k), above = place.path[-1], place.path[:-1]
    if k == len(getattr(at(live.statement(place.spot), above), field)):
        return
    functions = functions_of_one(live)
    for path, node in own_expressions(live.node(place)):
        site = Site(place.file, place.number, (*place.path, *path))
        shape = trace.shapes.get(site)
        if site not in telling or shape is None or shape[0] not in ("array", "float"):
            continue
        text = ast.unparse(node)
        parent = at(live.statement(place.spot), site.path[:-1])
        if isinstance(parent, ast.Call) and isinstance(node, ast.expr) and site.path[-1][0] == "args":
            for other in alike(stock, text, shape):  # within a function that is not linear nothing can be solved for
                for sign in (ast.Add(), ast.Sub()):
                    new = ast.BinOp(node, sign, parsed(other))
                    yield Edit(site, located(new, node), "missing-term", 2.4, node.lineno)
        if not isinstance(node, ATOMS) or not isinstance(node.ctx, ast.Load):
            continue
        for function in functions:
            wrapped = parsed(f"{function}({text})")
            yield Edit(site, located(wrapped, node), "derivative-point", 2.2, node.lineno)
        for slope in (f"{text} * (1 - {text})", f"1 - {text} ** 2", f"1 - {text}"):
            yield Edit(site, located(parsed(slope), node), "derivative-omitted", 2.2, node.lineno)
        for other in alike(stock, text, shape):
            yield Edit(site, located(parsed(other), node), "wrong-variable", 2.6, node.lineno)


def alike(stock: Stock, text: str, shape: Any) -> list[str]:
    """The other named values of the shape, the shortest of those that are the same."""
    found: dict[Any, str] = {}
    for other in sorted(stock, key=len):
        known = stock[other]
        if other != text and key_of(known.shape) == key_of(shape) and known.shape[0] != "int" and is_atom(other):
            found.setdefault(known.key(), other)
    return list(found.values())[:MOST]


def functions_of_one(live: LiveCode) -> list[str]:
    """What the program calls with one argument, as it is written."""
    found: dict[str, None] = {}
    for spot in live.spots:
        for node in ast.walk(live.statement(spot)):
            if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ACTIVATIONS or "sig" in name or "act" in name:
                    found[ast.unparse(node.func)] = None
    return list(found)


ACTIVATIONS = {"tanh", "exp", "sqrt", "square", "log", "relu", "f", "phi", "g", "squash", "logistic"}


def at_one_step(live: LiveCode, trace: Trace, place: Site, stock: Stock, telling: set[Site]) -> Iterator[Edit]:
    """A term that belongs to the first iteration alone, or to all but that."""
    (field, k), above = place.path[-1], place.path[:-1]
    loop = at(live.statement(place.spot), above)
    if k == len(getattr(loop, field)) or not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
        return
    index = stock.get(loop.target.id)
    if index is None or not index.values or index.values[0].ndim:
        return
    first = int(index.values[0])
    names = [
        t for t, v in stock.items() if v.shape[0] == "int" and t != loop.target.id and is_same(v.values, first + 1)
    ]
    bounds = [str(first)] if first == 0 else [f"{min(names, key=len)} - 1"] if names else []
    for path, node in own_expressions(live.node(place)):
        site = Site(place.file, place.number, (*place.path, *path))
        parent = at(live.statement(place.spot), site.path[:-1])
        inside = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add)
        if site not in telling or not inside or not isinstance(node, ast.expr):
            continue
        for bound in bounds:
            new = parsed(f"{ast.unparse(node)} if {loop.target.id} == {bound} else 0")
            yield Edit(site, located(new, node), "loss-everywhere", 2.5, node.lineno)


def is_same(values: list[Any], number: int) -> bool:
    """Whether an expression is this number each time."""
    return all(v.ndim == 0 and int(v) == number for v in values)
