"""Where a place stands in the source, and statements put there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import at, located, shallow

IDLE = 0.6  # what it saves to stand where nothing is done


class Around(NamedTuple):
    """Where a site stands: its statement, the block and the loop that the statement is in."""

    statement: Site
    loop: Site | None


def around(live: LiveCode, site: Site) -> Around | None:
    """The innermost statement that a site is in, and the innermost loop that is in the same function."""
    whole = live.statement(site.spot)
    statement, loop = None, None
    for k in range(1, len(site.path) + 1):
        node = at(whole, site.path[:k])
        if isinstance(node, ast.stmt):
            statement = Site(site.file, site.number, site.path[:k])
            if isinstance(node, ast.FunctionDef):
                loop = None
            elif isinstance(node, ast.For | ast.While) and k < len(site.path):
                loop = statement
    return Around(statement, loop) if statement is not None and statement.path else None


def inserted(live: LiveCode, place: Site, statement: ast.stmt, cost: float, *others: ast.stmt) -> Edit:
    """A new statement, or several, before the one at a place, or at the end of a block."""
    (field, k), above = place.path[-1], place.path[:-1]
    block = at(live.statement(place.spot), above)
    body = getattr(block, field)
    assert k is not None
    neighbour = body[k - 1] if k else body[0]
    if k and type(body[k - 1]) is type(statement) and isinstance(statement, ast.AugAssign):
        cost -= 0.1  # sums stand beside sums
    if all(isinstance(each, ast.Pass) for each in body):
        cost -= IDLE
    new = shallow(block)
    setattr(new, field, [*body[:k], *(located(each, neighbour) for each in (statement, *others)), *body[k:]])
    line = body[k - 1].end_lineno if k else block.lineno
    return Edit(Site(place.file, place.number, above), new, "missing-statement", cost, line, True)


def new_statement(live: LiveCode, edit: Edit) -> ast.stmt | None:
    """The statement that an edit puts in."""
    block = live.node(edit.site)
    for name in ("body", "orelse", "finalbody"):
        known = getattr(block, name, None) or []
        for statement in getattr(edit.new, name, None) or []:
            if not any(statement is each for each in known):
                return statement
    return None


def terms(node: Any) -> Iterator[ast.expr]:
    """The terms of a sum."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from terms(node.left)
        yield from terms(node.right)
    else:
        yield node


def target_of(statement: ast.AST, site: Site) -> str:
    """The name that a value in an assignment is given."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return ""
    target = statement.targets[0]
    places = [k for name, k in site.path if name == "elts" and k is not None]
    if isinstance(target, ast.Tuple) and places and places[0] < len(target.elts):
        target = target.elts[places[0]]
    return ast.unparse(target) if isinstance(target, ast.Name | ast.Attribute) else ""
