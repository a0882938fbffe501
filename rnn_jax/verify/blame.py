"""Where a gradient by hand goes wrong: the line, what should stand there, and an edit that mends it."""

from __future__ import annotations

import ast
import time
from dataclasses import replace

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify import lengths
from rnn_jax.verify.blamed import Blamed, on_lines, suspected, told
from rnn_jax.verify.check_report import Fix
from rnn_jax.verify.judge import Bench, Judgement, failing, judge
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.live import LiveCode, Spot
from rnn_jax.verify.repair.of_forward import OtherForward, other_forward, texts_of, under_a_condition
from rnn_jax.verify.repair.ranking import costs, ranked
from rnn_jax.verify.repair.search import FAR_FETCHED, Search
from rnn_jax.verify.repair.splice import mended
from rnn_jax.verify.repair.stages import stages
from rnn_jax.verify.repair.suspects import likely, suspect_of
from rnn_jax.verify.repair.telltale import telltales
from rnn_jax.verify.repair.trial import Trial
from rnn_jax.verify.repair.twofold import another, furthest, onward, two_of
from rnn_jax.verify.repair.verified import as_fix, holds
from rnn_jax.verify.subject import Values

SECONDS = 13.0  # for one fault
MOST_TRIED = 6  # edits that are tried at fresh points before the search gives up
FAULTS = 3  # in one program
BUILT = 2.0  # what an edit costs that is made of several values
FOR_BOTH = 0.5  # of the time of a search, to look for the first of two faults on one way
FIRSTS = 2  # edits that may mend it, after each of which the other fault is looked for
SWEPT = 4  # such edits, with each of which all small edits are tried
INTENDED = {"truncation", "clip", "penalty", "scale"}  # what may be done on purpose: the forward is as it is meant
OF_ALL = INTENDED | {"sign", "dead-parameter", "never-zeroed"}  # what is no slip in the way that a gradient takes


def blame(
    bench: Bench,
    made: list[Judgement],
    own: Values,
    over: dict[str, int],
    seconds: float = SECONDS,
    hints: frozenset[str] = frozenset(),
    broken: list[Exception] | None = None,
) -> list[Blamed]:
    """The faults of a program of which some judgements are wrong; none where nothing can be said.

    hints: the kinds of mistake that leave the same numbers. broken: takes what goes wrong in one way of looking.
    """
    broken = [] if broken is None else broken
    wrong = [each for each in made if failing(each)]
    there = max(wrong, key=lambda each: (len(failing(each)), bool(each.setting.parameters)))
    search = begun(bench, there, {}, seconds, broken)
    if search is None:
        return []
    search.hints = hints
    found = one_by_one(bench, there, search, own, over, seconds)
    if found[-1].fix is None and found[-1].kind != "other-forward" and hints.isdisjoint(OF_ALL):
        found = both(bench, there, search, own, over, seconds) or found
    if not hints and all(each.fix is None and not each.kind for each in found):
        other = of_condition(bench, there, own, over, seconds / 3)
        found = [replace(other, suspects=on_lines([*other.suspects, *likely(search)]))] if other is not None else found
    if len(found) > 1 and found[-1].fix is not None:  # a fix for several faults mends all of them together
        found = [replace(each, fix=found[-1].fix) for each in found]
    return of_lines(found)


def one_by_one(
    bench: Bench, there: Judgement, first: Search, own: Values, over: dict[str, int], seconds: float
) -> list[Blamed]:
    """The faults, each by what mends all that is wrong or a part of it; the last may have no fix."""
    hints, broken = first.hints, first.broken
    base: dict[Spot, ast.stmt] = {}
    found: list[Blamed] = []
    for number in range(FAULTS):
        search = begun(bench, there, base, seconds / 2, broken) if number else first
        if search is None:
            break
        search.hints = hints
        if "dead-parameter" in hints:
            unused = texts_of(search.trace, search.live, [there.values[name] for name in search.wrong])
            other = of_forward(bench, there, own, over, seconds / 3, unused) if unused else None
            if other is not None:
                return [replace(other, kind="", suspects=on_lines([*other.suspects, *likely(search)]))]
        chosen = mending(bench, search, own, over)
        # The gradient of another loss is rather taken for this one's than built up from it.
        built = chosen is not None and "loss-seed" in hints and chosen[0].cost >= BUILT
        forward = not found and hints.isdisjoint(INTENDED) and (chosen is None or built)
        other = of_forward(bench, there, own, over, seconds / 3, explained=bool(hints)) if forward else None
        if other is not None:
            return [replace(other, suspects=on_lines([*other.suspects, *likely(search)]))]
        if chosen is not None:
            found.append(told(search, *chosen, frozenset()))
            break
        # What leaves these very numbers tells more than an edit that mends some of them.
        told_by_kind = "never-zeroed" in hints or any(telltales(search))
        part = None if told_by_kind else best_part(search)
        if not told_by_kind:
            part = of_the_others(bench, there, base, part, 0.6 * seconds, broken) or part
            part = part or in_short(bench, there, base, over, 0.4 * seconds, broken)
        outcome = search.trial.whole.run(changes(search.live, [part[0]])) if part is not None else None
        if part is None or outcome is None:  # what mends a short sequence may not run with the whole one
            found.append(suspected(search))
            break
        edit, left, where = part
        chosen = None if outcome.wrong else settled(bench, where, own, over)  # what mends short sequences mends all
        if chosen is not None:
            found.append(told(where, *chosen, frozenset()))
            break
        found.append(told(where, edit, None, left))
        base = base | changes(search.live, [edit])
        there = replace(there, manual=outcome.gradients)
    return found


def both(
    bench: Bench, there: Judgement, search: Search, own: Values, over: dict[str, int], seconds: float
) -> list[Blamed]:
    """Two faults on one way, of which neither edit mends a gradient alone; empty where they were not found."""
    scaled = sorted(search.scaled, key=lambda edit: edit.cost)[:FIRSTS]  # what is left then is one number
    found = then(bench, there, search, scaled, own, over, seconds) if scaled else []
    if found:
        return found
    search.until, search.stage_until = time.perf_counter() + FOR_BOTH * seconds, float("inf")
    onwards = list(onward(search))
    pair = two_of(search, onwards) or another(search, furthest(onwards, SWEPT))
    firsts = [pair[0]] if pair is not None else furthest(onwards, FIRSTS)
    return then(bench, there, search, firsts, own, over, seconds)


def then(
    bench: Bench,
    there: Judgement,
    search: Search,
    firsts: list[Edit],
    own: Values,
    over: dict[str, int],
    seconds: float,
) -> list[Blamed]:
    """The fault that one of these edits mends, and another one that is found behind it; empty where none is."""
    for edit in firsts:
        base = changes(search.live, [edit])
        outcome = search.trial.whole.run(base)
        left = replace(there, manual=outcome.gradients) if outcome else None
        second = begun(bench, left, base, seconds / 3, search.broken) if left is not None else None
        chosen = mending(bench, second, own, over) if second is not None else None
        if second is not None and chosen is not None:
            return [told(search, edit, None, frozenset()), told(second, *chosen, frozenset())]
    return []


def of_lines(found: list[Blamed]) -> list[Blamed]:
    """The same with the faults on one line as one, of which no single edit tells the kind."""
    kept: dict[tuple[str, int | None] | int, Blamed] = {}
    for number, each in enumerate(found):
        where = (each.suspects[0].file, each.suspects[0].line) if each.suspects else number
        first = kept.get(where)
        if first is None:
            kept[where] = each
        else:
            names = tuple(sorted({*first.parameters, *each.parameters}))
            kept[where] = replace(first, parameters=names, fix=each.fix, kind="")
    return list(kept.values())


def of_forward(
    bench: Bench,
    there: Judgement,
    own: Values,
    over: dict[str, int],
    seconds: float,
    unused: frozenset[str] = frozenset(),
    explained: bool = False,
) -> Blamed | None:
    """One edit of the forward with which all gradients by hand are right, if there is one.

    explained: a mistake in the gradients gives the same numbers.
    """
    trial = Trial.of(bench, there, LiveCode(bench.subject))
    other = other_forward(trial, own, over, seconds, unused, explained)
    return as_blamed(trial, other, seconds) if other is not None else None


def of_condition(bench: Bench, there: Judgement, own: Values, over: dict[str, int], seconds: float) -> Blamed | None:
    """Two edits of one condition of the forward with which all gradients by hand are right, if there are such."""
    trial = Trial.of(bench, there, LiveCode(bench.subject))
    other = under_a_condition(trial, own, over, seconds)
    return as_blamed(trial, other, seconds) if other is not None else None


def as_blamed(trial: Trial, other: OtherForward, seconds: float) -> Blamed:
    """A forward that may be what is wrong, as a fault."""
    search = Search.of(trial, seconds)
    suspect = suspect_of(search, other.edit, None)
    return Blamed(tuple(sorted(search.wrong)), (suspect,), None, "other-forward", note=other.words)


def begun(
    bench: Bench,
    there: Judgement,
    base: dict[Spot, ast.stmt],
    seconds: float,
    broken: list[Exception],
    left: frozenset[str] = frozenset(),
) -> Search | None:
    """The search at a point in a program with some edits made; None where nothing is wrong at a first call.

    left: the gradients that another fault makes wrong.
    """
    trial = replace(Trial.of(bench, there, LiveCode(bench.subject, base)), left=left)
    return Search.of(trial.fewer(), seconds, broken) if trial.wrong(trial.made.manual) else None


def mending(bench: Bench, search: Search, own: Values, over: dict[str, int]) -> tuple[Edit, Fix] | None:
    """The edit that mends all, if one is found."""
    for _ in stages(search):
        if search.found and costs(search)[id(ranked(search)[0])] < FAR_FETCHED:
            chosen = settled(bench, search, own, over)
            if chosen is not None:
                return chosen
    return settled(bench, search, own, over)


def of_the_others(
    bench: Bench,
    there: Judgement,
    base: dict[Spot, ast.stmt],
    part: tuple[Edit, frozenset[str], Search] | None,
    seconds: float,
    broken: list[Exception],
) -> tuple[Edit, frozenset[str], Search] | None:
    """An edit that mends all but the gradients that are never computed, which is a fault of its own.

    part: the edit that is known to mend the most; None is given where it mends as much.
    """
    wrong = failing(there)
    never = frozenset(name for name in wrong if not np.any(there.manual[name]))
    some = never and len(never) < len(wrong) and (part is None or len(part[1]) > len(never))
    search = begun(bench, there, base, seconds, broken, never) if some else None
    if search is None:
        return None
    for _ in stages(search):
        if search.near():
            return ranked(search)[0], never, search
    return None


def in_short(
    bench: Bench,
    there: Judgement,
    base: dict[Spot, ast.stmt],
    over: dict[str, int],
    seconds: float,
    broken: list[Exception],
) -> tuple[Edit, frozenset[str], Search] | None:
    """An edit that mends the program where its inputs are cut short: of several faults fewer show there."""
    for steps in lengths.LENGTHS:
        for setting in lengths.shortened(bench, there, over, steps):
            try:
                with LiveCode(bench.subject, base).changed({}):
                    short = judge(bench, f"T={steps}", setting, there.values)
            except InputError:
                continue
            search = begun(bench, short, base, seconds, broken) if failing(short) and not short.doubt else None
            if search is None:
                break
            for _ in stages(search):
                if search.found:
                    return ranked(search)[0], frozenset(), search
            return None
    return None


def settled(bench: Bench, search: Search, own: Values, over: dict[str, int]) -> tuple[Edit, Fix] | None:
    """The best of the edits that mended the point, if it holds at others too."""
    verified = 0
    for edit in ranked(search):
        texts = mended(search.live, [edit])
        key = repr(texts)
        if texts is None or key in search.refuted:
            search.failed.add(id(edit))
            continue
        judged = holds(bench, search.live, [edit], own, over)
        fix = as_fix(search.live, [edit], judged, search.trial.tries) if judged is not None else None
        if fix is not None:
            return edit, fix
        search.refuted.add(key)
        search.failed.add(id(edit))
        verified += 1
        if verified >= MOST_TRIED:
            break
    return None


def best_part(search: Search) -> tuple[Edit, frozenset[str], Search] | None:
    """The edit that leaves the fewest gradients wrong, or the fewest entries of them."""
    best = min(search.partial, key=lambda part: (len(part.left), -part.entries, part.edit.cost), default=None)
    return (best.edit, best.left, search) if best is not None else None
