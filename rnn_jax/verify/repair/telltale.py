"""Statements that a kind of mistake points to by itself, where no small edit mends them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.tree import first_line, walk


def telltales(search: Search) -> Iterator[Site]:
    """The statements that the numbers point to, by the kinds of mistake that leave them."""
    for kind, told in TOLD.items():
        if kind in search.hints:
            yield from told(search)


def kept_once(search: Search) -> Iterator[Site]:
    """What the forward keeps under one and the same name at each step, for the backward to read."""
    read = {
        ast.unparse(node)
        for site, reach in search.reach.items()
        if reach.gradients and reach.gradients <= search.wrong and not search.in_forward(site)
        for node in [search.live.node(site)]
        if is_kept(node)
    }
    for site, statement in statements(search):
        if not search.in_forward(site):
            continue
        kept = [n for target in targets(statement) for n in ast.walk(target) if is_kept(n)]
        if len(values(search, site)) > 1 and any(ast.unparse(n) in read for n in kept):
            yield site


def started_again(search: Search) -> Iterator[Site]:
    """A carried gradient that is set to zero more than once: at the beginning of each chunk."""
    for site, statement in statements(search):
        seen = values(search, site)
        names = [t.id for t in targets(statement) if isinstance(t, ast.Name)]
        zero = len(seen) > 1 and not any(np.any(v) for v in seen)
        if zero and names and site in search.sites_of and search.order(site)[0] <= 1:
            yield site


def number_added(search: Search) -> Iterator[Site]:
    """A number that is added to every entry of an array: the value of a penalty in the place of its gradient."""
    for site, statement in statements(search):
        seen = values(search, site)
        if isinstance(statement, ast.AugAssign) and seen and all(v.ndim == 0 and np.any(v) for v in seen):
            function = function_at(search.live.statement(site.spot), site.path)[1]
            scope = search.trace.scopes.get((site.file, first_line(function)), {}) if function is not None else {}
            if scope.get(ast.unparse(statement.target), ("",))[0] == "array":
                yield site


TOLD = {"shared-cache": kept_once, "truncation": started_again, "penalty": number_added}


def statements(search: Search) -> Iterator[tuple[Site, Any]]:
    """The statements that give something a value."""
    for spot in search.live.spots:
        for path, node in walk(search.live.statement(spot)):
            if path and isinstance(node, ast.Assign | ast.AugAssign):
                yield Site(*spot, path), node


def targets(statement: ast.Assign | ast.AugAssign) -> list[ast.expr]:
    """What a statement writes to."""
    return [statement.target] if isinstance(statement, ast.AugAssign) else statement.targets


def is_kept(node: ast.AST) -> bool:
    """Whether it is an attribute, or an item of which the key is written out."""
    return isinstance(node, ast.Attribute) or (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant))


def values(search: Search, statement: Site) -> list[np.ndarray]:
    """The values of a statement, or of the first part of several."""
    for path in ((("value", None),), (("value", None), ("elts", 0))):
        seen = search.trace.seen.get(Site(*statement.spot, (*statement.path, *path)))
        if seen:
            return [s.value for s in seen]
    return []
