"""Another operator in the text of a statement: with the precedence that the text then has, not that of the tree."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import located

OTHERS = {"+": "-*", "-": "+*", "*": "+-/@", "/": "*", "@": "*"}


def operators(live: LiveCode, site: Site, node: Any) -> Iterator[Edit]:
    """The statement with one operator exchanged, for those where that groups the rest otherwise."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr) or node.value is None:
        return
    value = node.value
    text = as_it_stands(live, site, value)
    own = {ast.dump(part): part for part in ast.walk(value) if isinstance(part, ast.expr)}
    plain = grouped(value)
    for other in exchanged(text):
        try:
            new = ast.parse(f"({other})", mode="eval").body  # it may be of several lines
        except SyntaxError:
            continue
        if grouped(new) != plain and ast.dump(new) not in own:
            where = Site(site.file, site.number, (*site.path, ("value", None)))
            yield Edit(where, located(grafted(new, own), value), "operator", 1.4, node.lineno)


def as_it_stands(live: LiveCode, site: Site, value: ast.expr) -> str:
    """The text of an expression with the brackets that its tree does not need as long as its operators stay."""
    text = ast.get_source_segment(live.sources[site.file].text, value) or ""
    try:
        same = ast.dump(ast.parse(f"({text})", mode="eval").body) == ast.dump(value)
    except SyntaxError:  # a statement that was put in has the place of another
        same = False
    return text if same else ast.unparse(value)


def exchanged(text: str) -> Iterator[str]:
    """The text with each operator exchanged for each other one."""
    whole = f"({text})"
    try:
        found = list(tokenize.generate_tokens(io.StringIO(whole).readline))
    except (tokenize.TokenError, IndentationError):
        return
    begins = [0, *(match.end() for match in re.finditer("\n", whole))]
    for token in found:
        if token.type == tokenize.OP and token.string in OTHERS:
            first, last = (begins[row - 1] + column for row, column in (token.start, token.end))
            for other in OTHERS[token.string]:
                yield (whole[:first] + other + whole[last:])[1:-1]


def grouped(value: ast.expr) -> str:
    """How an expression groups what it computes with, whichever the operators: these are exchanged in place anyway."""
    return re.sub(r"op=(Add|Sub|Mult|Div|MatMult)\(\)", "op", ast.dump(value))


def grafted(new: ast.expr, own: dict[str, ast.expr]) -> ast.expr:
    """The new tree with the user's own nodes wherever they are the same, so that their text stays."""
    known = own.get(ast.dump(new))
    if known is not None:
        return known
    for name, part in ast.iter_fields(new):
        if isinstance(part, ast.expr):
            setattr(new, name, grafted(part, own))
        elif isinstance(part, list):
            setattr(new, name, [grafted(each, own) if isinstance(each, ast.expr) else each for each in part])
    return new
