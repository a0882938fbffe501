"""Syntax trees as values: the way to each node, and a statement with one node replaced."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[tuple[str, int | None], ...]
ATOMS = ast.Name | ast.Attribute | ast.Subscript  # what a value may be kept under


def walk(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    """Every node below, itself first, with the way to it; in the order of the source."""
    yield path, node
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield from walk(value, (*path, (field, None)))
        elif isinstance(value, list):
            for k, each in enumerate(value):
                if isinstance(each, ast.AST):
                    yield from walk(each, (*path, (field, k)))


def at(node: ast.AST, path: Path) -> Any:
    """The node at the end of the way."""
    for field, k in path:
        value = getattr(node, field)
        node = value if k is None else value[k]
    return node


def replaced(node: ast.AST, path: Path, new: Any) -> Any:
    """The tree with another node there, or a list of statements in the place of one; the rest is shared."""
    if not path:
        return new
    (field, k), rest = path[0], path[1:]
    made = shallow(node)
    value = getattr(node, field)
    if k is None:
        setattr(made, field, replaced(value, rest, new))
    else:
        inner = replaced(value[k], rest, new)
        setattr(made, field, [*value[:k], *(inner if isinstance(inner, list) else [inner]), *value[k + 1 :]])
    return made


def shallow(node: ast.AST) -> Any:
    """Another node with the same fields, which a new one may be put into."""
    made = type(node)(**dict(ast.iter_fields(node)))
    return ast.copy_location(made, node)


def located(new: ast.AST, old: ast.AST) -> Any:
    """The new node at the place of the old one, parts without a place as well."""
    line = getattr(old, "lineno", 1)
    column = getattr(old, "col_offset", 0)
    for node in ast.walk(new):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            node.lineno, node.col_offset = line, column  # type: ignore[attr-defined]
            node.end_lineno, node.end_col_offset = line, column  # type: ignore[attr-defined]
    return new


def with_name(node: ast.AST, old: str, new: str) -> Any:
    """A copy with another name wherever one stands; keys and the f of an f-string are no names."""
    made = copy.deepcopy(node)
    for each in ast.walk(made):
        if isinstance(each, ast.Name) and each.id == old:
            each.id = new
    return made


def names_in(node: ast.AST) -> set[str]:
    """The names in a tree."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def stored_in(node: ast.AST) -> set[str]:
    """The names that a tree gives a value to."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def texts_in(node: ast.AST) -> set[str]:
    """The names, attributes and items in a tree."""
    return {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ATOMS)}


def same(first: ast.AST, second: ast.AST) -> bool:
    """Whether two trees are the same code."""
    return ast.dump(first) == ast.dump(second)


def first_line(function: Any) -> int:
    """Where the code of a function or a statement begins, its decorators included."""
    return int(min([function.lineno, *(d.lineno for d in getattr(function, "decorator_list", []))]))
