"""What the gradients compute once more: values of the forward that come out otherwise than in the loss.

Forward sensitivities carry the state along, and many a backward makes the activations anew. A mistake there is not
linear in what it sends on, so no equations are solved: the values that the loss had are put in their place. The slopes
of its activations, which the loss did not compute but which follow from it, enter sensitivities just so; and where one
run gives one entry of the gradients, it carries along by how much each value moves with that entry.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.healing import Healing
from rnn_jax.verify.repair.known import NOTHING, within
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.tree import ATOMS, walk

NEAR = 1e-9  # relative: the same numbers, computed by other operations


def recomputed(search: Search) -> Iterator[Healing]:
    """The expressions with which all is mended where they give what the loss computed, or the slopes there."""
    # Where the gradients come entry by entry it is computed once for each.
    runs = len(search.trial.few.entries) if search.trial.few is not None else 1
    every = (*search.quantities.computed_by_place, *given_in_loss(search), *search.quantities.slopes)
    known = [values * runs for values in every]
    known += [values[::-1] for values in known]
    # What takes long is made before the first of them is asked for, so that it takes no time from these.
    there = computing(search, search.doubtful)
    return (found for _, site in there if (found := put(search, site, known)) is not None)


def given_in_loss(search: Search) -> Iterator[list[np.ndarray]]:
    """What else the loss evaluates, as where one operation makes it of several parts: what it gives to names first."""
    met = {b"".join(v.tobytes() for v in values) for values in search.quantities.computed_by_place}
    for site, seen in sorted(search.in_loss.seen.items(), key=lambda each: each[0].path[-1:] != (("value", None),)):
        if isinstance(search.live.node(site), ATOMS):  # it computes nothing
            continue
        values = [np.asarray(s.value) for s in seen]
        key = b"".join(v.tobytes() for v in values)
        if all(v.dtype.kind == "f" for v in values) and key not in met:
            met.add(key)
            yield values


def tangent(search: Search) -> Iterator[Healing]:
    """The same where they give by how much what the loss computed moves with each entry; names within them first.

    What goes wrong first comes first: what is computed from it can be put right as well.
    """
    # Side by side with the wrong entries those of other gradients are carried along.
    computed = computing(search, search.doubtful, 3) if search.tangents else ()
    tried = [(statement, put(search, site, search.tangents)) for statement, site in computed]
    healed = [(statement, found) for statement, found in tried if found is not None]
    for statement, found in sorted(healed, key=lambda pair: search.trace.seen[pair[1].site][pair[1].first].order):
        for inner in search.sites_of[statement]:
            named = isinstance(search.live.node(inner), ast.Name) and within(inner, found.site) and inner != found.site
            if named and search.reach.get(inner, NOTHING).gradients == search.wrong and not search.over():
                there = put(search, inner, search.tangents)
                yield from [there] if there is not None else []
        yield found


def computing(search: Search, statements: list[Site], last: int = 1) -> Iterator[tuple[Site, Site]]:
    """Those of the statements on which all that is wrong hangs, but for the forward's, each with what it gives.

    last: the rank up to which they are looked at.
    """
    for statement in statements:
        if search.order(statement)[0] > last or search.over():
            return
        if not search.in_forward(statement):
            for site in values_of(search, statement):
                if search.wrong <= search.reach[site].gradients:
                    yield statement, site


def values_of(search: Search, statement: Site) -> list[Site]:
    """The value that a statement assigns or returns, each of several, and what it hands to functions of the program."""
    node = search.live.node(statement)
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.Return):
        return []
    whole = Site(*statement.spot, (*statement.path, ("value", None)))
    if isinstance(node.value, ast.Tuple):
        found = [Site(*whole.spot, (*whole.path, ("elts", k))) for k in range(len(node.value.elts))]
    else:
        found = [whole]
    for path, call in walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not hasattr(np, call.func.id):
            given = (Site(*statement.spot, (*statement.path, *path, ("args", k))) for k in range(len(call.args)))
            found += [site for site in given if isinstance(search.live.node(site), ast.BinOp)]
    return [site for site in found if site in search.reach]


def put(search: Search, site: Site, several: list[list[np.ndarray]]) -> Healing | None:
    """The healing by the first of several values that mends all; None where none does, or they are there already."""
    seen = [np.asarray(s.value) for s in search.trace.seen.get(site, [])]
    if not seen or any(v.dtype.kind != "f" for v in seen):
        return None
    nothing = np.zeros(0)
    moved = search.wrong | search.reach.get(site, NOTHING).gradients  # what is right has to stay so
    here = Healing(site, seen, [], 0, moved, nothing, nothing)
    others = (right for values in several if (right := fitting(values, seen)) is not None)
    found = next((f for f in search.forcing.forced_by(here, others, search.over) if f.healed == moved), None)
    if found is None:
        return None
    row = np.concatenate([shift.ravel() for shift in found.shifts])
    sure = found._replace(healed=search.wrong, slopes=np.eye(len(row)), missing=row, sure=True)  # nothing else will do
    search.sure.append(sure)
    return sure


def fitting(values: list[np.ndarray], seen: list[np.ndarray]) -> list[np.ndarray] | None:
    """The values in the shapes of those that are there, where they are of these sizes and not the same, nor all 0."""
    if [v.size for v in values] != [v.size for v in seen]:
        return None
    right = [v.reshape(s.shape) for v, s in zip(values, seen, strict=True)]
    size = float(np.sqrt(sum(np.sum(v**2) for v in right)))
    apart = np.sqrt(sum(np.sum((v - s) ** 2) for v, s in zip(right, seen, strict=True)))
    return right if apart > NEAR * size > 0 else None
