"""Where a gradient by hand goes wrong: the line, what should stand there, and an edit that mends it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify import lengths
from rnn_jax.verify.check_report import Curve, Fix, Suspect
from rnn_jax.verify.judge import Bench, Judgement, failing, judge
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.force import Healing
from rnn_jax.verify.repair.kinds import kind_of
from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.match import around
from rnn_jax.verify.repair.probe import Seen, Trace, instrumented, watching
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.splice import mended
from rnn_jax.verify.repair.trial import Trial
from rnn_jax.verify.repair.verified import as_fix, holds, located
from rnn_jax.verify.subject import Values

SECONDS = 8.0  # for one fault
MOST_TRIED = 6  # edits that are tried at fresh points before the search gives up
FAULTS = 3  # in one program
FAR_FETCHED = 2.9  # edits that cost this much are taken only if there is no other
INNOCENT = 1.5  # what it costs an edit that the code it changes gives right values


@dataclass(frozen=True)
class Blamed:
    """One fault: the gradients that it makes wrong, where it may lie, and what mends it."""

    parameters: tuple[str, ...]
    suspects: tuple[Suspect, ...]
    fix: Fix | None = None
    kind: str = ""
    curves: tuple[Curve, ...] = ()


def blame(
    bench: Bench,
    made: list[Judgement],
    own: Values,
    over: dict[str, int],
    seconds: float = SECONDS,
) -> list[Blamed]:
    """The faults of a program of which some judgements are wrong; none where nothing can be said."""
    wrong = [each for each in made if failing(each)]
    there = max(wrong, key=lambda each: (len(failing(each)), bool(each.setting.parameters)))
    base: dict[Spot, ast.stmt] = {}
    found: list[Blamed] = []
    for number in range(FAULTS):
        search = begun(bench, there, base, seconds / (1 + (number > 0)))
        if search is None:
            break
        chosen = mending(bench, search, own, over)
        if chosen is not None:
            found.append(told(search, *chosen, frozenset()))
            break
        part = best_part(search) or in_short(bench, there, base, over, seconds / 2)
        if part is None:
            found.append(suspected(search))
            break
        edit, left, where = part
        found.append(told(where, edit, None, left))
        base = base | changes(search.live, [edit])
        outcome = Trial.of(bench, there, LiveCode(bench.subject, base)).run({})
        if outcome is None:
            break
        there = replace(there, manual=outcome.gradients)
    if len(found) > 1 and found[-1].fix is not None:  # a fix for several faults mends all of them together
        found = [replace(each, fix=found[-1].fix) for each in found]
    return found


def begun(bench: Bench, there: Judgement, base: dict[Spot, ast.stmt], seconds: float) -> Search | None:
    """The search at a point in a program with some edits made; None where nothing is wrong at a first call."""
    trial = Trial.of(bench, there, LiveCode(bench.subject, base))
    return Search.of(trial, seconds) if trial.wrong(trial.made.manual) else None


def mending(bench: Bench, search: Search, own: Values, over: dict[str, int]) -> tuple[Edit, Fix] | None:
    """The edit that mends all, if one is found."""
    for _ in search.stages():
        if search.found and costs(search)[id(ranked(search)[0])] < FAR_FETCHED:
            chosen = settled(bench, search, own, over)
            if chosen is not None:
                return chosen
    return settled(bench, search, own, over)


def in_short(
    bench: Bench, there: Judgement, base: dict[Spot, ast.stmt], over: dict[str, int], seconds: float
) -> tuple[Edit, frozenset[str], Search] | None:
    """An edit that mends the program where its inputs are cut short: of several faults fewer show there."""
    for steps in lengths.LENGTHS:
        for setting in lengths.shortened(bench, there, over, steps):
            try:
                with LiveCode(bench.subject, base).changed({}):
                    short = judge(bench, f"T={steps}", setting, there.values)
            except InputError:
                continue
            search = begun(bench, short, base, seconds) if failing(short) and not short.doubt else None
            if search is None:
                break
            for _ in search.stages():
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
            continue
        judged = holds(bench, search.live, [edit], own, over)
        fix = as_fix(search.live, [edit], judged, search.trial.tries) if judged is not None else None
        if fix is not None:
            return edit, fix
        search.refuted.add(key)
        verified += 1
        if verified >= MOST_TRIED:
            break
    return None


def ranked(search: Search) -> list[Edit]:
    """The edits that mended the point, the likeliest first."""
    cost = costs(search)
    return sorted(search.found, key=lambda edit: (cost[id(edit)], order_of(search, edit)))


def costs(search: Search) -> dict[int, float]:
    """How unlikely each of the edits that mended the point is."""
    return {id(edit): edit.cost + INNOCENT * innocent(search, edit) for edit in search.found}


def innocent(search: Search, edit: Edit) -> float:
    """How surely what the edited code gives is right as it is: then the edit only makes up for a fault further on.

    The first value tells most: later ones may be wrong by what that fault has sent round the loop.
    """
    site = statement_value(search, edit)
    seen = [s.value for s in search.trace.seen.get(site if site is not None else edit.site, []) if np.any(s.value)]
    if not seen or not search.quantities.known(seen[:1]):
        return 0.0
    where = around(search.live, edit.site)
    kept = where is not None and isinstance(search.live.node(where.statement), ast.Expr | ast.Assign | ast.Return)
    if not search.quantities.computed(seen[:1]):
        return 0.3  # right for something, but for what it is used?
    return 1.0 if (site is not None or kept) and search.quantities.computed(seen) else 0.5


def order_of(search: Search, edit: Edit) -> tuple[int, int]:
    """When the edited statement first runs."""
    where = around(search.live, edit.site)
    return search.order(where.statement) if where is not None and where.statement in search.sites_of else (9, 0)


def best_part(search: Search) -> tuple[Edit, frozenset[str], Search] | None:
    """The edit that leaves the fewest gradients wrong."""
    edit, left = min(search.partial, key=lambda pair: (len(pair[1]), pair[0].cost), default=(None, frozenset()))
    return (edit, left, search) if edit is not None else None


def told(search: Search, edit: Edit, fix: Fix | None, left: frozenset[str]) -> Blamed:
    """A fault whose mending edit is known."""
    live = search.live
    with live.changed({}):
        made, sites = instrumented(LiveCode(live.subject, live.base | changes(live, [edit])), live.spots)
    with watching(sites, live) as after:
        search.trial.run(made)
    others = [e for e in ranked(search) if e.line != edit.line]
    first = suspect_of(search, edit, after)
    suspects = [first]
    for other in others:
        if len(suspects) < 3 and all(other.line != s.line for s in suspects):
            suspects.append(suspect_of(search, other, None))
    for each in healed(search)[0]:
        if len(suspects) < 3 and all(each.line != s.line for s in suspects):
            suspects.append(each)
    names = tuple(sorted(search.wrong - left))
    return Blamed(names, tuple(suspects), fix, kind_of(live, search.trace, edit), curves(search, edit, after))


def suspect_of(search: Search, edit: Edit, after: Trace | None) -> Suspect:
    """The place of an edit; `after` is a run of the mended program."""
    live = search.live
    if edit.blamed is not None and search.healings.get(edit.blamed) is not None:
        healing = search.healings[edit.blamed]
        assert healing is not None
        return suspect_at(search, healing)
    node = live.node(edit.site)
    expression = node if isinstance(node, ast.expr) else None
    expected, label = "", ""
    if after is not None:
        site = statement_value(search, edit)
        if site is not None and site in after.seen:
            values = [seen.value for seen in after.seen[site]]
            expected = search.quantities.name(values)
            label = first_wrong(search.trace.seen.get(site, []), after.seen[site])
    made = place(search, edit.site, edit.line, expression, edit.missing, expected, label)
    return replace(made, expression=new_statement(live, edit)) if edit.missing else made


def new_statement(live: LiveCode, edit: Edit) -> str:
    """The statement that an edit puts in."""
    block = live.node(edit.site)
    for name in ("body", "orelse", "finalbody"):
        known = getattr(block, name, None) or []
        for statement in getattr(edit.new, name, None) or []:
            if not any(statement is each for each in known):
                return ast.unparse(statement)
    return ""


def statement_value(search: Search, edit: Edit) -> Site | None:
    """The value that the edited statement assigns, adds or returns."""
    where = around(search.live, edit.site)
    if where is None or isinstance(search.live.node(edit.site), ast.stmt):
        return None
    site = Site(edit.site.file, edit.site.number, (*where.statement.path, ("value", None)))
    return site if site in search.forcing.numbers else None


def first_wrong(before: list[Seen], after: list[Seen]) -> str:
    """The iteration at which two runs first differ."""
    for old, new in zip(before, after, strict=False):
        if old.value.shape != new.value.shape or not np.allclose(old.value, new.value, rtol=1e-9, atol=0):
            return old.iteration
    return ""


def healed(search: Search) -> tuple[list[Suspect], list[Suspect], list[Suspect]]:
    """The places at which other values would mend all, as they run: what computes, names, and what holds only zeros."""
    found = [
        (search.trace.seen[healing.site][0].order, healing)
        for healing in search.healings.values()
        if healing is not None and healing.healed == search.wrong
    ]
    groups: tuple[list[Suspect], list[Suspect], list[Suspect]] = ([], [], [])
    for _, healing in sorted(found, key=lambda entry: entry[0]):
        named = isinstance(search.live.node(healing.site), ast.Name | ast.Attribute)
        empty = not any(np.any(v) for v in healing.present)
        groups[2 if empty else 1 if named else 0].append(suspect_at(search, healing))
    return groups


def suspect_at(search: Search, healing: Healing) -> Suspect:
    """An expression whose right values are known."""
    node = search.live.node(healing.site)
    values = [p + s for p, s in zip(healing.present, healing.shifts, strict=True)]
    expected = search.quantities.name(values)
    seen = search.trace.seen[healing.site]
    label = seen[healing.first].iteration if healing.first < len(seen) else ""
    return place(search, healing.site, node.lineno, node, False, expected, label)


def suspected(search: Search) -> Blamed:
    """A fault for which no edit was found: the places that could mend it, or on which just what is wrong hangs."""
    suspects: list[Suspect] = []
    statements = [
        place(search, statement, search.live.node(statement).lineno, None, False, "", "")
        for statement in sorted(search.sites_of, key=search.order)
        if search.order(statement)[0] <= 1 and not harmless(search, statement)
    ]
    holding, names, empty = healed(search)
    rest = [
        place(search, statement, search.live.node(statement).lineno, None, False, "", "")
        for statement in sorted(search.sites_of, key=search.order)
        if search.order(statement)[0] in (0, 1, 3)
    ]
    for each in [*holding, *statements, *names, *empty, *rest]:
        if len(suspects) < 3 and all(each.line != s.line for s in suspects):
            suspects.append(each)
    return Blamed(tuple(sorted(search.wrong)), tuple(suspects))


def harmless(search: Search, statement: Site) -> bool:
    """Whether a statement computes nothing, or zeros, or first of all something right."""
    site = Site(statement.file, statement.number, (*statement.path, ("value", None)))
    seen = [s.value for s in search.trace.seen.get(site, [])]
    return not any(np.any(v) for v in seen) or search.quantities.known(seen[:1])


def place(
    search: Search, site: Site, line: int, node: ast.expr | None, missing: bool, expected: str, label: str
) -> Suspect:
    """A place in the source for a reader."""
    live = search.live
    source = live.sources[site.file]
    text = source.lines[line - 1] if 0 < line <= len(source.lines) else ""
    function = function_at(live.statement(site.spot), (*site.path, ("", None))[: len(site.path)])[1]
    shown, at_line = located(live, site.file, line)
    variable, _, iteration = label.partition("=")
    column = end = None
    if missing:
        column = len(text) - len(text.lstrip())
    elif node is not None and node.lineno == node.end_lineno == line:
        data = text.encode()
        column = len(data[: node.col_offset].decode())
        end = len(data[: node.end_col_offset].decode())
    return Suspect(
        file=shown,
        line=at_line,
        source=text,
        function=getattr(function, "name", ""),
        column=column,
        end_column=end,
        expression=ast.unparse(node) if node is not None else "",
        missing=missing,
        expected=expected,
        variable=variable,
        iteration=iteration,
    )


def curves(search: Search, edit: Edit, after: Trace) -> tuple[Curve, ...]:
    """The error at each iteration of what the edited statement computes, then of what is added to each gradient."""
    found: list[Curve] = []
    site = statement_value(search, edit)
    if site is not None:
        name = ast.unparse(search.live.node(site))
        found += curve(name, search.trace.seen.get(site, []), after.seen.get(site, []))
    for name in sorted(search.wrong):
        best: list[Curve] = []
        for other, reach in search.reach.items():
            if reach.gradients == {name} and other.path[-1] == ("value", None):
                one = curve(name, search.trace.seen.get(other, []), after.seen.get(other, []))
                if one and max(one[0].errors) > (max(best[0].errors) if best else 0.0):
                    best = one
        found += best
    return tuple(found)


def curve(name: str, before: list[Seen], after: list[Seen]) -> list[Curve]:
    """The relative error of one value in each iteration of a loop over time; none where it is in no such loop."""
    steps: dict[int, float] = {}
    largest = max((float(np.max(np.abs(s.value), initial=0.0)) for s in after), default=0.0)
    for old, new in zip(before, after, strict=False):
        _, _, number = new.iteration.partition("=")
        if not number.lstrip("-").isdigit() or old.value.shape != new.value.shape:
            return []
        error = float(np.max(np.abs(old.value - new.value), initial=0.0)) / (largest or 1.0)
        steps[int(number)] = max(error, steps.get(int(number), 0.0))
    if len(steps) < 2:
        return []
    return [Curve(name, tuple(sorted(steps)), tuple(steps[t] for t in sorted(steps)))]
