"""The edits of one operator: another one, its operands in another order or other brackets, one of them left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, TypeGuard

from rnn_jax.verify.repair.tree import ATOMS, shallow

Option = tuple[Any, str, float]  # another node, the kind of mistake, the cost

OTHERS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add, ast.Sub, ast.MatMult),
    ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.Div,),
}


def binary(node: ast.BinOp) -> Iterator[Option]:
    """Another operator, the operands exchanged, one of them left out."""
    for other in OTHERS.get(type(node.op), ()):
        kind = "sign" if {type(node.op), other} == {ast.Add, ast.Sub} else "operator"
        yield with_parts(node, op=other()), kind, 1
    if not isinstance(node.op, ast.Add | ast.Mult):
        yield with_parts(node, left=node.right, right=node.left), "operand-order", 1
    kind = "extra-term" if isinstance(node.op, ast.Add | ast.Sub) else "extra-factor"
    yield node.left, kind, 1.6
    yield node.right, kind, 1.6
    if isinstance(node.op, ast.MatMult):
        for left, right in ((node.right, node.left), (node.left, node.right)):
            yield with_parts(node, left=transposed(left), right=right), "transpose", 2
            yield with_parts(node, left=left, right=transposed(right)), "transpose", 2
    yield from regrouped(node)
    yield from slopes(node)
    one_minus = isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value == 1
    if one_minus and isinstance(node.right, ATOMS):  # the slope of tanh is 1 - v ** 2
        square = ast.BinOp(node.right, ast.Pow(), ast.Constant(2))
        yield with_parts(node, right=square), "derivative-function", 1.6


def regrouped(node: ast.BinOp) -> Iterator[Option]:
    """The same parts in other brackets, or in another order of products."""
    plain = (ast.Mult, ast.Div, ast.Add, ast.Sub)
    left, right = node.left, node.right
    if isinstance(node.op, plain) and isinstance(left, ast.BinOp):  # (a op b) op c: a op (b op c)
        yield with_parts(left, right=with_parts(node, left=left.right)), "grouping", 2.5
    if isinstance(node.op, plain) and isinstance(right, ast.BinOp):
        yield with_parts(right, left=with_parts(node, right=right.left)), "grouping", 2.5
    if isinstance(node.op, ast.Add):
        for product, other in ((left, right), (right, left)):
            if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult | ast.MatMult):
                # a * s + c: (a + c) * s, and a * (s + c) for a product from the left
                inner = with_parts(node, left=product.left, right=other)
                yield with_parts(product, left=inner), "added-after-derivative", 1.6
                inner = with_parts(node, left=product.right, right=other)
                yield with_parts(product, right=inner), "added-after-derivative", 1.6
    if isinstance(node.op, ast.Mult | ast.MatMult):
        for side in ("left", "right"):
            total = getattr(node, side)
            if isinstance(total, ast.BinOp) and isinstance(total.op, ast.Add):
                # (a + c) * s: a * s + c
                yield with_parts(total, left=with_parts(node, **{side: total.left})), "grouping", 2
                yield with_parts(total, right=with_parts(node, **{side: total.right})), "grouping", 2
        if is_product(right):  # m @ (s * v): s * (m @ v)
            yield with_parts(right, right=with_parts(node, right=right.right)), "derivative-order", 2
            yield with_parts(right, left=with_parts(node, right=right.left)), "derivative-order", 2
        if is_product(left):  # (v * s) @ m: (v @ m) * s
            yield with_parts(left, left=with_parts(node, left=left.left)), "derivative-order", 2
            yield with_parts(left, right=with_parts(node, left=left.right)), "derivative-order", 2


def is_product(node: ast.expr) -> TypeGuard[ast.BinOp]:
    """Whether a node is a product of either kind."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult)


def slopes(node: ast.BinOp) -> Iterator[Option]:
    """The whole derivative of the sigmoid for half of it; that of tanh for it, and the other way round."""
    if isinstance(node.op, ast.Mult) and isinstance(node.right, ATOMS):  # g * h: g * h * (1 - h)
        yield ast.BinOp(node, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Sub(), node.right)), "missing-factor", 1.5
    if not isinstance(node.op, ast.Mult) or not isinstance(node.right, ast.BinOp):
        return
    slope = node.right
    if not (isinstance(slope.op, ast.Sub) and isinstance(slope.left, ast.Constant) and slope.left.value == 1):
        return
    inner = node.left
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
        for value, rest in ((inner.right, inner.left), (inner.left, inner.right)):
            if ast.dump(value) == ast.dump(slope.right):  # a * v * (1 - v): a * (1 - v ** 2)
                square = with_parts(slope, right=ast.BinOp(value, ast.Pow(), ast.Constant(2)))
                yield with_parts(node, left=rest, right=square), "derivative-function", 1.5
    if isinstance(slope.right, ast.BinOp) and isinstance(slope.right.op, ast.Pow | ast.Mult):
        value = slope.right.left  # a * (1 - v ** 2): a * v * (1 - v)
        yield (
            with_parts(node, left=ast.BinOp(inner, ast.Mult(), value), right=with_parts(slope, right=value)),
            "derivative-function",
            1.5,
        )


def transposed(node: ast.expr) -> ast.expr:
    """x.T, and x for x.T."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def with_parts(node: Any, **parts: Any) -> Any:
    """The node with other parts."""
    made = shallow(node)
    for name, part in parts.items():
        setattr(made, name, part)
    return made
