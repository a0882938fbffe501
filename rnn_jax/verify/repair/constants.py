"""The numbers that a file gives names to: an edit that takes one of them has to hold with another value of it as well.

In a chain of five masses, 0.04 apart and 0.2 long, `0.2 * x.mean()` is `0.04 * x.sum()`, and so only there.
"""

from __future__ import annotations

import ast
import copy

from rnn_jax.verify.repair.around import new_statement
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.tree import names_in

GROWN = 1.25  # times as large: another number, of the size that the program was made for


def taken(live: LiveCode, edits: list[Edit]) -> set[str]:
    """The names that edits bring in, which did not stand where they do."""
    found: set[str] = set()
    for edit in edits:
        new = new_statement(live, edit) if edit.missing else edit.new
        parts = new if isinstance(new, list) else [new]
        old = live.node(edit.site)
        given = {name for each in parts if isinstance(each, ast.AST) for name in names_in(each)}
        found |= given - (set() if edit.missing else names_in(old))
    return found


def with_others(body: list[ast.stmt], names: set[str]) -> dict[str, list[ast.stmt]]:
    """The statements of a file with another number under one of these names, for each that it gives such a number."""
    found: dict[str, list[ast.stmt]] = {}
    for k, statement in enumerate(body):
        for name in sorted(names & set(numbers(statement))):
            made = copy.deepcopy(statement)
            numbers(made)[name].value = GROWN * numbers(statement)[name].value  # type: ignore[operator]
            found[name] = [*body[:k], made, *body[k + 1 :]]
    return found


def numbers(statement: ast.stmt) -> dict[str, ast.Constant]:
    """The numbers with a decimal point that a statement gives names, by these: DT = 0.1, or h, LENGTH = 0.04, 0.2."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return {}
    target, value = statement.targets[0], statement.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    return {
        name.id: number
        for name, number in pairs
        if isinstance(name, ast.Name) and isinstance(number, ast.Constant) and isinstance(number.value, float)
    }
