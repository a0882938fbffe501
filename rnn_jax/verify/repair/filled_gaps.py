"""A gap that was filled, as an edit of the program without it: the new statement, and where else it may stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.around import inserted, new_statement
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.gap_places import words
from rnn_jax.verify.repair.gaps import Gap
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.tree import ATOMS, at, shallow


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
