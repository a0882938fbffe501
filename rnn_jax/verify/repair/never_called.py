"""Functions of the program that nothing calls, where what they take is at hand: `dx += way.back(p, g, x, h, dh)`."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.missing import in_loop
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import first_line

COST = 1.6
MOST = 40  # calls at one place of which one takes what another gave


def never_called(
    live: LiveCode, ran: set[tuple[str, int]], forward: set[tuple[str, int]], places: list[Site], always_zero: set[str]
) -> Iterator[Edit]:
    """Calls of them with what has the names that their parameters have, in functions that the loss does not run.

    What they give back is added to, or taken for, a name that holds nothing but zeros; in a loop also for what is
    handed over, so that it goes from one call on to the next.
    """
    functions = uncalled_functions(live, ran)
    for place in places if functions else ():
        function: Any = function_at(live.statement(place.spot), place.path)[1]
        if function is None or (place.file, first_line(function)) in forward:
            continue
        line = live.node(Site(*place.spot, place.path[:-1])).lineno
        names = names_before(function, place, live)
        own = [n for n in sorted(names) if n in stored_before(function, function.end_lineno)]
        for each, method in functions:
            taken = [a.arg for a in each.args.args[method:]]
            if each is function or not taken or each.args.vararg or each.args.kwonlyargs:
                continue
            if not method and in_loop(live, place):
                from_one = itertools.islice(carried(each, taken, names, own), MOST)
                yield from (inserted(live, place, s, COST) for s in from_one)
            if not set(taken) <= names:
                continue
            given = f"{each.name}({', '.join(taken)})"
            calls = [f"{owner}.{given}" for owner in askers(function, line) if owner in names] if method else [given]
            for call in calls:
                yield from (inserted(live, place, s, COST) for s in as_statements(call, each, always_zero & names))


def uncalled_functions(live: LiveCode, ran: set[tuple[str, int]]) -> list[tuple[Any, bool]]:
    """The functions that nothing calls or hands on and that did not run, and whether they are methods."""
    there = [(spot[0], n) for spot in live.spots for n in ast.walk(live.statement(spot))]
    methods = {id(f) for _, n in there if isinstance(n, ast.ClassDef) for f in n.body}
    used = {n.id if isinstance(n, ast.Name) else n.attr for _, n in there if isinstance(n, ast.Name | ast.Attribute)}
    return [
        (n, id(n) in methods)
        for file, n in there
        if isinstance(n, ast.FunctionDef) and (file, first_line(n)) not in ran
        if n.name not in used and not n.decorator_list and n.name[:2] != "__"
    ]


def names_before(function: Any, place: Site, live: LiveCode) -> set[str]:
    """The names that have a value in a function before a place in it."""
    (field, k), above = place.path[-1], live.node(Site(*place.spot, place.path[:-1]))
    body: list[ast.stmt] = getattr(above, field)
    line = body[k].lineno if k is not None and k < len(body) else (body[-1].end_lineno or body[-1].lineno) + 1
    stored = stored_before(function, line)
    shared = {name for each in live.subject.world.namespaces for name in each}
    return stored | shared | {a.arg for a in function.args.args}


def stored_before(function: Any, line: int) -> set[str]:
    """The names that a function gives a value before a line."""
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return {n.id for n in names if n.lineno < line}


def carried(function: Any, taken: list[str], names: set[str], own: list[str]) -> Iterator[ast.stmt]:
    """What a loop takes from one call on to the next, in the place of a parameter: d = back(w, cache, d)."""
    if not returns(function):
        return
    unknown = [name for name in taken if name not in names]
    for parameter in unknown if len(unknown) == 1 else () if unknown else taken:
        for name in own:
            if name not in taken or name == parameter:
                given = ", ".join(name if each == parameter else each for each in taken)
                yield ast.parse(f"{name} = {function.name}({given})").body[0]


def returns(function: Any) -> bool:
    """Whether a function gives anything back."""
    return any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(function))


def askers(function: Any, line: int) -> list[str]:
    """What a function may ask something: itself, what loops go through, what it asks elsewhere."""
    found = ["self"]
    for node in ast.walk(function):
        if isinstance(node, ast.For) and node.lineno <= line:
            found += [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            found.append(func.value.id)
    return list(dict.fromkeys(found))


def as_statements(call: str, function: Any, zeros: set[str]) -> Iterator[ast.stmt]:
    """What comes back for names that hold only zeros, or the call by itself, for what it changes."""
    texts = [f"{name} {sign} {call}" for name in sorted(zeros) for sign in ("+=", "=")] if returns(function) else []
    yield from (ast.parse(text).body[0] for text in (*texts, call))
