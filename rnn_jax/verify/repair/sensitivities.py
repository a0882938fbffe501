"""How each value of the forward depends on a parameter: what a program that learns forward in time carries with it.

By central differences of the program itself, exact to about ten digits: enough to tell which of the many solutions of
the equations in force.py is the one that was meant. For no verdict.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_jax.verify.program import OverdueError
from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.probe import Trace, watching
from rnn_jax.verify.repair.tree import first_line
from rnn_jax.verify.repair.trial import Trial, short
from rnn_jax.verify.subject import Values, evaluate_loss

STEP = 1e-5  # the differences err by its square, and by eps / STEP
MOST_ENTRIES = 80  # of all the parameters in question
LARGEST = 3_000  # numbers in one sensitivity


def sensitivities(
    trial: Trial, made: dict[Spot, ast.stmt], sites: list[Site], names: frozenset[str]
) -> Iterator[list[np.ndarray]]:
    """Of each expression of the forward by each parameter: d value / d parameter, at each time that it was computed.

    Of shape (*value, *parameter), and then the other way round. `made`: the code with probes at `sites`.
    """
    if sum(trial.made.values[name].size for name in names) > MOST_ENTRIES:
        return
    for name in sorted(names):
        value = trial.made.values[name]
        columns: dict[Site, list[list[np.ndarray]]] = defaultdict(list)
        for entry in range(value.size):
            found = differences(trial, made, sites, name, entry)
            if found is None:
                return
            for site, each in found.items():
                columns[site].append(each)
        for kept in columns.values():
            if (
                len(kept) != value.size
                or len({len(c) for c in kept}) > 1
                or not any(np.any(v) for c in kept for v in c)
            ):
                continue
            whole = [np.stack(entries, axis=-1) for entries in zip(*kept, strict=True)]
            if any(v.size > LARGEST for v in whole) or not any(np.any(v) for v in whole):
                continue
            yield [v.reshape((*v.shape[:-1], *value.shape)) for v in whole]
            yield [np.moveaxis(v, -1, 0).reshape((*value.shape, *v.shape[:-1])) for v in whole]
            own = diagonal(whole, value.size) if value.shape[:1] == whole[0].shape[:1] else None
            if own is not None:
                rest = value.shape[1:]
                yield [v.reshape(*v.shape[:-1], *rest) for v in own]
                if rest:
                    yield [np.moveaxis(v, -1, 1).reshape(len(v), *rest, *v.shape[1:-1]) for v in own]


def tangents(
    trial: Trial, made: dict[Spot, ast.stmt], sites: list[Site], entries: list[tuple[str, int]]
) -> Iterator[list[np.ndarray]]:
    """Of each expression of the forward by one entry of a parameter after the other: the whole run for each.

    At each time that it was computed, and at the time before.
    """
    columns: dict[Site, list[list[np.ndarray]]] = defaultdict(list)
    for name, entry in entries:
        found = differences(trial, made, sites, name, entry)
        if found is None:
            return
        for site, each in found.items():
            columns[site].append(each)
    for runs in columns.values():
        if len(runs) == len(entries) and any(np.any(v) for run in runs for v in run):
            yield [v for run in runs for v in run]
            yield [v for run in runs for v in (np.zeros_like(run[0]), *run[:-1])]


def side_by_side(one_by_one: list[list[np.ndarray]], entries: int) -> Iterator[list[np.ndarray]]:
    """The same of all entries at once, each time: the entries as the first axis, as the last, one after the other."""
    for whole in one_by_one:
        runs = runs_of(whole, entries)
        if all(len({v.shape for v in each}) == 1 for each in zip(*runs, strict=True)):
            for axis in (0, -1):
                yield [np.stack(each, axis=axis) for each in zip(*runs, strict=True)]
            yield [v for each in zip(*runs, strict=True) for v in each]


def runs_of(whole: list[np.ndarray], entries: int) -> list[list[np.ndarray]]:
    """Tangents by one entry after the other, apart."""
    visits = len(whole) // entries
    return [whole[k * visits : (k + 1) * visits] for k in range(entries)]


def differences(
    trial: Trial, made: dict[Spot, ast.stmt], sites: list[Site], name: str, entry: int
) -> dict[Site, list[np.ndarray]] | None:
    """D value / d entry of all that the forward computes, each time; None where it fails."""
    runs = []
    for sign in (1, -1):
        moved = np.array(trial.made.values[name], float)
        moved.reshape(-1)[entry] += sign * STEP
        runs.append(forward(trial, made, sites, {name: moved}))
    ahead, behind = runs
    if ahead is None or behind is None:
        return None
    return {
        site: [(a.value - b.value) / (2 * STEP) for a, b in zip(seen, behind.seen[site], strict=True)]
        for site, seen in ahead.seen.items()
        if all(np.asarray(v.value).dtype.kind == "f" for v in seen)  # a comparison moves with nothing
        and [v.value.shape for v in seen] == [v.value.shape for v in behind.seen.get(site, [])]
    }


def goes_forward(live: LiveCode, own: set[tuple[str, int]]) -> bool:
    """Whether none of these functions, by their files and first lines, takes a sequence from its end."""
    return not any(
        turned_round(node)
        for spot in live.spots
        for function in ast.walk(live.statement(spot))
        if isinstance(function, ast.FunctionDef) and (spot[0], first_line(function)) in own
        for node in ast.walk(function)
    )


def turned_round(node: ast.AST) -> bool:
    """Whether a node takes a sequence from its end: reversed(x), x[::-1], range(T - 1, -1, -1), x.pop()."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        step = node.args[2] if name == "range" and len(node.args) > 2 else None
        return name in ("reversed", "pop", "flip") or isinstance(step, ast.UnaryOp)
    return isinstance(node, ast.Slice) and isinstance(node.step, ast.UnaryOp)


def diagonal(whole: list[np.ndarray], size: int) -> list[np.ndarray] | None:
    """Of values that hang on the entry of the parameter with their own first index alone: only that, as traces hold it.

    Of shape (first, *rest of the value, rest of the parameter).
    """
    count = whole[0].shape[0] if whole[0].ndim > 1 else 0
    if not count or size % count or any(v.shape[0] != count for v in whole):
        return None
    apart = [v.reshape(count, -1, count, size // count) for v in whole]
    kept = [np.einsum("irik->irk", v) for v in apart]
    if any(np.abs(v).sum() > 1.000001 * np.abs(k).sum() for v, k in zip(apart, kept, strict=True)):
        return None
    return [k.reshape(*v.shape[:-1], size // count) for v, k in zip(whole, kept, strict=True)]


def forward(trial: Trial, made: dict[Spot, ast.stmt], sites: list[Site], moved: Values) -> Trace | None:
    """All values of one evaluation of the loss, with some parameters moved."""
    setting = trial.made.setting
    there = replace(setting, parameters={**trial.made.values, **setting.parameters, **moved})
    try:
        with watching(sites, trial.live) as trace, trial.live.changed(made), short(trial.bench, trial.limit):
            evaluate_loss(trial.bench.subject, there)
    except (Exception, OverdueError):
        return None
    return trace
