"""What is written where something was healed: by what is at hand, by what follows from it within, by sums."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.comprehensions import within_comprehension
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.filling import filled
from rnn_jax.verify.repair.harvest import Stock, at_visits, in_a_row
from rnn_jax.verify.repair.healing import Healing, known
from rnn_jax.verify.repair.inside import as_healing, at_some, inside, told_visits
from rnn_jax.verify.repair.known import look_around
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.match import Matcher
from rnn_jax.verify.repair.places import Places
from rnn_jax.verify.repair.search import LONGEST, Search
from rnn_jax.verify.repair.shares import in_shares
from rnn_jax.verify.repair.slopes import before_slopes

ENOUGH = 6  # edits of one expression
FIRST = 0.6  # of a stage's time, for all but sums
FOR_SURE = 0.1  # of all the time, for what is known to be right there: it tells more than what comes later
Attempt = Callable[[Iterable[Edit]], None]


def mended(search: Search, healings: Iterable[Healing], kind: str = "") -> Iterator[None]:
    """Find expressions that give the values with which all is mended; `kind`: what such edits are."""

    def attempt(made: Iterable[Edit]) -> None:
        if not search.near():
            search.attempt(named_as(kind, made), len(search.found) + ENOUGH)

    met: list[Matcher] = []
    until = time.perf_counter() + FIRST * (min(search.until, search.stage_until) - time.perf_counter())
    for healing in healings:
        if any(each.site == healing.site and (each.healing.sure or not healing.sure) for each in met):
            continue
        if healing.sure:
            enough = time.perf_counter() + FOR_SURE * search.seconds
            search.until, search.stage_until = max(search.until, enough), max(search.stage_until, enough)
        here = matcher(search, healing)
        met.append(here)
        search.attempt(named_as(kind, here.edits()))  # at each of them, as one may be said more simply than another
        if not search.near():
            search.attempt(within_comprehension(search.live, search.trace, healing.site))
        attempt(here.composed())
        attempt(in_shares(search.shares, here))
        attempt(before_slopes(here, search.shares, search.explains))
        if search.near():  # a term may lack a factor, which says it shorter
            for term in search.terms_within(healing.site):
                search.attempt(named_as(kind, matcher(search, term).edits()))
        else:
            met += parts_within(search, healing, here, attempt)
        if time.perf_counter() > until:
            break
    sums_and_arrays(search, met, attempt)
    yield


def named_as(kind: str, made: Iterable[Edit]) -> Iterator[Edit]:
    """Edits with this kind for theirs, where one is given."""
    yield from (edit if not kind or edit.missing else edit._replace(kind=kind) for edit in made)


def parts_within(search: Search, healing: Healing, here: Matcher, attempt: Attempt) -> Iterator[Matcher]:
    """The expressions within a healed one, after what can be written there at once was tried."""
    for inner in inside(search, healing):
        if search.near() or search.over():
            return
        within = matcher_within(search, here, inner)
        attempt(within.edits())
        attempt(within.composed())
        yield within


def sums_and_arrays(search: Search, known: list[Matcher], attempt: Attempt) -> None:
    """What takes longer: sums of several products, and what is to be put into an array that is made there."""
    for here in known:  # for those within the same statement their terms are made once
        if here.healing.inner:
            attempt(here.summed())
    for here in known:
        if not here.healing.inner or isinstance(here.node, ast.Name):
            attempt(filled(here, late(search, LONGEST)))
    for here in known:  # what is 0 throughout is rather missing before
        if not here.healing.inner and any(np.any(v) for v in here.healing.present):
            attempt(here.summed())


def late(search: Search, seconds: float) -> Callable[[], bool]:
    """Whether so much time has gone by from now on, or the search is over."""
    until = time.perf_counter() + seconds
    return lambda: search.over() or time.perf_counter() > until


def matcher(search: Search, healing: Healing, parts: bool = False) -> Matcher:
    """What may be written where something was healed; of parts, where each has another size, by one of them."""
    stocks, shapes = look_around(search, healing), [v.shape for v in healing.present]
    where, visits = around(search.live, healing.site), search.visits(healing.site)
    if where is not None and visits and where.statement in stocks:
        stocks[where.statement] = at_visits(stocks[where.statement], visits)
    told = told_visits(healing)
    consecutive = healing.inner or len(told) == len(shapes)  # otherwise none is the one after another
    if where is not None and len(told) < len(shapes) and where.statement in stocks:
        stocks[where.statement] = at_visits(stocks[where.statement], told)
        healing = at_some(healing, told)
    runs = search.runs(healing.site, len(healing.present))
    here = Matcher(search.live, healing, Places(stocks, search.numpy), runs, consecutive)
    first, last = here.telling()
    if len(set(shapes)) == 1 or last - first == 1:
        return here
    return of_one_shape(search, healing, stocks, runs, 1 if parts else 2) or in_one_row(search, healing, stocks)


def of_one_shape(
    search: Search, healing: Healing, stocks: dict[Site, Stock], runs: list[int], fewest: int
) -> Matcher | None:
    """What may be written where layers of several sizes come by, by those of one size; None where fewer are alike."""
    shapes = [v.shape for v in healing.present]
    wanted = known(healing)
    if wanted is None:
        return None
    alike = [[k for k, each in enumerate(shapes) if each == shape] for shape in dict.fromkeys(shapes)]
    visits = max(alike, key=lambda group: (len(group), healing.present[group[0]].size))
    if len(visits) < fewest:
        return None
    chosen = at_some(as_healing(search, healing.site, healing.present, wanted)._replace(inner=healing.inner), visits)
    there = {place: at_visits(stock, visits) for place, stock in stocks.items() if visited(stock) == len(shapes)}
    ends = np.cumsum(runs)
    counts = [sum(end - run <= k < end for k in visits) for run, end in zip(runs, ends, strict=True)]
    return Matcher(search.live, chosen, Places(there, search.numpy), [count for count in counts if count])


def visited(stock: Stock) -> int:
    """How often the program came by a place."""
    return max((len(each.values) for each in stock.values()), default=0)


def in_one_row(search: Search, healing: Healing, stocks: dict[Site, Stock]) -> Matcher:
    """The same with all values as one long row."""
    shapes = [v.shape for v in healing.present]
    rows = {place: in_a_row(stock, shapes) for place, stock in stocks.items()}
    return Matcher(search.live, healing.in_a_row(), Places(rows, search.numpy))


def matcher_within(search: Search, outer: Matcher, inner: Healing) -> Matcher:
    """The same of an expression within a healed one, where all that is known around that is known here as well."""
    where = around(search.live, inner.site)
    same = where is not None and outer.where is not None and where.statement == outer.where.statement
    if same and len(told_visits(inner)) == len(outer.healing.present):
        return Matcher(search.live, inner, outer.places, search.runs(inner.site, len(inner.present)))
    return matcher(search, inner)
