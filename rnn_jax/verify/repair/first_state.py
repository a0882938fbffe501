"""Edits that put the state before the first step where an index wraps, or into an array that a loop fills after it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import key_of, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import Path, at, located, walk

FILLED = 1.2  # what such an edit costs


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


def first_items(live: LiveCode, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """h[0] = h0 before a loop that fills all of h but its first item, or its last: h[-1] = h0."""
    for place, stock in stocks.items():
        (field, k), above = place.path[-1], place.path[:-1]
        block = getattr(at(live.statement(place.spot), above), field)
        if k is None or k == len(block) or not isinstance(block[k], ast.For):
            continue
        filled, begun = items_of([block[k]]), items_of(block[:k])
        for text in sorted(filled - begun):
            shape = stock[text].shape if text in stock else ()
            items = key_of((*shape[:2], shape[2][1:])) if shape[:1] == ("array",) and len(shape[2]) > 1 else None
            others = [t for t, known in stock.items() if key_of(known.shape) == items and is_name(t)]
            for other, index in itertools.product(others, (0, -1)):
                yield inserted(live, place, ast.parse(f"{text}[{index}] = {other}").body[0], FILLED)


def items_of(statements: list[ast.stmt]) -> set[str]:
    """The arrays that statements give items."""
    assigned = [n for each in statements for n in ast.walk(each) if isinstance(n, ast.Assign)]
    targets = [target for n in assigned for target in n.targets if isinstance(target, ast.Subscript)]
    return {ast.unparse(target.value) for target in targets if not isinstance(target.slice, ast.Slice)}


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
