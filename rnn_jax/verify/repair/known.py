"""What is known of a wrong program before edits of it are tried: its values, what hangs on what, and what is right."""

from __future__ import annotations

import ast
import bisect
import contextlib
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rnn_jax.verify.repair.accumulators import arrays_in
from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.doubt import doubt
from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.harvest import Stock, end_of, looking, stocked
from rnn_jax.verify.repair.healing import Healing, Reach
from rnn_jax.verify.repair.live import LiveCode, Site, Spot, name_of_numpy
from rnn_jax.verify.repair.places import Places
from rnn_jax.verify.repair.probe import Seen, Trace, instrumented
from rnn_jax.verify.repair.quantities import Quantities
from rnn_jax.verify.repair.readers import Readers
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.sensitivities import (
    MOST_ENTRIES,
    goes_forward,
    runs_of,
    sensitivities,
    side_by_side,
    tangents,
)
from rnn_jax.verify.repair.shares import Shares
from rnn_jax.verify.repair.shifts import by
from rnn_jax.verify.repair.siblings import under_made_keys
from rnn_jax.verify.repair.sums import left_over
from rnn_jax.verify.repair.tree import at, first_line
from rnn_jax.verify.repair.trial import Trial
from rnn_jax.verify.repair.vocabulary import counters, gone_through, written

NEAR = 1e-6  # relative: tangents come from differences


@dataclass
class Known:
    """What one run of a wrong program has shown, and what follows from it."""

    trial: Trial
    trace: Trace
    forcing: Forcing
    reach: dict[Site, Reach]
    wrong: frozenset[str]
    in_loss: Trace  # of one run of the loss
    of_loss: list[Site]  # the expressions that it evaluates to numbers
    sure: list[Healing] = field(default_factory=list, kw_only=True)  # by what the forward gives in their place

    @property
    def live(self) -> LiveCode:
        """The user's code."""
        return self.trial.live

    @cached_property
    def forward(self) -> set[tuple[str, int]]:
        """The functions that the loss runs, by file and first line."""
        return set(self.in_loss.scopes)

    def order(self, statement: Site) -> tuple[int, int]:
        """Statements on which all that is wrong and nothing else hangs first; then in the order in which they run."""
        sites = self.sites_of.get(statement, [])
        reached = [self.reach[s] for s in sites if s in self.reach and self.reach[s].gradients]
        if any(r.gradients == self.wrong and not r.loss for r in reached):
            rank = 0
        elif any(r.gradients <= self.wrong and not r.loss for r in reached):
            rank = 1
        elif not reached:
            rank = 2
        elif any(not r.loss for r in reached):
            rank = 3
        else:
            rank = 4
        first = min((self.trace.seen[s][0].order for s in sites if s in self.trace.seen), default=0)
        return rank, first

    def rank(self, statement: Site, depth: int = 2) -> int:
        """The same without the order; of what nothing hangs on, as on indices, by what reads it."""
        own = self.order(statement)[0]
        if own != 2 or not depth:
            return own
        return min((self.rank(reader, depth - 1) for reader in self.readers.of(statement)), default=own)

    @cached_property
    def readers(self) -> Readers:
        """Which statements read what others write."""
        return Readers(self.live)

    @cached_property
    def doubtful(self) -> list[Site]:
        """All statements, those first that are the likeliest to be wrong."""
        return sorted(self.sites_of, key=lambda statement: doubt(self, statement))

    @cached_property
    def sites_of(self) -> dict[Site, list[Site]]:
        """The sites of each statement."""
        found: dict[Site, list[Site]] = defaultdict(list)
        for site in self.forcing.sites:
            where = around(self.live, site)
            if where is not None:
                found[where.statement].append(site)
        return dict(found)

    def runs(self, site: Site, visits: int) -> list[int]:
        """How many of its visits are of each run of its loop; of a new statement as of one beside it."""
        seen = self.seen_like(site, visits)
        return [len(list(group)) for _, group in itertools.groupby(seen, lambda s: s.run)]

    def nests(self, site: Site, visits: int) -> list[tuple[int, ...]]:
        """Where in all the loops around it each of its visits is; of a new statement as of one beside it."""
        return [each.nest for each in self.seen_like(site, visits)]

    def seen_like(self, site: Site, visits: int) -> list[Seen]:
        """The visits of a site, or of one beside it where it is new; empty where there are not so many."""
        block = site.path[: max(k for k, (_, number) in enumerate(site.path) if number is not None)]
        beside = (s for s in self.trace.seen if s.spot == site.spot and s.path[: len(block)] == block)
        every = (self.trace.seen.get(each, []) for each in itertools.chain([site], beside))
        return next((seen for seen in every if len(seen) == visits), [])

    @cached_property
    def expressions(self) -> dict[str, ast.expr]:
        """What may be written, by its text."""
        return written(self.live, self.trace, self.of_loss)

    @cached_property
    def stocks(self) -> dict[Site, Stock]:
        """What is known at each place."""
        return look_around(self)

    @cached_property
    def places(self) -> Places:
        """What can be written at each of them."""
        return Places(self.stocks, self.numpy)

    @cached_property
    def always_zero(self) -> set[str]:
        """What is 0 wherever the gradients come by: never filled, never added to."""
        known = [(text, v) for stock in self.stocks.values() for text, v in stock.items()]
        filled: set[str] = set()
        for text, each in known:
            if text not in filled and any(np.any(v) for v in each.values):
                filled.add(text)
        return {text for text, _ in known} - filled

    def visits(self, site: Site) -> list[int]:
        """At which runs of its statement a site ran that does not at all of them, as the branch of a condition."""
        where = around(self.live, site)
        whole = Site(*site.spot, (*where.statement.path, ("value", None))) if where is not None else site
        orders = [s.order for s in self.trace.seen.get(whole, [])]
        mine = [s.order for s in self.trace.seen.get(site, [])]
        return [bisect.bisect_left(orders, order) for order in mine] if len(mine) < len(orders) else []

    def telling(self) -> set[Site]:
        """The expressions on which just what is wrong hangs."""
        return {site for site, reach in self.reach.items() if reach.gradients == self.wrong and not reach.loss}

    def telling_names(self) -> set[str]:
        """What, in all its uses together, is just what all the wrong gradients hang on."""
        united: dict[str, frozenset[str]] = defaultdict(frozenset)
        for site, reach in self.reach.items():
            # Moving what the loss hangs on as well would change the loss.
            united[ast.unparse(self.live.node(site))] |= reach.gradients | ({""} if reach.loss else set())
        return {text for text, gradients in united.items() if gradients == self.wrong}

    def ends(self) -> list[Site]:
        """The places: of functions that the loss does not run first, where nothing is done, at ends, beside sums."""

        def rank(place: Site) -> tuple[bool, bool, bool, bool, int, int]:
            field, k = place.path[-1]
            body = getattr(at(self.live.statement(place.spot), place.path[:-1]), field)
            alone = not any(isinstance(each, ast.AugAssign) for each in body)
            empty = all(isinstance(each, ast.Pass) for each in body)
            rest = body[k or 0 :]
            left = next((n for n, each in enumerate(rest) if isinstance(each, ast.For | ast.While)), len(rest))
            return self.in_forward(place), not empty, bool(left), alone, min(left, 2), -len(place.path)

        return sorted(self.stocks, key=rank)

    def sums_at(self, place: Site) -> list[str]:
        """What can be added to at a place: arrays, what a loop has left last, and lists of its function."""
        function = function_at(self.live.statement(place.spot), place.path)[1]
        scope = self.trace.scopes.get((place.file, first_line(function)), {}) if function is not None else {}
        lists = sorted(name for name, shape in scope.items() if shape == ("list",))
        arrays = arrays_in(self.stocks[place])
        others = [text for text in under_made_keys(function) if text not in arrays] if function is not None else []
        return sorted(arrays, key=lambda text: left_over(self.live, place, text)) + others + lists

    def in_forward(self, site: Site) -> bool:
        """Whether a site is inside a function that the loss runs."""
        function = function_at(self.live.statement(site.spot), site.path)[1]
        return function is not None and (site.file, first_line(function)) in self.forward

    def never_computed(self) -> bool:
        """Whether all that is wrong is 0 as it stands."""
        made = self.trial.made
        return not any(np.any(made.manual[n][~np.isclose(made.manual[n], made.wanted[n], atol=0)]) for n in self.wrong)

    def few(self) -> bool:
        """Whether one gradient is wrong, or half of them at most: where there is but one, half of its entries."""
        made = self.trial.made
        if len(made.wanted) > 1:
            return len(self.wrong) == 1 or 2 * len(self.wrong) <= len(made.wanted)
        return all(2 * np.count_nonzero(right) >= right.size for right in self.trial.right_entries.values())

    def mistaken_sum(self) -> bool:
        """Whether what one wrong gradient lacks is what another has too much: it was added to the wrong one."""
        made = self.trial.made
        # A billionth: both are differences of sums that rounding moves by some eps, and chance gives no two so near.
        errors = [made.wanted[name] - made.manual[name] for name in sorted(self.wrong)]
        return any(
            a.shape == b.shape and np.allclose(a, -b, rtol=1e-9, atol=1e-9 * float(np.max(np.abs(a), initial=0.0)))
            for a, b in itertools.combinations(errors, 2)
        )

    @cached_property
    def numpy(self) -> str:
        """How the program calls NumPy."""
        return name_of_numpy(self.live)

    @cached_property
    def shares(self) -> Shares:
        """What each use of a value of the forward sends back to it."""
        return Shares(self.quantities)

    @cached_property
    def quantities(self) -> Quantities:
        """The right values, and their names."""
        return Quantities(self.live, self.trial.made.truth.recording)

    @cached_property
    def forward_in_time(self) -> bool:
        """Whether the gradients go forward in time, as sensitivities do: nothing there turns a sequence round."""
        return goes_forward(self.live, self.own_functions or set(self.trace.scopes))

    @property
    def own_functions(self) -> set[tuple[str, int]]:
        """The functions of the program that the gradients run and the loss does not; what asks for them is none."""
        return {scope for scope in set(self.trace.scopes) - self.forward if scope[0] in self.live.sources}

    @cached_property
    def sensitivities(self) -> list[list[np.ndarray]]:
        """How the values of the forward depend on the wrong parameters."""
        made, sites = instrumented(self.live, self.live.spots)
        return list(sensitivities(self.trial, made, sites, self.wrong))

    @cached_property
    def tangents(self) -> list[list[np.ndarray]]:
        """The same by one entry after the other, where the gradients come so: by those that are told.

        Where they come forward in time otherwise, by all entries side by side.
        """
        known = self.told_entries
        if known is None:
            return []
        found = self.one_by_one
        if not known:
            found = list(side_by_side(found, len(self.entries)))
        return list({(len(t), b"".join(v.tobytes() for v in t)): t for t in found}.values())

    @cached_property
    def told_entries(self) -> list[tuple[str, int]] | None:
        """The entries for each of which the program runs once; none where one run is for all, None where it varies."""
        entries = self.trial.few.entries if self.trial.few is not None else ()
        known = [entry for entry in entries if entry is not None]
        return known if len(known) == len(entries) else None

    @cached_property
    def entries(self) -> list[tuple[str, int]]:
        """Those by which the forward's values are moved."""
        every = [(n, k) for n, g in self.trial.made.wanted.items() for k in range(g.size)]
        return self.told_entries or (every if self.forward_in_time else [])

    @cached_property
    def one_by_one(self) -> list[list[np.ndarray]]:
        """By how much what the forward computes moves with each entry, one entry after the other."""
        if not self.entries or len(self.entries) > MOST_ENTRIES:
            return []
        made, sites = instrumented(self.live, self.live.spots)
        return list(tangents(self.trial, made, sites, self.entries))

    @cached_property
    def of_one_entry(self) -> list[list[np.ndarray]]:
        """The same of each entry alone, where gradients go forward with all of them: what is done for one alone."""
        if self.told_entries or not self.forward_in_time:
            return []
        return [run for whole in self.one_by_one for run in runs_of(whole, len(self.entries))]

    def explains(self, value: np.ndarray) -> bool:
        """Whether a value is a right one: of the forward, or a gradient or a tangent of what it computed."""
        if self.quantities.known([value]):
            return True
        rows, flat = self.tangents_by_size.get(value.size), np.ravel(value).astype(float)
        return rows is not None and bool(np.any(np.linalg.norm(rows - flat, axis=1) <= NEAR * np.linalg.norm(flat)))

    @cached_property
    def tangents_by_size(self) -> dict[int, np.ndarray]:
        """All tangents in rows."""
        found: dict[int, list[np.ndarray]] = defaultdict(list)
        for value in (v for values in self.tangents for v in values if np.any(v)):
            found[value.size].append(value.ravel())
        return {size: np.array(rows) for size, rows in found.items()}


NOTHING = Reach(frozenset(), False)


def within(site: Site, other: Site) -> bool:
    """Whether a site lies inside another."""
    return site.spot == other.spot and site.path[: len(other.path)] == other.path


def look_around(search: Known, healing: Healing | None = None) -> dict[Site, Stock]:
    """What is known at each place that the gradients come by; with the right values where something is healed.

    Of what is healed at more than one iteration only the places that can matter: its statement, and its loop's end.
    """
    live = search.live
    held: contextlib.AbstractContextManager[dict[Spot, ast.stmt]] = contextlib.nullcontext({})
    only: set[Site] | None = None
    if healing is not None:
        held = search.forcing.holding(healing.site, by(healing.shifts))
        where = around(live, healing.site)
        empty = not any(np.any(v) for v in healing.present)  # it may be added to anywhere
        if where is not None and where.loop is not None and len(healing.present) > 1 and not empty:
            only = {where.statement, end_of(where.loop, live.node(where.loop))}
    with held as changed:
        made, places = stocked(live, changed)
        with (
            looking(places, search.expressions, counters(live), only, frozenset(gone_through(live))) as stocks,
            search.trial.patient(),
        ):
            search.trial.run(made)
    return dict(stocks)
