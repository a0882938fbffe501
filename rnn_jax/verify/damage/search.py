"""Which damages give the wrong numbers: one for all of them, one for each group, or two at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.compare import TOLERANCE
from rnn_jax.verify.damage.damaged import Damage, Rules, damaged
from rnn_jax.verify.damage.flows import flows, inner
from rnn_jax.verify.damage.leaves import leaves
from rnn_jax.verify.damage.seeds import seeds
from rnn_jax.verify.damage.slopes import around, slopes
from rnn_jax.verify.damage.unknowns import unknowns
from rnn_jax.verify.damage.way import Way, gradients
from rnn_jax.verify.damage.whole import wholes
from rnn_jax.verify.explain import fits
from rnn_jax.verify.judge import failing
from rnn_jax.verify.noise import norm
from rnn_jax.verify.subject import Values

NEAR = 0.35  # how much more far-fetched another damage may be that is named beside the one that is claimed
BASES = 40  # damages upon which a second one is tried
LIKELY = 0.5  # how far-fetched each of two at once may be
PAIRED = 60  # damages that are tried two by two


class Hit(NamedTuple):
    """A damage, the wrong gradients that it gives, and whether it leaves the right ones alone."""

    damage: Damage
    names: frozenset[str]
    harmless: bool


class Found(NamedTuple):
    """A damage that holds at all points, what it gives, how well, and others that give the same."""

    damage: Damage
    names: frozenset[str]
    error: float
    same: tuple[Damage, ...] = ()


class Search:
    """The search at some points, over the right gradients or over ones that were damaged already."""

    def __init__(self, ways: list[Way], seconds: float) -> None:
        self.ways = ways
        self.until = time.perf_counter() + seconds
        self.seconds = seconds
        self.wrong = frozenset(n for way in ways for n in self.off(way, way.adjoint, way.names))
        self.bits = sum(1 << ways[0].names.index(n) for n in self.wrong)
        self.hits: list[Hit] = []

    def off(self, way: Way, adjoint: np.ndarray, names: Iterable[str]) -> list[str]:
        """Of these gradients those that are not the ones by hand."""
        found = gradients(way, adjoint)
        return [n for n in names if not close(way, found, n)]

    def left(self, way: Way, damage: Damage, names: list[str]) -> list[str]:
        """Of these gradients those that are not the ones by hand under the damage; all, where that cannot be done."""
        try:
            return self.off(way, damaged(way, damage.rules(way)), names)
        except (ValueError, LookupError):  # steps of unlike shapes, say, or a slope that is none at another point
            way.change = None
            return names

    def late(self) -> bool:
        """Whether the time is up."""
        return time.perf_counter() > self.until

    def one(self, damages: Iterable[Damage]) -> Found | None:
        """A damage that gives all wrong gradients and leaves the right ones alone: the least far-fetched."""
        order = sorted(damages, key=lambda d: (self.tier(d), d.cost))
        best: Found | None = None
        same: list[Damage] = []
        for damage in order:
            if self.late() or (best and (damage.cost > best.damage.cost + NEAR or self.tier(damage) > 1)):
                break
            if best and damage.kind in {best.damage.kind, *(d.kind for d in same)}:
                continue
            hit = self.tried(damage)
            if hit is None:
                continue
            self.hits.append(hit)
            if hit.names == self.wrong and hit.harmless and self.holds(hit):
                if best:
                    same.append(damage)
                else:
                    best = Found(damage, hit.names, self.error(hit))
        return best._replace(same=tuple(same)) if best else None

    def alone(self) -> list[Found]:
        """A damage that gives all wrong gradients, were it done for them alone."""
        for hit in sorted(self.hits, key=lambda h: h.damage.cost):
            if hit.names == self.wrong and not hit.harmless and self.holds(hit):
                names = [f"d{n}" for n in self.ways[0].names if n in hit.names]
                damage = hit.damage._replace(words=f"{hit.damage.words}, for {', '.join(names)} alone")
                return [Found(damage, hit.names, self.error(hit))]
        return []

    def tier(self, damage: Damage) -> int:
        """First what can change just the wrong gradients, then what can change others, then what cannot change all."""
        mine = damage.reach & self.bits
        return (0 if damage.reach == mine else 1) if mine == self.bits else (2 if damage.reach == mine else 3)

    def tried(self, damage: Damage) -> Hit | None:
        """Which wrong gradients come out at the first point."""
        way = self.ways[0]
        names = [n for k, n in enumerate(way.names) if damage.reach >> k & 1]
        mine = [n for n in names if n in self.wrong]
        if not mine:
            return None
        off = self.left(way, damage, names)
        given = frozenset(mine) - frozenset(off)
        return Hit(damage, given, not frozenset(off) - self.wrong) if given else None

    def holds(self, hit: Hit) -> bool:
        """Whether it gives the same gradients at all points, and where it claims so leaves the right ones alone."""
        judged = [n for n in self.ways[0].names if n in hit.names or (hit.harmless and n not in self.wrong)]
        return all(not self.left(way, hit.damage, judged) for way in self.ways[1:])

    def error(self, hit: Hit) -> float:
        """The worst relative difference at any point."""
        worst = 0.0
        for way in self.ways:
            found = gradients(way, damaged(way, hit.damage.rules(way)))
            for n in sorted(hit.names):
                manual = way.made.manual[n]
                size = max(norm(manual), norm(found[n]), norm(way.made.truth.gradients[n])) or 1.0
                worst = max(worst, norm(manual - found[n]) / size)
        return worst

    def groups(self) -> list[Found]:
        """Damages for disjoint groups of the wrong gradients, the largest groups first."""
        left, made = self.wrong, list[Found]()
        for hit in sorted(self.hits, key=lambda h: (-len(h.names), h.damage.cost)):
            if hit.harmless and hit.names <= left and not self.crossed(hit, made) and self.holds(hit):
                made.append(Found(hit.damage, hit.names, self.error(hit)))
                left -= hit.names
        return made

    def crossed(self, hit: Hit, made: list[Found]) -> bool:
        """Whether it changes what another damage explained, so that the two cannot both be."""
        others = frozenset(n for each in made for n in each.names)
        return any(hit.damage.reach >> self.ways[0].names.index(n) & 1 for n in others)

    def under(self, damage: Damage) -> Search:
        """The search for what else is wrong where this damage was done."""
        ways = [way.under(damaged(way, damage.rules(way))) for way in self.ways]
        return Search(ways, max(0.0, self.until - time.perf_counter()))


def close(way: Way, found: Values, name: str) -> bool:
    """Whether a gradient by hand is this one, to rounding."""
    truth = way.made.truth
    apart = (way.made.manual[name] - found[name]).ravel()
    with np.errstate(all="ignore"):
        size = float(np.abs(found[name]).sum()) + norm(truth.gradients[name])
        far = TOLERANCE * truth.noise[name] * max(1.0, size / (norm(truth.gradients[name]) or 1.0))
        # Most are far off; the measure of explain.py is for the few that are not.
        return bool(float(apart @ apart) <= 4 * far * far) and fits(way.made, found, [name])


def singles(way: Way, wrong: Iterable[str]) -> Iterator[Damage]:
    """All damages that may matter."""
    groups = inner(way)
    own = (leaves(way, name) for name in way.names if name in wrong)
    return chain(*own, flows(way), around(way, groups), slopes(way), wholes(way), seeds(way, groups))


def search(ways: list[Way], seconds: float, pairs: bool = True) -> list[Found]:
    """The damages that give the wrong gradients: one, one for each group, or with `pairs` some of two at once."""
    first = Search(ways, seconds)
    way, names = ways[0], [n for n in ways[0].names if n in first.wrong]
    if not names:
        return []  # wrong by what was declared of it alone
    found = first.one(d for d in singles(way, names) if d.reach & first.bits)
    if found:
        return [found]
    first.until = max(first.until, time.perf_counter() + 0.3 * seconds)
    found = first.one(unknowns(way, inner(way), names, len(ways) > 1, first.late))
    if found:
        return [found]
    made = first.groups()
    if frozenset(n for each in made for n in each.names) == first.wrong:
        return made
    # What starts as other than zero may be anything, so that beside the unexplained it explains nothing.
    part = [each for each in made if each.damage.kind != "random-start"]
    return first.alone() or (pairs and (based(first, seconds) or paired(first, seconds))) or part


def based(first: Search, seconds: float) -> list[Found]:
    """A damage that gives some of the wrong gradients, and others upon it that give the rest."""
    first.until = time.perf_counter() + seconds / 2
    order = sorted((h for h in first.hits if h.harmless), key=lambda h: (-len(h.names), h.damage.cost))
    for hit in order[:BASES]:
        if first.late():
            break
        if not first.holds(hit):
            continue
        later = first.under(hit.damage)
        if later.wrong and later.wrong == first.wrong - hit.names:
            damages = (
                singles(later.ways[0], later.wrong)
                if hit.damage.kind.startswith("loss-")
                else chain(*(leaves(later.ways[0], n) for n in sorted(later.wrong)))
            )
            found = later.one(damages)
            rest = [found] if found else later.groups()
            if frozenset(n for each in rest for n in each.names) == later.wrong:
                return [Found(hit.damage, hit.names, first.error(hit)), *rest]
    return []


def paired(first: Search, seconds: float) -> list[Found]:
    """Two damages at once, neither of which gives any gradient alone."""
    first.until = time.perf_counter() + seconds
    way, groups = first.ways[0], inner(first.ways[0])
    paths = chain(flows(way), around(way, groups), slopes(way), wholes(way))
    every = [d for d in paths if d.reach & first.bits and d.cost <= LIKELY]
    every.sort(key=lambda d: (first.tier(d), d.cost))
    return with_seed(first, list(seeds(way, groups)), every) or two(first, every[:PAIRED])


def with_seed(first: Search, losses: list[Damage], every: list[Damage]) -> list[Found]:
    """A wrong gradient of the loss, and another damage on the way from there."""
    way = first.ways[0]
    for seed in losses:
        probe = Search([way.under(damaged(way, seed.rules(way)))], first.seconds)
        for damage in every if probe.wrong else []:
            if first.late():
                return []
            hit = probe.tried(damage)
            if hit and hit.harmless and hit.names == probe.wrong == first.wrong:
                later = first.under(seed)
                if later.wrong == first.wrong and later.holds(hit):
                    return [Found(both(seed, damage), hit.names, later.error(hit))]
    return []


def two(first: Search, every: list[Damage]) -> list[Found]:
    """Two damages at different operations."""
    first.until = max(first.until, time.perf_counter() + first.seconds / 2)
    where = [set(damage.rules(first.ways[0]).instead) for damage in every]
    pairs = [(i, k) for i in range(len(every)) for k in range(i) if not where[i] & where[k]]
    for i, k in sorted(pairs, key=lambda pair: every[pair[0]].cost + every[pair[1]].cost):
        if first.late():
            break
        if (every[i].reach | every[k].reach) & first.bits == first.bits:
            found = first.one([both(every[i], every[k])])
            if found:
                return [found]
    return []


def both(one: Damage, other: Damage) -> Damage:
    """Two damages at different operations."""

    def rules(way: Way) -> Rules:
        a, b = one.rules(way), other.rules(way)
        return Rules(a.instead | b.instead, a.added + b.added)

    words = f"{one.words}, and {other.words}"
    return Damage(one.kind, words, rules, one.reach | other.reach, one.cost + other.cost, (one, other))


def prepared(wrong_at: list[Way]) -> list[Way]:
    """The points, the one with most wrong gradients first."""
    return sorted(wrong_at, key=lambda way: (-len(failing(way.made)), way.made.point == "own values"))
