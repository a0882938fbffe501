"""Sums that lack something: which arrays the wrong gradients are read from, and what is missing of each.

An array that gradients are summed up in is known by what is added to it coming out at the end: once as it is, or times
a number, in entries of its own. It may be a gradient, an item of a dictionary, one of a list of arrays, or a view into
one long vector. What the gradients lack is then told back to the array, and what adds up to that can be looked for.
"""

from __future__ import annotations

import ast
import builtins
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.program import OverdueError
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.harvest import HERE, Stock, looked_up, stocked
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.missing import in_loop
from rnn_jax.verify.repair.tree import ATOMS
from rnn_jax.verify.repair.trial import Trial, short

MOST_TARGETS = 150  # arrays at one place
MOST_ARRAYS = 12  # under one name
SAME = 1e-9  # relative: the same numbers, added in another order


class Accumulator(NamedTuple):
    """An array, or several under one name, to which something can be added at a place."""

    place: Site
    text: str
    visits: list[list[int]]  # of each array the times that the program came by with it
    lacks: list[np.ndarray]  # what is missing of each
    rows: bool  # whether it is a list, of numbers or of rows of them


class Looking:
    """The program with a look around at each place, at which arrays can be added to."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.busy = trial, False
        self.made, self.places = stocked(trial.live, {})
        self.numbers = {place: k for k, place in enumerate(self.places)}

    def all(self, wanted: dict[Site, list[str]]) -> dict[tuple[Site, str], list[Any]]:
        """What each text stands for at each visit of its place."""
        codes = {self.numbers[p]: [(t, compile(t, "<sum>", "eval")) for t in texts] for p, texts in wanted.items()}
        seen: dict[tuple[Site, str], list[Any]] = defaultdict(list)

        def here(number: int, local: dict[str, Any], shared: dict[str, Any]) -> None:
            if self.busy:  # what is evaluated here may call the function that is looked into
                return
            self.busy = True
            for text, code in codes.get(number, ()):
                # Kept, so that no other array is given its place in memory.
                seen[self.places[number], text].append(evaluated(code, local, shared))
            self.busy = False

        with self.trial.patient():
            self.run(here)
        return seen

    def added(self, place: Site, text: str, at_visit: int, more: np.ndarray) -> np.ndarray | None:
        """All gradients in a row with so much added at one visit."""
        wanted, code, visits = self.numbers[place], compile(text, "<sum>", "eval"), itertools.count()

        def here(number: int, local: dict[str, Any], shared: dict[str, Any]) -> None:
            if number == wanted and next(visits) == at_visit:
                add_to(evaluated(code, local, shared), more)

        return self.run(here)

    def run(self, here: Callable[[int, dict[str, Any], dict[str, Any]], None]) -> np.ndarray | None:
        """All gradients in a row, with something done at each place; None where that fails."""

        def at_place(
            number: int, local: dict[str, Any], shared: dict[str, Any], around: dict[str, Any] | None = None
        ) -> None:
            here(number, dict(looked_up(around)) | local if around else local, shared)

        setattr(builtins, HERE, at_place)
        try:
            with self.trial.live.changed(self.made), short(self.trial.bench, self.trial.limit):
                return flat(self.trial, self.trial.gradients())
        except (Exception, OverdueError):
            return None
        finally:
            delattr(builtins, HERE)


def evaluated(code: CodeType, local: dict[str, Any], shared: dict[str, Any]) -> Any:
    """What an expression stands for; None where it stands for nothing."""
    try:
        return eval(code, shared, local)
    except Exception:
        return None


def as_array(value: Any) -> np.ndarray | None:
    """An array of numbers to which something can be added, or rows of numbers as an array; None for anything else."""
    if type(value) is np.ndarray:
        return value if value.dtype.kind == "f" and value.size else None
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(each, float) for each in value):
        return np.array(value)
    rows = [as_array(each) for each in value]
    whole = [row for row in rows if row is not None]
    return np.stack(whole) if len(whole) == len(rows) and len({row.shape for row in whole}) == 1 else None


def add_to(value: Any, more: np.ndarray) -> None:
    """Add to an array, or to each number in rows of numbers, in place."""
    if isinstance(value, np.ndarray):
        value += more.reshape(value.shape).astype(value.dtype)
        return
    for k, each in enumerate(value):
        if isinstance(each, float):
            value[k] = each + float(more[k])
        else:
            add_to(each, more[k])


def flat(trial: Trial, gradients: dict[str, np.ndarray]) -> np.ndarray:
    """All gradients in a row."""
    return np.concatenate([np.ravel(gradients[name]).astype(float) for name in trial.made.wanted])


def accumulators(
    trial: Trial, wrong: frozenset[str], targets: dict[Site, list[str]], over: Callable[[], bool]
) -> Iterator[Accumulator]:
    """The sums at each place to which something can be added that mends all. targets: what may be one, by place."""
    looking = Looking(trial)
    now = flat(trial, trial.made.manual)
    lacking = {n: trial.made.wanted[n] - trial.made.manual[n] if n in wrong else np.zeros(trial.made.wanted[n].shape)
               for n in trial.made.wanted}  # fmt: skip
    missing = flat(trial, lacking)
    missing[np.abs(missing) <= SAME * np.max(np.abs(flat(trial, trial.made.wanted)))] = 0.0  # of one long vector
    least = np.count_nonzero(missing)
    rng = np.random.default_rng(0)
    stands = looking.all(targets)
    weights = trial.bench.subject.parameters().values()
    # Where the gradients are read from an update, what a weight itself lacks comes last.
    for updated, place in itertools.product((False, True), targets):
        known: set[tuple[int, ...]] = set()
        made = [trial.made.manual[name] for name in sorted(wrong)]
        # Each takes several runs: what has become a gradient comes first.
        for text in sorted(targets[place], key=lambda text: not became(stands.get((place, text), []), made)):
            seen = stands.get((place, text), [])
            arrays = [as_array(v) for v in seen]
            if not seen or any(v is None for v in arrays):
                continue
            ids = tuple(id(v) for v in seen)
            # An array of its own each time sums up nothing, if it is not one of several that are kept or added up.
            passing = len(ids) > 1 and len(set(ids)) == len(ids) and not isinstance(parsed(text), ast.Subscript)
            if ids in known or (passing and in_loop(trial.live, place)) or len(set(ids)) > MOST_ARRAYS:
                continue
            own = {id(v): a.size for v, a in zip(seen, arrays, strict=True) if a is not None}
            if sum(own.values()) < least:  # too small for all that is missing
                continue
            if any(np.may_share_memory(arrays[0], np.asarray(w)) for w in weights) != updated:
                continue
            known.add(ids)
            found = told_back(looking, place, text, seen, now, missing, rng)
            if found is not None and not (passing and len(found.visits) > 1):
                yield from (*entry(found), found)
            if over():
                return


def became(seen: list[Any], gradients: list[np.ndarray]) -> bool:
    """Whether an array is, at the end, one of these."""
    array = as_array(seen[-1]) if seen else None
    return array is not None and any(array.shape == g.shape and np.array_equal(array, g) for g in gradients)


def entry(found: Accumulator) -> Iterator[Accumulator]:
    """The one entry that lacks something, where only one does: g[5] += da * b."""
    if len(found.lacks) == 1 and found.lacks[0].size > 1 and np.count_nonzero(found.lacks[0]) == 1:
        (lacks,) = found.lacks
        where = np.argwhere(lacks)[0]
        index = "][" if found.rows else ", "
        yield found._replace(text=f"{found.text}[{index.join(map(str, where))}]", lacks=[lacks[tuple(where)]])


def arrays_in(stock: Stock) -> list[str]:
    """The arrays that can be added to, the shortest name first."""
    found = [
        t for t, v in stock.items()
        if v.shape[0] == "array" and v.shape[1] == "f" and isinstance(parsed(t), ATOMS) and not t.endswith(".T")
    ]  # fmt: skip
    return sorted(found, key=lambda t: (len(t), t))[:MOST_TARGETS]


def told_back(
    looking: Looking, place: Site, text: str, seen: list[Any], now: np.ndarray, missing: np.ndarray,
    rng: np.random.Generator,
) -> Accumulator | None:  # fmt: skip
    """What is missing of the arrays under one name; None where they are no sums, or not those of all that is wrong."""
    groups: dict[int, list[int]] = {}
    for visit, value in enumerate(seen):
        groups.setdefault(id(value), []).append(visit)
    outlets: list[Outlet] = []
    covered = np.zeros(len(missing), bool)
    for visits in groups.values():
        array = as_array(seen[visits[0]])
        assert array is not None
        entries, share = outlet(looking, place, text, visits, now, array.shape, rng)
        if entries is None:
            return None
        covered[entries] = True
        one = Outlet(visits, entries, share, array.shape)
        like = next((k for k, each in enumerate(outlets) if each.like(one)), None)
        if like is None:
            outlets.append(one)
        else:
            outlets[like] = outlets[like]._replace(visits=sorted(outlets[like].visits + visits))
    if not np.any(covered) or np.any(missing[~covered]):
        return None
    lacks = [(missing[each.entries] / each.share).reshape(each.shape) for each in outlets]
    return Accumulator(place, text, [each.visits for each in outlets], lacks, isinstance(seen[0], list))


class Outlet(NamedTuple):
    """The visits of a place at which it is the same sum, and the entries of the gradients that this comes out in."""

    visits: list[int]
    entries: np.ndarray
    share: np.ndarray
    shape: tuple[int, ...]

    def like(self, other: Outlet) -> bool:
        """Whether another array comes out in the same entries: that of the next sequence, where all are added up."""
        same = self.shape == other.shape and np.array_equal(self.entries, other.entries)
        return same and alike(self.share, other.share)


def outlet(
    looking: Looking, place: Site, text: str, visits: list[int], now: np.ndarray, shape: tuple[int, ...],
    rng: np.random.Generator,
) -> tuple[np.ndarray | None, np.ndarray]:  # fmt: skip
    """The entries of the gradients that an array comes out in, in its own order, and times what."""
    scale = float(np.max(np.abs(now), initial=1.0))
    found: tuple[np.ndarray | None, np.ndarray] = (None, np.zeros(0))
    for visit in dict.fromkeys((visits[0], visits[-1])):
        one, two = rng.normal(size=shape), rng.normal(size=shape)
        change = added_change(looking, place, text, visit, one, now)
        changed = np.flatnonzero(np.abs(change) > SAME * scale)
        if len(changed) != one.size:
            return None, np.zeros(0)
        order = in_order_of(change[changed], one.ravel())
        entries, share = changed[order], change[changed][order] / one.ravel()
        if not alike(share, np.full(len(share), share[0])):  # each times a number of its own, in the order of the array
            entries, share = changed, change[changed] / one.ravel()
            if not alike(share, added_change(looking, place, text, visit, two, now)[changed] / two.ravel()):
                return None, np.zeros(0)
        if found[0] is not None and (not np.array_equal(found[0], entries) or not alike(found[1], share)):
            return None, np.zeros(0)
        found = entries, share
    return found


def added_change(looking: Looking, place: Site, text: str, visit: int, more: np.ndarray, now: np.ndarray) -> np.ndarray:
    """By how much all gradients change where so much is added; by nothing where that fails."""
    with_more = looking.added(place, text, visit, more)
    return with_more - now if with_more is not None and with_more.shape == now.shape else np.zeros(now.shape)


def in_order_of(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of the values are the multiples of these, where all are the same multiple: by their sizes."""
    order = np.empty(len(values), int)
    order[np.argsort(np.abs(wanted))] = np.argsort(np.abs(values))
    return order


def alike(shares: np.ndarray, others: np.ndarray) -> bool:
    """Whether these are the same numbers but for rounding."""
    return bool(np.all(np.abs(shares - others) <= 1e-6 * np.abs(shares)))
