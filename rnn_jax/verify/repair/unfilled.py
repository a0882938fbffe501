"""Arrays of zeros, or unset, that are read and never written to: the statement that fills them by parts is missing.

Nor does one get anything that is only added to by what it holds itself: d[t - 1] += d[t] * f, where d stays zero.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Shape, Trace
from rnn_jax.verify.repair.tree import ATOMS, first_line, walk


def unfilled(live: LiveCode, trace: Trace, site: Site) -> Iterator[tuple[Site, str]]:
    """The parts that a loop of a function may have to fill, and before which statement of it.

    A part that the loop reads is filled before that; of another the index is that of an array beside it.
    """
    function = live.node(site)
    shapes = trace.scopes.get((site.file, first_line(function)), {})
    arrays = empty(live, trace, function)
    for path, loop in walk(function, site.path) if arrays else ():
        if not isinstance(loop, ast.For):
            continue
        for name in arrays:
            for k, text in read(loop, name) or like_others(loop, name, shapes):
                yield Site(*site.spot, (*path, ("body", k))), text


def unbegun(live: LiveCode, trace: Trace, site: Site) -> Iterator[tuple[Site, str]]:
    """The items of what stays zero that a loop before those which use it may have to fill, at the end of which loop.

    The names that say which item are those that the loop gives.
    """
    function = live.node(site)
    items = [(s, n) for s, n in live.sites(site.spot) if isinstance(n, ast.Subscript)]
    inside = [(s, n) for s, n in items if s.path[: len(site.path)] == site.path and held_by(n) is not None]
    read = [(s, n) for s, n in inside if s in trace.seen]
    filled = {str(held_by(n)) for s, n in read if any(np.any(v.value) for v in trace.seen[s])}
    first: dict[str, int] = {}
    for _, node in read:
        name = str(held_by(node))
        first[name] = min(first.get(name, node.lineno), node.lineno)
    for path, loop in walk(function, site.path):
        if not isinstance(loop, ast.For) or any(isinstance(each, ast.For | ast.While) for each in loop.body):
            continue
        given = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        around = [n for p, n in walk(function, site.path) if isinstance(n, ast.For) and path[: len(p)] == p]
        given |= {n.id for each in around for n in ast.walk(each.target) if isinstance(n, ast.Name)}
        texts = {
            ast.unparse(node): None
            for _, node in inside
            for name in [str(held_by(node))]
            if name in first and name not in filled and (loop.end_lineno or 0) < first[name]
            if {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - {name} <= given
        }
        for text in texts:
            yield Site(*site.spot, (*path, ("body", len(loop.body)))), text


def held_by(node: ast.Subscript) -> str | None:
    """The name of the array or list whose item this is, of which a name says which one."""
    inner: ast.expr = node
    while isinstance(inner, ast.Subscript):
        inner = inner.value
    said = any(isinstance(n, ast.Name) for n in ast.walk(node.slice))
    return inner.id if isinstance(inner, ast.Name) and said else None


def empty(live: LiveCode, trace: Trace, function: ast.AST) -> list[str]:
    """The names that a function gives an array of zeros, or an unset one, once, which nothing is written into."""
    stored = [n for n in ast.walk(function) if isinstance(n, ATOMS) and isinstance(n.ctx, ast.Store)]
    times = Counter(n.id for n in stored if isinstance(n, ast.Name))
    filled = {ast.unparse(n.value) for n in stored if isinstance(n, ast.Subscript)}
    once = {name for name, count in times.items() if count == 1} - filled
    inside = {id(n) for n in ast.walk(function)}
    found: dict[str, bool] = {}
    for site, seen in trace.seen.items():
        node = live.node(site)
        if isinstance(node, ast.Name) and node.id in once and id(node) in inside:
            zero = all(s.value.ndim > 0 and not np.any(s.value) for s in seen)
            found[node.id] = found.get(node.id, True) and zero
    given = [n for n in ast.walk(function) if isinstance(n, ast.Assign)]
    unset = {ast.unparse(n.targets[0]) for n in given if made_unset(n.value)}
    return sorted(name for name, zero in found.items() if zero or name in unset)


def made_unset(node: ast.expr) -> bool:
    """Whether an array is made whose memory is not set."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("empty", "empty_like")


def read(loop: ast.For, name: str) -> list[tuple[int, str]]:
    """The parts of an array that a loop reads, each before the first statement that does."""
    found: dict[str, int] = {}
    for k, statement in enumerate(loop.body):
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == name:
                found.setdefault(ast.unparse(node), k)
    return [(k, text) for text, k in found.items()]


def like_others(loop: ast.For, name: str, shapes: dict[str, Shape]) -> list[tuple[int, str]]:
    """The same part of an array as is filled of another of its shape: before what it is made of is renewed."""
    parts: dict[str, None] = {}
    for statement in loop.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Subscript) and shapes.get(ast.unparse(target.value)) == shapes.get(name, ()):
            parts[ast.unparse(ast.Subscript(ast.Name(name), target.slice))] = None
    return [(k, text) for text in parts for k in (*renewals(loop.body), len(loop.body))]


def renewals(body: list[ast.stmt]) -> list[int]:
    """The statements that give another value to a name that one before them in the block gave one, or read."""
    said: set[str] = set()
    found: list[int] = []
    for k, statement in enumerate(body):
        names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
        given = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        if given & said:
            found.append(k)
        said |= {n.id for n in names}
    return found
