"""A statement once more for another of several in a row: `g[4] += c * U` beside `g[2] += c * W`, of (L, V, W, b, U)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import names_in, walk

COST = 1.5
FAR = 0.02  # what it costs to stand by one of another number, for each number in between


def by_number(live: LiveCode) -> Iterator[Edit]:
    """Each sum that goes to an item by its number and takes the name of that number, for the others of its row."""
    for spot in live.spots:
        rows = rows_of(live, spot[0])
        there = {ast.unparse(n) for n in ast.walk(live.statement(spot)) if isinstance(n, ast.AugAssign)}
        for path, statement in walk(live.statement(spot)):
            target = statement.target if isinstance(statement, ast.AugAssign) else None
            index = target.slice if isinstance(target, ast.Subscript) else None
            if not path or not isinstance(index, ast.Constant) or type(index.value) is not int:
                continue
            field, k = path[-1]
            used = names_in(statement.value)  # type: ignore[attr-defined]
            for row in rows if k is not None else ():
                own = row[index.value] if 0 <= index.value < len(row) else ""
                for number, name in enumerate(row) if own in used else ():
                    made = renumbered(statement, number, own, name)
                    if ast.unparse(made) not in there:
                        far = FAR * abs(number - index.value)
                        at_k = int(k or 0) + (number > index.value)
                        yield inserted(live, Site(*spot, (*path[:-1], (field, at_k))), made, COST + far)


def rows_of(live: LiveCode, file: str) -> list[list[str]]:
    """The names that stand in a row anywhere in a file, each row once."""
    nodes = (n for spot in live.spots if spot[0] == file for n in ast.walk(live.statement(spot)))
    rows = ([ast.unparse(e) for e in n.elts] for n in nodes if isinstance(n, ast.Tuple | ast.List) and len(n.elts) > 1)
    named = (row for row in rows if all(text.isidentifier() for text in row))
    return [list(row) for row in dict.fromkeys(map(tuple, named))]


def renumbered(statement: ast.AST, number: int, old: str, new: str) -> ast.stmt:
    """The statement for another item, with another name."""
    made = ast.parse(ast.unparse(statement)).body[0]
    assert isinstance(made, ast.AugAssign)
    assert isinstance(made.target, ast.Subscript)
    made.target.slice = ast.Constant(number)
    for node in ast.walk(made.value):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
    return made
