"""A statement once more at other indices: e += E[i + 1, j] * p[i + 1, j] beside e += E[i, j + 1] * p[i, j + 1]."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.analogy import changes_the_same, dumped, in_place_of
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import located, names_in, walk

COST = 1.6
MOST = 9  # indices of one length in a function


def at_other_indices(live: LiveCode) -> Iterator[Edit]:
    """Each statement of which an index of two parts or more comes twice, made for the other ones of its function.

    In the place of one that gives something to the same, or of one that does nothing.
    """
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            if not isinstance(function, ast.FunctionDef):
                continue
            found = [(p, n) for p, n in walk(function) if isinstance(n, ast.Assign | ast.AugAssign | ast.Pass)]
            for _, statement in found:
                for index in repeated(statement):
                    for other in others(function, statement, index):
                        made = at_index(statement, index, other)
                        for where, old in found:
                            site = Site(*spot, (*path, *where))
                            if isinstance(old, ast.Pass):
                                yield Edit(site, located(made, old), "missing-statement", COST, old.lineno, True)
                            elif changes_the_same(old, made) and old is not statement and dumped(old) != dumped(made):
                                yield in_place_of(site, old, made)


def repeated(statement: ast.stmt) -> list[str]:
    """The indices of several parts that a statement's value takes twice or more often, as text."""
    value = getattr(statement, "value", None)
    inside = ast.walk(value) if value is not None else ()
    texts = [ast.unparse(n.slice) for n in inside if isinstance(n, ast.Subscript) and is_index(n)]
    return [text for text, count in Counter(texts).items() if count > 1]


def is_index(node: ast.AST) -> bool:
    """Whether a node takes an item by several parts, none of them a slice."""
    index = getattr(node, "slice", None)
    return isinstance(index, ast.Tuple) and not any(isinstance(each, ast.Slice) for each in index.elts)


def others(function: ast.AST, statement: ast.stmt, index: str) -> list[str]:
    """What may stand for an index: each part as it or one beside it stands elsewhere in the statement."""
    parts = [ast.unparse(each) for each in ast.parse(index, mode="eval").body.elts]  # type: ignore[attr-defined]
    taken: list[list[str]] = [[] for _ in parts]
    names = [names_in(ast.parse(part)) for part in parts]
    for node in ast.walk(function):
        if is_index(node) and len(node.slice.elts) == len(parts):  # type: ignore[attr-defined]
            for k, each in enumerate(node.slice.elts):  # type: ignore[attr-defined]
                text = ast.unparse(each)
                same = names_in(each) == names[k]
                if same and names[k] and text not in taken[k]:
                    taken[k].append(text)
    own = {ast.unparse(n.slice) for n in ast.walk(statement) if is_index(n)}  # type: ignore[attr-defined]
    made = [f"({', '.join(each)})" for each in itertools.product(*taken)]
    return [each for each in made[:MOST] if each not in own]


def at_index(statement: ast.stmt, index: str, other: str) -> Any:
    """The statement with another index."""
    made = ast.parse(ast.unparse(statement)).body[0]
    for node in ast.walk(made):
        if is_index(node) and ast.unparse(node.slice) == index:  # type: ignore[attr-defined]
            node.slice = ast.parse(other, mode="eval").body  # type: ignore[attr-defined]
    return made
