"""What the gradients compute once more, as it stands in what the loss runs: a statement for the same name there."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from rnn_jax.verify.repair.analogy import MISSING, dumped, in_place_of
from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import first_line, walk


def as_in_forward(live: LiveCode, forward: set[tuple[str, int]]) -> Iterator[Edit]:
    """The statements that give something to a name otherwise than those for that name in the forward, made like these.

    forward: the functions that the loss runs, by file and first line.
    """
    there: dict[str, list[ast.Assign]] = defaultdict(list)
    others: list[tuple[Site, ast.Assign]] = []
    for spot in live.spots:
        for site, node in live.sites(spot):
            function = function_at(live.statement(spot), site.path)[1]
            if not isinstance(node, ast.Assign) or len(node.targets) > 1 or function is None:
                continue
            if (spot[0], first_line(function)) in forward:
                there[dumped(node.targets[0])].append(node)
            else:
                others.append((site, node))
    yield from left_out(live, forward, [node for same in there.values() for node in same])
    for site, node in others:
        for like in there[dumped(node.targets[0])]:
            if dumped(like) != dumped(node):
                yield in_place_of(site, node, like)._replace(kind="recomputed")


def left_out(live: LiveCode, forward: set[tuple[str, int]], there: list[ast.Assign]) -> Iterator[Edit]:
    """The statements of the forward that go on from a value to its next, where a loop of another function has none."""
    carried = [n for n in there if isinstance(n.targets[0], ast.Name) and n.targets[0].id in names_in(n.value)]
    for spot in live.spots:
        for path, loop in walk(live.statement(spot)):
            function = function_at(live.statement(spot), path)[1]
            if not isinstance(loop, ast.For | ast.While) or function is None:
                continue
            if (spot[0], first_line(function)) in forward:
                continue
            stored = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            known = names_in(function)
            for like in carried:
                name = ast.unparse(like.targets[0])
                if name in known and name not in stored and names_in(like.value) <= known:
                    for k in range(1, len(loop.body) + 1):
                        place = Site(*spot, (*path, ("body", k)))
                        yield inserted(live, place, ast.parse(ast.unparse(like)).body[0], MISSING)


def names_in(node: ast.AST) -> set[str]:
    """The names in a tree."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
