"""What people take in the place of an operand of a product: another step's, another value's, zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.edges import Group, last_state, later_each, partners, ranks, readings, replaced, shifted
from rnn_jax.verify.damage.way import Way, shape_of

Operands = Callable[[Way, int, int], list[np.ndarray]]
Choice = tuple[str, str, Operands, float]  # kind, words, the operands, how far-fetched


def other_values(way: Way, group: Group) -> Iterator[Choice]:
    """What can stand in the place of the other operand of a product."""
    numbers = [n for n, _ in group]
    j = 1 - group[0][1]
    sites = ranks(way, numbers)
    name = speech.operand(way, numbers[0], j)
    if len(sites[0]) > 1:
        yield from of_steps(way, sites, j, name)
        if mixed(way, sites[0], j).any():
            yield from of_parts(way, sites, j, name)
    shape = shape_of(way.nodes[numbers[0]].operands[j])
    for other in partners(way, numbers, shape):
        pairs = dict(zip(numbers, other, strict=True))
        if all(np.array_equal(way.value(m), way.values(n)[j]) for n, m in pairs.items()):
            continue

        def values(way: Way, n: int, k: int, pairs: dict[int, int] = pairs) -> list[np.ndarray]:
            return replaced(way, n, j, way.value(pairs[n]))

        yield "wrong-variable", f"{speech.said(way, other[0])} for {name}", values, 1.0
    for words, where in readings(way, numbers, shape):

        def read(way: Way, n: int, k: int, where: dict[int, tuple[int, int]] = where) -> list[np.ndarray]:
            m, i = where[n]
            return replaced(way, n, j, way.values(m)[i])

        yield "wrong-variable", f"{words} for {name}", read, 1.0


def of_steps(way: Way, sites: list[list[int]], j: int, name: str) -> Iterator[Choice]:
    """The same operand of another step."""
    where = {n: (site, i) for site in sites for i, n in enumerate(site)}

    def step(choose: Callable[[int, int], int], border: str) -> Operands:
        def values(way: Way, n: int, k: int) -> list[np.ndarray]:
            site, i = where[n]
            by = choose(i, len(site)) - i
            return replaced(way, n, j, shifted(way, site, i, j, by, border)) if by else way.values(n)

        return values

    for border in ("zero", "wrap", "stay"):
        extra = "" if border == "zero" else ", around the end" if border == "wrap" else ", but at the end"
        yield "index-shift", f"{name} of the next step{extra}", step(lambda i, size: i + 1, border), 0.6
        yield "index-shift", f"{name} of the previous step{extra}", step(lambda i, size: i - 1, border), 0.7
    yield "shared-cache", f"the last step's {name} at every step", step(lambda i, size: size - 1, "stay"), 0.8
    yield "shared-cache", f"the first step's {name} at every step", step(lambda i, size: 0, "stay"), 0.9
    words = f"the last state for {name} at the first step: an index of -1"
    yield "wraps-at-zero", words, at_first(sites, j, last_state), 0.5
    yield "initial-state", f"zeros for {name} at the first step", at_first(sites, j, filled(0.0)), 0.45
    yield "initial-state", f"ones for {name} at the first step", at_first(sites, j, filled(1.0)), 0.7


Initial = Callable[[Way, Sequence[int], int, tuple[int, ...]], np.ndarray]


def filled(number: float) -> Initial:
    """An initial state of one number."""
    return lambda way, site, j, shape: np.full(shape, number)


def at_first(sites: list[list[int]], j: int, value: Initial) -> Operands:
    """The operands with another state before the first step; what of an operand is no state stays."""
    first = {site[0]: site for site in sites}

    def values(way: Way, n: int, k: int) -> list[np.ndarray]:
        own = way.values(n)
        if n not in first:
            return own
        new, parts = value(way, first[n], j, own[j].shape), mixed(way, first[n], j)
        if parts.any():
            new = np.where(parts.reshape(own[j].shape), new, own[j])
        return replaced(way, n, j, new)

    return values


def mixed(way: Way, site: Sequence[int], j: int) -> np.ndarray:
    """Of an operand that holds a state beside an input, as [h, x], which elements are the state; else none."""
    if len(site) < 2 or way.uses[site[1]][j] is None:
        return np.zeros(1, bool)
    parts = way.carried(site[1], j)
    return parts if not parts.all() else np.zeros_like(parts)


def of_parts(way: Way, sites: list[list[int]], j: int, name: str) -> Iterator[Choice]:
    """Of an operand that holds a state beside an input, the state of the next or the previous step."""
    for by, words in ((1, "next"), (-1, "previous")):

        def values(way: Way, n: int, k: int, by: int = by) -> list[np.ndarray]:
            ids = way.uses[n][j]
            own = way.values(n)
            if ids is None:
                return own
            goes, kept = later_each(way, ids, by, False)
            parts = way.carried(n, j)
            new = np.where(parts, np.where(kept, way.tape.values[goes], 0.0), own[j].ravel())
            return replaced(way, n, j, new.reshape(own[j].shape))

        yield "index-shift", f"{name} with the state of the {words} step", values, 0.7
