"""Statements in parallel: what else one of them would be, from how others differ, what is asked of others, what is cut.

`ds = ds + Vc.T @ ec` is for `dh = dh + Uc.T @ ec` what `gVc += outer(ec, s)` is for `gUc += outer(ec, h)`.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.packed import last_index, rest_of, with_last
from rnn_jax.verify.repair.siblings import Renamed, changed_by, differences, words
from rnn_jax.verify.repair.tree import ATOMS, names_in

MOST_PAIRS = 24  # ways to turn a statement into another

Change = tuple[tuple[str, str], ...]  # names, and what stands in their place


def changes_of(function: ast.AST) -> list[Change]:
    """How statements of a function that are otherwise the same differ in more than one name, either way round."""
    by_form: dict[str, list[list[str]]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign):
            by_form.setdefault(form(node), []).append(words(node))
    found: dict[Change, None] = {}
    for alike in by_form.values():
        for one, other in itertools.permutations(alike, 2):
            change = tuple(dict.fromkeys((a, b) for a, b in zip(one, other, strict=True) if a != b))
            if len(change) > 1 and len(dict(change)) == len(change):
                found.setdefault(change)
    return list(found)[:MOST_PAIRS]


def form(statement: ast.stmt) -> str:
    """A statement without its names: the same for those that differ in nothing else."""
    text = ast.unparse(statement)
    return ast.dump(Blank().visit(ast.parse(text)))


class Blank(ast.NodeTransformer):
    """A tree without its names."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A name."""
        return ast.Name("", node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """An attribute."""
        return ast.Attribute(self.visit(node.value), "", node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """A key."""
        return ast.Constant("") if isinstance(node.value, str) else node


def paralleled(statement: ast.stmt, changes: list[Change], names: set[str]) -> Iterator[ast.stmt]:
    """The statement with the same changes: of whole names first, then of the parts in which those differ."""
    text = ast.unparse(statement)
    for change in changes:
        made: Any = ast.parse(text)
        for old, new in change:
            for pair in dict.fromkeys([(old, new), *differences(old, new)]):
                made = Renamed(*pair, names).visit(made)
        other = made.body[0]
        if changed_by(other) not in (None, changed_by(statement)):
            yield other


def asked(statement: ast.stmt, function: ast.AST) -> Iterator[ast.stmt]:
    """What is asked of one object, of the others that the function asks something: gate.zero() beside cand.zero()."""
    call = getattr(statement, "value", None)
    if (
        not isinstance(statement, ast.Expr)
        or not isinstance(call, ast.Call)
        or not isinstance(call.func, ast.Attribute)
    ):
        return
    own = call.func.value
    funcs = [n.func for n in ast.walk(function) if isinstance(n, ast.Call)]
    others = {ast.unparse(f.value): f.value for f in funcs if isinstance(f, ast.Attribute)}
    for text, other in others.items():
        if type(other) is type(own) and isinstance(own, ATOMS) and text != ast.unparse(own):
            func = ast.Attribute(other, call.func.attr, ast.Load())
            yield ast.parse(ast.unparse(ast.Expr(ast.Call(func, call.args, call.keywords)))).body[0]


def entry_by_entry(statement: ast.stmt, block: list[ast.stmt], function: ast.AST) -> Iterator[ast.stmt]:
    """A sum over entries for another one, with another of what is taken apart together: d[i] += stay * e[i].

    Beside d[i + 1] += pop * e[i], where push, pop, stay = a[t].
    """
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, ast.Subscript):
        return
    apart = taken_apart(function)
    indices = {ast.unparse(n.slice): n.slice for each in block for n in ast.walk(each) if isinstance(n, ast.Subscript)}
    inside = names_in(statement.value)
    for group in apart:
        for old, new in itertools.product(sorted(inside.intersection(group)), [n for n in group if n not in inside]):
            for index in indices.values():
                made: Any = ast.parse(ast.unparse(statement)).body[0]
                made.target.slice = index
                made.value = Renamed(old, new, {new}).visit(made.value)
                yield ast.parse(ast.unparse(made)).body[0]


def of_the_rest(statement: ast.stmt, function: ast.AST) -> Iterator[ast.stmt]:
    """The same with what a cut in two leaves: dh = dh + d[:, L:] beside dz = dz + d[:, :L], where dz, dh = ...."""
    target = changed_by(statement)
    for group in taken_apart(function):
        for other in group if target in group else ():
            made: Any = ast.parse(ast.unparse(statement)).body[0]
            rest = 0
            for node in (n for n in ast.walk(made.value) if isinstance(n, ast.Subscript)):
                left = [*rest_of(last_index(node))]
                if left:
                    node.slice, rest = parsed(with_last(node, left[0])).slice, rest + 1  # type: ignore[attr-defined]
            if rest == 1 and other != target and target is not None:
                yield ast.parse(ast.unparse(Renamed(target, other, {other}).visit(made))).body[0]


def taken_apart(function: ast.AST) -> list[list[str]]:
    """The names that statements of a function give values to together: push, pop, stay = a[t]."""
    targets = [t for n in ast.walk(function) if isinstance(n, ast.Assign) for t in n.targets]
    return [[n.id for n in t.elts if isinstance(n, ast.Name)] for t in targets if isinstance(t, ast.Tuple)]
