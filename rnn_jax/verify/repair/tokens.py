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
    text = ast.unparse(value)
    own = {ast.dump(part): part for part in ast.walk(value) if isinstance(part, ast.expr)}
    plain = grouped(value)
    for other in exchanged(text):
        try:
            new = ast.parse(other, mode="eval").body
        except SyntaxError:
            continue
        if grouped(new) != plain and ast.dump(new) not in own:
            where = Site(site.file, site.number, (*site.path, ("value", None)))
            yield Edit(where, located(grafted(new, own), value), "operator", 1.4, node.lineno)


def exchanged(text: str) -> Iterator[str]:
    """The text with each operator exchanged for each other one."""
    try:
        found = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return
    for token in found:
        if token.type == tokenize.OP and token.string in OTHERS and token.start[0] == 1:
            for other in OTHERS[token.string]:
                yield text[: token.start[1]] + other + text[token.end[1] :]


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
