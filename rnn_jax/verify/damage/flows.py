"""Mistakes on the way between the loss and the parameters: paths dropped, weights not transposed, wrong factors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.activations import of
from rnn_jax.verify.damage.choices import other_values
from rnn_jax.verify.damage.damaged import Damage, Rules
from rnn_jax.verify.damage.edges import (
    Group,
    at,
    bilinear,
    but_from,
    carried_times,
    changed,
    edges_of,
    later_each,
    replaced,
    siblings,
    times,
    with_gradient,
    with_values,
)
from rnn_jax.verify.damage.leaves import permutations
from rnn_jax.verify.damage.way import Sent, Way, is_leaf, shape_of


def inner(way: Way) -> list[Group]:
    """The uses of values between, by site and operand; of an activation in several operations the first alone."""
    found = []
    within = {n: a.inside for site in of(way) for a in site for n in a.inside}
    for site in way.sites:
        for k in range(len(way.nodes[site[0]].operands)):
            group = tuple(
                (n, k)
                for n, k in edges_of(way, site, k)
                if not is_leaf(way, n, k) and not within.get(n, frozenset()) & set(way.owners[n][k].tolist())  # type: ignore[union-attr]
            )
            if group:
                found.append(group)
    return found


def outside(way: Way, group: Group) -> bool:
    """Whether it lies within the loss, where people write the whole gradient in one expression."""
    n, k = group[-1]
    owners = way.owners[n][k]
    return not way.in_cell[n] and owners is not None and not any(way.in_cell[o] for o in owners.tolist())


def reach_of(way: Way, group: Group) -> int:
    """The parameters that the shares of a group end in."""
    found = 0
    for n, k in group:
        found |= way.edge_reach(n, k)
    return found


def flows(way: Way) -> Iterator[Damage]:
    """Every damage to a path."""
    groups = inner(way)
    yield from carried_paths(way, groups)
    yield from by_family(way, groups)
    for group in groups:
        yield from one_path(way, group)
    for group in groups:
        yield from factors(way, group)
    yield from slices(way)
    for group in groups:
        yield from gradients_of_others(way, group)
        yield from neighbouring(way, group)


def carries(way: Way, group: Group) -> bool:
    """Whether any of it goes to an earlier step."""
    return any(way.carried(n, k).any() for n, k in group)


def use(way: Way, group: Group) -> str:
    """A use in words: the operand, and the operation that it goes through."""
    n, k = group[-1]
    return f"the share of {speech.operand(way, n, k)} that goes through {speech.said(way, n)}"


def carried_paths(way: Way, groups: list[Group]) -> Iterator[Damage]:
    """The paths to earlier steps: of one state, of all of them, of all but one use."""
    by_state: dict[int, list[Group]] = defaultdict(list)
    for group in groups:
        if carries(way, group):
            by_state[state_of(way, group)].append(group)
    everything = [group for mine in by_state.values() for group in mine]
    for mine in by_state.values():
        if len(mine) > 1:
            yield dropped(way, mine, "everything that goes back to the step before through the uses of "
                          f"{speech.operand(way, *mine[0][-1])}", 0.2)  # fmt: skip
            for kept in mine if len(mine) > 2 else []:
                words = f"all that goes back to the step before but {use(way, kept)}"
                yield dropped(way, [g for g in mine if g is not kept], words, 1.5)
    if len(by_state) > 1:
        yield dropped(way, everything, "everything that goes back to the step before", 0.2)


def state_of(way: Way, group: Group) -> int:
    """The site whose result is carried."""
    n, k = group[-1]
    ids = way.uses[n][k]
    assert ids is not None
    chosen = ids[way.carried(n, k)] if way.carried(n, k).any() else ids
    return way.site_of.get(int(way.owner(chosen[:1])[0]), -1)


def dropped(way: Way, groups: list[Group], words: str, cost: float) -> Damage:
    """The share of these uses that goes to an earlier step, dropped."""
    edges: Group = tuple(edge for group in groups for edge in group)
    return Damage("dropped-path", f"dropping {words}", changed(edges, carried_times(0.0)), reach_of(way, edges), cost)


def by_family(way: Way, groups: list[Group]) -> Iterator[Damage]:
    """The same of all that one instruction did, where that is more than one site."""
    families: dict[tuple[object, int], list[Group]] = defaultdict(list)
    for group in groups:
        n, k = group[0]
        place = way.nodes[n].place
        families[(place.code, place.instruction, way.nodes[n].op), k].append(group)
    for mine in families.values():
        if len(mine) > 1:
            whole: Group = tuple(edge for group in mine for edge in group)
            yield from one_path(way, whole)
            yield from factors(way, whole)


def one_path(way: Way, group: Group) -> Iterator[Damage]:
    """A use dropped, of the wrong sign, counted twice, or left out at some steps."""
    reach, what = reach_of(way, group), use(way, group)
    if outside(way, group):
        yield Damage("missing-term", f"dropping {what}", changed(group, times(0.0)), reach, 0.9)
        yield Damage("sign", f"the wrong sign of {what}", changed(group, times(-1.0)), reach, 0.9)
        return
    if carries(way, group):
        yield Damage("dropped-path", f"dropping {what}", changed(group, carried_times(0.0)), reach, 0.1)
        yield Damage("sign", f"the wrong sign of {what}", changed(group, carried_times(-1.0)), reach, 0.8)
        yield Damage("double-count", f"counting twice {what}", changed(group, carried_times(2.0)), reach, 0.8)
        yield Damage("scale", f"halving {what}", changed(group, carried_times(0.5)), reach, 0.9)
    yield Damage("missing-term", f"dropping {what}", changed(group, times(0.0)), reach, 0.4)
    yield Damage("sign", f"the wrong sign of {what}", changed(group, times(-1.0)), reach, 0.8)
    yield Damage("double-count", f"counting twice {what}", changed(group, times(2.0)), reach, 0.8)
    single = len(group) == 1
    ids = way.uses[group[0][0]][group[0][1]]
    steps = sorted({int(t) for t in way.time[way.owner(ids)]} if single and ids is not None else
                   {int(way.time[n]) for n, _ in group})  # fmt: skip
    if len(steps) > 1:
        for kind, words, chosen in (
            ("skips-step", "at the last step", {steps[-1]}),
            ("skips-step", "at the first step", {steps[0]}),
            (
                "missing-term",
                "at all steps but the last, where another overwrites it",
                set(steps[:-1]),
            ),
            ("missing-term", "at all steps but the first", set(steps[1:])),
        ):
            numbers = {n for n, _ in group if int(way.time[n]) in chosen}
            change = but_from(chosen) if single else at(numbers, times(0.0))
            yield Damage(kind, f"dropping {what}, {words}", changed(group, change), reach, 0.9)


def factors(way: Way, group: Group) -> Iterator[Damage]:
    """The other operand of a product untransposed, of another step, or another value."""
    numbers = [n for n, _ in group]
    if not all(bilinear(way, n) for n in numbers):
        return
    reach, k = reach_of(way, group), group[0][1]
    j = 1 - k
    shape = shape_of(way.nodes[numbers[0]].operands[j])
    where = speech.said(way, numbers[-1])
    if len(shape) == 2 and shape[0] == shape[1] > 1 and way.nodes[numbers[0]].op != "multiply":
        name = speech.operand(way, numbers[0], j)
        words = f"going back through {name} untransposed at {where}"
        yield Damage("missing-transpose", words, changed(group, with_values(untransposed(j))), reach, 0.3)
    leaf = is_leaf(way, numbers[0], j)
    if leaf:
        yield from other_parameters(way, group, j, leaf)
        return
    for kind, words, values, cost in other_values(way, group):
        yield Damage(kind, f"taking {words} on the way back through {where}", changed(group, with_values(values)),
                     reach, cost + 0.2)  # fmt: skip


def neighbouring(way: Way, group: Group) -> Iterator[Damage]:
    """What the loss sends to a step's state, sent to that of its neighbour."""
    if carries(way, group) or way.in_cell[group[-1][0]] or outside(way, group):
        return
    for by, words in ((-1, "previous"), (1, "next")):
        for around in (False, True):

            def moved(way: Way, n: int, k: int, cotangent: np.ndarray, by: int = by, around: bool = around) -> Sent:
                ids = way.uses[n][k]
                assert ids is not None
                goes, kept = later_each(way, ids, by, around)
                return [(goes[kept], way.share(n, k, cotangent).ravel()[kept])]

            said = f"sending {use(way, group)} to the {words} step" + " around the end" * around
            n, k = group[0]
            single = len(group) == 1 and len(np.unique(way.time[way.owner(way.uses[n][k])])) == 1  # type: ignore[arg-type]
            kind = "skips-step" if single and by < 0 else "index-shift"
            yield Damage(kind, said, changed(group, moved), reach_of(way, group), 0.8 + 0.1 * around)


def gradients_of_others(way: Way, group: Group) -> Iterator[Damage]:
    """The gradient of a later value of the step taken on the way back, as dh for da."""
    numbers = [n for n, _ in group]
    if not bilinear(way, numbers[0]) or not way.in_cell[numbers[-1]]:
        return
    for other in siblings(way, numbers, way.nodes[numbers[0]].shape):
        pairs = dict(zip(numbers, other, strict=True))
        same = all(np.array_equal(way.gradient(n), way.gradient(m)) for n, m in pairs.items())
        if same or any(m < n for n, m in pairs.items()):
            continue

        def theirs(way: Way, n: int, cotangent: np.ndarray, pairs: dict[int, int] = pairs) -> np.ndarray:
            return way.current(pairs[n])

        words = f"taking the gradient of {speech.said(way, other[-1])} on the way back through"
        words += f" {speech.said(way, numbers[-1])}"
        yield Damage("wrong-variable", words, changed(group, with_gradient(theirs)), reach_of(way, group), 0.5)


def untransposed(j: int):  # type: ignore[no-untyped-def]
    """The operands with one of them transposed."""
    return lambda way, n, k: replaced(way, n, j, way.values(n)[j].T)


def other_parameters(way: Way, group: Group, j: int, leaf: str) -> Iterator[Damage]:
    """Another parameter of the same shape in the place of this one, as it is or transposed."""
    operand = way.nodes[group[0][0]].operands[j]
    shape = shape_of(operand)
    for name, ids in way.params.items():
        for turned, theirs in (("", ids), (".T", ids.T)):
            if name == leaf or theirs.shape != shape or (turned and ids.ndim < 2):
                continue

            def values(way: Way, n: int, k: int, theirs: np.ndarray = theirs) -> list[np.ndarray]:
                return replaced(way, n, j, way.tape.values[theirs])

            words = f"{name}{turned} for {leaf} on the way back through {speech.said(way, group[-1][0])}"
            yield Damage("wrong-variable", f"taking {words}", changed(group, with_values(values)), reach_of(way, group))


def slices(way: Way) -> Iterator[Damage]:
    """Gates packed side by side, confused for all that comes before."""
    for site in way.sites:
        for words, kind, order in permutations(way, site):

            def rules(way: Way, site: list[int] = site, order=order) -> Rules:  # type: ignore[no-untyped-def]
                return Rules({n: (lambda c, n=n: way.sends(n, order(way, n, c))) for n in site}, [])  # type: ignore[misc]

            reach = way.reach[site[-1]]
            yield Damage(kind, f"the gradient of {speech.said(way, site[0])} {words}", rules, reach, 0.7)
