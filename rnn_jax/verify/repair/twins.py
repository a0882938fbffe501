"""What is carried side by side: S goes on as c does, where `k1, s1 = f(c, S)` says that s1 is to S what k1 is to c."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.analogy import MISSING, changes_the_same, dumped, in_place_of
from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import at, names_in, walk

FEWEST = 2  # names of a statement that have a twin


def twins(live: LiveCode) -> Iterator[Edit]:
    """Each statement for the twins of its names: in the place of that of its target, or behind it where there is none.

    Names are twins where one statement gives both of them a value, in the same order each time.
    """
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            if not isinstance(function, ast.FunctionDef):
                continue
            both = paired(function)
            for where, statement in walk(function):
                block, field = where[:-1], where[-1][0] if where else ""
                if not both or not isinstance(statement, ast.Assign | ast.AugAssign) or where[-1][1] is None:
                    continue
                body = getattr(at(function, block), field)
                for pairs in (both, {b: a for a, b in both.items()}):
                    for made in renamed(function, statement, pairs):
                        like = [n for n, each in enumerate(body) if changes_the_same(each, made)]
                        for n in like:
                            if dumped(body[n]) != dumped(made):
                                yield in_place_of(Site(*spot, (*path, *block, (field, n))), body[n], made)
                        if not like:
                            place = Site(*spot, (*path, *block, (field, where[-1][1] + 1)))
                            yield inserted(live, place, made, MISSING)


def paired(function: ast.AST) -> dict[str, str]:
    """The names that are given a value as the first and the second of two."""
    found: dict[str, str] = {}
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            names = [e.id for e in getattr(target, "elts", []) if isinstance(e, ast.Name)]
            if len(names) == 2 and names[0] != names[1]:
                found[names[0]] = names[1]
    return found


def renamed(function: ast.AST, statement: Any, pairs: dict[str, str]) -> Iterator[ast.stmt]:
    """A statement with the twins of its names, and for its target any name that is read beside them."""
    target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    inside = names_in(statement.value)
    known = inside & set(pairs)
    if not isinstance(target, ast.Name) or target.id in pairs or len(known) < FEWEST:
        return
    beside = {
        b.id
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and mentions(call, target.id)
        for argument in call.args
        for b in ast.walk(argument)
        if isinstance(b, ast.Name)
    }
    for other in sorted(beside - {target.id, *pairs, *pairs.values()}):
        made: Any = ast.parse(ast.unparse(statement)).body[0]
        for node in ast.walk(made):
            if isinstance(node, ast.Name):
                node.id = other if node.id == target.id else pairs.get(node.id, node.id)
        yield made


def mentions(call: ast.Call, name: str) -> bool:
    """Whether a name stands in what a call is given."""
    return any(isinstance(n, ast.Name) and n.id == name for a in call.args for n in ast.walk(a))
