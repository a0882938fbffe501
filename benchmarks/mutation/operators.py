"""Edits within expressions: operators, signs, transposes, operands, dropped terms and factors, constants."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mutation.edit import Edit
from mutation.faults import derivative, half_derivative, of_dropped_factor, of_dropped_term, within_derivative
from mutation.scope import Sign
from mutation.sites import Site

TOKENS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
OTHERS = {"+": ("*",), "-": ("*",), "*": ("/", "+", "@"), "/": ("*",), "@": ("*",)}
PRODUCTS = ("dot", "outer", "matmul")


def token(site: Site, node: ast.BinOp) -> tuple[int, int] | None:
    """Where a binary operator stands."""
    sign = TOKENS.get(type(node.op))
    if sign is None:
        return None
    low, high = site.text.end(node.left), site.text.start(node.right)
    plain = re.sub(r"#.*", lambda found: " " * len(found[0].encode()), site.text.between(low, high))
    at = plain.find(sign)
    return (low + at, low + at + 1) if at >= 0 else None


def scalar(site: Site, node: ast.expr) -> bool:
    """Whether an expression is a plain number: a constant, a count."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("len", "float", "int")
    if isinstance(node, ast.Attribute) and node.attr == "size":
        return True
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    sign: Sign | None = site.seen.names.get(ast.unparse(node)) if isinstance(node, ast.Name) else None
    return sign == ("whole",)


def operators(site: Site) -> Iterator[Edit]:
    """+ - * / @ exchanged, outside indices, where t - 1 is an index of another kind."""
    for node in site.nodes():
        if not isinstance(node, ast.BinOp) or indexing(site, node):
            continue
        place = token(site, node)
        if place is None:
            continue
        sign = TOKENS[type(node.op)]
        part = within_derivative(site, node) or derivative(node)
        if sign in "+-":
            yield site.replace("sign", *place, "-" if sign == "+" else "+", "derivative-function" if part else "sign")
        for other in OTHERS[sign]:
            scaled = sign + other in ("*/", "/*") and scalar(site, node.right)
            yield site.replace(
                "operator", *place, other, "scale" if scaled else "derivative-function" if part else None
            )


def indexing(site: Site, node: ast.AST) -> bool:
    """Whether a node stands in an index or in the arguments of range."""
    inner = node
    for outer in site.up(node):
        if isinstance(outer, ast.Subscript) and inner is outer.slice:
            return True
        if isinstance(outer, ast.Call) and ast.unparse(outer.func) == "range":
            return True
        inner = outer
    return False


NO_NUMBERS = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Lambda, ast.ListComp)


def signs(site: Site) -> Iterator[Edit]:
    """A minus taken away or put before a value or a factor; += turned to -=."""
    for each in site.nodes():
        if isinstance(each, ast.UnaryOp) and isinstance(each.op, ast.USub) and not indexing(site, each):
            yield site.edit("sign", each, site.text.held(each.operand), "sign")
        if isinstance(each, ast.Call) and ast.unparse(each.func).split(".")[-1] in PRODUCTS and each.args:
            yield site.edit("sign", each.args[-1], f"-{site.text.held(each.args[-1])}", "sign")
    node = site.node
    if isinstance(node, ast.Assign | ast.AugAssign) and not isinstance(node.value, NO_NUMBERS):
        yield site.edit("sign", node.value, f"-{site.text.held(node.value)}", "sign")
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        low, high = site.text.end(node.target), site.text.start(node.value)
        at = low + site.text.between(low, high).index("=")
        yield site.replace("sign", at - 1, at, "-" if isinstance(node.op, ast.Add) else "+", "sign")


def transposes(site: Site) -> Iterator[Edit]:
    """.T taken away, or put behind an operand of a product."""
    for node in site.nodes():
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield site.edit("transpose", node, site.text.held(node.value), "missing-transpose")
        for operand in operands(node):
            text = site.text.of(operand)
            if isinstance(operand, ast.Name | ast.Attribute | ast.Subscript) and not text.endswith(".T"):
                yield site.edit("transpose", operand, f"{text}.T", "missing-transpose")


def operands(node: ast.AST) -> list[ast.expr]:
    """The two operands of a matrix or outer product, as an operator, a function or a method."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).split(".")[-1]
        if name in PRODUCTS and len(node.args) == 2:
            return list(node.args)
        if name == "dot" and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            return [node.func.value, node.args[0]]
    return []


def swapped(site: Site) -> Iterator[Edit]:
    """The two operands of a product, a difference or a quotient exchanged."""
    for node in site.nodes():
        pair = operands(node)
        mistake = "missing-transpose" if isinstance(node, ast.Call) and "outer" in ast.unparse(node.func) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div) and not indexing(site, node):
            pair = [node.left, node.right]
            part = within_derivative(site, node) or derivative(node)
            mistake = None if isinstance(node.op, ast.Div) else "derivative-function" if part else "sign"
        if len(pair) == 2:
            left, right = pair
            middle = site.text.between(site.text.end(left), site.text.start(right))
            if isinstance(node, ast.BinOp) and ("(" in middle or ")" in middle):
                continue  # parentheses belong to an operand
            words = site.text.of if isinstance(node, ast.Call) and len(node.args) == 2 else site.text.held
            new = words(right) + middle + words(left)
            yield site.replace("operands swapped", site.text.start(left), site.text.end(right), new, mistake)


def dropped_parts(site: Site) -> Iterator[Edit]:
    """One side of a sum, a product, a quotient or a power left out."""
    for node in site.nodes():
        if not isinstance(node, ast.BinOp) or indexing(site, node):
            continue
        for kept, gone in ((node.left, node.right), (node.right, node.left)):
            minus = isinstance(node.op, ast.Sub) and kept is node.right and not derivative(node)
            new = f"-{site.text.held(kept)}" if minus else site.text.held(kept)
            if kept is node.left or not isinstance(node.op, ast.Div | ast.Pow):
                yield site.edit("term or factor dropped", node, new, of_dropped(site, node, gone))


def of_dropped(site: Site, node: ast.BinOp, gone: ast.expr) -> str | None:
    """The mistake of an operation without one of its sides."""
    if within_derivative(site, node):
        return "derivative-function"
    if isinstance(node.op, ast.Add | ast.Sub):
        return "derivative-function" if derivative(node) else of_dropped_term(site, gone)
    if isinstance(node.op, ast.Mult) and half_derivative(site, node, gone):
        return "derivative-function"
    return None if isinstance(node.op, ast.Pow) else of_dropped_factor(gone, scalar(site, gone))


def constants(site: Site) -> Iterator[Edit]:
    """Another number: 0 to 1, 1 to 2, 2 to 1, any other doubled."""
    for node in site.nodes():
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float) or indexing(site, node):
            continue
        if any(isinstance(outer, ast.keyword) and outer.arg in ("axis", "keepdims") for outer in site.up(node)):
            continue
        value = {0: 1, 1: 2, 2: 1}.get(node.value, node.value * 2)
        outer = site.parents.get(node)
        factor = isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mult | ast.Div)
        mistake = "derivative-function" if within_derivative(site, node) else "scale" if factor else None
        yield site.edit("constant", node, repr(type(node.value)(value)), mistake)
