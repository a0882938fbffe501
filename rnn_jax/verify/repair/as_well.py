"""Other places at which a mistake would be mended as well: what an edit changes further on, what it makes up for.

One mistake can be mended in several places, and which of them was meant nobody can tell: `dh += dout` before
`da = dh * s`, or `da = (dh + dout) * s`; a sign where something is computed, or where it is used.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np

from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.doubt import same
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.shifts import put, unmoved
from rnn_jax.verify.repair.tree import ATOMS, names_in

MOST = 24  # places that are tried in each direction
FAR = 3  # statements in between
SECONDS = 0.5  # for each direction
EXACT = 1e-9  # relative: how well values are a multiple of others

KEPT = {"elts", "values", "args", "keywords"}  # what puts values away: tuples, lists, dictionaries, calls

Valued = tuple[Site, list[np.ndarray]]  # an expression, and the values with which all is right
Place = TypeVar("Place")


class Change(NamedTuple):
    """What an expression gives in the program as it stands, and when it is mended."""

    site: Site
    order: int  # of the first value that differs
    before: list[np.ndarray]
    after: list[np.ndarray]


def as_well(search: Search, edit: Edit, after: Trace, lines: set[int]) -> list[Valued]:
    """The nearest of them on other lines than these: where it was kept, before the place of an edit and behind it."""
    found: list[Valued] = []
    for several in (kept(search, edit, after), before(search, edit, after), behind(search, edit, after)):
        nearest = next((each for each in several if search.live.node(each[0]).lineno not in lines), None)
        found += [nearest] if nearest is not None else []
    return found


def behind(search: Search, edit: Edit, after: Trace) -> Iterator[Valued]:
    """The expressions with which all is right if they alone give what they give in the mended program."""
    own = around(search.live, edit.site)
    for change in tried(changes_of(search, edit, after)):
        where = around(search.live, change.site)
        apart = where is None or own is None or where.statement != own.statement
        if apart and mends(search, change.site, change.after):
            yield change.site, change.after


def kept(search: Search, edit: Edit, after: Trace) -> Iterator[Valued]:
    """Where the value for which an edit takes another was put away under another name: `cache = (x, z)`, for h."""
    node = search.live.node(edit.site)
    own = next((c for c in changes_of(search, edit, after) if c.site == edit.site), None)
    if own is None or not isinstance(node, ATOMS):
        return
    places = [
        (site, way)
        for site, seen in search.trace.seen.items()
        if site.path[-1][0] in KEPT
        and seen[0].order < own.order
        and ast.unparse(search.live.node(site)) != ast.unparse(node)
        for way in (1, -1)  # a backward reads it from the end
        if same([each.value for each in seen[::way]], own.before)
    ]
    for site, way in tried(places):
        if mends(search, site, own.after[::way]):
            yield site, own.after[::way]


def before(search: Search, edit: Edit, after: Trace) -> Iterator[Valued]:
    """The statements before it with which all is right if they give as much more, or as many times what they give."""
    changed = changes_of(search, edit, after)
    if not changed:
        return
    own = next((change for change in changed if change.site == edit.site), changed[0])
    node, where = search.live.node(edit.site), around(search.live, edit.site)
    words = names_in(node) if isinstance(node, ast.expr) else set()
    words |= names_in(search.live.node(where.statement)) if where is not None else set()
    statements = {
        site: given(search, site)
        for site, seen in search.trace.seen.items()
        if site.path[-1:] == (("value", None),) and seen[0].order < own.order and any(np.any(s.value) for s in seen)
    }
    steps = steps_to(search, words, statements)
    places = [
        (min((steps[name] for name in names if name in steps), default=FAR), -search.trace.seen[site][0].order, site)
        for site, names in statements.items()
    ]
    for _, _, site in tried(sorted(places, key=lambda place: place[:2])):
        for values in made_up(own, [s.value for s in search.trace.seen[site]], edit.kind == "sign"):
            if mends(search, site, values):
                yield site, values
                break


def steps_to(search: Search, words: set[str], statements: dict[Site, set[str]]) -> dict[str, int]:
    """How many statements are between each name and something made of it that has one of the words, up to a few."""
    found = dict.fromkeys(words, 0)
    for step in range(1, FAR):
        near = [site for site, names in statements.items() if any(name in found for name in names)]
        for name in {name for site in near for name in names_in(search.live.node(site))}:
            found.setdefault(name, step)
    return found


def made_up(change: Change, values: list[np.ndarray], sign: bool) -> Iterator[list[np.ndarray]]:
    """Values changed as others are: multiplied by the same number or the same factors, or moved by the same."""
    factor = -1.0 if sign else ratio(change)
    if factor is not None:
        yield [factor * v for v in values]
    if [v.shape for v in values] == [v.shape for v in change.before]:
        triples = list(zip(values, change.before, change.after, strict=True))
        if factor is None and all(np.all(old) for _, old, _ in triples):
            yield [v * (new / old) for v, old, new in triples]
        yield [v + (new - old) for v, old, new in triples]


def tried(places: list[Place]) -> Iterator[Place]:
    """The first of several, while there is time."""
    until = time.perf_counter() + SECONDS
    for place in islice(places, MOST):
        if time.perf_counter() > until:
            return
        yield place


def changes_of(search: Search, edit: Edit, after: Trace) -> list[Change]:
    """What gives other values when the program is mended, in the order in which it runs."""
    found = []
    for site, seen in search.trace.seen.items():
        new = after.seen.get(moved(search, edit, site), [])
        if len(new) != len(seen) or any(a.value.shape != b.value.shape for a, b in zip(seen, new, strict=True)):
            continue
        differ = [a.order for a, b in zip(seen, new, strict=True) if not np.allclose(a.value, b.value, EXACT, 0)]
        if differ and seen[0].value.dtype.kind == "f":
            found.append(Change(site, differ[0], [s.value for s in seen], [s.value for s in new]))
    return sorted(found, key=lambda change: change.order)


def moved(search: Search, edit: Edit, site: Site) -> Site:
    """Where an expression stands once an edit has put in statements before it."""
    path, above = site.path, edit.site.path
    if not edit.missing or site.spot != edit.site.spot or path[: len(above)] != above or len(path) <= len(above):
        return site
    field, k = path[len(above)]
    old, new = (getattr(node, field, None) for node in (search.live.node(edit.site), edit.new))
    if not isinstance(old, list) or not isinstance(new, list) or k is None:
        return site
    there = [n for n, each in enumerate(new) if each is old[k]]
    return Site(*site.spot, (*above, (field, there[0]), *path[len(above) + 1 :])) if there else site


def ratio(change: Change) -> float | None:
    """The number by which all values are multiplied, if it is one."""
    old = np.concatenate([v.ravel() for v in change.before])
    new = np.concatenate([v.ravel() for v in change.after])
    size = float(old @ old)
    factor = float(old @ new) / size if size else 0.0
    fits = factor and np.linalg.norm(new - factor * old) <= EXACT * np.linalg.norm(new)
    return factor if fits else None


def given(search: Search, site: Site) -> set[str]:
    """The names that the statement gives a value to whose value this is."""
    statement = search.live.node(Site(*site.spot, site.path[:-1]))
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return {n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)}


def mends(search: Search, site: Site, values: list[np.ndarray]) -> bool:
    """Whether all gradients are right, and the loss is as it was, if an expression gives these values."""
    forcing, trial = search.forcing, search.trial
    with forcing.holding(site, put([])) as held, trial.live.changed(held), trial.patient():
        found = forcing.gradients(put(values))
        if found is None or trial.wrong(found):
            return False
        return forcing.loss_of_active(put(values)) == forcing.loss_of_active(unmoved)
