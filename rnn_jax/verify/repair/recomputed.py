"""What the gradients compute once more: values of the forward that come out otherwise than in the loss.

Forward sensitivities carry the state along, and many a backward makes the activations anew. A mistake there is not
linear in what it sends on, so no equations are solved: the values that the loss had are put in their place. The slopes
of its activations, which the loss did not compute but which follow from it, enter sensitivities just so.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.force import Healing
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.search import Search

NEAR = 1e-9  # relative: the same numbers, computed by other operations


def recomputed(search: Search) -> Iterator[Healing]:
    """The expressions with which all is mended where they give what the loss computed."""
    for statement in search.doubtful:
        if search.order(statement)[0] > 1 or search.over():
            return
        if search.in_forward(statement):
            continue
        for site in values_of(search, statement):
            seen = [np.asarray(s.value) for s in search.trace.seen.get(site, [])]
            if not seen or any(v.dtype.kind != "f" for v in seen) or not search.wrong <= search.reach[site].gradients:
                continue
            shapes = [v.shape for v in seen]
            for right in known(search, shapes):
                found = put(search, site, seen, right)
                if found is not None:
                    yield found
                    break


def known(search: Search, shapes: list[tuple[int, ...]]) -> Iterator[list[np.ndarray]]:
    """What the loss computed, and the slopes there, in arrays of these shapes: as it came by and in turn."""
    sizes = [math.prod(shape) for shape in shapes]
    for values in (*search.quantities.computed_by_place, *search.quantities.slopes):
        for order in (values, values[::-1]):
            if [v.size for v in order] == sizes:
                yield [v.reshape(shape) for v, shape in zip(order, shapes, strict=True)]


def values_of(search: Search, statement: Site) -> list[Site]:
    """The value that a statement assigns, or each of several."""
    node = search.live.node(statement)
    if not isinstance(node, ast.Assign):
        return []
    whole = Site(*statement.spot, (*statement.path, ("value", None)))
    if isinstance(node.value, ast.Tuple):
        parts = [Site(*whole.spot, (*whole.path, ("elts", k))) for k in range(len(node.value.elts))]
        return [part for part in parts if part in search.reach]
    return [whole] if whole in search.reach else []


def put(search: Search, site: Site, seen: list[np.ndarray], right: list[np.ndarray]) -> Healing | None:
    """The healing by values of the loss; None where those do not mend all, or are there already."""
    size = float(np.sqrt(sum(np.sum(v**2) for v in right)))
    if not size or np.sqrt(sum(np.sum((v - s) ** 2) for v, s in zip(right, seen, strict=True))) <= NEAR * size:
        return None
    nothing = np.zeros(0)
    found = search.forcing.forced(Healing(site, seen, [], 0, search.wrong, nothing, nothing), right)
    if found is None or found.healed != search.wrong:
        return None
    row = np.concatenate([shift.ravel() for shift in found.shifts])
    return found._replace(slopes=np.eye(len(row)), missing=row)  # nothing else will do
