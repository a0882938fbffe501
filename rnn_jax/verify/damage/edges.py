"""What a use of a value sends back, changed: the parts that leaves.py and flows.py are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.damaged import Rule, Rules
from rnn_jax.verify.damage.transposes import PRODUCTS
from rnn_jax.verify.damage.way import Sent, Way, is_leaf, shape_of
from rnn_jax.verify.trace.tape import Constant

Edge = tuple[int, int]  # an operation and which operand
Change = Callable[[Way, int, int, np.ndarray], np.ndarray | Sent | None]  # way, operation, operand, gradient: the share
Group = tuple[Edge, ...]


def edges_of(way: Way, site: Sequence[int], k: int) -> Group:
    """Operand k of each instance that is sent anything."""
    return tuple((n, k) for n in site if k < len(way.uses[n]) and way.passes(n, k))


def changed(group: Group, change: Change) -> Callable[[Way], Rules]:
    """Rules by which the edges of a group send something else; None from `change` leaves one as it is."""

    def rules(way: Way) -> Rules:
        mine: dict[int, set[int]] = {}
        for number, k in group:
            mine.setdefault(number, set()).add(k)
        return Rules({number: rule(way, number, ks, change) for number, ks in mine.items()}, [])

    return rules


def rule(way: Way, number: int, ks: set[int], change: Change) -> Rule:
    """What one operation sends under a change of some of its operands' shares."""

    def sends(cotangent: np.ndarray) -> Sent:
        sent: Sent = []
        for k, ids in enumerate(way.uses[number]):
            if ids is None or not way.passes(number, k):
                continue
            share = change(way, number, k, cotangent) if k in ks else None
            if isinstance(share, list):
                sent += share
            else:
                sent.append((ids, (way.share(number, k, cotangent) if share is None else share).ravel()))
        return sent

    return sends


def times(factor: float) -> Change:
    """The share times a number."""
    return lambda way, n, k, cotangent: factor * way.share(n, k, cotangent)


def carried_times(factor: float) -> Change:
    """The share times a number, as far as it goes to an earlier step."""

    def change(way: Way, n: int, k: int, cotangent: np.ndarray) -> np.ndarray:
        share = way.share(n, k, cotangent).ravel()
        return np.where(way.carried(n, k), factor * share, share)

    return change


def at(chosen: set[int], change: Change) -> Change:
    """The change at some operations only."""
    return lambda way, n, k, cotangent: change(way, n, k, cotangent) if n in chosen else None


def but_from(steps: set[int]) -> Change:
    """The share without what goes to the values of some steps."""

    def change(way: Way, n: int, k: int, cotangent: np.ndarray) -> np.ndarray:
        ids = way.uses[n][k]
        assert ids is not None
        return np.where(np.isin(way.time[way.owner(ids)], list(steps)), 0.0, way.share(n, k, cotangent).ravel())

    return change


def of_rows(rows: slice, axis: int) -> Change:
    """The share of some rows of the gradient alone; the others send nothing."""

    def change(way: Way, n: int, k: int, cotangent: np.ndarray) -> np.ndarray:
        kept = np.zeros_like(cotangent)
        kept[(slice(None),) * axis + (rows,)] = cotangent[(slice(None),) * axis + (rows,)]
        return way.share(n, k, kept)

    return change


def with_gradient(other: Callable[[Way, int, np.ndarray], np.ndarray]) -> Change:
    """The share that another gradient would give."""
    return lambda way, n, k, cotangent: way.share(n, k, other(way, n, cotangent))


def with_values(values: Callable[[Way, int, int], list[np.ndarray]]) -> Change:
    """The share where the operands are other than they were."""
    return lambda way, n, k, cotangent: way.share(n, k, cotangent, values(way, n, k))


def replaced(way: Way, number: int, j: int, value: np.ndarray) -> list[np.ndarray]:
    """The operands with one of them another."""
    values = way.values(number)
    values[j] = value
    return values


def bilinear(way: Way, number: int) -> bool:
    """Whether an operation is a product of two operands."""
    node = way.nodes[number]
    return len(node.operands) == 2 and (node.op in PRODUCTS or node.op == "multiply")


def ranks(way: Way, numbers: Sequence[int]) -> list[list[int]]:
    """The instances of one instruction by site: of several sequences, each one's."""
    found: dict[int, list[int]] = {}
    for n in numbers:
        found.setdefault(way.site_of[n], []).append(n)
    return list(found.values())


def partners(way: Way, numbers: Sequence[int], shape: tuple[int, ...]) -> Iterator[list[int]]:
    """For each of these instances that of another site with a result of this shape, rank by rank."""
    sites = ranks(way, numbers)
    if len(sites) == 1:
        yield from siblings(way, sites[0], shape)
        return
    own = {way.site_of[n] for n in numbers}
    for family in way.families.values():
        there = ranks(way, family)
        if len(there) != len(sites) or way.site_of[family[0]] in own or way.nodes[family[0]].shape != shape:
            continue
        steps = [{int(way.time[m]): m for m in site} for site in there]
        if all(int(way.time[n]) in step for site, step in zip(sites, steps, strict=True) for n in site):
            found = {n: step[int(way.time[n])] for site, step in zip(sites, steps, strict=True) for n in site}
            yield [found[n] for n in numbers]


def readings(
    way: Way, numbers: Sequence[int], shape: tuple[int, ...]
) -> Iterator[tuple[str, dict[int, tuple[int, int]]]]:
    """What other operations read at each of these steps and none computes there: a state of before, an input."""
    sites = ranks(way, numbers)
    seen: set[bytes] = set()
    for family in way.families.values():
        there = ranks(way, family)
        if len(there) != len(sites):
            continue
        steps = [{int(way.time[m]): m for m in site} for site in there]
        if not all(int(way.time[n]) in step for site, step in zip(sites, steps, strict=True) for n in site):
            continue
        found = {n: step[int(way.time[n])] for site, step in zip(sites, steps, strict=True) for n in site}
        for j in range(len(way.nodes[family[0]].operands)):
            last = found[numbers[-1]]
            operand = way.nodes[last].operands[j]
            if shape_of(operand) != shape or is_leaf(way, last, j):
                continue
            if isinstance(operand, Constant) or way.carried(last, j).any():
                key = b"".join(np.asarray(way.values(found[n])[j]).tobytes() for n in numbers)
                if key not in seen:
                    seen.add(key)
                    yield speech.operand(way, last, j), {n: (m, j) for n, m in found.items()}


def siblings(way: Way, site: Sequence[int], shape: tuple[int, ...]) -> Iterator[list[int]]:
    """Other sites with a result of that shape at each step of this one, step by step; a single one serves all."""
    own = way.site_of[site[0]]
    steps = [int(way.time[n]) for n in site]
    for index, there in enumerate(way.steps):
        if index == own or way.nodes[way.sites[index][0]].shape != shape:
            continue
        if all(step in there for step in steps):
            yield [there[step] for step in steps]


def later(way: Way, ids: np.ndarray, by: int) -> np.ndarray | None:
    """The same elements so many instances on; None where one has none."""
    found = np.empty_like(ids)
    owners = way.owner(ids)
    for owner in np.unique(owners).tolist():
        if owner not in way.site_of:
            return None
        site = way.sites[way.site_of[owner]]
        index = site.index(owner) + by
        if not 0 <= index < len(site) or way.nodes[site[index]].shape != way.nodes[owner].shape:
            return None
        mine = owners == owner
        found[mine] = ids[mine] + way.starts[site[index]] - way.starts[owner]
    return found


def later_each(way: Way, ids: np.ndarray, by: int, around: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same elements so many instances on, and which of them have one; `around`: after the last comes the first."""
    found, kept = ids.copy(), np.ones(ids.size, bool)
    owners = way.owner(ids)
    for owner in np.unique(owners).tolist():
        mine = owners == owner
        site = way.sites[way.site_of[owner]] if owner in way.site_of else [owner]
        index = site.index(owner) + by
        if around or 0 <= index < len(site):
            found[mine] += way.starts[site[index % len(site)]] - way.starts[owner]
        else:
            kept[mine] = False
    return found, kept


def shifted(way: Way, site: Sequence[int], index: int, j: int, by: int, border: str) -> np.ndarray:
    """Operand j of a site's instance so many steps on; `border`: zero, wrap, or stay, where there is none."""
    node = way.nodes[site[index]]
    operand = node.operands[j]
    shape = shape_of(operand)
    if 0 <= index + by < len(site):
        other = way.nodes[site[index + by]].operands[j]
        if shape_of(other) == shape:
            return way.recall(other)
    ids = way.uses[site[index]][j]
    moved = later(way, ids, by) if ids is not None else None
    if moved is not None:
        return way.tape.values[moved].reshape(shape)
    if border == "wrap":
        return last_state(way, site, j, shape) if by < 0 else way.recall(way.nodes[site[0]].operands[j])
    return np.zeros(shape) if border == "zero" else way.recall(operand)


def last_state(way: Way, site: Sequence[int], j: int, shape: tuple[int, ...]) -> np.ndarray:
    """What operand j would be one step after the last: the last state, where the operand is the previous one."""
    ids = way.uses[site[-1]][j]
    moved = later(way, ids, 1) if ids is not None else None
    value = way.tape.values[moved] if moved is not None else way.recall(way.nodes[site[-1]].operands[j])
    return value.reshape(shape) if value.size == np.prod(shape, dtype=int) else np.zeros(shape)
