"""Mistakes in the loss's own gradient: the target missing, added or another one, a loss sent back everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.damaged import Damage, Rules
from rnn_jax.verify.damage.edges import Group, later, partners, ranks
from rnn_jax.verify.damage.way import Sent, Way, is_leaf
from rnn_jax.verify.trace.tape import Constant


class Series(NamedTuple):
    """An array for each instance of a site, and what it is called."""

    words: str
    arrays: list[np.ndarray]


def seeds(way: Way, groups: list[Group]) -> Iterator[Damage]:
    """Every damage to what the loss sends to the outputs."""
    for site in outputs(way):
        yield from of_output(way, site)
    yield from everywhere(way, groups)


def outputs(way: Way) -> list[list[int]]:
    """The sites whose results the loss compares with its targets: the last that read a parameter or a state."""
    leads = [False] * len(way.nodes)  # to another of them
    found = []
    for number in range(len(way.nodes) - 1, -1, -1):
        if number not in way.site_of or way.in_cell[number]:
            continue
        reads = False
        for k, mine in enumerate(way.owners[number]):
            for owner in [] if mine is None else mine.tolist():
                reads |= bool(is_leaf(way, number, k)) or bool(way.in_cell[owner])
        if reads and not leads[number]:
            found.append(number)
        if reads or leads[number]:
            for mine in way.owners[number]:
                for owner in [] if mine is None else mine.tolist():
                    leads[owner] = True
    chosen = [family for family in way.families.values() if set(family) & set(found)]
    return [family for family in chosen if way.value(family[0]).size > 1]


def of_output(way: Way, site: list[int]) -> Iterator[Damage]:
    """Other gradients for an output: prediction and target combined in other ways."""
    where = f"for the loss's gradient at {speech.said(way, site[-1])}"
    for key in alternatives(way, site):

        def rules(way: Way, key: tuple[str, str, int] = key) -> Rules:
            # At another point the same words stand for other numbers.
            arrays = alternatives(way, site).get(key)
            if arrays is None:
                return Rules({}, [])
            return Rules({n: (lambda c, n=n, g=g: way.sends(n, g)) for n, g in zip(site, arrays, strict=True)}, [])  # type: ignore[misc]

        yield Damage(key[0], f"taking {key[1]} {where}", rules, reach(way, site), 0.8 + 0.01 * key[2])


Alternatives = dict[tuple[str, str, int], list[np.ndarray]]


def alternatives(way: Way, site: list[int]) -> Alternatives:
    """What could be taken for the gradients of an output, by kind, words and which scale."""
    made: dict[int, Alternatives] = way.__dict__.setdefault("alternatives", {})
    if site[0] not in made:
        made[site[0]] = dict(found_alternatives(way, site))
    return made[site[0]]


def found_alternatives(way: Way, site: list[int]) -> Iterator[tuple[tuple[str, str, int], list[np.ndarray]]]:
    """All of them."""
    shape = way.nodes[site[0]].shape
    if not alike(way, site):  # of other classes at each step: what a step takes for another's does not even fit
        return
    right = [way.gradient(n) for n in site]
    values = [Series(speech.said(way, site[-1]), [way.value(n) for n in site])]
    others = [o for o in partners(way, site, shape) if alike(way, o) and not any(way.in_cell[n] for n in o)]
    values += [Series(speech.said(way, other[-1]), [way.value(n) for n in other]) for other in others]
    values.append(Series(f"the softmax of {values[0].words}", [softmax(v) for v in values[0].arrays]))
    data = list(picks(way, site, shape))
    if len(ranks(way, site)) == 1:  # of several sequences it is not known which data are whose
        data = distinct([*constants(way, site, shape), *data, *gathers(way, site, shape)])
    models = []
    for value in values:
        hidden = solved(right, value.arrays)
        scales = [hidden[0]] if hidden is not None else []
        scales += [s for target in data if (s := scale(right, value.arrays, target.arrays))]
        known = data if hidden is None else distinct([Series("the target", hidden[1]), *data])
        models.append((value, known, scales))
    # Where the right gradient is known as prediction minus target, mistakes are made in that.
    understood = [model for model in models if model[2]][:1]
    for value, known, scales in understood or [(value, known, [1.0]) for value, known, _ in models]:
        for number, factor in enumerate({f"{s:.12g}": s for s in reversed(scales)}.values()):
            for kind, words, arrays in combinations(value, known):
                far = number + 10 * (NOWHERE in words)
                yield (kind if understood else "loss-seed", words, far), [factor * a for a in arrays]
    for words, gradients in of_steps(right):
        yield ("skips-step", words, 0), gradients


def reach(way: Way, site: list[int]) -> int:
    """The parameters behind the outputs."""
    found = 0
    for n in site:
        found |= way.reach[n]
    return found


def combinations(value: Series, known: list[Series]) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """Prediction alone, target alone, the sum, and the difference from every target and its neighbours."""
    yield "loss-seed", f"{value.words} without the target", value.arrays
    for target in known:
        yield "loss-seed", f"{target.words} alone", target.arrays
        yield "loss-seed", f"{value.words} plus {target.words}", plus(value.arrays, target.arrays, 1.0)
        yield "loss-target", f"{value.words} minus {target.words}", plus(value.arrays, target.arrays, -1.0)
        weighted = [v * t.sum(axis=-1, keepdims=True) - t for v, t in zip(value.arrays, target.arrays, strict=True)]
        yield "loss-target", f"{value.words} times the sum of {target.words} minus {target.words}", weighted
        for by, words in ((1, "next"), (-1, "previous")):
            turned = [np.roll(t, by, axis=class_axis(t)) for t in target.arrays]
            yield (
                "loss-target",
                f"{value.words} minus {target.words}, the {words} class",
                plus(value.arrays, turned, -1.0),
            )
            for border, moved in enumerate(neighbours(target.arrays, by)):
                said = f"{value.words} minus {target.words} of the {words} step"
                if border:
                    said += f"{NOWHERE}class {border - 1}"
                yield "loss-target", said, plus(value.arrays, moved, -1.0)


def softmax(value: np.ndarray) -> np.ndarray:
    """Of a row, a column or each row: where a program computes the logarithm at once, it is no value of its own."""
    powers = np.exp(value - value.max())
    return np.asarray(powers / powers.sum(axis=class_axis(value), keepdims=True))


def class_axis(value: np.ndarray) -> int:
    """The axis of the classes."""
    return -2 if value.ndim > 1 and value.shape[-1] == 1 else -1


def distinct(data: list[Series]) -> list[Series]:
    """Those whose numbers none before them has."""
    found: dict[bytes, Series] = {}
    for each in data:
        found.setdefault(b"".join(a.tobytes() for a in each.arrays), each)
    return list(found.values())


def plus(a: list[np.ndarray], b: list[np.ndarray], sign: float) -> list[np.ndarray]:
    """One series plus a multiple of another."""
    return [x + sign * y for x, y in zip(a, b, strict=True)]


def neighbours(arrays: list[np.ndarray], by: int) -> Iterator[list[np.ndarray]]:
    """The series moved by a step: around the end, and where it is one-hot with every class at the border."""
    single = len(arrays) == 1
    rows = list(arrays[0]) if single and arrays[0].ndim > 1 else arrays
    if len(rows) < 2:
        return
    moved = [rows[(i + by) % len(rows)] for i in range(len(rows))]
    yield [np.stack(moved)] if single else moved
    flat_rows = [row.ravel() for row in rows]
    if not all(np.all((row == 0) | (row == 1)) and row.sum() <= 1 for row in np.round(flat_rows, 9)):
        return
    for k in range(min(flat_rows[0].size, CLASSES)):
        moved[-1 if by > 0 else 0] = np.eye(flat_rows[0].size)[k].reshape(rows[0].shape)
        yield [np.stack(moved)] if single else list(moved)


NOWHERE = ", where there is none "
CLASSES = 40  # at most so many are tried where a target is unknown


def of_steps(right: list[np.ndarray]) -> Iterator[tuple[str, list[np.ndarray]]]:
    """The loss of one step left out, of instances or of the rows of one."""
    zeros = [np.zeros_like(g) for g in right]
    if len(right) > 1:
        yield "the loss of all steps but the last", [*right[:-1], zeros[-1]]
        yield "the loss of all steps but the first", [zeros[0], *right[1:]]
        yield "the loss of the last step alone", [*zeros[:-1], right[-1]]
        yield "the loss of the first step alone", [right[0], *zeros[1:]]
        return
    for axis in range(right[0].ndim - 1):
        for words, rows in (("all rows but the last", slice(None, -1)), ("all rows but the first", slice(1, None)),
                            ("the last row alone", slice(-1, None)), ("the first row alone", slice(0, 1))):  # fmt: skip
            kept = zeros[0].copy()
            where = (slice(None),) * axis + (rows,)
            kept[where] = right[0][where]
            yield f"the loss of {words} of axis {axis}", [kept]


def scale(right: list[np.ndarray], value: list[np.ndarray], target: list[np.ndarray]) -> float | None:
    """The number that the right gradients are value minus target times of, if there is one."""
    g, difference = flat(right), flat(plus(value, target, -1.0))
    size = float(difference @ difference)
    number = float(g @ difference) / size if size else 0.0
    return number if number and np.allclose(g, number * difference, rtol=1e-9, atol=1e-12 * abs(number)) else None


def solved(right: list[np.ndarray], value: list[np.ndarray]) -> tuple[float, list[np.ndarray]] | None:
    """The scale and the one-hot target of a softmax, read off its gradient; None where it is none."""
    g, p = flat(right), flat(value)
    if np.any(p <= 0) or np.any(p >= 1):
        return None
    number = float(np.median(g / p))
    if not number:
        return None
    targets = [v - r / number for v, r in zip(value, right, strict=True)]
    ones = flat(targets)
    return (number, targets) if np.all((np.abs(ones) < 1e-9) | (np.abs(ones - 1) < 1e-9)) else None


def flat(arrays: list[np.ndarray]) -> np.ndarray:
    """All numbers in one row."""
    return np.concatenate([a.ravel() for a in arrays])


def aligned(arrays: dict[int, np.ndarray], way: Way, site: list[int], shape: tuple[int, ...]) -> list[np.ndarray]:
    """Arrays by step as a series for a site, stacked where it is a single instance; empty where they do not fit."""
    steps = [int(way.time[n]) for n in site]
    if all(step in arrays and arrays[step].shape == shape for step in steps):
        return [arrays[step] for step in steps]
    if all(step in arrays and arrays[step].size == int(np.prod(shape)) for step in steps):
        return [arrays[step].reshape(shape) for step in steps]
    if len(site) == 1 and len(arrays) == (shape or (0,))[0]:
        parts = [arrays[step] for step in sorted(arrays)]
        if all(part.shape == shape[1:] for part in parts):
            return [np.stack(parts)]
    return []


def constants(way: Way, site: list[int], shape: tuple[int, ...]) -> Iterator[Series]:
    """Data that the program computes with: inputs and targets."""
    for other in way.sites:
        for j, operand in enumerate(way.nodes[other[0]].operands):
            if not isinstance(operand, Constant) or operand.value.size < 2:
                continue
            there = {int(way.time[n]): way.nodes[n].operands[j] for n in other}
            arrays = {t: np.asarray(o.value, float) for t, o in there.items() if isinstance(o, Constant)}
            found = aligned(arrays, way, site, shape)
            if found:
                yield Series(speech.operand(way, other[0], j), found)


def picks(way: Way, site: list[int], shape: tuple[int, ...]) -> Iterator[Series]:
    """One-hot targets, where the loss reads single entries of an array of this shape."""
    for mine in (site, *partners(way, site, shape)):
        if not alike(way, mine):
            continue
        found = [np.zeros(shape) for _ in mine]
        for index, n in enumerate(mine):
            low, high = way.nodes[n].where.start, way.nodes[n].where.stop
            for reader in range(n + 1, len(way.nodes)):
                for read, owners in zip(way.uses[reader], way.owners[reader], strict=True):
                    if way.alive[reader] and read is not None and owners is not None and n in owners:
                        inside = read[(read >= low) & (read < high)]
                        if inside.size < high - low:
                            found[index].ravel()[inside - low] = 1.0
        if all(array.any() and not array.all() for array in found):
            yield Series("the target", found)


def alike(way: Way, site: list[int]) -> bool:
    """Whether all instances of a site are of one shape."""
    return len({way.nodes[n].shape for n in site}) == 1


def gathers(way: Way, site: list[int], shape: tuple[int, ...]) -> Iterator[Series]:
    """One-hot inputs, where a step reads a row or a column of a parameter."""
    for other in way.sites:
        for k in range(len(way.nodes[other[0]].operands)):
            name = is_leaf(way, other[0], k)
            if not name or way.params[name].ndim != 2:
                continue
            ids = way.params[name]
            for table in (ids, ids.T):
                rows = {tuple(row.tolist()): i for i, row in enumerate(table)}
                arrays = {}
                for n in other:
                    read = way.uses[n][k]
                    if read is not None and tuple(read.tolist()) in rows:
                        arrays[int(way.time[n])] = np.eye(len(table))[rows[tuple(read.tolist())]]
                found = aligned(arrays, way, site, shape) if arrays else []
                if found:
                    yield Series("the input", found)


def everywhere(way: Way, groups: list[Group]) -> Iterator[Damage]:
    """What the loss sends to one step's state, sent to the state of every step."""
    for group in groups:
        number, k = group[-1]
        ids = way.uses[number][k]
        assert ids is not None
        if len(group) > 1 or way.in_cell[number]:
            continue
        owners = [o for o in np.unique(way.owner(ids)).tolist() if o in way.site_of]
        if len(owners) != 1 or len(way.sites[way.site_of[owners[0]]]) < 2 or not way.in_cell[owners[0]]:
            continue

        def rules(way: Way, number: int = number, k: int = k, owner: int = owners[0]) -> Rules:
            site, ids = way.sites[way.site_of[owner]], way.uses[number][k]
            share = way.share(number, k, way.gradient(number)).ravel()
            added: Sent = []
            for by in range(-site.index(owner), len(site) - site.index(owner)):
                moved = later(way, ids, by) if by else None  # type: ignore[arg-type]
                added += [(moved, share)] if moved is not None else []
            return Rules({}, added)

        words = f"sending what {speech.said(way, number)} sends back to the state of every step"
        yield Damage("loss-everywhere", words, rules, way.edge_reach(number, k), 0.5)
