"""Mistakes in the last step of a parameter's own gradient: what its uses send it, and how that is summed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.choices import other_values
from rnn_jax.verify.damage.damaged import Damage, Rules
from rnn_jax.verify.damage.edges import (
    Change,
    Group,
    at,
    bilinear,
    changed,
    edges_of,
    of_rows,
    partners,
    ranks,
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
    yield from results(way, name)
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


def results(way: Way, name: str) -> Iterator[Damage]:
    """Another parameter's gradient for this one's."""
    mine = way.params[name]
    for other, theirs in way.params.items():
        if other == name or theirs.shape != mine.shape:
            continue

        def taken(way: Way, theirs: np.ndarray = theirs) -> Rules:
            return Rules({}, [(mine.ravel(), (way.adjoint[theirs] - way.adjoint[mine]).ravel())])

        def exchanged(way: Way, theirs: np.ndarray = theirs) -> Rules:
            apart = (way.adjoint[theirs] - way.adjoint[mine]).ravel()
            return Rules({}, [(mine.ravel(), apart), (theirs.ravel(), -apart)])

        bit, other_bit = 1 << way.names.index(name), 1 << way.names.index(other)
        yield Damage("wrong-result", f"exchanging d{name} and d{other}", exchanged, bit | other_bit, 0.2)
        yield Damage("wrong-variable", f"d{name} is d{other}", taken, bit, 1.1)


def uses(way: Way, name: str) -> list[Group]:
    """The uses of a parameter by instruction."""
    found = []
    for family in way.families.values():
        for k in range(len(way.nodes[family[0]].operands)):
            group = tuple((n, k) for n, k in edges_of(way, family, k) if is_leaf(way, n, k) == name)
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
    for other in partners(way, numbers, shape):
        pairs = dict(zip(numbers, other, strict=True))

        def theirs(way: Way, n: int, cotangent: np.ndarray, pairs: dict[int, int] = pairs) -> np.ndarray:
            return way.gradient(pairs[n])

        if any(not np.array_equal(way.gradient(n), way.gradient(m)) for n, m in pairs.items()):
            said = f"{where} takes the gradient of {speech.said(way, other[0])} for that of {own}"
            yield Damage("wrong-variable", said, changed(group, with_gradient(theirs)), bit)
    yield from by_part(way, group, where, bit)
    sites = ranks(way, numbers)
    for by, words in ((1, "the next"), (-1, "the previous")):
        if len(sites[0]) > 1:
            moved = {n: s[i + by] if 0 <= i + by < len(s) else -1 for s in sites for i, n in enumerate(s)}

            def neighbour(way: Way, n: int, cotangent: np.ndarray, moved: dict[int, int] = moved) -> np.ndarray:
                return np.zeros_like(cotangent) if moved[n] < 0 else way.gradient(moved[n])

            said = f"{where} takes {words} step's gradient"
            yield Damage("index-shift", said, changed(group, with_gradient(neighbour)), bit)


def by_part(way: Way, group: Group, where: str, bit: int) -> Iterator[Damage]:
    """What one product sends back, this step's or the next one's, in the place of the whole gradient."""
    numbers = [n for n, _ in group]
    shape, steps = way.nodes[numbers[0]].shape, [int(way.time[n]) for n in numbers]
    for index, site in enumerate(way.sites):
        for k, operand in enumerate(way.nodes[site[0]].operands):
            if not bilinear(way, site[0]) or shape_of(operand) != shape or is_leaf(way, site[0], k):
                continue
            there = way.steps[index]
            for by, words in ((1, "from the next step"), (0, "of the step")):
                if not any(step + by in there and way.passes(there[step + by], k) for step in steps):
                    continue

                def part(
                    way: Way, n: int, cotangent: np.ndarray, there: dict[int, int] = there, k: int = k, by: int = by
                ) -> np.ndarray:
                    m = there.get(int(way.time[n]) + by, -1)
                    return way.share(m, k, way.gradient(m)) if m >= 0 and way.passes(m, k) else 0 * cotangent

                said = f"{where} takes what comes back through {speech.said(way, site[-1])} {words} alone"
                yield Damage("wrong-variable", said, changed(group, with_gradient(part)), bit, 1.0)


def by_value(way: Way, group: Group, where: str, bit: int) -> Iterator[Damage]:
    """Another value in the place of what the parameter is multiplied with."""
    numbers = [n for n, _ in group]
    if not all(bilinear(way, n) for n in numbers):
        return
    for kind, words, values, cost in other_values(way, group):
        yield Damage(kind, f"{where} takes {words}", changed(group, with_values(values)), bit, cost)


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
