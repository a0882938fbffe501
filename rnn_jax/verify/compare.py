"""Two gradients of one loss: do they agree to rounding?"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from reference.differences import complex_step
from rnn_jax.verify.noise import norm
from rnn_jax.verify.points import Point, cast, with_arrays
from rnn_jax.verify.report import Comparison, Opinion, Verdict

# A gradient by hand and one by autodiff each round on their own. The noise is what ONE ulp (two units of
# rounding u) of every input does; it reaches each result along the same paths that later roundings take, but the
# programs round in between as well: a step of the LSTM makes about 16 roundings between h[t-1] and h[t] and as
# many on the way back, of u each where NumPy adds or multiplies and up to 2u in XLA's tanh, and two programs do
# so. Roundings are independent: 2 programs * sqrt(32) * 1.5u / 2u = 8.5 times the noise at one standard
# deviation of the rarest alignment, and a sum over T*B steps is rounded at every partial sum. 32 leaves a margin
# of about 4 on that, and is six orders of magnitude below the smallest common fault (float32 accumulators, 1.7e-7).
TOLERANCE = 32.0

# A comparison that would let this much through says nothing: float32 accumulators inside a float64 program
# (1.7e-7) must not hide, and in a float32 program neither must a factor wrong by one in a hundred.
BLIND = {"float64": 1e-8, "float32": 1e-3}


def compare(name: str, manual: np.ndarray, autodiff: np.ndarray, noise: float, dtype: str) -> Comparison:
    """The verdict on one array, from the absolute norm of its rounding noise."""
    manual, autodiff = np.asarray(manual), np.asarray(autodiff)
    if manual.shape != autodiff.shape:
        note = f"has shape {manual.shape}, autodiff's has {autodiff.shape}"
        return Comparison(name, Verdict.FAIL, math.inf, math.inf, math.inf, norm(autodiff), note=note)
    if manual.dtype != autodiff.dtype:
        note = f"has dtype {manual.dtype}, autodiff's has {autodiff.dtype}"
        return Comparison(name, Verdict.FAIL, math.inf, math.inf, math.inf, norm(autodiff), note=note)
    for whose, array in (("manual", manual), ("autodiff", autodiff)):
        if not np.all(np.isfinite(array)):
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            note = f"{whose} is {array[at]} at {at}"
            return Comparison(name, Verdict.FAIL, math.inf, math.inf, math.inf, norm(autodiff), note=note)
    manual, autodiff = manual.astype(np.float64), autodiff.astype(np.float64)
    difference, size = norm(manual - autodiff), norm(autodiff)
    scale = size or 1.0
    multiple = 0.0 if difference == 0 else difference / noise if noise else math.inf
    allowed = TOLERANCE * noise
    if multiple > TOLERANCE:
        verdict = Verdict.FAIL
    elif allowed > BLIND[dtype] * size and max(size, norm(manual)) > allowed:
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.PASS  # also where both are zero to rounding
    worst = np.unravel_index(int(np.argmax(np.abs(manual - autodiff))), manual.shape) if manual.size else ()
    at = tuple(int(i) for i in worst)
    return Comparison(
        *(name, verdict, difference / scale, noise / scale, multiple, size),
        worst=at,
        manual=float(manual[at]),
        autodiff=float(autodiff[at]),
        factor=fit(manual, autodiff, allowed) if verdict is Verdict.FAIL else None,
    )


def fit(manual: np.ndarray, autodiff: np.ndarray, allowed: float) -> float | None:
    """The number that manual is autodiff times of, if there is one; 0 and 1 tell nothing."""
    size = norm(autodiff)
    if manual.size < 2 or size == 0:
        return None
    factor = float(np.vdot(autodiff / size, manual / size))
    same = norm(manual - factor * autodiff) <= allowed * max(1.0, abs(factor))
    return factor if same and abs(factor) > allowed / size else None


def third_opinion(
    loss: Callable[[Point], Any],
    point: Point,
    name: str,
    manual: np.ndarray,
    autodiff: np.ndarray,
    noise: float,
    rng: np.random.Generator,
) -> Opinion:
    """Whom the complex step sides with, along a random direction, or where the two differ along the difference.

    It evaluates the hand-written forward alone, in complex128, so a fault in either gradient cannot reach it.
    """
    manual, autodiff = np.asarray(manual, np.float64), np.asarray(autodiff, np.float64)
    apart = norm(manual - autodiff) > TOLERANCE * noise
    direction = manual - autodiff if apart else rng.normal(size=autodiff.shape)
    direction = direction / norm(direction)
    wide = cast(point, "float64")

    def along(array: np.ndarray) -> Any:
        return loss(with_arrays(wide, {name: array}))

    slope = complex_step(along, wide.differentiable[name], direction)
    # The direction has norm 1, so an error of the gradient's norm bounds that of the slope; where the two gradients
    # differ, whoever is right is nearer by far more than this.
    allowed = TOLERANCE * noise
    sides = [abs(slope - float(np.sum(g * direction))) <= allowed for g in (manual, autodiff)]
    return {
        (True, True): Opinion.BOTH,
        (False, True): Opinion.AUTODIFF,
        (True, False): Opinion.MANUAL,
        (False, False): Opinion.NEITHER,
    }[sides[0], sides[1]]
