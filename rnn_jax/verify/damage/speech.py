"""How places are called in a report: by the program's own expressions and lines."""

from __future__ import annotations

import ast
import linecache
from functools import cache

from rnn_jax.verify.damage.way import Way
from rnn_jax.verify.trace.places import Place

ORDER = ("first", "second", "third")
LONGEST = 48  # characters of an expression


@cache
def expression(place: Place) -> str:
    """The expression as the source has it, on one line; "" where it cannot be read."""
    if place.code is None or not place.line or not place.file.endswith(".py"):
        return ""
    positions = list(place.code.co_positions())
    index = place.instruction // 2
    if index >= len(positions):
        return ""
    first, last, start, end = positions[index]
    if first is None or first != last or start is None or end is None:
        return ""
    line = linecache.getline(place.file, first)
    return line.encode()[start:end].decode(errors="replace").strip()


def said(way: Way, number: int) -> str:
    """An operation: its expression and line."""
    place = way.nodes[number].place
    text = expression(place)
    if text:
        return f"{quoted(text)} (line {place.line})"
    # The lines of a notebook are counted in its cells, which are not known here.
    function = place.code.co_name if place.code is not None else "<module>"
    return f"np.{way.nodes[number].op}" + (f" in {function}" if function.isidentifier() else "")


def quoted(text: str) -> str:
    """An expression between backticks, shortened where it is long."""
    return f"`{text if len(text) <= LONGEST else text[: LONGEST - 3] + '...'}`"


def operand(way: Way, number: int, k: int) -> str:
    """An operand: its expression where the source shows it, else its position."""
    text = expression(way.nodes[number].place)
    return quoted(found) if (found := part_of(text, k)) else f"the {ORDER[min(k, 2)]} operand of {said(way, number)}"


@cache
def part_of(text: str, k: int) -> str:
    """Operand k within an expression, "" where that is not an operator or a call."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    parts: list[ast.expr] = []
    if isinstance(tree, ast.BinOp):
        parts = [tree.left, tree.right]
    elif isinstance(tree, ast.UnaryOp):
        parts = [tree.operand]
    elif isinstance(tree, ast.Call):
        parts = tree.args
        if isinstance(tree.func, ast.Attribute) and len(parts) == 1 and k == 1:  # a.dot(b)
            return ast.get_source_segment(text, parts[0]) or ""
    if k >= len(parts) or isinstance(parts[k], ast.Starred):
        return ""
    return ast.get_source_segment(text, parts[k]) or ""


def listed(names: list[str]) -> str:
    """Names as in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
