"""Lists that are taken from and never filled: what is kept for the backward at each step is missing in the forward."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.missing import in_loop
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.siblings import FILLING
from rnn_jax.verify.repair.tree import ATOMS, stored_in

COST = 1.6


def fillings(live: LiveCode, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """Appends of what is taken out under the same names, at each place in a loop where all of these are known."""
    yield from unread_kept(live)
    for container, names in taken_from(live):
        for place, stock in stocks.items():
            if not in_loop(live, place) or not names:
                continue
            for given in known_there(names, stock):
                kept = ", ".join(given)
                statement = ast.parse(f"{container}.append({kept if len(given) == 1 else f'({kept})'})").body[0]
                yield inserted(live, place, statement, COST)


def known_there(names: list[str], stock: Stock) -> Iterator[list[str]]:
    """The names as they are; where one of them is none at a place, with each array's in its place."""
    unknown = [k for k, name in enumerate(names) if name not in stock]
    if not unknown:
        yield names
    elif len(unknown) == 1 and len(names) > 1:
        arrays = [t for t, v in stock.items() if t.isidentifier() and v.shape[0] == "array" and t not in names]
        yield from ([*names[: unknown[0]], name, *names[unknown[0] + 1 :]] for name in sorted(arrays))


def unread_kept(live: LiveCode) -> Iterator[Edit]:
    """Appends of what a loop gives a name and nothing reads, right behind that."""
    containers = sorted(never_filled(live))
    for spot in live.spots if containers else ():
        for site, node in live.sites(spot):
            function = function_at(live.statement(spot), site.path)[1]
            if not isinstance(node, ast.Assign) or function is None or not in_loop(live, site):
                continue
            read = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            (field, k), block = site.path[-1], site.path[:-1]
            for name, container in itertools.product(sorted(stored_in(node) - read), containers):
                statement = ast.parse(f"{container}.append({name})").body[0]
                yield inserted(live, Site(*spot, (*block, (field, (k or 0) + 1))), statement, COST)


def never_filled(live: LiveCode) -> set[str]:
    """The lists that nothing is put into, by what they are called."""
    nodes = [node for spot in live.spots for _, node in live.sites(spot)]
    filled = {
        ast.unparse(node.func.value)
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FILLING
    }
    pairs = [pair for node in nodes if isinstance(node, ast.Assign) for pair in given(node)]
    last = {ast.unparse(target): value for target, value in pairs if isinstance(target, ATOMS)}
    return {name for name, value in last.items() if isinstance(value, ast.List) and not value.elts} - filled


def taken_from(live: LiveCode) -> Iterator[tuple[str, list[str]]]:
    """Each list that nothing is put into, with the names that its items are given."""
    nodes = [node for spot in live.spots for _, node in live.sites(spot)]
    empty = never_filled(live)
    for node in nodes:
        for container in sorted(empty):
            if isinstance(node, ast.Assign) and container in ast.unparse(node.value):
                yield container, names_of(node.targets[0])
            elif isinstance(node, ast.For):
                for items, target in taken(node.iter, node.target):
                    if container in ast.unparse(items):
                        yield container, names_of(target)


def taken(items: ast.expr, target: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What a loop goes through, and what its items are given: of several at once, zip(xs, hs[::-1]), each with its own.

    Of what is counted, enumerate(xs), the item.
    """
    name = ast.unparse(items.func) if isinstance(items, ast.Call) else ""
    inner = items.args if isinstance(items, ast.Call) else []
    parts = target.elts if isinstance(target, ast.Tuple) else []
    if name in ("reversed", "list", "tuple") and len(inner) == 1:
        yield from taken(inner[0], target)
    elif name == "enumerate" and inner and len(parts) == 2:
        yield from taken(inner[0], parts[1])
    elif name == "zip" and len(inner) == len(parts):
        for each, part in zip(inner, parts, strict=True):
            yield from taken(each, part)
    else:
        yield items, target


def given(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """What an assignment gives what, part by part."""
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        return list(zip(target.elts, node.value.elts, strict=False))
    return [(target, node.value)]


def names_of(target: ast.expr) -> list[str]:
    """The names that an item is given; none where one of them is no name."""
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [p.id for p in parts if isinstance(p, ast.Name)] if all(isinstance(p, ast.Name) for p in parts) else []
