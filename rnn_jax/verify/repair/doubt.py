"""Which statements are the likeliest to be wrong: by what hangs on them, and by whether they give what is right."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import ATOMS

if TYPE_CHECKING:
    from rnn_jax.verify.repair.known import Known


def doubt(search: Known, statement: Site) -> tuple[int, bool, bool, bool, int]:
    """The statements in order, of one rank those of the backward first that make what the forward does not explain.

    The first value tells: later ones may be wrong by what a fault further on has sent round the loop. Where all
    begin with something right, it is the one that first gives something else.
    """
    rank, first = search.order(statement)
    whole = Site(*statement.spot, (*statement.path, ("value", None)))
    node = getattr(search.live.node(statement), "value", None)
    parts = parts_of(search.live, whole) if node is not None else []
    made = [[s for s in search.trace.seen.get(part, []) if np.any(s.value)] for part in parts or [whole]]
    copied = node is not None and is_copy(search, whole, first=True)  # right for something, but for another use
    # Nothing may hang on what was kept first, as on a forget gate where there is no state yet.
    known = [any(search.explains(s.value) for s in (m if parts else m[:1])) for m in made if m]
    explained = not copied and bool(known) and all(known)
    if explained:
        unknown = [s.order for m in made for s in m if not search.explains(s.value)]
        first = min(unknown, default=search.trace.order + first)
    return rank, search.in_forward(statement), beyond(search, statement), explained, first


def beyond(search: Known, statement: Site) -> bool:
    """Whether all in it on which just the wrong gradients hang moves entries of them that are right."""
    reached = [search.reach[s] for s in search.sites_of[statement] if s in search.reach]
    telling = [r for r in reached if r.gradients == search.wrong and not r.loss]
    return bool(telling) and all(r.beyond for r in telling)


def is_copy(search: Known, site: Site, first: bool = False) -> bool:
    """Whether an expression gives what a name holds on as it is: what is left of a product without its factor.

    first: at first at least, where what is carried is added to it and still 0.
    """
    node = search.live.node(site)
    if isinstance(node, ATOMS):
        return True
    parts = ("left", "right") if isinstance(node, ast.BinOp) else ()
    inner = [Site(site.file, site.number, (*site.path, (part, None))) for part in parts]
    end = 1 if first else None
    given = nonzero(search, site)[:end]
    return any(isinstance(search.live.node(i), ATOMS) and same(nonzero(search, i)[:end], given) for i in inner)


def nonzero(search: Known, site: Site) -> list[np.ndarray]:
    """What an expression gave, but for zeros."""
    return [s.value for s in search.trace.seen.get(site, []) if np.any(s.value)]


def parts_of(live: LiveCode, site: Site) -> list[Site]:
    """The parts of a tuple, or of a dictionary; of a call that stands alone what it is given: tape.append((h, c))."""
    node: Any = live.node(site)
    if isinstance(node, ast.Call) and isinstance(live.node(Site(*site.spot, site.path[:-1])), ast.Expr):
        inner = Site(*site.spot, (*site.path, ("args", 0)))
        return (parts_of(live, inner) or [inner]) if len(node.args) == 1 else []
    field = {ast.Dict: "values", ast.Tuple: "elts"}.get(type(node), "")
    return [Site(*site.spot, (*site.path, (field, k))) for k in range(len(getattr(node, field)))] if field else []


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    """Whether two runs of values are equal to the last bit."""
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
