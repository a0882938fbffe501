"""Methods that nothing calls: those which set an object's gradients back, those which pass them on to it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import first_line, located

COST = 1.6
MOST_ARGUMENTS = 3  # of a call that is made of a like one
MOST_NAMES = 4  # that nothing reads


def uncalled(live: LiveCode, forward: set[tuple[str, int]]) -> Iterator[Edit]:
    """Calls of methods without arguments that nothing calls, of what a loop goes through, or at a function's start.

    And what is asked of one attribute of an object asked of another one too, as a further term: that of which nothing
    is asked. forward: the functions that the loss runs, by file and first line.
    """
    bare, idle = bare_methods(live)
    for spot in live.spots:
        for site, node in live.sites(spot):
            function = function_at(live.statement(spot), site.path)[1]
            here = isinstance(node, ast.FunctionDef) and (spot[0], first_line(node)) not in forward
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                empty = all(isinstance(each, ast.Pass) for each in node.body)
                for name in bare if empty else idle:
                    call = ast.parse(f"{node.target.id}.{name}()").body[0]
                    if empty:
                        first = Site(*spot, (*site.path, ("body", 0)))
                        edit = Edit(
                            first, located(call, node.body[0]), "missing-statement", COST, node.lineno + 1, True
                        )
                        yield edit
                    else:
                        yield inserted(live, Site(*spot, (*site.path, ("body", 0))), call, COST)
            elif here:
                for owner in sorted(owners(node)) if idle else ():
                    for name in sorted(idle):
                        place = Site(*spot, (*site.path, ("body", 0)))
                        yield inserted(live, place, ast.parse(f"{owner}.{name}()").body[0], COST)
            elif isinstance(node, ast.Call) and function is not None and site.path:
                yield from of_another(live, site, node, function)


def bare_methods(live: LiveCode) -> tuple[list[str], list[str]]:
    """The methods of the program's classes that take nothing but the object, and those that only its making calls."""
    nodes = [node for spot in live.spots for node in ast.walk(live.statement(spot))]
    methods = [f for n in nodes if isinstance(n, ast.ClassDef) for f in n.body if isinstance(f, ast.FunctionDef)]
    making = {id(n) for f in methods if f.name == "__init__" for n in ast.walk(f)}
    calls = (n.func for n in nodes if isinstance(n, ast.Call) and id(n) not in making)
    called = {func.attr for func in calls if isinstance(func, ast.Attribute)}
    bare = {f.name for f in methods if [a.arg for a in f.args.args] == ["self"] and not f.decorator_list}
    own = sorted(name for name in bare if not name.startswith("__"))
    return own, [name for name in own if name not in called]


def owners(function: Any) -> set[str]:
    """The object itself, and what of it a function asks something."""
    found = {"self"} if function.args.args[:1] and function.args.args[0].arg == "self" else set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            value = node.func.value
            if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
                found.add(ast.unparse(value))
    return found


def of_another(live: LiveCode, site: Site, call: ast.Call, function: Any) -> Iterator[Edit]:
    """A like call of another attribute of which this method is called nowhere, added to the sum that a call stands in.

    With what is given to it as it is, or with a name that nothing reads in one argument's place.
    """
    func = call.func
    asks = isinstance(func, ast.Attribute) and isinstance(func.value, ast.Attribute)
    if not asks or not 0 < len(call.args) <= MOST_ARGUMENTS:
        return
    own: Any = func.value  # type: ignore[attr-defined]
    above = next((k for k in range(len(site.path), 0, -1) if site.path[k - 1][0] == "value"), 0)
    whole = Site(*site.spot, site.path[:above])
    statement = live.node(Site(*site.spot, site.path[: above - 1])) if above else None
    if not isinstance(statement, ast.Assign | ast.AugAssign):
        return
    total = live.node(whole)
    nodes = [node for spot in live.spots for node in ast.walk(live.statement(spot))]
    asked = {ast.unparse(n.func) for n in nodes if isinstance(n, ast.Call)}
    others = {
        ast.unparse(n) for n in nodes if isinstance(n, ast.Attribute) and ast.unparse(n.value) == ast.unparse(own.value)
    }
    unread = unread_names(function)
    for other in sorted(others - {ast.unparse(own)}):
        method = f"{other}.{func.attr}"  # type: ignore[attr-defined]
        if method in asked:
            continue
        given = [ast.unparse(each) for each in call.args]
        several = [given, *([*given[:k], name, *given[k + 1 :]] for name in unread for k in range(len(given)))]
        for arguments in several:
            term = ast.parse(f"{method}({', '.join(arguments)})", mode="eval").body
            yield Edit(whole, located(ast.BinOp(total, ast.Add(), term), total), "missing-term", COST, total.lineno)


def unread_names(function: Any) -> list[str]:
    """The names that a function gives a value and reads at most to write into it."""
    nodes = list(ast.walk(function))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    read = Counter(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    into = Counter(ast.unparse(n.value) for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
    return sorted(name for name in stored if read[name] == into[name])[:MOST_NAMES]
