"""The target that is missing from a residual: `r = pred - y[t]`, where `r = pred` is squared later on.

What a residual should be no equations tell, as soon as a gradient is a square of it; so the items of data are tried
one by one, of statements that do not hang on the parameters but by way of the forward.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.around import target_of
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.known import Known
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.tree import ATOMS, located

COST = 1.8
MOST = 60  # items of one statement
MOST_STATEMENTS = 12


def residuals(search: Known, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """What is given to a name less an item of its shape, or that less the other, the likeliest statements first."""
    tried = 0
    for statement in search.doubtful:
        node = search.live.node(statement)
        site = Site(*statement.spot, (*statement.path, ("value", None)))
        shape = search.trace.shapes.get(site)
        named = isinstance(node, ast.Assign) and target_of(node, site).isidentifier()
        if not named or shape is None or statement not in stocks or search.in_forward(statement):
            continue
        items = [t for t, v in stocks[statement].items() if v.shape == shape and is_item(parsed(t))]
        for text in items[:MOST]:
            less = ast.BinOp(node.value, ast.Sub(), parsed(text))
            other = ast.BinOp(parsed(text), ast.Sub(), node.value)
            yield Edit(site, located(less, node.value), "missing-term", COST, node.lineno)
            yield Edit(site, located(other, node.value), "missing-term", COST + 0.2, node.lineno)
        tried += bool(items)
        if tried >= MOST_STATEMENTS:
            return


def is_item(node: ast.expr) -> bool:
    """Whether it is a name, or an item of one by a name."""
    item = isinstance(node, ast.Subscript) and isinstance(node.value, ATOMS)
    return isinstance(node, ast.Name) or (item and any(isinstance(n, ast.Name) for n in ast.walk(node.slice)))  # type: ignore[attr-defined]
