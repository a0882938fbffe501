"""Names that hold the number 0 where an array is meant: `dx = 0` before the loop that adds to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import ATOMS, first_line, walk


def numbers(live: LiveCode, trace: Trace) -> dict[tuple[Spot, str], str]:
    """The names that hold the number 0 for an array of zeros, and how that array would be written."""
    found = dict(given_back(live, trace))
    for site, shape in trace.shapes.items():
        node, where = live.node(site), around(live, site)
        if shape[0] not in ("float", "int") or not isinstance(node, ast.Name) or where is None:
            continue
        statement: Any = live.node(where.statement)
        whole = trace.shapes.get(Site(*site.spot, (*where.statement.path, ("value", None))), ("",))
        zero = not any(np.any(s.value) for s in trace.seen.get(site, []))
        named = isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ATOMS)
        if zero and named and whole[0] == "array":
            known = not any(isinstance(n, ast.Call) for n in ast.walk(statement.value))  # before the target is
            array = f"({ast.unparse(statement.value)})" if known else ast.unparse(statement.targets[0])
            found.setdefault((site.spot, node.id), f"{node.id} + 0 * {array}")
    return found


def given_back(live: LiveCode, trace: Trace) -> Iterator[tuple[tuple[Spot, str], str]]:
    """The same of what a function gives back to a sum with an array, by what in the function has the sum's shape."""
    sums: dict[str, Any] = {}  # by the function's name the shape of a sum that takes what it gives back
    for site, shape in trace.shapes.items():
        node = live.node(site)
        if shape[0] == "array" and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            calls = [each for each in (node.left, node.right) if isinstance(each, ast.Call)]
            sums |= {ast.unparse(call.func).split(".")[-1]: shape for call in calls}
    for spot in live.spots if sums else ():
        for _, function in walk(live.statement(spot)):
            if isinstance(function, ast.FunctionDef) and function.name in sums:
                scope = trace.scopes.get((spot[0], first_line(function)), {})
                like = [name for name, shape in scope.items() if shape == sums[function.name]]
                yield from (((spot, name), f"{name} + 0 * {like[0]}") for name in only_zero(function) if like)


def only_zero(function: ast.FunctionDef) -> Iterator[str]:
    """The names that a function gives back, and gives the value 0 and no other."""
    back = {n.value.id for n in ast.walk(function) if isinstance(n, ast.Return) and isinstance(n.value, ast.Name)}
    given = {id(t): n.value for n in ast.walk(function) if isinstance(n, ast.Assign) for t in n.targets}
    stored = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for name in sorted(back):
        values = [given.get(id(n)) for n in stored if n.id == name]
        if values and all(isinstance(v, ast.Constant) and v.value == 0 for v in values):
            yield name
