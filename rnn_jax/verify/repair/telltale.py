"""Statements that a kind of mistake points to by itself, where no small edit mends them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.tree import first_line, names_in, walk


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
        summed = isinstance(statement, ast.AugAssign) and bool(seen) and all(v.ndim == 0 and np.any(v) for v in seen)
        if summed and axes(scope_of(search, site).get(ast.unparse(statement.target), ())):
            yield site


def direct_term(search: Search) -> Iterator[Site]:
    """What a sensitivity gets from its own step alone: written into three axes, or made of what has fewer."""
    for site, statement in statements(search):
        large = {name for name, shape in scope_of(search, site).items() if axes(shape) > 2}
        inside = names_in(statement.value)
        whole = any(v.ndim > 2 and min(v.shape) > 1 and np.any(v) for v in values(search, site))
        item = any(isinstance(t, ast.Subscript) and ast.unparse(t.value) in large for t in targets(statement))
        apart = not search.in_forward(site) and site in search.sites_of and search.order(site)[0] <= 1
        if apart and not inside & large and (whole or item):
            yield site


def axes(shape: tuple[Any, ...]) -> int:
    """How many axes a value has."""
    return len(shape[2]) if shape[:1] == ("array",) else 0


TOLD = {
    "shared-cache": kept_once,
    "truncation": started_again,
    "penalty": number_added,
    "missing-delta": direct_term,
}


def scope_of(search: Search, site: Site) -> dict[str, tuple[Any, ...]]:
    """What the names of the function around a site held."""
    function = function_at(search.live.statement(site.spot), site.path)[1]
    return search.trace.scopes.get((site.file, first_line(function)), {}) if function is not None else {}


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
