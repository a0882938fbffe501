"""Another forward, whose gradient the one by hand is: sometimes it is the forward that holds the slip.

A sigmoid with the wrong sign in its exponent, a loss without its log, a step left out: the backward is that of the
forward that was meant. Edits of the forward are tried until the slopes of the loss are those by hand. None is offered
as a fix: only its author knows which of the two was meant.
"""

from __future__ import annotations

import ast
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.judge import Judgement
from rnn_jax.verify.program import OverdueError
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.grammar import Grammar
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace, instrumented, watching
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.splice import mended
from rnn_jax.verify.repair.tree import ATOMS, first_line, located, names_in
from rnn_jax.verify.repair.trial import Trial, short
from rnn_jax.verify.repair.verified import holds
from rnn_jax.verify.subject import Setting, Values, evaluate_loss

SECONDS = 4.0
# Central differences of a loss in float64 err by the square of the step and by eps / step: 1e-9 or so of the slope.
STEP, NEAR = 1e-5, 1e-5
DIRECTIONS = 2
KEPT = 0.9  # of what the loss hangs on; a word that is not met at another point may take some away


class OtherForward(NamedTuple):
    """An edit of the forward with which the gradients by hand are right, the last of two where one does not do."""

    edit: Edit
    words: str


def other_forward(
    trial: Trial,
    own: Values,
    over: dict[str, int],
    seconds: float = SECONDS,
    unused: frozenset[str] = frozenset(),
    explained: bool = False,
) -> OtherForward | None:
    """The likeliest such edit that holds at fresh points; None where none was found in the time.

    unused: how parameters are written that the loss does not hang on; they may be what it lacks.
    explained: a mistake in the gradients gives the same numbers. What is left out in both is rather missing in them.
    """
    live, until = trial.live, time.perf_counter() + seconds
    made, sites = instrumented(live, live.spots)
    with watching(sites, live) as trace:
        trial.same_loss(made)
    found = candidates(trial, trace) if not unused else lacking(trial, trace, unused)
    for edit in sorted(found, key=lambda e: e.cost):
        if time.perf_counter() > until:
            return None
        if explained and is_part(edit.new, live.node(edit.site)):
            continue
        judged = agreeing(trial, [edit], own, over)
        if judged is not None:
            return OtherForward(edit, worded(trial, [edit], judged))
    return None


def under_a_condition(trial: Trial, own: Values, over: dict[str, int], seconds: float = SECONDS) -> OtherForward | None:
    """Two edits of one `if` of the forward, of its condition and of what it does: from which step on, and with what.

    What it does may be done with anything that the program has elsewhere, so it comes when all else has failed.
    """
    live, until = trial.live, time.perf_counter() + seconds
    made, sites = instrumented(live, live.spots)
    with watching(sites, live) as trace:
        trial.same_loss(made)
    grammar = Grammar(live, trace)
    conditions: dict[Site, list[Edit]] = defaultdict(list)
    taken: dict[Site, list[Edit]] = defaultdict(list)
    for site, node in expressions(trial, trace):
        for k in range(len(site.path) - 1, 0, -1):
            above = Site(*site.spot, site.path[:k])
            if isinstance(live.node(above), ast.If):
                if site.path[k][0] == "test":
                    conditions[above] += grammar.edits(site, node)
                elif isinstance(node, ATOMS) and site in trace.seen:
                    taken[above] += elsewhere(live, trace, site, node)
                break
    pairs = [(one, other) for above, several in taken.items() for one in conditions[above] for other in several]
    for pair in sorted(pairs, key=lambda pair: pair[0].cost + pair[1].cost):
        if time.perf_counter() > until:
            return None
        judged = agreeing(trial, list(pair), own, over)
        if judged is not None:
            return OtherForward(pair[1], worded(trial, list(pair), judged))
    return None


def elsewhere(live: LiveCode, trace: Trace, site: Site, node: ast.expr) -> Iterator[Edit]:
    """What the program reads anywhere in the place of a name or an item: with its names, of the same shape."""
    shape = trace.shapes[site]
    function = function_at(live.statement(site.spot), site.path)[1]
    names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)} if function is not None else set()
    texts = {
        ast.unparse(each)
        for source in live.sources.values()
        for each in ast.walk(source.tree)
        if isinstance(each, ATOMS) and isinstance(getattr(each, "ctx", None), ast.Load) and names_in(each) <= names
    }
    for text in sorted(texts - {ast.unparse(node)}) if shape[:1] == ("array",) else ():
        new = ast.parse(text, mode="eval").body
        yield Edit(site, located(new, node), "wrong-variable", 1.5, node.lineno)


def agreeing(trial: Trial, edits: list[Edit], own: Values, over: dict[str, int]) -> list[Judgement] | None:
    """The judgements of the program with these edits of its forward, if the gradients by hand are right for it."""
    judged = holds(trial.bench, trial.live, edits, own, over) if agrees(trial, edits) else None
    # A forward that hangs on nothing any more has gradients of 0, and tells of no mistake.
    empty = judged is None or any(c.zero for each in judged for c in each.compared.values()) or fades(trial, judged)
    return None if empty or not mended(trial.live, edits) else judged


def fades(trial: Trial, judged: list[Judgement]) -> bool:
    """Whether the loss hangs on fewer entries than before: where all are in one vector, a gate may have gone."""
    before = {name: np.count_nonzero(v) for name, v in trial.made.wanted.items()}
    return any(np.count_nonzero(each.wanted[name]) < KEPT * before[name] for each in judged for name in before)


def is_part(new: Any, old: ast.AST) -> bool:
    """Whether an edit only leaves something out."""
    return isinstance(new, ast.AST) and any(ast.dump(new) == ast.dump(each) for each in ast.walk(old))


def worded(trial: Trial, edits: list[Edit], judged: list[Judgement]) -> str:
    """What was found, for a reader."""
    error = max(c.error for each in judged for c in each.compared.values() if c.error == c.error)
    said = " and ".join(
        f"`{ast.unparse(edit.new)}` for `{ast.unparse(trial.live.node(edit.site))}` in its line {edit.line}"
        for edit in edits
    )
    return (
        f"the forward may be what is wrong: with {said} the loss is another, "
        f"and all {len(judged[0].compared)} gradients by hand are right ({error:.0e})"
    )


def candidates(trial: Trial, trace: Trace) -> Iterator[Edit]:
    """The small edits of what the loss runs, and logarithms of what lies between 0 and 1."""
    grammar = Grammar(trial.live, trace)
    for site, node in expressions(trial, trace):
        yield from grammar.edits(site, node)
        seen = [s.value for s in trace.seen.get(site, [])]
        if isinstance(node, ast.expr) and seen and all(v.size and np.all((v > 0) & (v <= 1)) for v in seen):
            log = ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "log", ast.Load()), [node], [])
            yield Edit(site, located(log, node), "loss-seed", 2.0, node.lineno)


def lacking(trial: Trial, trace: Trace, unused: frozenset[str]) -> Iterator[Edit]:
    """What the loss runs, with a parameter added to what it computes: to a whole sum before any other."""
    for site, node in expressions(trial, trace):
        computed = isinstance(node, ast.BinOp | ast.Call) and site in trace.seen and trace.seen[site][0].value.ndim
        inside = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
        for text in sorted(unused) if computed else ():
            total = ast.BinOp(node, ast.Add(), ast.parse(text, mode="eval").body)
            yield Edit(site, located(total, node), "missing-term", 1.0 if inside else 1.5, node.lineno)


def expressions(trial: Trial, trace: Trace) -> Iterator[tuple[Site, Any]]:
    """The expressions of what the loss runs."""
    live = trial.live
    for spot in live.spots:
        for site, node in live.sites(spot):
            function: Any = function_at(live.statement(spot), site.path)[1]
            runs = not isinstance(function, ast.FunctionDef) or (spot[0], first_line(function)) in trace.scopes
            if runs and site.path and isinstance(node, ast.expr | ast.Slice):
                yield site, node


def texts_of(trace: Trace, live: LiveCode, values: list[np.ndarray]) -> frozenset[str]:
    """How a program writes what has these values."""
    found: set[str] = set()
    for site, seen in trace.seen.items():
        node = live.node(site)
        if isinstance(node, ATOMS) and any(np.array_equal(seen[0].value, v) for v in values if np.any(v)):
            found.add(ast.unparse(node))
    return frozenset(found)


def agrees(trial: Trial, edits: list[Edit]) -> bool:
    """Whether the gradients by hand are the slopes of the edited loss, which has to be another one."""
    trial.tries += 1
    bench, made = trial.bench, trial.made
    rng = np.random.default_rng(0)
    values = {name: np.array(v, float) for name, v in made.values.items()}
    try:
        with trial.live.changed(changes(trial.live, edits)), short(bench, trial.limit):
            if loss_at(trial, values) == made.truth.recording.loss:
                return False
            gradients = trial.gradients()
            for _ in range(DIRECTIONS):
                direction = {name: rng.normal(size=v.shape) for name, v in values.items()}
                ends = [
                    loss_at(trial, {name: v + sign * STEP * direction[name] for name, v in values.items()})
                    for sign in (1, -1)
                ]
                slope = (ends[0] - ends[1]) / (2 * STEP)
                ours = sum(float(np.vdot(gradients[name], direction[name])) for name in values)
                if not abs(slope - ours) <= NEAR * max(abs(slope), abs(ours), 1e-3):
                    return False
    except (Exception, OverdueError):
        return False
    return True


def loss_at(trial: Trial, values: Values) -> float:
    """The loss at some values of the parameters."""
    setting: Setting = trial.made.setting
    parameters = {name: v.astype(trial.made.values[name].dtype) for name, v in values.items()}
    return evaluate_loss(trial.bench.subject, replace(setting, parameters={**setting.parameters, **parameters}))
