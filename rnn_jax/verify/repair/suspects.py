"""Places in the source for a reader: the wrong expression, what it should be, and from which iteration on."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np

from rnn_jax.verify.check_report import Suspect
from rnn_jax.verify.repair.around import new_statement, target_of
from rnn_jax.verify.repair.as_well import as_well
from rnn_jax.verify.repair.before_use import before_use
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.healing import Healing
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.probe import Seen, Trace
from rnn_jax.verify.repair.ranking import statement_value
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.search import MISSING, Search
from rnn_jax.verify.repair.siblings import is_key
from rnn_jax.verify.repair.telltale import telltales
from rnn_jax.verify.repair.tree import at, walk
from rnn_jax.verify.repair.verified import located


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
            label = first_wrong(search.trace.seen.get(site, []), values)
    made = place(search, edit.site, edit.line, expression, edit.missing, expected, label)
    new = new_statement(live, edit) if edit.missing else None
    return made if new is None else replace(made, expression=ast.unparse(new))


def first_wrong(seen: list[Seen], values: list[np.ndarray]) -> str:
    """The iteration at which what was seen first differs from what it should be."""
    for old, new in zip(seen, values, strict=False):
        if old.value.shape != new.shape or not np.allclose(old.value, new, rtol=1e-9, atol=0):
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
    values = [p + s for p, s in zip(healing.present, healing.shifts, strict=True)]
    seen = search.trace.seen[healing.site]
    return valued(search, healing.site, values, seen[healing.first].iteration if healing.first < len(seen) else "")


def mended_as_well(search: Search, edit: Edit, after: Trace, lines: set[int]) -> list[Suspect]:
    """Other expressions that would mend it, on other lines than these."""
    several = as_well(search, edit, after, lines)
    return [valued(search, site, v, first_wrong(search.trace.seen[site], v)) for site, v in several]


def missing_before(search: Search, edit: Edit, after: Trace) -> list[Suspect]:
    """Where a statement that adds as much may have been missing before it."""
    found = []
    for site, name in before_use(search, edit, after):
        node = search.live.node(site)
        made = place(search, site, node.end_lineno or node.lineno, None, True, "", "")
        found.append(replace(made, expression=f"{name} += ..."))
    return found[:1]


def summed_elsewhere(search: Search, edit: Edit) -> list[Suspect]:
    """Where a sum that is made at once, outside all loops, could be made step by step as others are."""
    new = new_statement(search.live, edit) if edit.missing else None
    if not isinstance(new, ast.AugAssign):
        return []
    above = [at(search.live.statement(edit.site.spot), edit.site.path[:k]) for k in range(len(edit.site.path) + 1)]
    looped = any(isinstance(each, ast.For | ast.While) for each in above)
    within = Site(*edit.site.spot, (*edit.site.path, ("body", 0)))
    return beside_sums(search, within, ast.unparse(new.target), np.zeros(1)) if not looped else []


def valued(search: Search, site: Site, values: list[np.ndarray], label: str) -> Suspect:
    """An expression, and the values that it should give."""
    node = search.live.node(site)
    return place(search, site, node.lineno, node, False, search.quantities.name(values), label)


def never_added(search: Search) -> list[Suspect]:
    """Where a sum that stays zero should be added to: behind the last statement of the loop that adds to its like."""
    numbered = [(text, there) for text, there in search.lacking.items() if unnumbered(search, there, text)]
    found = [each for text, there in numbered for each in beside_sums(search, there, text, np.zeros(1))]
    if found:
        return found
    lacking: dict[str, np.ndarray] = {}
    for site, healing in search.healings.items():
        if healing is None or len(healing.present) != 1 or np.any(healing.present[0]):
            continue
        path, function = function_at(search.live.statement(site.spot), site.path)
        target = target_of(search.live.node(Site(*site.spot, site.path[: len(path) + 1])), site) if function else ""
        if target:
            lacking[target] = healing.present[0] + healing.shifts[0]
            found += beside_sums(search, site, target, lacking[target])
    if not found:
        (name,) = search.wrong if len(search.wrong) == 1 else ("",)
        wanted = search.trial.made.wanted[name] if name else np.zeros(0)
        for text, there in search.lacking.items():
            whole = not isinstance(parsed(text), ast.Subscript) or is_key(parsed(text).slice)  # type: ignore[attr-defined]
            lacking[text] = wanted
            found += beside_sums(search, there, text, wanted) if whole else []
    return [*found, *(each for text, wanted in lacking.items() for each in beside_its_like(search, text, wanted))]


def unnumbered(search: Search, site: Site, text: str) -> bool:
    """Whether an item is one by its number, of which the function gives others a value, and never this one."""
    item = parsed(text)
    function = function_at(search.live.statement(site.spot), site.path)[1]
    if not isinstance(item, ast.Subscript) or not isinstance(item.slice, ast.Constant) or function is None:
        return False
    stored = [n for n in ast.walk(function) if isinstance(n, ast.Subscript) and not isinstance(n.ctx, ast.Load)]
    others = [n.slice for n in stored if ast.unparse(n.value) == ast.unparse(item.value)]
    numbers = {each.value for each in others if isinstance(each, ast.Constant)}
    return len(numbers) > 1 and item.slice.value not in numbers


def beside_its_like(search: Search, text: str, wanted: np.ndarray) -> list[Suspect]:
    """Behind the last statement of each block that gives a value to what is kept beside it: grads["W"], grads["b"]."""
    container = kept_in(parsed(text))
    apart = bool(search.own_functions)
    last: dict[Site, tuple[Site, ast.stmt]] = {}
    for spot in search.live.spots if container else ():
        for site, node in search.live.sites(spot):
            if isinstance(node, ast.Assign | ast.AugAssign) and not (apart and search.in_forward(site)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                flat = [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple) else [t])]
                if any(kept_in(each) == container for each in flat):
                    last[Site(*spot, site.path[:-1])] = site, node
    made = [
        place(search, site, node.end_lineno or node.lineno, None, True, search.quantities.name([wanted]), "")
        for site, node in last.values()
    ]
    return [replace(each, expression=f"{text} = ...") for each in made]


def kept_in(target: ast.expr) -> str:
    """The object or dictionary that a name belongs to."""
    keyed = isinstance(target, ast.Attribute) or (isinstance(target, ast.Subscript) and is_key(target.slice))
    return ast.unparse(target.value) if keyed else ""  # type: ignore[attr-defined]


def beside_sums(search: Search, site: Site, target: str, wanted: np.ndarray) -> list[Suspect]:
    """For one sum more: behind the last statement in a loop of the function that adds to anything, or before that loop.

    Before it where that is in a loop as well: what is there once for each sequence.
    """
    path, function = function_at(search.live.statement(site.spot), site.path)
    sums = [
        (s, n)
        for s, n in search.live.sites(site.spot)
        if isinstance(n, ast.AugAssign) and s.path[: len(path)] == path and s.path[len(path) + 1 :]
    ]
    if not sums or function is None:
        return []
    last, node = sums[-1]
    inside = last.path[len(path) :]
    loops = [p for p, n in walk(function) if isinstance(n, ast.For) and p == inside[: len(p)]]
    before = [getattr(at(function, p[:-1]), p[-1][0])[int(p[-1][1] or 0) - 1] for p in loops[1:] if p[-1][1]]
    places = [(last, node), *((Site(*site.spot, (*path, *loops[0])), each) for each in before)]
    words = search.quantities.name([wanted])
    made = [place(search, there, n.end_lineno or n.lineno, None, True, words, "") for there, n in places]
    return [replace(each, expression=f"{target} += ...") for each in made]


def behind(search: Search) -> list[Suspect]:
    """Where a name would have to hold something else than what it was given, and what."""
    found: list[Suspect] = []
    for gap in search.gaps:
        (field, k), above = gap.place.path[-1], Site(*gap.place.spot, gap.place.path[:-1])
        block = search.live.node(above)
        line = getattr(block, field)[gap.first - 1].end_lineno if gap.first else block.lineno
        filled = last_filling(getattr(block, field)[gap.first : k]) if gap.text in search.always_zero else None
        healing = gap.healing
        wanted = search.quantities.name([p + s for p, s in zip(healing.present, healing.shifts, strict=True)])
        line = filled.end_lineno or filled.lineno if filled is not None else line
        made = place(search, above, line, None, True, wanted, "")
        found.append(replace(made, expression=f"{gap.text}[...] = ..." if filled else f"{gap.text} = ..."))
    return found


def last_filling(body: list[ast.stmt]) -> ast.stmt | None:
    """The last statement of a loop that fills an array: an array that nothing fills is rather filled beside it."""
    loops = [each for each in body if isinstance(each, ast.For | ast.While)]
    inside = [each for loop in loops[-1:] for each in loop.body]
    items: list[ast.stmt] = [
        each for each in inside if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript)
    ]
    sums: list[ast.stmt] = [each for each in inside if isinstance(each, ast.AugAssign)]
    return (items or sums)[-1] if items or sums else None


def likely(search: Search) -> list[Suspect]:
    """Where no edit was found: the places that could mend it, then those on which just what is wrong hangs."""
    zero = not any(np.any(search.trial.made.manual[name]) for name in search.wrong)
    ranked = search.doubtful
    telling = [s for s in ranked if search.order(s)[0] <= 1 and not harmless(search, s)]
    rest = [s for s in ranked if search.order(s)[0] in (0, 1, 3)]
    holding, names, empty = healed(search)
    first = [whole(search, s) for s in telltales(search)]
    never = any(unnumbered(search, place, text) for text, place in search.lacking.items())
    if not first and (zero or never or (search.lacking and not search.gaps)):
        first = never_added(search)
    first = first or idle_blocks(search)
    missing = behind(search)[:1] if not first else []
    sure = sorted(search.sure, key=lambda h: search.trace.seen[h.site][h.first].order)
    first += [suspect_at(search, healing) for healing in sure[:1]]
    others = [*holding, *(whole(search, s) for s in telling), *names, *empty, *(whole(search, s) for s in rest)]
    zero = zero or (bool(search.gaps) and not any(np.any(v) for v in search.gaps[0].healing.present))
    before = 0 if zero or not MISSING.isdisjoint(search.hints) else lines(others, 2)
    return [*first, *others[:before], *missing, *others[before:]]


def idle_blocks(search: Search) -> list[Suspect]:
    """The loops in which nothing is done, in functions that the loss does not run: what was done there is missing."""
    found: list[Suspect] = []
    for spot in search.live.spots:
        for site, node in search.live.sites(spot):
            idle = isinstance(node, ast.For | ast.While) and all(isinstance(each, ast.Pass) for each in node.body)
            inner = Site(*site.spot, (*site.path, ("body", 0)))
            if idle and function_at(search.live.statement(spot), inner.path)[1] and not search.in_forward(inner):
                found.append(place(search, inner, node.lineno, None, True, "", ""))  # type: ignore[attr-defined]
    return found[:1]


def lines(places: list[Suspect], enough: int) -> int:
    """How many of the places, from the first on, are on so many lines."""
    return next((n for n in range(len(places)) if len({p.line for p in places[: n + 1]}) > enough), len(places))


def whole(search: Search, statement: Site) -> Suspect:
    """A statement."""
    return place(search, statement, search.live.node(statement).lineno, None, False, "", "")


def harmless(search: Search, statement: Site) -> bool:
    """Whether a statement computes nothing, or zeros, or nothing but what is right."""
    site = Site(statement.file, statement.number, (*statement.path, ("value", None)))
    seen = [s.value for s in search.trace.seen.get(site, [])]
    return not any(np.any(v) for v in seen) or all(search.explains(v) for v in seen)


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
