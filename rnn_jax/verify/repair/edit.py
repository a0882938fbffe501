"""One small edit of the user's code."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.tree import replaced


class Edit(NamedTuple):
    """Another node, or statements, in the place of the one at a site.

    kind: of mistake that it mends, see diagnose.KINDS. cost: how unlikely it is beforehand. line: where it is told.
    missing: it only adds what is missing, after `line`. blamed: the expression that is wrong as it stands, where that
    is not the site itself.
    """

    site: Site
    new: Any
    kind: str
    cost: float
    line: int
    missing: bool = False
    blamed: Site | None = None


def changes(live: LiveCode, edits: list[Edit]) -> dict[Spot, ast.stmt]:
    """The top-level statements with the edits made. Edits of one statement may not lie within one another."""
    made: dict[Spot, ast.stmt] = {}
    # From the end of the source to its beginning, so that what an edit inserts moves no other's place.
    for edit in sorted(edits, key=lambda e: order(e.site), reverse=True):
        spot = edit.site.spot
        statement = made.get(spot, live.statement(spot))
        new = replaced(statement, edit.site.path, edit.new)
        made[spot] = new[0] if isinstance(new, list) else new
    return made


def order(site: Site) -> tuple[Any, ...]:
    """Sites of one list in the order of the list."""
    return tuple((name, -1 if k is None else k) for name, k in site.path)
