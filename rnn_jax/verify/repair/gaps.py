"""Statements that are missing: what a name would have to hold between two others, for all gradients to come out right.

No expression need be wrong for that: in `dc = dh * o * (1 - tc ** 2)` nothing is, where `dc += dc_next` is missing
behind it and several lines use `dc`. So a name is moved at the place itself, by a statement `dc = dc` put there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.around import inserted, new_statement
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.healing import Healing, Reach
from rnn_jax.verify.repair.live import LiveCode, Site, root_of
from rnn_jax.verify.repair.packed import cuts, unnumbered, unsent, unwritten
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import ATOMS, at, located, replaced, shallow, walk
from rnn_jax.verify.repair.trial import Trial
from rnn_jax.verify.repair.unfilled import unbegun, unfilled
from rnn_jax.verify.repair.zero_numbers import numbers, only_zero

CARRIED = 0.25  # where a loop has made what its next iteration takes, as `dc` is to be made smaller by the forget gate
UNSENT = 0.1  # an item of another step that nothing is sent to
IN_PARTS = 3  # in a loop or a branch that uses the name for its parts alone, which are moved one by one


class Gap(NamedTuple):
    """A place where a name would have to hold something else."""

    place: Site  # of the statement before which one is missing, or the end of a block
    first: int  # in its block the first place from which on the name is not used
    text: str  # the name
    renewed: bool  # whether its loop gives it a value at all, where it is carried from one iteration to the next
    trial: Trial  # of the program with `name = name` there
    forcing: Forcing
    healing: Healing  # of that statement's value


def gaps(
    trial: Trial,
    trace: Trace,
    reach: dict[Site, Reach],
    wrong: frozenset[str],
    seconds: float,
    over: Callable[[], bool],
    barren: Callable[[Site], bool],
    idle: bool = False,
) -> Iterator[Gap]:
    """The gaps at which all that is wrong can be mended. seconds: for the equations of one.

    barren: whether no values of an expression are known to mend all. idle: only where nothing is done: `if k: pass`.
    """
    rng = np.random.default_rng(0)
    zeros = numbers(trial.live, trace)
    for place, first, text, renewed in places(trial.live, trace, reach, wrong, barren):
        if idle and not does_nothing(trial.live, place):
            continue
        if over():
            return
        there, site = filled(trial, place, text, zeros.get((place.spot, text), text))
        forcing = Forcing(there)
        moved = forcing.reach_held(site, rng)
        if moved.gradients != wrong or moved.loss or not moved.covers:
            continue
        healing = forcing.heal(site, wrong, seconds)
        if healing is not None and healing.healed == wrong:
            yield Gap(place, first, text, renewed, there, forcing, healing)


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


def filled(trial: Trial, place: Site, text: str, value: str) -> tuple[Trial, Site]:
    """The program with `name = name` at a place, and where in it the value stands."""
    there = with_statement(trial, place, f"{text} = {value}")
    return there, Site(*place.spot, (*place.path, ("value", None)))


def with_statement(trial: Trial, place: Site, text: str) -> Trial:
    """The program with one more statement at a place."""
    (field, k), above = place.path[-1], place.path[:-1]
    live = trial.live
    block = live.node(Site(*place.spot, above))
    body, at_k = getattr(block, field), int(k or 0)
    made = shallow(block)
    neighbour = body[at_k - 1] if at_k else body[0]
    setattr(made, field, [*body[:at_k], located(ast.parse(text).body[0], neighbour), *body[at_k:]])
    whole = replaced(live.statement(place.spot), above, made)
    return replace(trial, live=live.standing({place.spot: whole}))


def closed(gap: Gap, edit: Edit) -> Edit | None:
    """An edit of the program with `name = name` as one of the program without it; None where that cannot be."""
    (field, k), above = gap.place.path[-1], gap.place.path[:-1]
    if edit.site.path[: len(above)] != above:
        return None
    empty = gap.trial.live.node(gap.place)
    block = shallow(at(changes(gap.trial.live, [edit])[gap.place.spot], above))
    body = [each for each in getattr(block, field) if each is not empty]
    old = [each for each in getattr(gap.trial.live.node(Site(*gap.place.spot, above)), field) if each is not empty]
    new = [each for each in body if not any(each is o for o in old)]
    if len(new) != 1 or len(body) != len(old) + 1:
        return None
    empty_part = gap.text.endswith("]") and not any(np.any(v) for v in gap.healing.present)
    if empty_part and (isinstance(new[0], ast.AugAssign) or gap.text in ast.unparse(new[0].value)):
        return None  # there is nothing to be added to
    if not isinstance(empty.value, ATOMS) and ast.unparse(empty.value) in ast.unparse(new[0]):
        return None  # what stands for the array of zeros
    at_k = early(old, new[0], gap.first, int(k or 0)) if gap.renewed else int(k or 0)
    setattr(block, field, [*old[:at_k], new[0], *old[at_k:]])
    line = old[at_k - 1].end_lineno if at_k else block.lineno
    return Edit(
        Site(*gap.place.spot, above),
        block,
        "missing-statement",
        edit.cost - (1.0 if gap.renewed else 2.0),
        line,
        missing=True,
    )


def as_sum(live: LiveCode, made: Edit) -> Iterator[Edit]:
    """An item to which a gap adds, as one writes it: d[t] += e for d[t] = d[t] + e."""
    new = new_statement(live, made)
    target = new.targets[0] if isinstance(new, ast.Assign) else None
    whole = new.value if isinstance(new, ast.Assign) else None
    if not isinstance(target, ast.Subscript) or not isinstance(whole, ast.BinOp) or not isinstance(whole.op, ast.Add):
        return
    for field in ("body", "orelse") if ast.unparse(whole.left) == ast.unparse(target) else ():
        places = [k for k, each in enumerate(getattr(made.new, field, None) or []) if each is new]
        shorter = ast.AugAssign(target, whole.op, whole.right)
        yield from (
            inserted(live, Site(*made.site.spot, (*made.site.path, (field, k))), shorter, made.cost - 0.5)
            for k in places
        )


def before_condition(live: LiveCode, made: Edit) -> Iterator[Edit]:
    """What a gap in a branch was filled with, put before the condition: what does no harm there is meant so."""
    new = new_statement(live, made)
    if new is not None and isinstance(live.node(made.site), ast.If):
        yield inserted(live, made.site, new, made.cost - 0.5)


def beside_like(live: LiveCode, made: Edit) -> Iterator[Edit]:
    """A statement that gives a part of an array its value behind the last one that does the same in its block.

    Where it stands beside such a one it stays there.
    """
    new, block = new_statement(live, made) or ast.Pass(), live.node(made.site)
    name = whole_of(new)
    for field in ("body", "orelse") if name else ():
        body = getattr(block, field, [])
        like = [k for k, each in enumerate(body) if isinstance(each, ast.stmt) and whole_of(each) == name]
        there = [k for k, each in enumerate(getattr(made.new, field, [])) if each is new]
        for k in like[-1:] if not any(at_k - 1 in like or at_k in like for at_k in there) else ():
            yield inserted(live, Site(*made.site.spot, (*made.site.path, (field, k + 1))), new, made.cost - 0.3)


def whole_of(statement: ast.stmt) -> str:
    """The array of which a statement gives a part its value; empty where it does something else."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return ast.unparse(targets[0].value) if isinstance(targets[0], ast.Subscript) else ""


def early(body: list[ast.stmt], new: ast.stmt, first: int, last: int) -> int:
    """The first place at which all that a statement takes is there."""
    needed = words(new).all
    while last > first and not needed & words(body[last - 1]).stored:
        last -= 1
    return last
