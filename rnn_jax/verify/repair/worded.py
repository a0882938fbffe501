"""How factors and products are written: which texts are numbers, inverses, items of a step."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable

from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.tree import ATOMS

OVER = "1 / "
LOGARITHMS = {"log", "log2", "log10"}
TWO = "2"  # of the slope of a square; in products of several factors only, elsewhere it would be one term more of each


def is_number(text: str) -> bool:
    """Whether a text is a number as it is written; the 2 of a square's slope aside."""
    return text != TWO and isinstance(parsed(text), ast.Constant)


def of_step(tree: ast.expr) -> bool:
    """Whether an expression is an item by something that is counted, not by a key or a number."""
    return any(isinstance(n, ast.Subscript) and not isinstance(n.slice, ast.Constant) for n in ast.walk(tree))


def divisors(known: Iterable[str]) -> set[str]:
    """What the program divides by, or takes the logarithm of, whose slope divides by it: of what is known."""
    nodes = (n for text in known if "/" in text or "log" in text for n in ast.walk(parsed(text)))
    below = (divided_by(n) for n in nodes)
    return {ast.unparse(n) for n in below if isinstance(n, ATOMS)} & set(known)


def divided_by(node: ast.AST) -> ast.expr | None:
    """What an operation, or its slope, divides by."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return node.right
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return node.args[0] if ast.unparse(node.func).split(".")[-1] in LOGARITHMS else None
    return None


def powers(known: Container[str], texts: Iterable[str]) -> set[tuple[str, int]]:
    """The powers that the program takes of what is known, above the second, whose slopes are powers too."""
    nodes = (n for text in texts if "**" in text for n in ast.walk(parsed(text)))
    raised = ((n.left, n.right.value) for n in nodes if isinstance(n, ast.BinOp) and is_power(n))  # type: ignore[attr-defined]
    return {(base, n) for left, n in raised if type(n) is int and n > 2 and (base := ast.unparse(left)) in known}


def is_power(node: ast.BinOp) -> bool:
    """Whether an operation raises to a power that is written out."""
    return isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant)


def product(texts: list[str], sign: float) -> str:
    """A product as it is written, what is divided by last."""
    above = [text for text in texts if not is_inverse(text)]
    tree = parsed(above[0]) if above else ast.Constant(1)
    for text in above[1:]:
        tree = ast.BinOp(tree, ast.Mult(), parsed(text))
    for text in texts:
        if is_inverse(text):
            tree = ast.BinOp(tree, ast.Div(), parsed(text.removeprefix(OVER)))
    return ast.unparse(ast.UnaryOp(ast.USub(), tree) if sign < 0 else tree)


def is_inverse(text: str) -> bool:
    """Whether a text is 1 over something, and no product that begins so: 1 / p * (1 - q)."""
    tree = parsed(text) if text.startswith(OVER) else None
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div) and isinstance(tree.left, ast.Constant)


def bracketed(text: str) -> str:
    """The text, in brackets where something is to stand close to it."""
    return text if isinstance(parsed(text), ATOMS | ast.Call) else f"({text})"
