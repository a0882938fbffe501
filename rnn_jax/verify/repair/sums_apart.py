"""Several gradients that are never computed: one statement for each, all at one place.

Each mends one gradient and no other, so none of them is an edit that mends all. What made all of them was one
statement (`g["w"], g["b"] = x.T @ d, d.sum(0)`), or several that stood together.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from rnn_jax.verify.repair.accumulators import accumulators
from rnn_jax.verify.repair.around import inserted, new_statement
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.sums import sums

MOST_NAMES = 4  # gradients
MOST_EACH = 2  # statements for one of them


def sums_apart(search: Search, targets: dict[Site, list[str]]) -> Iterator[Edit]:
    """Statements that compute all that is wrong, one for each gradient. targets: what may be a sum, by place."""
    first, *others = sorted(search.wrong)
    if len(others) >= MOST_NAMES:
        return
    for place in targets:
        if search.over():
            return
        known = [mending_one(search, first, place, targets[place])]
        known += [mending_one(search, name, place, targets[place]) for name in others if known[0]]
        if all(known):
            for several in itertools.product(*known):
                yield together(search, place, list(several))
            return


def mending_one(search: Search, name: str, place: Site, texts: list[str]) -> list[Edit]:
    """The statements at a place that mend this gradient and no other, the simplest first."""
    before = len(search.partial)
    for found in accumulators(search.trial, frozenset({name}), {place: texts}, search.over):
        for products in (False, True):
            edits = sums(search.live, search.places, found, products, set())
            search.attempt(edit for edit in edits if here(edit, place))
        if len(search.partial) > before:
            break
    mended = [part.edit for part in search.partial[before:] if part.left == search.wrong - {name}]
    by_text = {text_of(search, edit): edit for edit in sorted(mended, key=cost, reverse=True)}
    return sorted(by_text.values(), key=cost)[:MOST_EACH]


def text_of(search: Search, edit: Edit) -> str:
    """The statement that an edit puts in."""
    return ast.unparse(new_statement(search.live, edit) or ast.Pass())


def cost(edit: Edit) -> float:
    """How unlikely it is."""
    return edit.cost


def here(edit: Edit, place: Site) -> bool:
    """Whether an edit puts a statement into the block of a place."""
    return edit.missing and edit.site == Site(*place.spot, place.path[:-1])


def together(search: Search, place: Site, edits: list[Edit]) -> Edit:
    """All these statements at a place as one edit."""
    first, *others = (new_statement(search.live, edit) or ast.Pass() for edit in edits)
    return inserted(search.live, place, first, sum(edit.cost for edit in edits) / len(edits), *others)
