"""Where a statement may be missing: the stretches of each block in which a name is not used, in which order to look."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rnn_jax.verify.repair.healing import Reach
from rnn_jax.verify.repair.live import LiveCode, Site, root_of
from rnn_jax.verify.repair.packed import cuts, unnumbered, unsent, unwritten
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import ATOMS, at, walk
from rnn_jax.verify.repair.unfilled import unbegun, unfilled
from rnn_jax.verify.repair.zero_numbers import only_zero

CARRIED = 0.25  # where a loop has made what its next iteration takes, as `dc` is to be made smaller by the forget gate
UNSENT = 0.1  # an item of another step that nothing is sent to
IN_PARTS = 3  # in a loop or a branch that uses the name for its parts alone, which are moved one by one


def places(
    live: LiveCode, trace: Trace, reach: dict[Site, Reach], wrong: frozenset[str], barren: Callable[[Site], bool]
) -> Iterator[tuple[Site, int, str, bool]]:
    """Where a statement that gives a name another value may be missing, behind those that give it one first.

    Of places between which the name is not used the last, at which most is known.
    """
    found: list[tuple[float, int, Site, int, str, bool]] = []
    made = cuts(live, trace)
    for spot in live.spots:
        for path, function in walk(live.statement(spot)):
            if not isinstance(function, ast.FunctionDef):
                continue
            inside = [s for s in reach if s.spot == spot and s.path[: len(path)] == path]
            atoms = [(n, s) for s in inside if isinstance(n := live.node(s), ATOMS)]
            own = [(n, s) for n, s in atoms if root_of(n) not in live.modules(spot[0])]
            used = {ast.unparse(n) for n, s in own if reach[s].gradients & wrong} | set(only_zero(function))
            given = words(function).stored - unpacked(function)
            arguments = {argument.arg for argument in function.args.args}
            there = Site(*spot, path)
            for place, text in (*unfilled(live, trace, there), *unbegun(live, trace, there)):
                found.append(
                    (-1, live.node(Site(*spot, place.path[:-1])).lineno, place, place.path[-1][1] or 0, text, False)
                )
            for block, field, body in blocks(function, path):
                holder, said = at(live.statement(spot), block), [words(each) for each in body]
                whole = taken_whole(holder)
                for k, text in (*unwritten(body, made), *unnumbered(body, made)):
                    found.append((-1, body[k - 1].lineno, Site(*spot, (*block, (field, k))), k, text, False))
                for k, text in unsent(body):
                    found.append((UNSENT, body[k].lineno, Site(*spot, (*block, (field, k))), k, text, False))
                for text in sorted(used, key=lambda t: (not t.isidentifier(), t)):
                    for first, last, rank in stretches(said, text, holder):
                        line = body[first - 1].lineno if first else body[0].lineno
                        # What is taken at each iteration and renewed at none comes first of all.
                        kept = isinstance(holder, ast.For | ast.While) and text in given and text in whole
                        kept = kept and not any(text in each.stored for each in said)
                        late = (-1.0 if rank == 1 else -0.5 if rank == 2 else rank) if kept else rank
                        if first and not rank and gives(body[first - 1], text):  # one may as well change what it gives
                            if barren(Site(*spot, (*block, (field, first - 1), ("value", None)))):
                                continue
                            late = 0.5
                        elif rank == 2 and not first and text in arguments and block == path:
                            late = 0.25  # nothing is done with what was handed over
                        renewed = late >= 0
                        if block != path and text not in whole and renewed:
                            late += IN_PARTS
                        if does_nothing(live, Site(*spot, (*block, (field, last)))):
                            late = -1
                        found.append((late, line, Site(*spot, (*block, (field, last))), first, text, renewed))
    yield from (each[2:] for each in sorted(found, key=lambda each: each[:2]))


def unpacked(function: ast.FunctionDef) -> set[str]:
    """The names that a function takes out of something it was handed, as weights: W, b = params."""
    pairs = [(t, n.value) for n in ast.walk(function) if isinstance(n, ast.Assign) for t in n.targets]
    taken = [t for t, value in pairs if isinstance(t, ast.Tuple) and isinstance(value, ATOMS)]
    return {n.id for each in taken for n in ast.walk(each) if isinstance(n, ast.Name)}


def does_nothing(live: LiveCode, place: Site) -> bool:
    """Whether a place is in a block in which nothing is done."""
    body = getattr(live.node(Site(*place.spot, place.path[:-1])), place.path[-1][0])
    return all(isinstance(each, ast.Pass) for each in body)


def gives(statement: ast.stmt, text: str) -> bool:
    """Whether a statement gives a value to one name alone."""
    return isinstance(statement, ast.Assign) and [ast.unparse(t) for t in statement.targets] == [text]


class Words(NamedTuple):
    """The names, attributes and items in a statement: those that it gives a value, those whose value it takes."""

    all: frozenset[str]
    stored: frozenset[str]
    taken: frozenset[str]


def taken_whole(node: ast.AST) -> set[str]:
    """The names, attributes and items that are used otherwise than for a part of them."""
    of_parts = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Subscript)}
    return {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ATOMS) and id(n) not in of_parts}


def words(node: ast.AST) -> Words:
    """Those of a statement, and of all within it."""
    atoms = [n for n in ast.walk(node) if isinstance(n, ATOMS)]
    added_to = [n.target for n in ast.walk(node) if isinstance(n, ast.AugAssign)]
    return Words(
        frozenset(ast.unparse(n) for n in atoms),
        frozenset(ast.unparse(n) for n in atoms if isinstance(n.ctx, ast.Store)),
        frozenset(ast.unparse(n) for n in [*atoms, *added_to] if not isinstance(n.ctx, ast.Store) or n in added_to),
    )


def stretches(said: list[Words], text: str, holder: ast.AST) -> Iterator[tuple[int, int, float]]:
    """The stretches of a block in which a name is not used: the first place, the last, how late to look there."""
    looped = isinstance(holder, ast.For | ast.While) and any(text in each.all for each in said)
    first, stored = 0, looped and any(text in each.stored for each in said)  # in the iteration before
    carried = stored and text in next(each for each in said if text in each.all).taken
    conditional = isinstance(holder, ast.If)
    for k, each in enumerate([*said, None]):
        used = each is not None and text in each.all
        if used or (each is None and (looped or stored or (conditional and not first))):
            yield first, k, (CARRIED if carried else 1) if each is None else 0 if stored else 2
        if each is not None and used:
            first, stored = k + 1, text in each.stored


def blocks(function: ast.FunctionDef, path: Any) -> Iterator[tuple[Any, str, list[ast.stmt]]]:
    """The lists of statements within a function: the way to what holds each, its field, the statements."""
    for inner, node in walk(function, path):
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield inner, field, body
