"""Other values in the place of one expression's: what hangs on it, and whether any values there would mend all.

Below a gradient by hand everything is linear in what is carried back. So the values that one expression would have to
give, for every gradient to come out right, are found by moving each of its entries once and solving the equations.
Where they have no solution, the fault does not lie there.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from rnn_jax.verify.compare import TOLERANCE
from rnn_jax.verify.noise import norm
from rnn_jax.verify.program import OverdueError
from rnn_jax.verify.repair.healing import Healing, Reach, solution
from rnn_jax.verify.repair.live import Site, Spot
from rnn_jax.verify.repair.probe import LOOP, SEEN, instrumented
from rnn_jax.verify.repair.shifts import Shift, by, one_moved, put, unmoved
from rnn_jax.verify.repair.tree import located, replaced
from rnn_jax.verify.repair.trial import Trial, short
from rnn_jax.verify.subject import Values, evaluate_loss

# Equations that have a solution are solved to about the square root of float64's rounding, 1.5e-8, as their condition
# may be the inverse of it; those of another fault are off by the size of what is missing.
SOLVED = 1e-7
SOME = 8  # equations, of which the time of all is told


class Forcing:
    """The user's code with a hand on every expression."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._active = -1
        self._count = 0
        self._shift: Shift = lambda k, value: value
        self._kept: list[np.ndarray] | None = None
        self._watched: dict[int, list[np.ndarray]] | None = None

    @cached_property
    def _made(self) -> tuple[dict[Spot, ast.stmt], list[Site]]:
        return instrumented(self.trial.live, self.trial.live.spots)

    @property
    def sites(self) -> list[Site]:
        """All expressions."""
        return self._made[1]

    @cached_property
    def numbers(self) -> dict[Site, int]:
        """The number of each expression."""
        return {site: k for k, site in enumerate(self.sites)}

    @contextmanager
    def holding(self, site: Site, shift: Shift) -> Iterator[dict[Spot, ast.stmt]]:
        """Code with a probe at one site alone, which moves its values; it is quicker than one with all of them."""
        live = self.trial.live
        node = live.node(site)
        probe = ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(0), node], [])
        self._active, self._count, self._shift = 0, 0, shift
        setattr(builtins, SEEN, self._seen)
        try:
            yield {site.spot: replaced(live.statement(site.spot), site.path, located(probe, node))}
        finally:
            delattr(builtins, SEEN)

    @contextmanager
    def at_work(self) -> Iterator[Forcing]:
        """The code with probes everywhere, in the place of the user's."""
        setattr(builtins, SEEN, self._seen)
        setattr(builtins, LOOP, lambda *_: None)
        try:
            with self.trial.live.changed(self._made[0]):
                yield self
        finally:
            delattr(builtins, SEEN)
            delattr(builtins, LOOP)

    def values_with(self, healing: Healing) -> dict[Site, list[np.ndarray]]:
        """What each expression gives while a healed one gives what it should."""
        watched: dict[int, list[np.ndarray]] = defaultdict(list)
        self._active, self._watched = self.numbers[healing.site], watched
        try:
            with self.at_work(), self.trial.patient():
                self.gradients(by(healing.shifts))
        finally:
            self._watched = None
        return {self.sites[number]: values for number, values in watched.items()}

    def _seen(self, number: int, value: Any) -> Any:
        if (
            self._watched is not None
            and isinstance(value, np.ndarray | float | int | np.number)
            and np.isrealobj(value)
        ):
            self._watched[number].append(np.array(value, float))
        if number != self._active or not isinstance(value, np.ndarray | float | np.floating):
            return value
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return value
        if self._kept is not None:
            self._kept.append(np.array(array))
        self._count += 1
        moved = self._shift(self._count - 1, array)
        if moved is array:
            return moved
        # A copy: the program may write into it, and what was handed out may be the recording itself.
        return np.array(moved) if isinstance(value, np.ndarray) else moved[()]

    def gradients(self, shift: Shift) -> Values | None:
        """The gradients with the held site's values moved; None where the program fails so."""
        trial = self.trial
        self._count, self._shift = 0, shift
        try:
            with short(trial.bench, trial.limit):
                return trial.gradients()
        except (Exception, OverdueError):
            return None

    def kept(self, shift: Shift) -> tuple[Values | None, list[np.ndarray]]:
        """The same, with what the site itself gave."""
        values: list[np.ndarray] = []
        self._kept = values
        try:
            return self.gradients(shift), values
        finally:
            self._kept = None

    def loss_of_active(self, shift: Shift) -> float:
        """The loss with the held site's values moved."""
        trial = self.trial
        self._count, self._shift = 0, shift
        try:
            with short(trial.bench, trial.limit):
                return evaluate_loss(trial.bench.subject, trial.made.setting)
        except (Exception, OverdueError):
            return float("nan")

    def reach(self, site: Site, rng: np.random.Generator) -> Reach:
        """Which gradients change where the site's values do, and whether the loss does."""
        self._active = self.numbers[site]
        return self.reach_of_active(rng)

    def reach_held(self, site: Site, rng: np.random.Generator) -> Reach:
        """The same of one site alone, without probes at the others."""
        try:
            with self.holding(site, unmoved) as held, self.trial.live.changed(held):
                return self.reach_of_active(rng)
        except ValueError:  # code that cannot take the place of a closure's
            return Reach(frozenset(), False)

    def reach_of_active(self, rng: np.random.Generator) -> Reach:
        """What hangs on the site whose probe is at work."""

        def moved(k: int, value: np.ndarray) -> np.ndarray:
            size = float(np.sqrt(np.mean(value**2))) if value.size else 0.0
            return value + rng.normal(size=value.shape) * (0.1 * size or 0.1)

        found = self.gradients(moved)
        now = self.trial.made.manual
        if found is None:
            return Reach(frozenset(), False)
        changed = self.changed(found)
        wrong = frozenset(self.trial.right_entries)
        if self.trial.few is not None and changed > wrong:
            # What is 0 in the run for one entry, a factor would leave so.
            scaled = self.gradients(lambda k, value: value * (1 + 0.1 * rng.normal(size=value.shape)))
            if scaled is not None and self.changed(scaled) == wrong:
                found, changed = scaled, wrong
        # Not the recording's loss: `sum` rounds floats otherwise from Python 3.12 on, which a recording does not.
        loss = self.loss_of_active(moved) != self.loss_of_active(unmoved) if changed else False
        right = self.trial.right_entries
        covers = all(np.all((found[n] != now[n]) | right[n]) for n in right)
        beyond = any(np.any((found[n] != now[n]) & right[n]) for n in right)
        if beyond:  # what is 0 by itself, as of padded steps, a wrong factor would leave so
            scaled = self.gradients(lambda k, value: value * (1 + 0.1 * rng.normal(size=value.shape)))
            moving = scaled is not None and any(np.any(scaled[n] != now[n]) for n in right)
            beyond = not moving or any(np.any((scaled[n] != now[n]) & right[n]) for n in right)  # type: ignore[index]
        return Reach(changed, loss, beyond, covers)

    def changed(self, found: Values) -> frozenset[str]:
        """Which gradients are not what they are as it stands; but for those that are left for later."""
        now, left = self.trial.made.manual, self.trial.left
        return frozenset(n for n, g in found.items() if n not in left and not np.array_equal(g, now[n], equal_nan=True))

    def heal(self, site: Site, wrong: frozenset[str], seconds: float, partly: bool = False) -> Healing | None:
        """The values with which the gradients in `wrong` come out right, or most of them, where there are any."""
        with self.holding(site, unmoved) as held, self.trial.live.changed(held):
            copied, present = self.kept(lambda k, value: np.array(value))
            before = self.trial.wrong(self.trial.made.manual)
            if not sum(v.size for v in present) or copied is None or self.trial.wrong(copied) != before:
                return None  # what is written to later must not be a copy
            names = sorted(wrong)
            now, right = flat(copied, names), flat(self.trial.made.wanted, names)
            moved = self.slopes(present, names, now, seconds)
            if moved is None or not np.all(np.isfinite(right - now)):
                return None
            slopes, response = moved
            rows = np.ones(len(now), bool)
            if partly:
                sizes = [self.trial.made.wanted[n].size for n in names]
                rows = solvable(slopes, right - now, np.repeat(np.arange(len(names)), sizes))
            slopes, missing = slopes[rows], (right - now)[rows]
            solved = solution(slopes, missing, 1e-11)
            if solved is None:
                return None
            ends = np.cumsum([v.size for v in present])[:-1]
            shifts = [part.reshape(v.shape) for part, v in zip(np.split(solved, ends), present, strict=True)]
            found = Healing(site, present, shifts, 0, frozenset(), slopes, missing)
            if response is not None:
                by_value = np.linalg.solve(np.eye(len(response)) + response.T, slopes.T).T
                goal = missing + by_value @ np.concatenate([v.ravel() for v in present])
                found = found._replace(by_value=by_value, goal=goal)
            return self.outcome(found, wrong)

    def forced(self, found: Healing, values: list[np.ndarray]) -> Healing | None:
        """The same when the site gives just these values; None where those heal less."""
        return next(self.forced_by(found, [values], lambda: False), None)

    def forced_by(
        self, found: Healing, several: Iterable[list[np.ndarray]], over: Callable[[], bool]
    ) -> Iterator[Healing]:
        """The same when the site gives some of several values, or a multiple where the gradients are one of the loss's.

        That is so where the mean is taken at the very end.
        """
        with self.holding(found.site, unmoved) as held, self.trial.live.changed(held):
            names, nothing = sorted(found.healed), self.given([np.zeros_like(v) for v in found.present])
            right = flat(self.trial.made.wanted, names)
            for values in several:
                given = self.given(values)
                if given is not None and not self.healed_by(given, found.healed):
                    share = multiple(given, nothing, names, right)
                    values = [share * v for v in values]
                    given = self.given(values) if share else None
                if given is not None and self.healed_by(given, found.healed):
                    _, raw = self.kept(put(values))
                    shifts = [value - own for value, own in zip(values, raw, strict=True)]
                    healing = self.outcome(found._replace(shifts=shifts), found.healed)
                    if healing is not None:
                        yield healing
                if over():
                    return

    def moved_by(
        self, found: Healing, several: Iterable[list[np.ndarray]], over: Callable[[], bool]
    ) -> Iterator[Healing]:
        """The same when the site's values are moved by some of several."""
        with self.holding(found.site, unmoved) as held, self.trial.live.changed(held):
            for shifts in several:
                healing = self.outcome(found._replace(shifts=shifts), found.healed)
                if healing is not None and healing.healed == found.healed:
                    yield healing
                if over():
                    return

    def given(self, values: list[np.ndarray]) -> Values | None:
        """The gradients when the held site gives these values; None where it gives others in number or shape."""
        found, raw = self.kept(put(values))
        return found if [v.shape for v in raw] == [v.shape for v in values] else None

    def healed_by(self, given: Values, names: frozenset[str]) -> bool:
        """Whether these gradients are right."""
        return all(close(given[n], self.trial.made.wanted[n], self.trial, n) for n in names)

    def outcome(self, found: Healing, wrong: frozenset[str]) -> Healing | None:
        """The healing as it turns out when the held site's values are moved so; None where nothing is healed."""
        forced, raw = self.kept(by(found.shifts))
        if forced is None or len(raw) != len(found.shifts):
            return None
        healed = frozenset(n for n in wrong if close(forced[n], self.trial.made.wanted[n], self.trial, n))
        if not healed:
            return None
        scale = max((float(np.max(np.abs(v), initial=0.0)) for v in (*raw, *found.shifts)), default=0.0)
        moved = (k for k, s in enumerate(found.shifts) if np.max(np.abs(s), initial=0.0) > 1e-9 * scale)
        return found._replace(present=raw, first=next(moved, 0), healed=healed)

    def slopes(
        self, present: list[np.ndarray], names: list[str], now: np.ndarray, seconds: float
    ) -> tuple[np.ndarray, np.ndarray | None] | None:
        """D all gradients / d shifts of all values of the held site, and d what it gives later on / d these.

        None where it takes too long; the second is None where the site gives more values, or fewer, when it is moved.
        """
        start, entries = time.perf_counter(), sum(v.size for v in present)
        columns: list[np.ndarray] = []
        later: list[np.ndarray] = []
        for k, value in enumerate(present):
            size = float(np.sqrt(np.mean(value.astype(float) ** 2))) or 1.0
            for entry in range(value.size):
                moved, raw = self.kept(one_moved(k, entry, size))
                taken = time.perf_counter() - start
                # What cannot come to an end in this time is not gone on with.
                if moved is None or taken > seconds * min(1.0, 2 * max(len(columns), SOME) / entries):
                    return None
                columns.append((flat(moved, names) - now) / size)
                if [v.shape for v in raw] == [v.shape for v in present]:
                    later.append(np.concatenate([(r - v).ravel() / size for r, v in zip(raw, present, strict=True)]))
        found = np.stack(columns, axis=1)
        response = np.stack(later, axis=1) if len(later) == len(columns) else None
        if response is not None and not np.all(np.isfinite(response)):
            response = None
        return (found, response) if np.all(np.isfinite(found)) else None


def multiple(given: Values, nothing: Values | None, names: list[str], right: np.ndarray) -> float:
    """Times what number the values would have to be taken that give these gradients; 0 where no number will do."""
    if nothing is None:
        return 0.0
    base = flat(nothing, names)
    change, wanted = flat(given, names) - base, right - base
    size = float(change @ change)
    if np.count_nonzero(change) < 2:  # one number is a multiple of any other
        return 0.0
    share = float(change @ wanted) / size
    return share if np.linalg.norm(share * change - wanted) <= SOLVED * np.linalg.norm(wanted) else 0.0


def solvable(slopes: np.ndarray, missing: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The equations of as many gradients as can be solved together: of all of them but one or two, if need be."""
    owners = sorted(set(owner.tolist()))
    for without in (c for count in range(min(3, len(owners))) for c in itertools.combinations(owners, count)):
        rows = ~np.isin(owner, without)
        solved = solution(slopes[rows], missing[rows], 1e-11)
        if solved is not None and np.linalg.norm(slopes[rows] @ solved - missing[rows]) <= SOLVED * np.linalg.norm(
            missing[rows]
        ):
            return np.asarray(rows)
    return np.ones(len(owner), bool)


def flat(values: Values, names: list[str]) -> np.ndarray:
    """All gradients in one row."""
    return np.concatenate([np.ravel(values[n]).astype(float) for n in names])


def close(found: np.ndarray, right: np.ndarray, trial: Trial, name: str) -> bool:
    """Whether a gradient is right, as far as a solution of equations can tell: a millionth, or the noise."""
    return bool(norm(found - right) <= max(1e-6 * norm(right), TOLERANCE * trial.made.truth.noise[name]))
