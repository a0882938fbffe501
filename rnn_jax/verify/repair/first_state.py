"""Edits that put the state before the first step where an index wraps."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import key_of, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import Path, at, located, walk


def first_states(live: LiveCode, trace: Trace, place: Site, stock: Stock, numpy: str) -> Iterator[Edit]:
    """h[t - 1] where t may be 0: the state before the first step in its place there."""
    (field, k), above = place.path[-1], place.path[:-1]
    if k == len(getattr(at(live.statement(place.spot), above), field)):
        return
    for path, inner in own_expressions(live.node(place)):
        if not isinstance(inner, ast.Subscript) or not isinstance(inner.ctx, ast.Load):
            continue
        site = Site(place.file, place.number, (*place.path, *path))
        shape = trace.shapes.get(site)
        parts = inner.slice.elts if isinstance(inner.slice, ast.Tuple) else [inner.slice]
        if shape is None:
            continue
        others = [t for t, known in stock.items() if key_of(known.shape) == key_of(shape) and is_name(t)]
        for part in parts:
            wraps = isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub)
            if not wraps and not isinstance(part, ast.Name):
                continue
            index = ast.unparse(part.left if isinstance(part, ast.BinOp) else part)
            text = ast.unparse(inner) if wraps else ast.unparse(shifted_back(inner, part))
            for other in [f"{numpy}.zeros_like({ast.unparse(inner)})", *others]:
                new = parsed(f"{text} if {index} > 0 else {other}")
                kind, cost = ("wraps-at-zero", 2.0) if wraps else ("index-shift", 2.2)
                yield Edit(site, located(new, inner), kind, cost, inner.lineno)


def shifted_back(node: ast.Subscript, part: ast.expr) -> ast.Subscript:
    """The same with one index one less."""
    less = ast.BinOp(part, ast.Sub(), ast.Constant(1))
    index: ast.expr = less
    if isinstance(node.slice, ast.Tuple):
        index = ast.Tuple([less if p is part else p for p in node.slice.elts], ast.Load())
    return ast.Subscript(node.value, index, ast.Load())


def is_name(text: str) -> bool:
    """Whether an expression is a name or an attribute."""
    return isinstance(parsed(text), ast.Name | ast.Attribute)


def own_expressions(statement: ast.AST) -> Iterator[tuple[Path, ast.AST]]:
    """The expressions of a statement that are not in statements within it."""
    for path, node in walk(statement):
        inner = any(isinstance(at(statement, path[:k]), ast.stmt) for k in range(1, len(path)))
        if path and isinstance(node, ast.expr) and not inner:
            yield path, node
