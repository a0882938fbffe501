"""Two faults on one way: neither edit mends a gradient alone, but each makes more of the values on the way right.

Every gradient hangs on both, so no single edit can show by what it mends. Where the first fault is mended, though, what
its statement gives is the gradient of something in the forward; and of what is sent round a loop that holds already at
the first step, before what the other fault sends on comes by.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.alternatives import better
from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.doubt import parts_of
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.known import within
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.probe import Results, first_results, instrumented
from rnn_jax.verify.repair.quantities import NEAR
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.stages import tokens

LIKELY = 1.5  # what an edit costs at most that comes before those of other statements
SHARE = 0.4  # of the time of a search, to look for edits that make more right
KEPT = 60  # of those, to be tried two by two
BY_DIFFERENCES = 1e-6  # relative: sensitivities are right to about ten digits of the largest
MORE = 0.5  # what a value that is right with an edit saves it of its cost
MOST_GATES = 8  # in the first axis of an array: longer ones are batches, or steps


class Onward(NamedTuple):
    """An edit, how many more values are gradients of what the forward computed with it, and what it makes of all."""

    edit: Edit
    more: int
    made: int


class Explained:
    """How many of the values that the statements of a program give are right gradients."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.probed, self.sites = instrumented(search.live, search.live.spots, Results)
        self._known: dict[bytes, bool] = {}

    @cached_property
    def right(self) -> dict[int, np.ndarray]:
        """The right values in rows, by their size."""
        found: dict[int, list[np.ndarray]] = defaultdict(list)
        quantities = self.search.quantities
        for size, several in quantities.by_size.items():
            found[size] += [q.value for q in several if not q.negated]
        shares = [share for share in quantities.adjoints[1].values() if share.ndim > 2]
        for share in shares:  # (gates, batch, features), which the gradients may be written to one gate at a time
            for each in share if len(share) <= MOST_GATES else ():
                found[each.size].append(each.ravel())
        return {size: np.array(rows) for size, rows in found.items()}

    @cached_property
    def depending(self) -> dict[int, np.ndarray]:
        """How the forward depends on the wrong parameters, where the gradients carry that with them; so as well."""
        found: dict[int, list[np.ndarray]] = defaultdict(list)
        for values in self.search.sensitivities if self.search.forward_in_time else ():
            for each in values:
                found[each.size].append(each.ravel())
        return {size: np.array(rows) for size, rows in found.items()}

    def count(self, edits: list[Edit]) -> tuple[int, int]:
        """The number with these edits made, 0 where the program fails, and a mark of all values."""
        made = changes(self.search.live, edits)
        probed, _ = instrumented(self.search.live.standing(made), made, Results, self.sites)
        with first_results() as found:
            outcome = self.search.trial.run(self.probed | probed)
        # What is sent round a loop may be wrong at later ones, and right again without what is sent round.
        if outcome is None:
            return 0, 0
        marks = {v.tobytes(): v for v in found.values()}  # one value is right once, wherever it is taken for another
        return sum(self.explains(v) for v in marks.values()), hash(frozenset(marks))

    def parts(self, value: Any) -> int:
        """How many right gradients a value is or holds."""
        if isinstance(value, tuple | list):
            return sum(self.parts(each) for each in value)
        if isinstance(value, dict):
            return sum(self.parts(each) for each in value.values())
        return int(isinstance(value, np.ndarray | np.floating | float) and self.explains(np.asarray(value)))

    def explains(self, value: np.ndarray) -> bool:
        """Whether a value is a right gradient, and no zeros, which are everything's."""
        key = value.tobytes()
        if key not in self._known:
            flat = np.ravel(value).astype(float)
            size = float(np.linalg.norm(flat))
            # A single number that is short may be anything's; NaN is near nothing.
            short = flat.size == 1 and float(64 * flat[0]).is_integer()
            known = ((self.right, NEAR), (self.depending, BY_DIFFERENCES))
            tables = [(rows[value.size], near) for rows, near in known if value.size in rows]
            told = tables and not short and 0 < size < np.inf
            self._known[key] = bool(told) and any(
                np.any(np.linalg.norm(rows - flat, axis=1) <= near * size) for rows, near in tables
            )
        return self._known[key]


def two_of(search: Search, found: list[Onward]) -> tuple[Edit, Edit] | None:
    """Two edits that mend all that is wrong together, each of which makes more right on the way."""
    likely = sorted(found, key=unlikely)[:KEPT]
    pairs = [pair for pair in itertools.combinations([each.edit for each in likely], 2) if apart(*pair)]
    for pair in sorted(pairs, key=lambda pair: sum(edit.cost for edit in pair)):
        if search.over():
            return None
        made = changes(search.live, list(pair))
        outcome = search.trial.run(made)
        if outcome is not None and not outcome.wrong and search.trial.same_loss(made):
            return pair
    return None


def furthest(found: list[Onward], enough: int) -> list[Edit]:
    """The edits with which the most is right, of those that make the same of all values the first."""
    best: dict[int, Edit] = {}
    for each in sorted(found, key=unlikely):
        best.setdefault(each.made, each.edit)
    return list(best.values())[:enough]


def another(search: Search, firsts: list[Edit]) -> tuple[Edit, Edit] | None:
    """One of these edits, and a small one with which it mends all that is wrong; the likeliest are tried first."""
    likely = sorted(tokens(search), key=lambda edit: edit.cost) if firsts else []
    search.until = max(search.until, time.perf_counter() + SHARE * search.seconds)
    for first in firsts:
        search.stage(SHARE / len(firsts))
        for edit in likely:
            if search.over():
                break
            made = changes(search.live, [first, edit]) if apart(first, edit) else {}
            outcome = search.trial.run(made) if made else None
            if outcome is not None and not outcome.wrong and search.trial.same_loss(made):
                return first, edit
    search.stage_until = float("inf")
    return None


def unlikely(each: Onward) -> tuple[float, float]:
    """In which order they are taken: by what speaks against the edit, less what it explains."""
    return each.edit.cost - MORE * each.more, each.edit.cost


def onward(search: Search) -> Iterator[Onward]:
    """The small edits with which more is right on the way."""
    explained = Explained(search)
    before, _ = explained.count([])
    forwards = {s for s in search.sites_of if of_forward(search, s)}
    quick, others = better(search.trial, tokens(search), explained.parts, forwards)
    rank = {statement: number for number, statement in enumerate(search.doubtful)}

    def doubt(edit: Edit) -> tuple[bool, bool, int]:
        where = around(search.live, edit.site)
        ordering = any(part == "iter" for part, _ in edit.site.path)  # few, and what all else hangs on
        place = rank.get(where.statement, len(rank)) if where is not None else len(rank)
        return not ordering, edit.cost > LIKELY, place

    search.stage(SHARE)
    for edit in [*sorted(quick, key=lambda edit: edit.cost)[:KEPT], *sorted(others, key=doubt)]:
        if search.over():
            break
        right, made = explained.count([edit])
        if right > before:
            yield Onward(edit, right - before, made)
    search.stage_until = float("inf")


def of_forward(search: Search, statement: Site) -> bool:
    """Whether a statement gives what the forward computed: whether that is the right one only shows further on."""
    value = Site(*statement.spot, (*statement.path, ("value", None)))
    if value not in search.trace.shapes:
        return False
    parts = [*parts_of(search.live, value), value]
    seen = [s.value for part in parts for s in search.trace.seen.get(part, [])[:1] if np.any(s.value)]
    return bool(seen) and search.quantities.computed(seen)


def apart(one: Edit, other: Edit) -> bool:
    """Whether neither edit lies within what the other replaces."""
    return not (within(one.site, other.site) or within(other.site, one.site))
