"""Mistakes in an activation's derivative: left out, at the wrong point, of the wrong function, at the wrong place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.activations import FORMS, Activation, form_of, of
from rnn_jax.verify.damage.damaged import Damage, Rule, Rules
from rnn_jax.verify.damage.edges import Group, changed, readings, siblings
from rnn_jax.verify.damage.flows import carries, inner, outside, reach_of, use
from rnn_jax.verify.damage.way import Sent, Way

Slopes = Callable[[Way, Activation, np.ndarray], np.ndarray]  # another derivative, given the gradient that arrives


def instead(site: list[Activation], other: Slopes) -> Callable[[Way], Rules]:
    """Rules by which activations are differentiated in another way."""

    def rules(way: Way) -> Rules:
        there = {a.after: a for group in of(way) for a in group}
        return Rules({a.after: rule(way, there[a.after], other) for a in site}, [])

    return rules


def rule(way: Way, here: Activation, other: Slopes) -> Rule:
    """What one activation sends so."""

    def sends(cotangent: np.ndarray) -> Sent:
        flat = cotangent.ravel()
        return [(here.before, flat * other(way, here, flat))]

    return sends


def slopes(way: Way) -> Iterator[Damage]:
    """Every damage to an activation's derivative."""
    sites = of(way)
    families: dict[object, list[Activation]] = defaultdict(list)
    forms: dict[str, list[Activation]] = defaultdict(list)
    for site in sites:
        place = way.nodes[site[0].after].place
        families[place.code, place.instruction].extend(site)
        if form_of(way, site[0]):
            forms[form_of(way, site[0])].extend(site)
    groups = [(site, f"at {speech.said(way, site[-1].after)}", 0.0) for site in sites]
    for more in (families.values(), forms.values()):
        wide = [group for group in more if all(len(group) > len(s) or group[0] is not s[0] for s in sites)]
        groups += [(group, f"at every {speech.said(way, group[-1].after)}", 0.1) for group in wide]
    for group, where, cost in groups:
        yield from of_itself(way, group, where, cost)
    edges: Group = tuple(edge for group in inner(way) for edge in group if way.carried(*edge).any())
    for group, where, cost in groups:
        for damage in of_itself(way, group, where, cost + 0.5) if edges else []:
            yield not_carried(damage, edges)
    for group, where, cost in groups[: len(sites)]:
        yield from of_others(way, group, where, cost)
        yield from of_read(way, group, where, cost)


def reach_from(way: Way, site: list[Activation]) -> int:
    """The parameters that lie behind activations."""
    found = 0
    for a in site:
        found |= way.reach[a.after]
    return found


def of_itself(way: Way, site: list[Activation], where: str, cost: float) -> Iterator[Damage]:
    """The derivative left out, negated, twice, or from its own argument, result or gradient by some formula."""
    reach, right = reach_from(way, site), form_of(way, site[0])
    plain: list[tuple[str, str, Slopes, float]] = [
        ("derivative-omitted", "leaving out the derivative", lambda way, a, c: np.ones_like(c), 0.2),
        ("sign", "the negative of the derivative", lambda way, a, c: -a.slope, 0.9),
        ("derivative-twice", "multiplying twice by the derivative", lambda way, a, c: a.slope**2, 0.7),
    ]
    for kind, words, other, more in plain:
        yield Damage(kind, f"{words} {where}", instead(site, other), reach, cost + more)
    if not right and not way.in_cell[site[0].after]:
        return  # a part of the loss
    for name, form in FORMS.items():
        for point, at in POINTS.items():
            if point != "the result" and name not in COMMON:
                continue
            if (name == right and point == "the result") or (name == "v > 0" and point != "the gradient" == right):
                continue

            def other(way: Way, a: Activation, c: np.ndarray, form=form, at=at) -> np.ndarray:  # type: ignore[no-untyped-def]
                return form(at(way, a, c))

            kind = kind_of(name, point, right)
            words = f"taking {name} with v = {point} for the derivative"
            yield Damage(kind, f"{words} {where}", instead(site, other), reach, cost + 0.4)


COMMON = ("1 - v**2", "v * (1 - v)", "1 - tanh(v)**2", "sigmoid'(v)", "v > 0")
POINTS: dict[str, Slopes] = {
    "the result": lambda way, a, c: way.value(a.after).ravel(),
    "the argument": lambda way, a, c: way.tape.values[a.before],
    "the gradient": lambda way, a, c: c,
}


def kind_of(form: str, point: str, right: str) -> str:
    """The kind of mistake that a formula at a point is."""
    if point == "the gradient":
        return "derivative-of-gradient"
    same = {"1 - v**2": "1 - tanh(v)**2", "v * (1 - v)": "sigmoid'(v)"}
    return "derivative-point" if form in (right, same.get(right)) else "derivative-function"


def of_others(way: Way, site: list[Activation], where: str, cost: float) -> Iterator[Damage]:
    """The right formula of another value, or of another step's result."""
    right = form_of(way, site[0])
    reach, numbers = reach_from(way, site), [a.after for a in site]
    if not right:
        return
    index = {n: i for i, n in enumerate(numbers)}
    last = len(numbers) - 1
    for kind, words, choose in (
        ("index-shift", "the next step's result", lambda i: min(i + 1, last)),
        ("index-shift", "the previous step's result", lambda i: i - 1),
        ("shared-cache", "the last step's result at every step", lambda i: last),
    ):

        def neighbour(way: Way, a: Activation, c: np.ndarray, choose=choose) -> np.ndarray:  # type: ignore[no-untyped-def]
            there = choose(index[a.after])
            return FORMS[right](way.value(numbers[there]).ravel() if there >= 0 else np.zeros_like(c))

        if last:
            words = f"taking {words} in the derivative {where}"
            yield Damage(kind, words, instead(site, neighbour), reach, cost + 0.8)
    for other in siblings(way, numbers, way.nodes[numbers[0]].shape):
        pairs = dict(zip(numbers, other, strict=True))

        def theirs(way: Way, a: Activation, c: np.ndarray, pairs: dict[int, int] = pairs) -> np.ndarray:
            return FORMS[right](way.value(pairs[a.after]).ravel())

        words = f"taking {speech.said(way, other[-1])} in the derivative {where}"
        yield Damage("derivative-point", words, instead(site, theirs), reach, cost + 1.0)
        if right == "v * (1 - v)":

            def half(way: Way, a: Activation, c: np.ndarray, pairs: dict[int, int] = pairs) -> np.ndarray:
                return way.value(pairs[a.after]).ravel() * (1 - way.value(a.after).ravel())

            def other_half(way: Way, a: Activation, c: np.ndarray, pairs: dict[int, int] = pairs) -> np.ndarray:
                return (1 - way.value(pairs[a.after]).ravel()) * way.value(a.after).ravel()

            for form in (half, other_half):
                words = f"taking {speech.said(way, other[-1])} in one factor of v * (1 - v) {where}"
                yield Damage("wrong-variable", words, instead(site, form), reach, cost + 1.1)


def not_carried(damage: Damage, edges: Group) -> Damage:
    """The same damage to what the parameters get, while what goes back to the step before is right."""

    def right(way: Way, n: int, k: int, cotangent: np.ndarray) -> np.ndarray:
        share = way.share(n, k, cotangent).ravel()
        return np.where(way.carried(n, k), way.share(n, k, way.gradient(n)).ravel(), share)

    def rules(way: Way) -> Rules:
        given = damage.rules(way)
        return Rules(changed(edges, right)(way).instead | given.instead, given.added)

    return damage._replace(words=f"{damage.words}, but not in what goes back to the step before", rules=rules)


def of_read(way: Way, site: list[Activation], where: str, cost: float) -> Iterator[Damage]:
    """The right formula of what is read at the same step: the state of before, an input."""
    right, numbers = form_of(way, site[0]), [a.after for a in site]
    if not right:
        return
    for words, there in readings(way, numbers, way.nodes[numbers[0]].shape):

        def read(way: Way, a: Activation, c: np.ndarray, there: dict[int, tuple[int, int]] = there) -> np.ndarray:
            m, j = there[a.after]
            return FORMS[right](way.values(m)[j].ravel())

        said = f"taking {words} in the derivative {where}"
        yield Damage("derivative-point", said, instead(site, read), reach_from(way, site), cost + 0.9)


def around(way: Way, groups: list[Group]) -> Iterator[Damage]:
    """Paths that come in after the derivative, or before the product."""
    there = {a.after: a for site in of(way) for a in site}
    for group in groups:
        ends = {int(o) for n, k in group for o in way.owner(way.uses[n][k])}  # type: ignore[arg-type]
        if not ends & set(there) or outside(way, group):
            continue
        reach, what = reach_of(way, group), use(way, group)
        kind = "added-after-derivative" if carries(way, group) else "derivative-omitted"
        yield Damage(kind, f"adding {what} after the derivative", changed(group, bypass(False)), reach, 0.3)
        if all(way.nodes[n].shape == way.nodes[way.owner(way.uses[n][k][:1])[0]].shape for n, k in group):  # type: ignore[index]
            words = f"multiplying {what} by the derivative before the product instead of after it"
            yield Damage("derivative-order", words, changed(group, bypass(True)), reach, 0.5)


def bypass(multiplied: bool):  # type: ignore[no-untyped-def]
    """A share sent past the activation it reads; with `multiplied`, the derivative is applied before the product."""

    def change(way: Way, n: int, k: int, cotangent: np.ndarray) -> Sent:
        there = {a.after: a for site in of(way) for a in site}
        ids = way.uses[n][k]
        assert ids is not None
        ends = way.owner(ids)
        if multiplied and ends[0] in there and there[int(ends[0])].slope.size == cotangent.size:
            cotangent = cotangent * there[int(ends[0])].slope.reshape(cotangent.shape)
        share = way.share(n, k, cotangent).ravel()
        goes = ids.copy()
        for end in np.unique(ends).tolist():
            if end in there:
                mine = ends == end
                goes[mine] = there[end].before[ids[mine] - way.starts[end]]
        return [(goes, share)]

    return change
