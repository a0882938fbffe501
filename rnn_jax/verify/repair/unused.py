"""Terms that nothing uses: what a function is handed in one container with the terms of a sum, and never reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import key_of, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import located

COST = 1.6
HELD = ast.Subscript | ast.Attribute


def unused(live: LiveCode, trace: Trace, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """Each sum with such a term at its end, where that has the shape of the sum."""
    for place, stock in stocks.items():
        function = function_at(live.statement(place.spot), place.path)[1]
        site = Site(*place.spot, (*place.path, ("value", None)))
        shape = trace.shapes.get(site)
        if function is None or shape is None or not isinstance(total := live.node(site), ast.BinOp):
            continue
        if not isinstance(total.op, ast.Add):
            continue
        holders = {ast.unparse(n.value) for n in ast.walk(total) if isinstance(n, HELD)}
        used = {ast.unparse(n) for n in ast.walk(function) if isinstance(n, HELD)}
        for text, known in stock.items():
            term = parsed(text)
            held = isinstance(term, HELD) and ast.unparse(term.value) in holders and text not in used
            if held and key_of(known.shape) == key_of(shape) and shape[0] == known.shape[0]:
                made = ast.BinOp(total, ast.Add(), term)
                yield Edit(site, located(made, total), "missing-term", COST, total.lineno)
