"""Mistakes that no single operation shows: steps left out by a loop, caches shared by all steps, dead parameters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.activations import FORMS, Activation, form_of, of
from rnn_jax.verify.damage.damaged import Damage, Rule, Rules
from rnn_jax.verify.damage.edges import Edge, at, bilinear, changed, times
from rnn_jax.verify.damage.leaves import uses
from rnn_jax.verify.damage.way import Sent, Way


def wholes(way: Way) -> Iterator[Damage]:
    """Every damage to the sweep as a whole."""
    yield from steps(way)
    yield from caches(way)
    for name in way.names:
        yield from dead(way, name)


def steps(way: Way) -> Iterator[Damage]:
    """A loop that leaves out a step: no parameter gets anything from it, be the readout in the loop or not."""
    edges: list[Edge] = [edge for name in way.names for group in uses(way, name) for edge in group]
    found = sorted({int(way.time[n]) for n, _ in edges})
    if len(found) < 2:
        return
    for words, step in (("first", found[0]), ("last", found[-1])):
        for inside in (False, True):
            chosen = {n for n, _ in edges if int(way.time[n]) == step and (way.in_cell[n] or not inside)}
            group = tuple((n, k) for n, k in edges if n in chosen)
            if not group or (inside and all(way.in_cell[n] for n, _ in edges)):
                continue
            reach = 0
            for n, k in group:
                reach |= way.edge_reach(n, k)
            said = f"adding nothing to the gradients at the {words} step"
            yield Damage("skips-step", said, changed(group, at(chosen, times(0.0))), reach, 0.3 + 0.1 * inside)


def caches(way: Way) -> Iterator[Damage]:
    """All steps reading what the last one left: all that a cell computes with, or one value."""
    cells = [site for site in way.sites if len(site) > 1 and all(way.in_cell[n] for n in site)]
    if not cells:
        return
    reach = 0
    for site in cells:
        reach |= way.reach[site[-1]]

    def rules(way: Way) -> Rules:
        return Rules({n: as_last(way, n, site[-1]) for site in cells for n in site[:-1]}, [])

    yield Damage("shared-cache", "reading the last step's values at every step of the cell", rules, reach, 0.6)
    for group in (group for group in of(way) if len(group) > 1):
        where = speech.said(way, group[-1].after)
        for kind, words, choose in (
            ("shared-cache", f"reading the last {where} at every step", "last"),
            ("wrong-variable", f"reading the argument of {where} for its result", "argument"),
            ("derivative-function", f"taking {where} for the identity", "identity"),
        ):

            def substituted(way: Way, group: list[Activation] = group, choose: str = choose) -> Rules:
                return substitution(way, [a.after for a in group], choose)

            cost = 0.35 if choose == "identity" else 0.7
            yield Damage(kind, words, substituted, whose(way, group), cost)


def whose(way: Way, site: list[Activation]) -> int:
    """The parameters that reading another result can change: those behind it, and those it is multiplied with."""
    found, mine = 0, {a.after for a in site}
    for number in way.site_of:
        if any(owners is not None and mine & set(owners.tolist()) for owners in way.owners[number]):
            found |= way.reach[number]
    return found


def as_last(way: Way, number: int, last: int) -> Rule:
    """What an operation sends with the numbers of its last instance."""

    def sends(cotangent: np.ndarray) -> Sent:
        sent: Sent = []
        for k, ids in enumerate(way.uses[number]):
            if ids is None or not way.passes(number, k):
                continue
            if number in way.local:
                partial = way.local[last][k]
                sent.append((ids, way.reduced(number, k, cotangent * partial)))
            else:
                sent.append((ids, way.share(number, k, cotangent, way.values(last)).ravel()))
        return sent

    return sends


def substitution(way: Way, site: list[int], choose: str) -> Rules:
    """Every product and derivative that reads these results, reading others in their place."""
    there = {a.after: a for group in of(way) for a in group}
    values = way.tape.values.copy()
    for n in site:
        other = way.value(site[-1]).ravel() if choose == "last" else way.tape.values[there[n].before]
        values[way.nodes[n].where] = other
    instead: dict[int, Rule] = {}
    for number in way.site_of:
        reads = any(o is not None and set(o.tolist()) & set(site) for o in way.owners[number])
        if reads and bilinear(way, number):
            instead[number] = with_values(way, number, values)
    for n in site:
        form = form_of(way, there[n])
        if choose == "identity":
            instead[n] = with_slope(there[n], np.ones_like(there[n].slope))
        elif form:
            instead[n] = with_slope(there[n], FORMS[form](values[way.nodes[n].where]))
    return Rules(instead, [])


def with_values(way: Way, number: int, values: np.ndarray) -> Rule:
    """What a product sends where its operands are these."""
    given = way.values(number, values)
    return lambda cotangent: [
        (ids, way.share(number, k, cotangent, given).ravel())
        for k, ids in enumerate(way.uses[number])
        if ids is not None and way.passes(number, k)
    ]


def with_slope(here: Activation, slope: np.ndarray) -> Rule:
    """What an activation sends with this derivative."""
    return lambda cotangent: [(here.before, cotangent.ravel() * slope)]


def dead(way: Way, name: str) -> Iterator[Damage]:
    """A gradient for a parameter that the loss does not use: the sum of what some value gets."""
    if uses(way, name):
        return
    ids = way.params[name]
    for site in way.sites:
        shape = way.nodes[site[0]].shape
        if not fits_into(shape, ids.shape):
            continue

        def rules(way: Way, site: list[int] = site) -> Rules:
            return Rules({}, [(ids.ravel(), way.fold(way.gradient(n), ids.shape).ravel()) for n in site])

        words = f"giving d{name} the gradient of {speech.said(way, site[-1])}, though the loss does not use {name}"
        yield Damage("dead-parameter", words, rules, 1 << way.names.index(name), 0.5)


def fits_into(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a sum over leading axes and axes of one gives the wanted shape."""
    if len(shape) < len(wanted):
        return False
    tail = shape[len(shape) - len(wanted) :]
    return all(w in (t, 1) for t, w in zip(tail, wanted, strict=True))
