"""Values that NumPy spreads silently: a sum or a carried name gets an array of another shape, so a factor is missing.

`dh += W.T` where dh is a batch of rows runs, and so does `carry = u` where carry began as a batch: what was multiplied
with is gone. No values in the place of the smaller array can mend that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import key_of, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.known import within
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.sums import adds, is_statement
from rnn_jax.verify.repair.tree import ATOMS, located

COST = 1.7
Shape = tuple[int, ...]


def multiplied(live: LiveCode, trace: Trace, stocks: dict[Site, Stock], telling: set[Site]) -> Iterator[Edit]:
    """Each part of such a value times what is known there, where that has the shape that it should have.

    telling: what just the wrong gradients hang on, of which a number may be what is left of an array.
    """
    for place, stock in stocks.items():
        if not is_statement(live, place):
            continue
        value, wanted = shape_wanted(live, trace, place, stock)
        if wanted is None and value in telling and trace.shapes.get(value, ("",))[0] == "float":
            wanted = () if isinstance(live.node(place), ast.Assign) else None
        if wanted is None:
            continue
        kinds = ATOMS | ast.Call
        atoms = {t: key_of(v.shape) for t, v in stock.items() if v.shape[0] == "array" and isinstance(parsed(t), kinds)}
        for site in (s for s in trace.shapes if within(s, value)):
            own, node = trace.shapes[site], live.node(site)
            if own[0] not in ("array", "float") or not isinstance(node, ast.expr):
                continue
            shape, whole = key_of(own), site == value
            for text, other in atoms.items():
                for made, product in products(node, shape, parsed(text), other):
                    if product != shape and (not whole or product == wanted or not wanted):
                        cost = COST + 0.01 * len(ast.unparse(made))
                        yield Edit(site, located(made, node), "missing-factor", cost, node.lineno)


def by_its_like(live: LiveCode, trace: Trace, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """The terms of a sum times what is spread over them as in the terms beside: f[:, None] * b + g, for o[:, None] * g.

    Only a term that nothing is spread over as it stands.
    """
    for place, stock in stocks.items():
        if not is_statement(live, place) or getattr(live.node(place), "value", None) is None:
            continue
        value = Site(*place.spot, (*place.path, ("value", None)))
        ways = {ast.unparse(each): each for each in indices(live.node(value))}
        for site in (s for s in terms(live, value) if ways and s in trace.shapes and trace.shapes[s][0] == "array"):
            node, shape = live.node(site), trace.shapes[site][2]
            for way in ways.values() if not any(True for _ in indices(node)) else ():
                for text, known in stock.items():
                    if (
                        known.shape[0] == "array"
                        and fits(known.shape[2], way, shape)
                        and isinstance(parsed(text), ATOMS)
                    ):
                        factor = ast.Subscript(parsed(text), way, ast.Load())
                        made = ast.BinOp(factor, ast.Mult(), node)
                        yield Edit(site, located(made, node), "missing-factor", COST, node.lineno)


def indices(node: ast.AST) -> Iterator[ast.Tuple]:
    """The indices by which something is spread over more axes: [:, None]."""
    for each in ast.walk(node):
        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Tuple):
            parts = each.slice.elts
            new = [isinstance(part, ast.Constant) and part.value is None for part in parts]
            if any(new) and all(n or isinstance(part, ast.Slice) for n, part in zip(new, parts, strict=True)):
                yield each.slice


def terms(live: LiveCode, site: Site) -> Iterator[Site]:
    """The terms of a sum, of sums within as well."""
    node = live.node(site)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        for side in ("left", "right"):
            yield from terms(live, Site(*site.spot, (*site.path, (side, None))))
    else:
        yield site


def fits(shape: Shape, way: ast.Tuple, wanted: Shape) -> bool:
    """Whether what has a shape, indexed so, goes with an array of another."""
    axes = [not isinstance(part, ast.Constant) for part in way.elts]
    if sum(axes) != len(shape) or len(axes) != len(wanted):
        return False
    sizes = iter(shape)
    return all(not kept or next(sizes) == size for kept, size in zip(axes, wanted, strict=True))


def shape_wanted(live: LiveCode, trace: Trace, place: Site, stock: Stock) -> tuple[Site, Shape | None]:
    """What a statement adds or hands on, and the shape that it should have; None where it has it or none is known."""
    node, loop = live.node(place), getattr(around(live, place), "loop", None)
    value = Site(*place.spot, (*place.path, ("value", None)))
    shape = None
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        shape = known_shape(stock, ast.unparse(node.target))
    elif isinstance(node, ast.Assign) and adds(node) and isinstance(node.value, ast.BinOp):
        shape = known_shape(stock, ast.unparse(node.targets[0]))
        value = Site(*value.spot, (*value.path, ("right", None)))
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and loop is not None:
        shape = known_shape(stock, node.targets[0].id)  # as the loop began
    found = trace.shapes.get(value)
    return value, shape if found is not None and shape != key_of(found) else None


def known_shape(stock: Stock, text: str) -> Shape | None:
    """The shape of what was there when the program came by first."""
    known = stock.get(text)
    return known.values[0].shape if known is not None and known.shape[0] == "array" and known.values else None


def products(node: ast.expr, own: Shape, factor: ast.expr, other: Shape) -> Iterator[tuple[ast.expr, Shape]]:
    """The products of an expression with another, and their shapes."""
    for made, first, second in (
        (ast.BinOp(node, ast.Mult(), factor), own, other),
        (ast.BinOp(node, ast.MatMult(), factor), own, other),
        (ast.BinOp(node, ast.MatMult(), ast.Attribute(factor, "T", ast.Load())), own, other[::-1]),
        (ast.BinOp(factor, ast.MatMult(), node), other, own),
    ):
        product = np.multiply if isinstance(made.op, ast.Mult) else np.matmul
        try:
            yield made, product(np.zeros(first), np.zeros(second)).shape
        except ValueError:
            continue
