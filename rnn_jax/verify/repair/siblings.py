"""Statements like those beside a place, under other names: dWf += x @ df beside dWi += x @ di."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.expressions import key_of, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.tree import ATOMS, names_in, with_name

FILLING = {"append", "extend", "insert", "appendleft"}  # of lists


def siblings(body: list[ast.stmt], targets: Stock, stock: Stock) -> Iterator[ast.stmt]:
    """The statements of the same block with other names: dWf += x @ df beside dWi += x @ di."""
    names = {word for t in stock for word in words(parsed(t))} | set(targets)
    for statement in body:
        if not isinstance(statement, ast.AugAssign | ast.Assign):
            continue
        target = ast.unparse(statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0])
        if target not in targets:
            continue
        for other, values in targets.items():
            if other == target or key_of(values.shape) != key_of(targets[target].shape):
                continue
            for old, new in differences(target, other):
                text = ast.unparse(Renamed(old, new, names).visit(ast.parse(ast.unparse(statement))))
                if text != ast.unparse(statement):
                    yield ast.parse(text).body[0]


def near_siblings(
    body: list[ast.stmt], k: int, targets: Stock, stock: Stock, always_zero: set[str]
) -> Iterator[ast.stmt]:
    """The sibling of a neighbour for a sum that stays 0, of whatever shape, with one more of its names exchanged."""
    zero = {t for t, v in targets.items() if v.shape[0] == "array" and t in always_zero}
    names = {word for t in stock for word in words(parsed(t))} | set(targets)
    for statement in body[max(0, k - 1) : k + 1]:
        if not isinstance(statement, ast.AugAssign | ast.Assign):
            continue
        target = ast.unparse(statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0])
        for other in zero - {target} if target in targets else ():
            for old, new in differences(target, other):
                made = Renamed(old, new, names).visit(ast.parse(ast.unparse(statement))).body[0]
                if other not in ast.unparse(made).split(" = ")[0].split(" += ")[0]:
                    continue
                yield made
                inside = names_in(made.value) & set(stock)
                arrays = [t for t, v in stock.items() if t.isidentifier() and v.shape[0] == "array"]
                for name, instead in itertools.product(sorted(inside - {other}), arrays):
                    if instead not in inside | zero:
                        yield with_name(made, name, instead)


def changed_by(statement: ast.stmt) -> str | None:
    """What a statement changes, or fills: a name, an attribute or an item by a key, whatever part of that."""
    root: ast.AST | None = None
    if isinstance(statement, ast.AugAssign):
        root = statement.target
    elif isinstance(statement, ast.Assign):
        root = statement.targets[0]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        func = statement.value.func
        root = func.value if isinstance(func, ast.Attribute) and func.attr in FILLING else None
    while isinstance(root, ast.Subscript) and not is_key(root.slice):
        root = root.value
    return ast.unparse(root) if isinstance(root, ATOMS) else None


def is_key(node: ast.AST) -> bool:
    """Whether an index is a key of a dictionary, as it is written."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def under_made_keys(function: ast.AST) -> list[str]:
    """What a function may write to under keys that it puts together: g[prefix + "W"], g[f"U{layer}"]."""
    items = [n for n in ast.walk(function) if isinstance(n, ast.Subscript) and is_made_key(n.slice)]
    holders = dict.fromkeys(ast.unparse(n.value) for n in items if isinstance(n.ctx, ast.Store))
    keys = dict.fromkeys(ast.unparse(n.slice) for n in items)
    return [f"{holder}[{key}]" for holder in holders for key in keys]


def is_made_key(node: ast.expr) -> bool:
    """Whether an index is put together with a text."""
    texts = (isinstance(n, ast.JoinedStr) or is_key(n) for n in ast.walk(node))
    return not isinstance(node, ast.Constant) and any(texts)


def words(node: ast.AST) -> list[str]:
    """The names, attributes and keys in a tree, in its order."""
    found: list[str] = []
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.append(each.id)
        elif isinstance(each, ast.Attribute):
            found.append(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.append(each.value)
    return found


def differences(first: str, second: str) -> list[tuple[str, str]]:
    """By what two names differ: i and f for dWi and dWf."""
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    return [(first[start : len(first) - end], second[start : len(second) - end]), (first, second)]


class Renamed(ast.NodeTransformer):
    """A statement with one part of its names changed, wherever that gives a name that is known."""

    def __init__(self, old: str, new: str, known: set[str]) -> None:
        self.old, self.new, self.known = old, new, known

    def change(self, name: str) -> str:
        """The other name where there is one."""
        if not self.old:
            return name
        for start in [k for k in range(len(name)) if name.startswith(self.old, k)][::-1]:
            other = name[:start] + self.new + name[start + len(self.old) :]
            if other in self.known:
                return other
        return name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A name."""
        return ast.Name(self.change(node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """An attribute."""
        return ast.Attribute(self.visit(node.value), self.change(node.attr), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """A key."""
        if isinstance(node.value, str) and self.old and self.old in node.value:
            return ast.Constant(self.new.join(node.value.rsplit(self.old, 1)))
        return node
