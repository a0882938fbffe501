"""Other values in the place of one expression's: what hangs on it, and whether any values there would mend all.

Below a gradient by hand everything is linear in what is carried back. So the values that one expression would have to
give, for every gradient to come out right, are found by moving each of its entries once and solving the equations.
Where they have no solution, the fault does not lie there.
"""

from __future__ import annotations

import ast
import builtins
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.compare import TOLERANCE
from rnn_jax.verify.noise import norm
from rnn_jax.verify.program import OverdueError
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.probe import LOOP, SEEN, instrumented
from rnn_jax.verify.repair.trial import Trial, short
from rnn_jax.verify.subject import Values, evaluate_gradients, evaluate_loss

Shift = Callable[[int, np.ndarray], np.ndarray]  # of the how-manieth value, and the value


class Reach(NamedTuple):
    """What hangs on an expression: which gradients, and whether the loss does."""

    gradients: frozenset[str]
    loss: bool


class Healing(NamedTuple):
    """The values that an expression would have to give."""

    site: Site
    present: list[np.ndarray]  # what it gives where it has been moved before
    shifts: list[np.ndarray]  # what is to be added to that
    first: int  # the first of its values that is not what is wanted
    healed: frozenset[str]  # the gradients that come out right with them
    slopes: np.ndarray  # d all gradients / d all values
    missing: np.ndarray  # all gradients, right minus present


class Forcing:
    """The user's code with a hand on every expression."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.changes, self.sites = instrumented(trial.live, trial.live.spots)
        self.numbers = {site: k for k, site in enumerate(self.sites)}
        self._active = -1
        self._count = 0
        self._shift: Shift = lambda k, value: value
        self._kept: list[np.ndarray] | None = None

    @contextmanager
    def holding(self, site: Site, shifts: list[np.ndarray]) -> Iterator[Any]:
        """A probe for one site, to be put into code: it moves the site's values."""
        self._active, self._count, self._shift = 0, 0, by(shifts)
        setattr(builtins, SEEN, self._seen)
        try:
            yield lambda node: ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(0), node], [])
        finally:
            delattr(builtins, SEEN)

    def restart(self) -> None:
        """Count the site's values from the first again."""
        self._count = 0

    @contextmanager
    def at_work(self) -> Iterator[Forcing]:
        """The instrumented code in the place of the user's."""
        setattr(builtins, SEEN, self._seen)
        setattr(builtins, LOOP, lambda *_: None)
        try:
            with self.trial.live.changed(self.changes):
                yield self
        finally:
            delattr(builtins, SEEN)
            delattr(builtins, LOOP)

    def _seen(self, number: int, value: Any) -> Any:
        if number != self._active or not isinstance(value, np.ndarray | float | np.floating):
            return value
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return value
        if self._kept is not None:
            self._kept.append(np.array(array))
        self._count += 1
        moved = self._shift(self._count - 1, array)
        return moved if moved is array else moved if isinstance(value, np.ndarray) else moved[()]

    def gradients(self, site: Site | None, shift: Shift) -> Values | None:
        """The gradients with the site's values moved; None where the program fails so."""
        trial = self.trial
        self._active, self._count, self._shift = self.numbers.get(site, -1) if site else -1, 0, shift
        try:
            with short(trial.bench, trial.limit):
                found = evaluate_gradients(trial.bench.subject, trial.made.setting, trial.bench.loss_first)
                return {n: trial.bench.declared.undo(g) for n, g in found.items()}
        except (Exception, OverdueError):
            return None

    def values(self, site: Site) -> list[np.ndarray]:
        """What the site gives, each time."""
        self._kept = []
        try:
            self.gradients(site, lambda k, value: value)
            return self._kept
        finally:
            self._kept = None

    def loss(self, site: Site, shift: Shift) -> float:
        """The loss with the site's values moved."""
        trial = self.trial
        self._active, self._count, self._shift = self.numbers[site], 0, shift
        try:
            with short(trial.bench, trial.limit):
                return evaluate_loss(trial.bench.subject, trial.made.setting)
        except (Exception, OverdueError):
            return float("nan")

    def reach(self, site: Site, rng: np.random.Generator) -> Reach:
        """Which gradients change where the site's values do, and whether the loss does."""

        def moved(k: int, value: np.ndarray) -> np.ndarray:
            size = float(np.sqrt(np.mean(value**2))) if value.size else 0.0
            return value + rng.normal(size=value.shape) * (0.1 * size or 0.1)

        found = self.gradients(site, moved)
        now = self.trial.made.manual
        if found is None:
            return Reach(frozenset(), False)
        changed = frozenset(n for n, g in found.items() if not np.array_equal(g, now[n], equal_nan=True))
        loss = self.loss(site, moved) != self.trial.made.truth.recording.loss if changed else False
        return Reach(changed, loss)

    def heal(self, site: Site, wrong: frozenset[str], seconds: float) -> Healing | None:
        """The values with which the gradients in `wrong` come out right, where there are any."""
        present = self.values(site)
        total = sum(v.size for v in present)
        copied = self.gradients(site, lambda k, value: np.array(value))
        if not total or copied is None or self.trial.wrong(copied) != self.trial.wrong(self.trial.made.manual):
            return None  # what is written to later must not be a copy
        start = time.perf_counter()
        names = sorted(wrong)
        now = flat(copied, names)
        right = flat(self.trial.made.wanted, names)
        shifts = [np.zeros_like(v, dtype=float) for v in present]
        columns = []
        for k, value in enumerate(present):
            size = float(np.sqrt(np.mean(value.astype(float) ** 2))) or 1.0
            for entry in range(value.size):
                if time.perf_counter() - start > seconds:
                    return None
                moved = self.gradients(site, one_moved(k, entry, size))
                if moved is None:
                    return None
                columns.append((flat(moved, names) - now) / size)
        slopes = np.stack(columns, axis=1)
        if not np.all(np.isfinite(slopes)):
            return None
        solved = np.linalg.lstsq(slopes, right - now, rcond=1e-11)[0]
        at = 0
        for k, value in enumerate(present):
            shifts[k] = solved[at : at + value.size].reshape(value.shape)
            at += value.size
        raw: list[np.ndarray] = []
        self._kept = raw
        forced = self.gradients(site, by(shifts))
        self._kept = None
        if forced is None or len(raw) != len(shifts):
            return None
        healed = frozenset(n for n in wrong if close(forced[n], self.trial.made.wanted[n], self.trial, n))
        if not healed:
            return None
        scale = max((float(np.max(np.abs(v), initial=0.0)) for v in (*present, *shifts)), default=0.0)
        first = next((k for k, s in enumerate(shifts) if np.max(np.abs(s), initial=0.0) > 1e-9 * scale), 0)
        return Healing(site, raw, shifts, first, healed, slopes, right - now)


def by(shifts: list[np.ndarray]) -> Shift:
    """A shift by these."""
    return lambda k, value: value + shifts[k] if k < len(shifts) else value


def one_moved(which: int, entry: int, size: float) -> Shift:
    """A shift of one entry of one value."""

    def shift(k: int, value: np.ndarray) -> np.ndarray:
        if k != which:
            return value
        made = np.array(value)
        made.reshape(-1)[entry] += size
        return made

    return shift


def flat(values: Values, names: list[str]) -> np.ndarray:
    """All gradients in one row."""
    return np.concatenate([np.ravel(values[n]).astype(float) for n in names])


def close(found: np.ndarray, right: np.ndarray, trial: Trial, name: str) -> bool:
    """Whether a gradient is right, as far as a solution of equations can tell: a millionth, or the noise."""
    return bool(norm(found - right) <= max(1e-6 * norm(right), TOLERANCE * trial.made.truth.noise[name]))
