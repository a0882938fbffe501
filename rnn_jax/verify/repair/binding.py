"""How tightly expressions bind, as the grammar of Python has it: which of them need brackets where."""

from __future__ import annotations

import ast
from enum import IntEnum

# Levels of binding, from what needs brackets nearly everywhere to what needs them nowhere.
Binds = IntEnum(
    "Binds",
    "NAMED TUPLE TEST OR AND NOT COMPARISON BIT_OR BIT_XOR BIT_AND SHIFT SUM PRODUCT SIGN POWER NUMBER ATOM",
)
SIGNS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not ",
}  # fmt: skip
OF_OPERATOR: dict[type, Binds] = {
    ast.Or: Binds.OR, ast.And: Binds.AND, ast.Not: Binds.NOT, ast.BitOr: Binds.BIT_OR, ast.BitXor: Binds.BIT_XOR,
    ast.BitAnd: Binds.BIT_AND, ast.LShift: Binds.SHIFT, ast.RShift: Binds.SHIFT, ast.Add: Binds.SUM,
    ast.Sub: Binds.SUM, ast.Mult: Binds.PRODUCT, ast.Div: Binds.PRODUCT, ast.MatMult: Binds.PRODUCT,
    ast.FloorDiv: Binds.PRODUCT, ast.Mod: Binds.PRODUCT, ast.Pow: Binds.POWER, ast.USub: Binds.SIGN,
    ast.UAdd: Binds.SIGN, ast.Invert: Binds.SIGN,
}  # fmt: skip
OF_NODE: dict[type, Binds] = {
    ast.NamedExpr: Binds.NAMED, ast.Yield: Binds.NAMED, ast.YieldFrom: Binds.NAMED, ast.Tuple: Binds.TUPLE,
    ast.IfExp: Binds.TEST, ast.Lambda: Binds.TEST,
    ast.Compare: Binds.COMPARISON, ast.Await: Binds.NUMBER,
}  # fmt: skip


def level(node: ast.AST) -> Binds:
    """How tightly an expression binds its parts together."""
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp):
        return OF_OPERATOR[type(node.op)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | complex):
        return Binds.NUMBER if abs(node.value) == node.value else Binds.SIGN
    return OF_NODE.get(type(node), Binds.ATOM)


def needed(parent: ast.AST, field: str) -> Binds:
    """How tightly an expression has to bind to stand in this field of its parent without brackets."""
    if isinstance(parent, ast.BinOp):
        own = level(parent)
        if isinstance(parent.op, ast.Pow):
            return Binds.NUMBER if field == "left" else Binds.SIGN
        return own if field == "left" else Binds(own + 1)
    if isinstance(parent, ast.UnaryOp):
        return level(parent)
    if isinstance(parent, ast.Compare | ast.BoolOp):
        return Binds(level(parent) + 1)
    if isinstance(parent, ast.IfExp):
        return Binds.TEST if field == "orelse" else Binds.OR
    if isinstance(parent, ast.comprehension):
        return Binds.TUPLE if field == "target" else Binds.OR
    if isinstance(parent, ast.Attribute | ast.Subscript | ast.Call) and field in ("value", "func"):
        return Binds.ATOM
    if isinstance(parent, ast.Starred):
        return Binds.BIT_OR
    if isinstance(parent, ast.stmt | ast.Subscript):
        return Binds.TUPLE
    return Binds.TEST
