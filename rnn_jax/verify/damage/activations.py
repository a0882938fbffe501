"""The activations of a recorded program: functions of one array, element by element, in one operation or several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.damage.way import Way
from rnn_jax.verify.trace.operations import ELEMENTWISE


class Activation(NamedTuple):
    """A function of one array, element by element, be it one operation or several."""

    before: np.ndarray  # the elements that it is a function of
    after: int  # the operation that gives its result
    slope: np.ndarray
    inside: frozenset[int]  # the operations between


FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1 - v**2": lambda v: 1 - v**2,
    "v * (1 - v)": lambda v: v * (1 - v),
    "1 - tanh(v)**2": lambda v: 1 - np.tanh(v) ** 2,
    "sigmoid'(v)": lambda v: 1 / (1 + np.exp(-v)) * (1 - 1 / (1 + np.exp(-v))),
    "v > 0": lambda v: (v > 0).astype(float),
    "1 - v": lambda v: 1 - v,
    "v": lambda v: v,
    "1 + v**2": lambda v: 1 + v**2,
    "2 - v**2": lambda v: 2 - v**2,
    "-v**2": lambda v: -(v**2),
    "1 - v**3": lambda v: 1 - v**3,
    "v * (1 + v)": lambda v: v * (1 + v),
    "v * (2 - v)": lambda v: v * (2 - v),
}
OF_RESULT = ("1 - v**2", "v * (1 - v)", "v > 0")  # those that take the activation's result; the others its argument


def activations(way: Way) -> list[list[Activation]]:
    """All activations, by site."""
    roots: dict[int, bytes] = {}
    inside: dict[int, set[int]] = {}
    starts: dict[bytes, np.ndarray] = {}
    for number in sorted(way.site_of):
        found = root_of(way, number, roots, inside)
        if found is not None:
            roots[number], starts[found.tobytes()] = found.tobytes(), found
    readers: dict[int, set[bytes]] = defaultdict(set)
    for number in way.site_of:
        for mine in way.owners[number]:
            for owner in [] if mine is None else mine.tolist():
                readers[owner].add(roots.get(number, b""))
    made = []
    for site in way.sites:
        group = [
            Activation(starts[roots[n]], n, slope(way, n, inside[n], starts[roots[n]]), frozenset(inside[n]))
            for n in site
            if n in roots and readers[n] != {roots[n]}
        ]
        if group and any(np.ptp(a.slope) > 0 or a.slope.size == 1 for a in group):
            made.append(group)
    return made


def root_of(way: Way, number: int, roots: dict[int, bytes], inside: dict[int, set[int]]) -> np.ndarray | None:
    """The elements that an elementwise operation's result is a function of, one by one; None where of several."""
    node = way.nodes[number]
    if node.op not in ELEMENTWISE or number not in way.local:
        return None
    found: dict[bytes, np.ndarray] = {}
    mine = {number}
    for k, ids in enumerate(way.uses[number]):
        if ids is None:
            continue
        owners = way.owners[number][k]
        assert owners is not None
        owner = int(owners[0])
        if node.operands[k].shape != node.shape or way.nodes[owner].op == "input":  # type: ignore[union-attr]
            return None
        whole = len(owners) == 1 and ids.size == way.nodes[owner].where.stop - way.nodes[owner].where.start
        if whole and ids[0] == way.starts[owner] and owner in roots:
            key = roots[owner]
            found[key] = np.frombuffer(key, dtype=ids.dtype)
            mine |= inside[owner]
        else:
            found[ids.tobytes()] = ids
    if len(found) != 1:
        return None
    inside[number] = mine
    return next(iter(found.values()))


def slope(way: Way, after: int, inside: set[int], before: np.ndarray) -> np.ndarray:
    """The derivative of the result with respect to what it is a function of."""
    parts: dict[int, np.ndarray] = {after: np.ones(before.size)}
    total = np.zeros(before.size)
    for number in sorted(inside, reverse=True):
        if number not in parts:
            continue
        for k, ids in enumerate(way.uses[number]):
            partial = way.local[number][k]
            if ids is None or partial is None:
                continue
            part = parts[number] * partial.ravel()
            owner = int(way.owner(ids[:1])[0])
            if owner in inside and not np.array_equal(ids, before):
                parts[owner] = parts.get(owner, 0.0) + part
            else:
                total = total + part
    return total


def of(way: Way) -> list[list[Activation]]:
    """The activations of a way, found once."""
    if not hasattr(way, "activations"):
        way.activations = activations(way)  # type: ignore[attr-defined]
    found: list[list[Activation]] = way.activations  # type: ignore[attr-defined]
    return found


def form_of(way: Way, here: Activation) -> str:
    """Which formula of its result gives the derivative, "" if none."""
    result = way.value(here.after).ravel()
    return next((f for f in OF_RESULT if np.allclose(FORMS[f](result), here.slope, rtol=1e-9, atol=1e-12)), "")
