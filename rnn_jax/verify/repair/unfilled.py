"""Arrays of zeros, or unset, that are read and never written to: the statement that fills them by parts is missing."""

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
