"""A mended program run as one of its own: from its file on, at its own sizes and at others.

What was tried was put into functions that were there already. And an edit may fit only because two sizes are equal.
"""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Iterator

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify.judge import Bench
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.program import OverdueError
from rnn_jax.verify.repair.constants import taken, with_others
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.smallest.sizes import Edits, Spot, rebuilt, sizes
from rnn_jax.verify.subject import Setting, evaluate_gradients, evaluate_loss

SLOW = 1.0  # seconds that a program may take to be run again
# Differences of a loss in float64 with a step of 1e-5 are right to about 1e-9; a wrong term shows as 1e-2 and more.
STEP, NEAR = 1e-5, 1e-4
MOST_LISTED = 4  # numbers of a list
MOVED = 0.01  # of an entry, to see whether a loss hangs on it
DIRECTIONS = 2  # a kink may lie on one


def holds_elsewhere(bench: Bench, live: LiveCode, edits: list[Edit]) -> bool:
    """Whether the mended program is right when it is run anew; at other sizes too, where the wrong one runs there."""
    subject = bench.subject
    if not isinstance(subject, FileSubject) or str(bench.declared) or bench.dtype == "float32":
        return True
    file = str(subject.program.path.absolute())
    wanted = live.base | changes(live, edits)
    if any(spot[0] != file for spot in wanted):
        return True  # a module beside the file keeps its own text
    source = live.source(file)
    body = [wanted.get((file, k), statement) for k, statement in enumerate(source.tree.body)]
    start = time.perf_counter()
    if right(bench, with_tree(subject, body), {}) is False:
        return False
    if time.perf_counter() - start > SLOW:
        return True
    agreed: set[Spot] = set()
    for chosen, apart in others(subject):
        if apart and agreed >= set(chosen):  # right with all of that name changed: apart they only disagree
            continue
        # At sizes that it was not made for, tips of a tree without the tree, a right program may run and be wrong.
        if right(bench, subject, chosen) is not None and still_right(bench, subject, subject, chosen):
            mended = with_tree(subject, body)
            # Of two counts that have to agree the wrong program may not have minded that they do not.
            if right(bench, mended, chosen):
                agreed |= set(chosen)
                continue
            if apart and runs_out(bench, mended, chosen):
                continue
            if not idle_there(subject, chosen):
                return False
    for name, other in with_others(body, taken(live, edits)).items():
        wrong = with_tree(subject, with_others(source.tree.body, {name})[name])
        if still_right(bench, subject, wrong) and right(bench, with_tree(subject, other), {}) is False:
            return False
    return True


def still_right(bench: Bench, subject: FileSubject, other: FileSubject, chosen: Edits | None = None) -> bool:
    """Whether of a program with other numbers, or at other sizes, the gradients that were right stay so."""
    try:
        made, with_other = rebuilt(subject, {}, SLOW), rebuilt(other, chosen or {}, SLOW)
        return all(slopes(bench, with_other, name) for name in made.names if slopes(bench, made, name))
    except Exception:  # the program's own, of numbers that it was not made for
        return False


def idle_there(subject: FileSubject, chosen: Edits) -> bool:
    """Whether at these sizes a parameter has an entry on which no loss hangs, and at its own sizes has none.

    Where one more of something is made and nothing is told of it, tips of a tree without the tree, a right program may
    run and be wrong. One more letter that no text has is such a size as well; another one tells as much as that.
    """
    try:
        made, there = rebuilt(subject, {}, SLOW), rebuilt(subject, chosen, SLOW)
        return any(idle(there, name) and not idle(made, name) for name in made.names)
    except Exception:  # the program's own, of sizes that it was not made for
        return False


def idle(subject: FileSubject, name: str) -> bool:
    """Whether the loss stays what it is where one of the entries of a parameter is moved."""
    own, start = np.array(subject.parameters()[name]), time.perf_counter()
    before = evaluate_loss(subject, Setting())
    for entry in range(own.size):
        moved = own.copy()
        moved.flat[entry] += MOVED
        if evaluate_loss(subject, Setting({name: moved})) == before:
            return True
        if time.perf_counter() - start > SLOW:
            return False
    return False


def with_tree(subject: FileSubject, body: list[ast.stmt]) -> FileSubject:
    """The subject with another program text, to be run anew."""
    made, program = copy.copy(subject), copy.copy(subject.program)
    program.tree = ast.Module(body, [])
    made.program = program
    return made


def others(subject: FileSubject) -> Iterator[tuple[Edits, bool]]:
    """Other sizes, and whether they are one of several that have one name and one value: rod(steps=7), lab(steps=7).

    All at once, no two names the same; then each name alone; then those of one name apart. But what several functions
    have for the default of an argument of one name is one size: loss(x, k=2), grads(x, k=2).
    """
    # A number without a name may stand in several places that have to agree; not so the lengths of several sequences.
    every = sizes(subject.program, subject.said.setup or "")
    found = [size for size in every if size.name]
    listed = in_lists(subject)
    nodes = [n for n in ast.walk(subject.program.tree) if isinstance(n, ast.arguments)]
    values = [d for n in nodes for d in (*n.defaults, *n.kw_defaults) if d is not None]
    defaults = {(d.lineno, d.col_offset) for d in values}
    groups: dict[tuple[str, int], list[Spot]] = {}
    for size in found:
        groups.setdefault((size.name, size.value), []).append(size.spot)
    if found:
        yield {spot: n + k + 1 for k, ((_, n), spots) in enumerate(groups.items()) for spot in spots}, False
    for (_, n), spots in groups.items():
        yield dict.fromkeys(spots, n + 1), False
        for spot in spots if len(spots) > 1 else ():
            if spot.setup or (spot.line, spot.column) not in defaults:
                yield {spot: n + 1}, True
    yield from (({size.spot: size.value + 1}, True) for size in every if size.spot in listed)


def in_lists(subject: FileSubject) -> set[Spot]:
    """Where whole numbers stand in a list of nothing else that a call is given: make([6, 8], seed=3)."""
    trees = {False: subject.program.tree, True: ast.parse((subject.said.setup or "").strip())}
    return {
        Spot(setup, each.lineno, each.col_offset)
        for setup, tree in trees.items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for given in (*call.args, *(k.value for k in call.keywords))
        if isinstance(given, ast.List)
        if all(isinstance(e, ast.Constant) and type(e.value) is int for e in given.elts)
        for each in given.elts[:MOST_LISTED]
    }


def right(bench: Bench, subject: FileSubject, chosen: Edits) -> bool | None:
    """Whether the gradients are the loss's slopes at these sizes; None where the program does not run there."""
    try:
        made = rebuilt(subject, chosen, SLOW)
        return all(slopes(bench, made, name) for name in made.names)
    except (InputError, OverdueError):
        return None
    except Exception:  # the program's own, of sizes that it was not made for
        return None


def runs_out(bench: Bench, subject: FileSubject, chosen: Edits) -> bool:
    """Whether a program takes an item that is not there, at these sizes."""
    try:
        made = rebuilt(subject, chosen, SLOW)
        evaluate_gradients(made, Setting(), bench.loss_first)
    except Exception as error:  # an InputError, where the whole file was run
        return any(isinstance(each, IndexError) for each in (error, error.__cause__))
    return False


def slopes(bench: Bench, subject: FileSubject, name: str) -> bool:
    """Whether one gradient is the slope of the loss in some direction."""
    rng = np.random.default_rng(0)
    own = {n: np.array(array) for n, array in subject.parameters().items()}
    gradient = evaluate_gradients(subject, Setting(), bench.loss_first)[name].astype(float)
    for _ in range(DIRECTIONS):
        direction = rng.normal(size=own[name].shape)
        ends = [
            evaluate_loss(subject, Setting({name: (own[name] + step * direction).astype(own[name].dtype)}))
            for step in (STEP, -STEP)
        ]
        slope, ours = (ends[0] - ends[1]) / (2 * STEP), float(np.vdot(gradient, direction))
        if abs(slope - ours) <= NEAR * max(abs(slope), abs(ours), 1e-3):
            return True
    return False
