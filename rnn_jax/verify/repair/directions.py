"""Arrays of zeros made in a loop that nothing is written into: a 1 at the loop's index makes a direction of each.

Where a derivative is taken along one entry after the other, all gradients are 0 without it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import walk
from rnn_jax.verify.repair.unfilled import empty

COST = 1.6


def directions(live: LiveCode, trace: Trace) -> Iterator[Edit]:
    """The statements that set them, each behind the one that makes the array."""
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            names = empty(live, trace, function) if isinstance(function, ast.FunctionDef) else []
            for inner, loop in walk(function, path) if names else ():
                if not isinstance(loop, ast.For):
                    continue
                for k, statement in enumerate(loop.body):
                    text = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
                    if text in names:
                        place = Site(*spot, (*inner, ("body", k + 1)))
                        made = ast.parse(f"{text}[{ast.unparse(loop.target)}] = 1.0").body[0]
                        yield inserted(live, place, made, COST)
