"""A call for the other one of two, as on the way down a tree: `back(n.right, d[h:])` beside `back(n.left, d[:h])`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import names_in, walk

COST = 1.5
PAIRS = (("left", "right"), ("lhs", "rhs"), ("first", "second"), ("l", "r"))  # words within names


def other_halves(live: LiveCode) -> Iterator[Edit]:
    """Each call that stands alone, and each of a function within itself, once more for the other half."""
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            if not isinstance(function, ast.FunctionDef):
                continue
            known = names_in(function) | {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute)}
            there = {ast.unparse(n) for n in ast.walk(function) if isinstance(n, ast.stmt)}
            for where, statement in walk(function):
                if not where or where[-1][1] is None or not calls(statement, function.name):
                    continue
                made = Other(known).visit(ast.parse(ast.unparse(statement)).body[0])
                if ast.unparse(made) not in there:
                    field, k = where[-1]
                    for at_k in (int(k or 0), int(k or 0) + 1):
                        yield inserted(live, Site(*spot, (*path, *where[:-1], (field, at_k))), made, COST)


def calls(statement: ast.AST, name: str) -> bool:
    """Whether a statement is a call, or has one of the function of that name in it."""
    if not isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign):
        return False
    inside = [n for n in ast.walk(statement) if isinstance(n, ast.Call)]
    own = any(ast.unparse(n.func).split(".")[-1] == name for n in inside)
    return own or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call))


class Other(ast.NodeTransformer):
    """Each half of something for its other half. known: the names and attributes that there are."""

    def __init__(self, known: set[str]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Right for left."""
        return ast.Name(self.other(node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """node.right for node.left."""
        return ast.Attribute(self.visit(node.value), self.other(node.attr), node.ctx)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """x[1] for x[0], x[h:] for x[:h]."""
        index = node.slice
        if isinstance(index, ast.Constant) and type(index.value) is int and index.value in (0, 1):
            index = ast.Constant(1 - index.value)
        elif isinstance(index, ast.Slice) and index.step is None and (index.lower is None) != (index.upper is None):
            index = ast.Slice(index.upper, index.lower)
        return ast.Subscript(self.visit(node.value), index, node.ctx)

    def other(self, name: str) -> str:
        """The name of the other half, where there is one."""
        ends = [name[:-1] + {"1": "2", "2": "1"}[name[-1]]] if name[-1] in "12" else []
        words = [
            re.sub(rf"(?<![a-z]){old}(?![a-z])|(?<=d){old}(?![a-z])", new, name)
            for pair in PAIRS
            for old, new in (pair, pair[::-1])
        ]
        return next((made for made in (*words, *ends) if made != name and made in self.known), name)
