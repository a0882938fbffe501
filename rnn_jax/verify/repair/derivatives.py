"""The derivatives of what the forward writes out: of u + dt * (U - u) by U it is dt, by u it is 1 - dt.

What is missing of a gradient by hand is often such a factor, which no other line of the program has.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from rnn_jax.verify.repair.grammar import with_function
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import ATOMS, names_in, texts_in, with_name

LONGEST = 100  # characters of a derivative
MOST = 120  # derivatives
Node = ast.expr


def of_expressions(live: LiveCode, sites: Iterable[Site], counters: set[str]) -> Iterator[Node]:
    """What the derivatives of the outermost of these expressions, by each name, attribute or item, are products of.

    counters: the names that loops give values to; the gradients may go through the same with another one.
    """
    made: set[str] = set()
    for site in sites:
        node = live.node(site)
        parent = live.node(Site(*site.spot, site.path[:-1])) if site.path else None
        if not isinstance(node, ast.BinOp | ast.Call) or within_larger(parent):
            continue
        for text in sorted(texts_in(node)):
            found = derivative(node, text)
            for factor in factors(found) if found is not None else ():
                for each in (factor, *recounted(factor, counters)):
                    said = ast.unparse(each)
                    if len(said) <= LONGEST and said not in made:
                        made.add(said)
                        yield ast.parse(said, mode="eval").body
                    if len(made) >= MOST:
                        return


def factors(node: Node) -> Iterator[Node]:
    """The factors of a product that are no simple values."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from factors(node.left)
        yield from factors(node.right)
    elif isinstance(node, ast.UnaryOp):
        yield from factors(node.operand)
    elif not isinstance(node, ATOMS | ast.Constant):
        yield node


def recounted(node: Node, counters: set[str]) -> Iterator[Node]:
    """The same with another counter, where there is one in it."""
    inside = names_in(node)
    for own in sorted(inside & counters) if len(inside & counters) == 1 else ():
        yield from (with_name(node, own, other) for other in sorted(counters - inside))


def within_larger(parent: Any) -> bool:
    """Whether an expression is part of one that is looked at as a whole."""
    return isinstance(parent, ast.BinOp | ast.UnaryOp) or (
        isinstance(parent, ast.Call) and function_of(parent) in KNOWN
    )


def derivative(node: Node, name: str) -> Node | None:
    """The derivative of an expression by what a text stands for, entry by entry; None where no rule is known."""
    if isinstance(node, ATOMS) and ast.unparse(node) == name:
        return ast.Constant(1)
    if not any(isinstance(n, ATOMS) and ast.unparse(n) == name for n in ast.walk(node)):
        return ast.Constant(0)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = derivative(node.operand, name)
        return negative(inner) if inner is not None else None
    if isinstance(node, ast.BinOp):
        return of_two(node, name)
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        inner = derivative(node.args[0], name)
        slope = slope_of(node)
        return times(slope, inner) if inner is not None and slope is not None else None
    return None


def of_two(node: ast.BinOp, name: str) -> Node | None:
    """The derivative of a sum, a product, a quotient or a power."""
    left, right = derivative(node.left, name), derivative(node.right, name)
    if left is None or right is None:
        return None
    match node.op:
        case ast.Add():
            return plus(left, right)
        case ast.Sub():
            return plus(left, negative(right))
        case ast.Mult():
            return plus(times(left, node.right), times(node.left, right))
        case ast.Div():
            first = over(left, node.right)
            square = ast.BinOp(node.right, ast.Pow(), ast.Constant(2))
            return plus(first, negative(over(times(node.left, right), square)))
        case ast.Pow() if isinstance(node.right, ast.Constant) and isinstance(node.right.value, int | float):
            power = node.right.value
            lower = node.left if power == 2 else ast.BinOp(node.left, ast.Pow(), ast.Constant(power - 1))
            return times(times(ast.Constant(power), lower), left)
    return None


def slope_of(call: ast.Call) -> Node | None:
    """The slope of a curve at what it was given; of a sum over all entries that of each of them."""
    (argument,) = call.args
    match function_of(call):
        case "exp":
            return call
        case "log":
            return ast.BinOp(ast.Constant(1), ast.Div(), argument)
        case "tanh":
            return ast.BinOp(ast.Constant(1), ast.Sub(), ast.BinOp(call, ast.Pow(), ast.Constant(2)))
        case "sqrt":
            return ast.BinOp(ast.Constant(0.5), ast.Div(), call)
        case "sin":
            return with_function(call, "cos")
        case "cos":
            return negative(with_function(call, "sin"))
        case "square":
            return ast.BinOp(ast.Constant(2), ast.Mult(), argument)
        case "abs":
            return with_function(call, "sign")
        case "sum":
            return ast.Constant(1)
    return None


KNOWN = {"exp", "log", "tanh", "sqrt", "sin", "cos", "square", "abs", "sum"}


def function_of(call: ast.Call) -> str:
    """The name of what is called, without its module."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_number(node: Node, value: float) -> bool:
    """Whether a node is this number."""
    return isinstance(node, ast.Constant) and node.value == value


def negative(node: Node) -> Node:
    """The negative."""
    if isinstance(node, ast.Constant):
        return ast.Constant(-node.value) if node.value else node  # type: ignore[operator]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    return ast.UnaryOp(ast.USub(), node)


def plus(left: Node, right: Node) -> Node:
    """The sum, without what is 0."""
    if is_number(left, 0) or is_number(right, 0):
        return right if is_number(left, 0) else left
    if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
        return ast.BinOp(left, ast.Sub(), right.operand)
    return ast.BinOp(left, ast.Add(), right)


def times(left: Node, right: Node) -> Node:
    """The product, without what is 1."""
    if is_number(left, 0) or is_number(right, 0):
        return ast.Constant(0)
    if is_number(left, 1) or is_number(right, 1):
        return right if is_number(left, 1) else left
    for one, other in ((left, right), (right, left)):
        if is_number(one, -1) or (isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.USub)):
            inner = ast.Constant(1) if is_number(one, -1) else one.operand  # type: ignore[attr-defined]
            return negative(times(inner, other))
    if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Div) and is_number(right.left, 1):
        return over(left, right.right)
    return ast.BinOp(left, ast.Mult(), right)


def over(left: Node, right: Node) -> Node:
    """The quotient."""
    if is_number(left, 0):
        return left
    if isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub):
        return negative(over(left.operand, right))
    return ast.BinOp(left, ast.Div(), right)
