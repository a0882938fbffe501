"""Places in a long array that a loop takes one piece after the other of, and never moves on from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site

COST = 1.6


def moved_on(live: LiveCode) -> Iterator[Edit]:
    """The statement `at += size` at the end of a loop that takes x[at:at + size]."""
    for spot in live.spots:
        for site, loop in live.sites(spot):
            if not isinstance(loop, ast.For | ast.While):
                continue
            stored = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            for cursor, size in dict.fromkeys(pieces(loop)):
                if cursor not in stored:
                    place = Site(site.file, site.number, (*site.path, ("body", len(loop.body))))
                    yield inserted(live, place, ast.parse(f"{cursor} += {size}").body[0], COST)


def pieces(loop: ast.For | ast.While) -> Iterator[tuple[str, str]]:
    """Where a piece begins, if that has a name, and how long it is."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Slice) and isinstance(node.lower, ast.Name) and isinstance(node.upper, ast.BinOp):
            sides = [node.upper.left, node.upper.right]
            rest = [each for each in sides if ast.unparse(each) != node.lower.id]
            if isinstance(node.upper.op, ast.Add) and len(rest) == 1:
                yield node.lower.id, ast.unparse(rest[0])
