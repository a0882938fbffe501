"""Mistakes in the last step of a parameter's own gradient: what its uses send it, and how that is summed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.damaged import Damage
from rnn_jax.verify.damage.edges import (
    Change,
    Group,
    at,
    bilinear,
    changed,
    edges_of,
    of_rows,
    replaced,
    shifted,
    siblings,
    times,
    with_gradient,
    with_values,
)
from rnn_jax.verify.damage.way import Way, is_leaf, shape_of


def leaves(way: Way, name: str) -> Iterator[Damage]:
    """Every damage to one parameter's own gradient."""
    bit = 1 << way.names.index(name)
    groups = uses(way, name)
    everything: Group = tuple(edge for group in groups for edge in group)
    if not everything:
        return
    yield Damage("never-computed", f"d{name} is never computed", changed(everything, times(0.0)), bit, 0.2)
    yield Damage("double-count", f"d{name} is added up twice", changed(everything, times(2.0)), bit, 0.2)
    yield from by_step(way, everything, f"d{name}", bit)
    for group in groups:
        where = f"d{name} at {speech.said(way, group[0][0])}"
        if len(groups) > 1:
            yield Damage("missing-term", f"{where} is missing", changed(group, times(0.0)), bit)
            yield Damage("sign", f"{where} has the wrong sign", changed(group, times(-1.0)), bit)
            yield Damage("double-count", f"{where} is counted twice", changed(group, times(2.0)), bit)
            yield from by_step(way, group, where, bit)
        yield from by_share(way, group, where, bit)
        yield from by_gradient(way, group, where, bit)
        yield from by_value(way, group, where, bit)
        yield from by_block(way, group, where, bit)


def uses(way: Way, name: str) -> list[Group]:
    """The uses of a parameter by site."""
    found = []
    for site in way.sites:
        for k in range(len(way.nodes[site[0]].operands)):
            group = tuple((n, k) for n, k in edges_of(way, site, k) if is_leaf(way, n, k) == name)
            if group:
                found.append(group)
    return found


def by_step(way: Way, group: Group, what: str, bit: int) -> Iterator[Damage]:
    """Steps left out, or one step alone."""
    times_ = sorted({int(way.time[n]) for n, _ in group})
    if len(times_) > 1:
        for kind, words, chosen in (
            ("skips-step", "lacks the first step", {times_[0]}),
            ("skips-step", "lacks the last step", {times_[-1]}),
            ("assign-not-add", "holds the first step alone, as an = in place of += leaves it", set(times_[1:])),
            ("assign-not-add", "holds the last step alone, as an = in place of += leaves it", set(times_[:-1])),
        ):
            numbers = {n for n, _ in group if int(way.time[n]) in chosen}
            yield Damage(kind, f"{what} {words}", changed(group, at(numbers, times(0.0))), bit, 0.5)
        yield from overwritten(way, group, what, bit)
    shape = way.nodes[group[0][0]].shape
    if all(way.nodes[n].shape == shape for n, _ in group):
        for axis in range(len(shape) - 1):
            if shape[axis] > 1:
                for kind, words, rows in (
                    ("skips-step", "lacks the first row", slice(1, None)),
                    ("skips-step", "lacks the last row", slice(None, -1)),
                    ("assign-not-add", "holds the first row alone", slice(0, 1)),
                    ("assign-not-add", "holds the last row alone", slice(-1, None)),
                ):
                    said = f"{what} {words} of axis {axis}"
                    yield Damage(kind, said, changed(group, of_rows(rows, axis)), bit, 0.8)


def overwritten(way: Way, group: Group, what: str, bit: int) -> Iterator[Damage]:
    """Of elements that several steps use, the share of one of them alone, as with assignments to rows."""
    ordered = sorted(group)
    for order, words in ((ordered, "the first"), (ordered[::-1], "the last")):
        seen: set[int] = set()
        kept: dict[tuple[int, int], np.ndarray] = {}
        for n, k in order:
            ids = way.uses[n][k]
            assert ids is not None
            kept[n, k] = np.array([i not in seen for i in ids.tolist()])
            seen |= set(ids.tolist())

        def change(
            way: Way, n: int, k: int, cotangent: np.ndarray, kept: dict[tuple[int, int], np.ndarray] = kept
        ) -> np.ndarray:
            return way.share(n, k, cotangent).ravel() * kept[n, k]

        said = f"{what} keeps {words} share of each row alone, as an = in place of += leaves it"
        yield Damage("assign-not-add", said, changed(group, change), bit, 0.6)


def by_share(way: Way, group: Group, where: str, bit: int) -> Iterator[Damage]:
    """The share itself transposed, or its diagonal alone."""
    shapes = {shape_of(way.nodes[n].operands[k]) for n, k in group}
    square = len(shapes) == 1 and len(shape := next(iter(shapes))) == 2 and shape[0] == shape[1] > 1
    if square:

        def flipped(way: Way, n: int, k: int, cotangent: np.ndarray) -> np.ndarray:
            return way.share(n, k, cotangent).T

        def diagonal(way: Way, n: int, k: int, cotangent: np.ndarray) -> np.ndarray:
            share = way.share(n, k, cotangent)
            return np.diag(np.diag(share))

        yield Damage("transposed", f"{where} is transposed", changed(group, flipped), bit, 0.5)
        said = f"{where} keeps its diagonal alone: the delta between unit and row is put between unit, row and column"
        yield Damage("missing-delta", said, changed(group, diagonal), bit)
    if way.nodes[group[0][0]].shape and way.nodes[group[0][0]].shape[-1] > 1:

        def everyone(way: Way, n: int, cotangent: np.ndarray) -> np.ndarray:
            return np.broadcast_to(cotangent.sum(axis=-1, keepdims=True), cotangent.shape)

        said = f"{where} takes every unit's share for each unit: a Kronecker delta is missing"
        yield Damage("missing-delta", said, changed(group, with_gradient(everyone)), bit)


def by_gradient(way: Way, group: Group, where: str, bit: int) -> Iterator[Damage]:
    """The gradient of another value in the place of its own."""
    numbers = [n for n, _ in group]
    shape = way.nodes[numbers[0]].shape
    own = speech.said(way, numbers[0])
    for other in siblings(way, numbers, shape):
        pairs = dict(zip(numbers, other, strict=True))

        def theirs(way: Way, n: int, cotangent: np.ndarray, pairs: dict[int, int] = pairs) -> np.ndarray:
            return way.gradient(pairs[n])

        if any(not np.array_equal(way.gradient(n), way.gradient(m)) for n, m in pairs.items()):
            said = f"{where} takes the gradient of {speech.said(way, other[0])} for that of {own}"
            yield Damage("wrong-variable", said, changed(group, with_gradient(theirs)), bit)
    for by, words in ((1, "the next"), (-1, "the previous")):
        if len(numbers) > 1:
            moved = {n: numbers[i + by] if 0 <= i + by < len(numbers) else -1 for i, n in enumerate(numbers)}

            def neighbour(way: Way, n: int, cotangent: np.ndarray, moved: dict[int, int] = moved) -> np.ndarray:
                return np.zeros_like(cotangent) if moved[n] < 0 else way.gradient(moved[n])

            said = f"{where} takes {words} step's gradient"
            yield Damage("index-shift", said, changed(group, with_gradient(neighbour)), bit)


def by_value(way: Way, group: Group, where: str, bit: int) -> Iterator[Damage]:
    """Another value in the place of what the parameter is multiplied with."""
    numbers = [n for n, _ in group]
    if not all(bilinear(way, n) for n in numbers):
        return
    for kind, words, values, cost in other_values(way, group):
        yield Damage(kind, f"{where} takes {words}", changed(group, with_values(values)), bit, cost)


Choice = tuple[str, str, Callable[[Way, int, int], list[np.ndarray]], float]


def other_values(way: Way, group: Group) -> Iterator[Choice]:
    """What can stand in the place of the other operand of a product: kind, words, the operands, cost."""
    numbers = [n for n, _ in group]
    j = 1 - group[0][1]
    index = {n: i for i, n in enumerate(numbers)}
    name = speech.operand(way, numbers[0], j)

    def from_step(choose: Callable[[int], int], border: str) -> Callable[[Way, int, int], list[np.ndarray]]:
        def values(way: Way, n: int, k: int) -> list[np.ndarray]:
            by = choose(index[n]) - index[n]
            value = shifted(way, numbers, index[n], j, by, border) if by else way.values(n)[j]
            return replaced(way, n, j, value)

        return values

    last = len(numbers) - 1
    if last > 0:
        for border in ("zero", "wrap", "stay"):
            extra = "" if border == "zero" else ", around the end" if border == "wrap" else ", but at the end"
            yield "index-shift", f"{name} of the next step{extra}", from_step(lambda i: i + 1, border), 0.6
            yield "index-shift", f"{name} of the previous step{extra}", from_step(lambda i: i - 1, border), 0.7
        yield "shared-cache", f"the last step's {name} at every step", from_step(lambda i: last, "stay"), 0.8
        yield "shared-cache", f"the first step's {name} at every step", from_step(lambda i: 0, "stay"), 0.9
        words = f"the last state for {name} at the first step: an index of -1"
        yield "wraps-at-zero", words, at_first(numbers, j, lambda w, s: last_state_of(w, numbers, j, s)), 0.5
        yield (
            "initial-state",
            f"zeros for {name} at the first step",
            at_first(numbers, j, lambda w, s: np.zeros(s)),
            0.6,
        )
    shape = shape_of(way.nodes[numbers[0]].operands[j])
    for other in siblings(way, numbers, shape):
        pairs = dict(zip(numbers, other, strict=True))
        if all(np.array_equal(way.value(m), way.values(n)[j]) for n, m in pairs.items()):
            continue

        def values(way: Way, n: int, k: int, pairs: dict[int, int] = pairs) -> list[np.ndarray]:
            return replaced(way, n, j, way.value(pairs[n]))

        yield "wrong-variable", f"{speech.said(way, other[0])} for {name}", values, 1.0


def at_first(
    numbers: list[int], j: int, value: Callable[[Way, tuple[int, ...]], np.ndarray]
) -> Callable[[Way, int, int], list[np.ndarray]]:
    """The operands with another value at the first step."""

    def values(way: Way, n: int, k: int) -> list[np.ndarray]:
        own = way.values(n)
        return replaced(way, n, j, value(way, own[j].shape)) if n == numbers[0] else own

    return values


def last_state_of(way: Way, numbers: list[int], j: int, shape: tuple[int, ...]) -> np.ndarray:
    """The state after the last step."""
    from rnn_jax.verify.damage.edges import last_state

    return last_state(way, numbers, j, shape)


def by_block(way: Way, group: Group, where: str, bit: int) -> Iterator[Damage]:
    """Of gates packed side by side in the result, two exchanged or one that takes another's."""
    for words, kind, order in permutations(way, [n for n, _ in group]):
        change: Change = with_gradient(lambda way, n, cotangent, order=order: order(way, n, cotangent))  # type: ignore[misc]
        yield Damage(kind, f"{where} {words}", changed(group, change), bit)


Reorder = Callable[[Way, int, np.ndarray], np.ndarray]


def permutations(way: Way, numbers: list[int]) -> Iterator[tuple[str, str, Reorder]]:
    """Ways to confuse the blocks in which a result is read."""
    blocks = blocks_of(way, numbers[0])
    for a in range(len(blocks)):
        for b in range(len(blocks)):
            if a == b or blocks[a].size != blocks[b].size:
                continue
            first, second = blocks[a], blocks[b]

            def exchange(way: Way, n: int, c: np.ndarray, f: np.ndarray = first, s: np.ndarray = second) -> np.ndarray:
                flat = c.ravel().copy()
                flat[f], flat[s] = c.ravel()[s], c.ravel()[f]
                return flat.reshape(c.shape)

            def copied(way: Way, n: int, c: np.ndarray, f: np.ndarray = first, s: np.ndarray = second) -> np.ndarray:
                flat = c.ravel().copy()
                flat[f] = c.ravel()[s]
                return flat.reshape(c.shape)

            if a < b:
                yield f"has blocks {a + 1} and {b + 1} exchanged", "wrong-variable", exchange
            yield f"takes block {b + 1} for block {a + 1}", "wrong-variable", copied
    for a, block in enumerate(blocks if len(blocks) > 1 else []):

        def emptied(way: Way, n: int, c: np.ndarray, block: np.ndarray = block) -> np.ndarray:
            flat = c.ravel().copy()
            flat[block] = 0.0
            return flat.reshape(c.shape)

        yield f"lacks block {a + 1}", "missing-term", emptied


def blocks_of(way: Way, number: int) -> list[np.ndarray]:
    """The parts of a result that its readers take, as positions; the smallest that do not overlap."""
    node = way.nodes[number]
    low, high = node.where.start, node.where.stop
    found: dict[bytes, np.ndarray] = {}
    readers = range(number + 1, min(number + READERS, len(way.nodes)))
    for reader in (n for n in readers if way.alive[n] and n in way.site_of):
        for k, mine in enumerate(way.owners[reader]):
            if mine is None or number not in mine or not way.passes(reader, k):
                continue
            ids = way.uses[reader][k]
            if ids is not None and ids.min() >= low and ids.max() < high and 1 < ids.size < high - low:
                found[ids.tobytes()] = ids - low
    blocks: list[np.ndarray] = []
    for block in sorted(found.values(), key=lambda b: b.size):
        if not any(np.intersect1d(block, other).size for other in blocks):
            blocks.append(block)
    return sorted(blocks, key=lambda b: int(b[0]))


READERS = 60  # operations after one in which its readers are looked for
