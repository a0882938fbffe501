"""What the gradients compute once more, as it stands in what the loss runs: a statement for the same name there."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from rnn_jax.verify.repair.analogy import dumped, in_place_of
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import first_line


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
    for site, node in others:
        for like in there[dumped(node.targets[0])]:
            if dumped(like) != dumped(node):
                yield in_place_of(site, node, like)._replace(kind="recomputed")
