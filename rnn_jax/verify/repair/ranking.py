"""Which of several edits that mend a program is the one that was meant."""

from __future__ import annotations

import ast

import numpy as np

from rnn_jax.verify.damage.kinds import FINER
from rnn_jax.verify.repair.around import around, new_statement
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.kinds import kind_of
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.search import Search

FORWARD = 0.8  # what it costs that the loss runs the code as well: it is right as it is, if not what it keeps
HINTED = 0.4  # what it saves that the kind of mistake it mends gives the wrong numbers
INNOCENT = 1.5  # what it costs an edit that the code it changes gives right values


def ranked(search: Search) -> list[Edit]:
    """The edits that mended the point, the likeliest first."""
    cost = costs(search)
    return sorted(search.found, key=lambda edit: (cost[id(edit)], order_of(search, edit)))


def costs(search: Search) -> dict[int, float]:
    """How unlikely each of the edits that mended the point is."""
    live, trace = search.live, search.trace
    return {
        id(edit): edit.cost
        + INNOCENT * innocent(search, edit)
        + FORWARD * (in_forward(search, edit) or overwriting(search, edit))
        - HINTED * bool(search.hints and hinted(kind_of(live, trace, edit), search.hints))
        for edit in search.found
    }


def hinted(kind: str, hints: frozenset[str]) -> bool:
    """Whether the numbers are those of the kind of mistake that an edit mends, or of a finer one of its sort."""
    return kind in hints or not hints.isdisjoint(FINER.get(kind, ()))


def in_forward(search: Search, edit: Edit) -> bool:
    """Whether an edit is made in a function of the forward, where the gradients have functions of their own."""
    own = set(search.trace.scopes) - search.forward
    return (
        bool(own)
        and edit.kind != "overwritten"
        and search.in_forward(Site(*edit.site.spot, (*edit.site.path, ("", None))))
    )


def overwriting(search: Search, edit: Edit) -> bool:
    """Whether an edit writes over what the forward computed and the gradients only read."""
    statement = new_statement(search.live, edit) if edit.missing else None
    if not isinstance(statement, ast.AugAssign):
        return False
    target = ast.unparse(statement.target)
    alike = [site for site, _ in search.live.sites(edit.site.spot) if ast.unparse(search.live.node(site)) == target]
    read = [seen.value for site in alike for seen in search.trace.seen.get(site, [])[:1]]
    return bool(read) and any(np.any(v) for v in read) and search.quantities.computed(read)


def innocent(search: Search, edit: Edit) -> float:
    """How surely what the edited code gives is right as it is: then the edit only makes up for a fault further on.

    The first value tells most: later ones may be wrong by what that fault has sent round the loop.
    """
    site = statement_value(search, edit)
    seen = [s.value for s in search.trace.seen.get(site if site is not None else edit.site, []) if np.any(s.value)]
    if not seen or not search.quantities.known(seen[:1]):
        return 0.0
    if site is not None and search.is_copy(site) and edit.kind != "transpose":
        return 0.0  # another name for something: of what, and times what?
    where = around(search.live, edit.site)
    kept = where is not None and isinstance(search.live.node(where.statement), ast.Expr | ast.Assign | ast.Return)
    if not search.quantities.computed(seen[:1]):
        return 0.3  # right for something, but for what it is used?
    return 1.0 if (site is not None or kept) and search.quantities.computed(seen) else 0.5


def order_of(search: Search, edit: Edit) -> tuple[int, int]:
    """When the edited statement first runs."""
    where = around(search.live, edit.site)
    return search.order(where.statement) if where is not None and where.statement in search.sites_of else (9, 0)


def statement_value(search: Search, edit: Edit) -> Site | None:
    """The value that the edited statement assigns, adds or returns."""
    where = around(search.live, edit.site)
    if where is None or isinstance(search.live.node(edit.site), ast.stmt):
        return None
    site = Site(edit.site.file, edit.site.number, (*where.statement.path, ("value", None)))
    return site if site in search.forcing.numbers else None
