"""Whether a fault shows in a case: every gradient that it makes wrong is clearly wrong there, every other one right."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field, replace

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify import truth
from rnn_jax.verify.adjoints import Jitter
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.judge import Bench, Judgement, failing, judge
from rnn_jax.verify.noise import norm
from rnn_jax.verify.subject import (
    Setting,
    Subject,
    Values,
    evaluate_gradients,
    evaluate_loss,
    evaluate_twice,
    record,
)

CLEAR = 1e-3  # a relative error that nobody takes for rounding
LOUD = 1e6  # times the noise: where an error is smaller than CLEAR from the start, as float32's is
QUIET = 100  # times the noise, of one draw: no fault
SLOPE = 1e-5  # a central difference is good to this
STEP = 1e-4


class OverError(Exception):
    """The time is up."""


@dataclass
class Fault:
    """The wrong parameters, and how to see that they are wrong.

    calls: 2 where the first call is right and the second is not. quick: the error is so large that differences of the
    loss show it, for which nothing has to be compiled.
    """

    bench: Bench
    names: tuple[str, ...]
    calls: int
    quick: bool
    until: float
    tried: int = 0
    directions: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def shows(self, subject: Subject, setting: Setting, exact: bool = False) -> bool:
        """Whether it shows at these values. Raises OverError when the time is up."""
        if time.perf_counter() > self.until:
            raise OverError
        self.tried += 1
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                manual = by_hand(self.bench, subject, setting, self.calls)
                if self.quick and not exact:
                    return self._by_slopes(subject, setting, manual)
                return self._by_autodiff(subject, setting, manual)
        except Exception:  # sizes or values that the program was not made for
            return False

    def _by_slopes(self, subject: Subject, setting: Setting, manual: Values) -> bool:
        """Each gradient against the loss's slope in a random direction."""
        values = parameters(subject, setting)
        if set(values) != set(manual) or not np.isfinite(evaluate_loss(subject, setting)):
            return False
        for name, value in values.items():
            direction = self.directions.normal(size=value.shape)
            ends = [setting.parameters | {name: value + sign * STEP * direction} for sign in (1, -1)]
            up, down = (evaluate_loss(subject, replace(setting, parameters=end)) for end in ends)
            slope, told = (up - down) / (2 * STEP), float(np.vdot(manual[name], direction))
            off, size = abs(slope - told), max(abs(slope), abs(told))
            right = off <= SLOPE * size + 1e-9 * abs(up)
            if not (off > CLEAR * size and not right if name in self.names else right):
                return False
        return True

    def _by_autodiff(self, subject: Subject, setting: Setting, manual: Values) -> bool:
        """Each gradient against JAX's, in units of the noise of one draw."""
        made = record(subject, setting)
        if truth.corners_of(made) or truth.kinks_of(made.recorder.tape):
            return False  # there nobody is accused
        gradients = truth.differentiate(made)
        jitter = Jitter.of(made.recorder.tape, np.random.default_rng(2), self.bench.eps)
        moved = truth.differentiate(made, jitter)
        wanted = self.bench.declared.apply(gradients, made, manual, [])
        reach = max((norm(g) for g in wanted.values()), default=0.0)
        for name, gradient in wanted.items():
            size = norm(gradient)
            noise = max(self.bench.eps * size, norm(moved[name] - gradients[name]))
            off = norm(manual[name] - gradient)
            if name in self.names:
                enough = off > (CLEAR * (size or reach) if self.quick else 0) and off > loud(self.bench) * noise
            else:
                enough = off <= QUIET * noise
            if not (np.isfinite(off) and enough):
                return False
        return True

    def judged(self, subject: Subject, setting: Setting) -> Judgement | None:
        """The full judgement of the case, where it too finds these parameters wrong and no others."""
        bench = replace(self.bench, subject=subject, terms=[])
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = judge(bench, "smallest", setting, parameters(subject, setting))
        except Exception:
            return None
        return made if not made.doubt and set(failing(made)) == set(self.names) else None


def loud(bench: Bench) -> float:
    """By how many times the noise an error has to exceed it; in float32 there is no room for LOUD."""
    return LOUD if bench.dtype == "float64" else QUIET


def of(bench: Bench, made: Judgement, names: tuple[str, ...], seconds: float) -> Fault | None:
    """The fault that a judgement tells of; None for a state that calls carry along, which no single call shows."""
    wrong = failing(made)
    notes = " ".join(made.compared[name].note for name in wrong)
    if not wrong or "whose state is another" in notes:
        return None
    calls = 2 if "off by" in notes and "at the second" in notes else 1
    large = all(made.compared[n].error > CLEAR for n in wrong)
    simple = bench.declared == Declared(lr=bench.declared.lr) and bench.dtype == "float64"
    kept = tuple(n for n in names if n in wrong) if not set(names) <= set(wrong) else names
    return Fault(bench, kept or tuple(wrong), calls, large and simple, time.perf_counter() + seconds)


def by_hand(bench: Bench, subject: Subject, setting: Setting, calls: int) -> Values:
    """The hand-written gradients of the first or the second call, the declared sign taken back."""
    if calls == 2:
        found = evaluate_twice(subject, setting, bench.loss_first).second
    else:
        found = evaluate_gradients(subject, setting, bench.loss_first)
    return {name: bench.declared.undo(gradient.astype(float)) for name, gradient in found.items()}


def parameters(subject: Subject, setting: Setting) -> Values:
    """The parameters' values in this setting."""
    own = {name: np.array(array) for name, array in subject.parameters().items()}
    wrong = [n for n, v in setting.parameters.items() if n not in own or own[n].shape != np.shape(v)]
    if wrong:
        raise InputError(f"{', '.join(wrong)}: other names or shapes than the program's")
    return own | setting.parameters
