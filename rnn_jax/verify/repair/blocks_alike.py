"""Blocks that do the same for something else, as for each direction or neighbour; and what one of them lacks."""

from __future__ import annotations

import ast
import difflib
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnn_jax.verify.repair.analogy import MISSING
from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.parallels import taken_apart
from rnn_jax.verify.repair.siblings import words
from rnn_jax.verify.repair.tree import Path, walk

MOST_LEFT = 2  # statements without a counterpart, in blocks that are alike
MOST_MADE = 24  # of one statement
Statements = list[ast.stmt]


class Block(NamedTuple):
    """The statements of a loop, under a condition, or under its else."""

    path: Path
    head: list[str]  # the words of what it goes through, or of its condition
    body: Statements
    field: str = "body"


def blocks_alike(live: LiveCode) -> Iterator[Edit]:
    """Each statement that has a counterpart in no like block of its function, with the words of that, put there."""
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            if not isinstance(function, ast.FunctionDef):
                continue
            groups = taken_apart(function)
            for one, other in itertools.permutations(blocks_of(function), 2):
                for statement, place in lacking(one.body, other.body):
                    # What is done in the one case is undone in the other, where nothing has other names.
                    opposite = one.path == other.path
                    known = mapping(one, other)
                    for made in [*renamed(statement, known, groups), *(as_it_is(statement) if opposite else ())]:
                        site = Site(*spot, (*path, *other.path, (other.field, place)))
                        yield inserted(live, site, made, MISSING)


def blocks_of(function: ast.FunctionDef) -> list[Block]:
    """The loops and conditions of a function, an else by itself."""
    found = []
    for path, node in walk(function):
        if isinstance(node, ast.For):
            found.append(Block(path, [*words(node.target), *words(node.iter)], node.body))
        elif isinstance(node, ast.If | ast.While):
            found.append(Block(path, words(node.test), node.body))
            if isinstance(node, ast.If) and node.orelse:
                found.append(Block(path, words(node.test), node.orelse, "orelse"))
    return found


def as_it_is(statement: ast.stmt) -> Iterator[ast.stmt]:
    """A statement, and where it adds to something one that takes that off, or the other way round."""
    yield statement
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(statement.op, ast.Add) else ast.Add()
        yield ast.AugAssign(statement.target, other, statement.value)


def outline(statement: ast.stmt) -> str:
    """What sort of statement it is, and what it writes to or calls, without the names."""
    parts = getattr(statement, "targets", None) or [getattr(statement, "target", getattr(statement, "value", None))]
    return type(statement).__name__ + ", ".join(type(n).__name__ for part in parts for n in ast.walk(part or statement))


def matched(one: Statements, other: Statements) -> list[tuple[int, int]]:
    """Which statements of two blocks are of one sort, in their order."""
    same = difflib.SequenceMatcher(None, [outline(s) for s in one], [outline(s) for s in other], autojunk=False)
    return [(b.a + k, b.b + k) for b in same.get_matching_blocks() for k in range(b.size)]


def lacking(one: Statements, other: Statements) -> Iterator[tuple[ast.stmt, int]]:
    """The statements of a block that a like one has no counterpart of, with their places there."""
    pairs = matched(one, other)
    left = [k for k in range(len(one)) if all(k != a for a, _ in pairs)]
    if not pairs or not 0 < len(left) <= MOST_LEFT or len(other) > len(pairs):
        return
    for k in left:
        before = [b for a, b in pairs if a < k]
        yield one[k], max(before) + 1 if before else 0


def mapping(one: Block, other: Block) -> dict[str, str]:
    """Which word of the other block stands for which of the first, as most of the like statements have it."""
    votes: Counter[tuple[str, str]] = Counter()
    like = [(words(one.body[a]), words(other.body[b])) for a, b in matched(one.body, other.body)]
    for first, second in [(one.head, other.head), *like]:
        if len(first) == len(second):
            votes.update(zip(first, second, strict=True))
    found: dict[str, str] = {}
    for (word, counterpart), _ in votes.most_common():
        found.setdefault(word, counterpart)
    return found


def renamed(statement: ast.stmt, known: dict[str, str], groups: list[list[str]]) -> Iterator[ast.stmt]:
    """A statement with other words; where one is not known but was given a value with others, with each of these."""
    if all(known.get(word, word) == word for word in words(statement)):
        return
    free = [word for word in dict.fromkeys(words(statement)) if word not in known and any(word in g for g in groups)]
    others = [[w for g in groups if word in g for w in g] for word in free]
    for chosen in itertools.islice(itertools.product(*others), MOST_MADE):
        yield with_words(statement, known | dict(zip(free, chosen, strict=True)))


def with_words(statement: ast.stmt, known: dict[str, str]) -> ast.stmt:
    """The statement with other names, attributes and keys."""
    made: Any = ast.parse(ast.unparse(statement)).body[0]
    for node in ast.walk(made):
        if isinstance(node, ast.Name):
            node.id = known.get(node.id, node.id)
        elif isinstance(node, ast.Attribute):
            node.attr = known.get(node.attr, node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = known.get(node.value, node.value)
    return made
