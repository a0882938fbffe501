"""Places in an array that a loop should move on from and does not: pieces of a long one, items by what a loop left."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import at, names_in, stored_in

COST = 1.6


def moved_on(live: LiveCode) -> Iterator[Edit]:
    """The statement `at += size` at the end of a loop that takes x[at:at + size]."""
    for spot in live.spots:
        for site, loop in live.sites(spot):
            if not isinstance(loop, ast.For | ast.While):
                continue
            stored = stored_in(loop)
            for cursor, size in dict.fromkeys(pieces(loop)):
                if cursor not in stored:
                    place = Site(site.file, site.number, (*site.path, ("body", len(loop.body))))
                    yield inserted(live, place, ast.parse(f"{cursor} += {size}").body[0], COST)


def left_behind(live: LiveCode) -> Iterator[Edit]:
    """The statement `k = t % m` at the start of a loop that takes x[k] with the k that a loop before it has left.

    What the program indexes with elsewhere, made of the loop's own counter.
    """
    indices = {
        ast.unparse(node.slice): node.slice
        for spot in live.spots
        for _, node in live.sites(spot)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name | ast.BinOp)
    }
    for spot in live.spots:
        for site, loop in live.sites(spot):
            function = function_at(live.statement(spot), site.path)[1]
            if not isinstance(loop, ast.For) or function is None:
                continue
            own = names_in(loop.target)
            counters = {n for each in ast.walk(function) if isinstance(each, ast.For) for n in names_in(each.target)}
            used = {n for each in ast.walk(loop) if isinstance(each, ast.Subscript) for n in names_in(each.slice)}
            stored = stored_in(loop)
            for counter in sorted((used & counters) - stored - around(live, site)):
                for text, index in indices.items():
                    if names_in(index) & own and counter not in names_in(index):
                        place = Site(site.file, site.number, (*site.path, ("body", 0)))
                        yield inserted(live, place, ast.parse(f"{counter} = {text}").body[0], COST)


def around(live: LiveCode, site: Site) -> set[str]:
    """The counters of the loops around a place."""
    above = [at(live.statement(site.spot), site.path[:k]) for k in range(len(site.path))]
    return {name for each in above if isinstance(each, ast.For) for name in names_in(each.target)}


def pieces(loop: ast.For | ast.While) -> Iterator[tuple[str, str]]:
    """Where a piece begins, if that has a name, and how long it is."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Slice) and isinstance(node.lower, ast.Name) and isinstance(node.upper, ast.BinOp):
            sides = [node.upper.left, node.upper.right]
            rest = [each for each in sides if ast.unparse(each) != node.lower.id]
            if isinstance(node.upper.op, ast.Add) and len(rest) == 1:
                yield node.lower.id, ast.unparse(rest[0])
