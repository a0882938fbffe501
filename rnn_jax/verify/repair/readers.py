"""Which statements read what a statement gives a value to: of indices and counts nothing hangs but by these."""

from __future__ import annotations

import ast
from collections import defaultdict

from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import Path

Place = tuple[Spot, Path, str]  # a name in its function


class Readers:
    """The names that each statement writes to, and the statements that read each."""

    def __init__(self, live: LiveCode) -> None:
        self._written: dict[Site, set[Place]] = defaultdict(set)
        self._read: dict[Place, set[Site]] = defaultdict(set)
        for spot in live.spots:
            for site, node in live.sites(spot):
                where = around(live, site) if isinstance(node, ast.Name) else None
                if where is None or not isinstance(node, ast.Name):
                    continue
                place = spot, function_at(live.statement(spot), site.path)[0], node.id
                if any(field in ("target", "targets") for field, _ in site.path[len(where.statement.path) :]):
                    self._written[where.statement].add(place)
                if isinstance(node.ctx, ast.Load):
                    self._read[place].add(where.statement)

    def of(self, statement: Site) -> set[Site]:
        """The statements of the same function that read what this one writes, itself left out."""
        return {reader for place in self._written[statement] for reader in self._read[place]} - {statement}
