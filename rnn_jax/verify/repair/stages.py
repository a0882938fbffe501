"""In which order edits are tried: the likeliest first, after each kind of them a look at what was found."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rnn_jax.verify.repair import statements
from rnn_jax.verify.repair.accumulators import accumulators
from rnn_jax.verify.repair.analogy import by_analogy
from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.as_in_forward import as_in_forward
from rnn_jax.verify.repair.blocks_alike import blocks_alike
from rnn_jax.verify.repair.cursors import left_behind, moved_on
from rnn_jax.verify.repair.directions import directions
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.entry_scaled import scaled_entry
from rnn_jax.verify.repair.exchange import at_one_step, exchanges
from rnn_jax.verify.repair.filled_gaps import as_sum, before_condition, beside_like, closed
from rnn_jax.verify.repair.first_state import first_items, first_states
from rnn_jax.verify.repair.gap_places import does_nothing
from rnn_jax.verify.repair.gaps import Gap, gaps
from rnn_jax.verify.repair.grammar import Grammar
from rnn_jax.verify.repair.halves import other_halves
from rnn_jax.verify.repair.handed_back import appended
from rnn_jax.verify.repair.harvest import alike
from rnn_jax.verify.repair.in_common import by_their_keys, in_common
from rnn_jax.verify.repair.in_parts import in_parts
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.loops_before import in_earlier_loops
from rnn_jax.verify.repair.mending import matcher, mended
from rnn_jax.verify.repair.missing import after_others, handed_on, insertions, normalisations
from rnn_jax.verify.repair.never_called import never_called
from rnn_jax.verify.repair.never_filled import fillings
from rnn_jax.verify.repair.numbered import by_number
from rnn_jax.verify.repair.other_index import at_other_indices
from rnn_jax.verify.repair.own_calls import own_calls
from rnn_jax.verify.repair.recomputed import recomputed, tangent
from rnn_jax.verify.repair.residuals import residuals
from rnn_jax.verify.repair.search import LONGEST, MISSING, Search
from rnn_jax.verify.repair.shares import in_shares
from rnn_jax.verify.repair.slopes import before_slopes
from rnn_jax.verify.repair.spread import by_its_like, multiplied
from rnn_jax.verify.repair.stale import renewals
from rnn_jax.verify.repair.sums import summands, sums
from rnn_jax.verify.repair.sums_apart import sums_apart
from rnn_jax.verify.repair.tokens import operators
from rnn_jax.verify.repair.transposed import taken_elsewhere, transposed
from rnn_jax.verify.repair.twins import twins
from rnn_jax.verify.repair.uncalled import uncalled
from rnn_jax.verify.repair.unused import unused

OF_SUMS = {"assign-not-add", "discarded-sum", "updated-before-use"}  # kinds of mistake
KEPT = {"overwritten", "wrong-axis"}  # what the loss may not mind
A_LITTLE = 0.1  # of the time
SOME = 0.25  # of the time


def stages(search: Search) -> Iterator[None]:
    """Find edits, the likeliest kinds of them first; after each stage a look at what was found is due."""
    summed = search.never_computed()
    if summed:
        search.attempt(edit for edit in tokens(search) if edit.kind in OF_SUMS or of_sum(search, edit))
        yield
    stocks = search.stocks
    search.stage(A_LITTLE)
    likenesses(search)
    if any(does_nothing(search.live, place) for place in stocks):
        yield
        yield from between(search, idle=True)
    if summed:
        yield
        yield from missing_sums(search)
    search.stage(0.45)
    search.attempt(tokens(search))
    yield
    search.stage(A_LITTLE)
    search.attempt(multiplied(search.live, search.trace, stocks, search.telling()))
    search.attempt(by_its_like(search.live, search.trace, stocks))
    yield
    once_more = recomputed(search)
    search.stage(A_LITTLE)
    yield from mended(search, once_more, "recomputed")
    if search.tangents:  # they tell more than what comes later, and take no time from it
        search.until += 2 * A_LITTLE * search.seconds
        search.stage(2 * A_LITTLE)
        yield from mended(search, tangent(search))
    told = search.hints and MISSING.isdisjoint(search.hints)  # that it is another kind of mistake
    alone = len(search.wrong) == 1 < len(search.trial.made.wanted) and not told  # its own sum, most likely
    if alone and not summed:
        yield from missing_sums(search)
    # Where most of one vector of all weights is wrong it is rather what all of it comes from than one sum.
    missing = not MISSING.isdisjoint(search.hints) or (len(search.trial.made.wanted) == 1 and not search.few())
    if missing:
        yield from healed(search, 0.35)
        yield from between(search)
    insert(search)
    yield
    if not summed and not alone:
        yield from missing_sums(search)
    if not missing:
        yield from healed(search, 0.35)
        yield from between(search)
    search.stage(0.15)
    telling = search.telling()
    for place, stock in stocks.items():
        search.attempt(exchanges(search.live, search.trace, place, alike(stock), telling))
    if not search.near():
        search.until = max(search.until, time.perf_counter() + A_LITTLE * search.seconds)
        search.stage(A_LITTLE)
        search.attempt(residuals(search, stocks))
    yield
    if not search.partial and len(search.wrong) > 1:
        search.until += SOME * search.seconds
        search.stage(SOME)
        search.attempt(edit for found in search.healing_some() for edit in matcher(search, found).edits())


def likenesses(search: Search) -> None:
    """Try what the program does elsewhere, or with something else."""
    stocks = search.stocks
    search.attempt(renewals(search.live))
    search.attempt(moved_on(search.live))
    search.attempt(left_behind(search.live))
    search.attempt(handed_on(search.live, stocks))
    search.attempt(directions(search.live, search.trace))
    search.attempt(unused(search.live, search.trace, stocks))
    search.attempt(as_in_forward(search.live, search.forward, search.in_loss, search.trace))
    search.attempt(in_common(search.live))
    search.attempt(by_their_keys(search.live))
    search.attempt(at_other_indices(search.live))
    search.attempt(transposed(search.live))
    search.attempt(taken_elsewhere(search.live))
    search.attempt(first_items(search.live, stocks))
    search.attempt(twins(search.live))
    search.attempt(blocks_alike(search.live))
    search.attempt(other_halves(search.live))
    search.attempt(by_number(search.live))
    search.attempt(uncalled(search.live, search.forward))
    search.attempt(by_analogy(search.live, search.trace, stocks))
    search.attempt(normalisations(search.live, stocks))
    ran = set(search.trace.scopes)
    search.attempt(never_called(search.live, ran, search.forward, list(stocks), search.always_zero))


def insert(search: Search) -> None:
    """Try statements that may be missing, one by one."""
    search.stage(A_LITTLE)
    telling, names = search.telling(), search.telling_names()
    search.attempt(fillings(search.live, search.stocks))
    search.attempt(appended(search.trial, search.quantities, search.stocks, search.numpy, search.over))
    behind = sorted(search.stocks, key=search.in_forward)  # what the loss does not run comes first
    for place in behind:
        search.attempt(after_others(search.live, place, alike(search.stocks[place]), search.always_zero))
    search.stage(0.25 if "loss-seed" in search.hints else A_LITTLE)  # what the targets take off is put in here
    for place in behind:
        stock = alike(search.stocks[place])
        search.attempt(first_states(search.live, search.trace, place, stock, search.numpy))
        search.attempt(at_one_step(search.live, search.trace, place, stock, telling))
        search.attempt(insertions(search.live, place, stock, search.numpy, names))


def tokens(search: Search) -> Iterator[Edit]:
    """All small edits of what ran and what the loss does not hang on."""
    grammar = Grammar(search.live, search.trace)
    ranks: dict[Site, tuple[int, int]] = {}
    made: list[tuple[tuple[int, float, int], Edit]] = []
    mistaken = search.mistaken_sum()
    for spot in search.live.spots:
        for site, node in search.live.sites(spot):
            if not site.path:
                continue
            where = around(search.live, site)
            statement = where.statement if where is not None else site
            if statement not in ranks:
                ranks[statement] = search.rank(statement), search.order(statement)[1]
            rank = ranks[statement]
            if isinstance(node, ast.expr | ast.Slice):
                edits: Iterable[Edit] = grammar.edits(site, node)
            elif isinstance(node, ast.stmt):
                edits = [*statements.edits(search.live, site, node), *operators(search.live, site, node)]
            else:
                continue
            # What the loss hangs on is right as it is, but may have been kept as a copy, or in one shape for another.
            made += [
                ((-1 if mistaken and of_target(edit) else rank[0], edit.cost, rank[1]), edit)
                for edit in edits
                if rank[0] < 4 or edit.kind in KEPT
            ]
    yield from (edit for _, edit in sorted(made, key=lambda pair: pair[0]))


def healed(search: Search, share: float) -> Iterator[None]:
    """Find other expressions for those of which other values would mend all, for which there is always some time."""
    search.until = max(search.until, time.perf_counter() + SOME * search.seconds)
    search.stage(A_LITTLE)
    search.look_ahead()
    search.until = max(search.until, time.perf_counter() + SOME * search.seconds)
    search.stage(share)
    yield from mended(search, search.healing())


def between(search: Search, idle: bool = False) -> Iterator[None]:
    """Find statements that are missing between others, for which there is always a little time.

    idle: only in blocks in which nothing is done.
    """
    search.until = max(search.until, time.perf_counter() + A_LITTLE * search.seconds)
    search.stage(A_LITTLE if idle else 0.3)
    barren = lambda site: site in search.healings and search.healings[site] is None  # noqa: E731
    for found in gaps(search.trial, search.trace, search.reach, search.wrong, LONGEST, search.over, barren, idle):
        once_more = search.near()  # the same statement may be simpler one line further on
        if once_more and not (search.gaps and beside(search.gaps[-1], found)):
            break
        there = replace(search, trial=found.trial, forcing=found.forcing)
        there.expressions, there.quantities = search.expressions, search.quantities
        gap = found._replace(healing=there.told(found.healing))
        search.gaps.append(gap)
        search.until = max(search.until, time.perf_counter() + A_LITTLE * search.seconds)
        here = matcher(there, gap.healing)
        by_shares = lambda here=here: in_shares(search.shares, here)  # noqa: E731
        by_parts = lambda there=there, gap=gap: in_parts(matcher(there, gap.healing, parts=True))  # noqa: E731
        by_slopes = lambda here=here: before_slopes(here, search.shares, search.explains)  # noqa: E731
        at_first = (here.edits, here.composed, by_shares, by_parts, by_slopes, here.summed)
        for edits in (here.edits, by_parts) if once_more else at_first:
            if once_more or not search.near():
                search.attempt(each for edit in edits() for each in filling(search, gap, edit))
        if gap.healing.sure and not search.near():
            search.attempt(in_earlier_loops(search.live, search.places, gap, set()))
        if search.over() or once_more:
            break
    yield


def beside(one: Gap, other: Gap) -> bool:
    """Whether two gaps are for the same name in the same block."""
    return (
        one.text == other.text and one.place.spot == other.place.spot and one.place.path[:-1] == other.place.path[:-1]
    )


def filling(search: Search, gap: Gap, edit: Edit) -> Iterator[Edit]:
    """An edit that fills a gap, as one of the program without it."""
    made = closed(gap, edit)
    if made is not None:
        yield made
        yield from as_sum(search.live, made)
        yield from before_condition(search.live, made)
        yield from beside_like(search.live, made)


def missing_sums(search: Search) -> Iterator[None]:
    """Find what is to be added to a sum, or to be added in the place of what is."""
    # Where most of the gradients are wrong, it is rather what they come from.
    few = search.few()
    search.stage(0.3 if few else A_LITTLE)
    places = search.places
    if len(search.wrong) == 1:
        (name,) = search.wrong
        search.attempt(summands(search.live, places, search.reach, search.wrong, search.trial.made.wanted[name]))
    targets = {place: search.sums_at(place) for place in search.ends()}
    tried: set[tuple[Site, str, str]] = set()
    for found in accumulators(search.trial, search.wrong, targets, search.over):
        before = search.near()
        search.lacking.setdefault(found.text, found.place)
        search.attempt(scaled_entry(search.live, places, found))
        for products in (False, True):
            search.attempt(sums(search.live, places, found, products, tried))
        if not search.near():
            search.attempt(own_calls(search.trial, search.trace, search.stocks[found.place], found))
        if search.near() and not before:
            search.stage(A_LITTLE)  # the same sum may be simpler elsewhere
        if search.over():
            break
    if len(search.wrong) > 1 and search.never_computed() and not search.near():
        search.stage(A_LITTLE * len(search.wrong))
        search.attempt(sums_apart(search, targets))
    yield


def of_sum(search: Search, edit: Edit) -> bool:
    """Whether an edit changes what a statement adds to, or which item it writes to."""
    where = around(search.live, edit.site)
    statement = search.live.node(where.statement) if where is not None else None
    named = isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    return of_target(edit) and not named


def of_target(edit: Edit) -> bool:
    """Whether an edit changes what a statement gives a value to."""
    return any(name in ("target", "targets") for name, _ in edit.site.path)
