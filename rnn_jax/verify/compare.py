"""Whether two gradients of one loss agree to rounding."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from reference.differences import complex_step
from rnn_jax.verify.noise import FORWARD, norm
from rnn_jax.verify.points import Point, cast, with_arrays
from rnn_jax.verify.report import Comparison, Opinion, Verdict

# The noise is what rounding does to one of the two programs; the other rounds on its own, so the two part by √2 of it
# in the mean square, by somewhat more where XLA's tanh is coarser than NumPy's. Beyond 16, eleven such deviations, lies
# at most a single number whose noise happened to be small in every draw: by Monte Carlo, one such number in 13,000
# with four draws, and then 18 more are made. Measured: 8.9 at most in 200,000 comparisons (benchmarks/noise.py). The
# smallest common fault, accumulators in float32, is 1.7e-7: four to eight powers of ten beyond.
TOLERANCE = 16.0

# A comparison that would let so much pass says nothing: a truncation at 40 steps (5e-11) must not hide inside a float64
# program, and inside a float32 program neither must a tenth of a gradient.
BLIND = {"float64": 5e-11, "float32": 1e-1}


def compare(
    name: str, manual: np.ndarray, autodiff: np.ndarray, noise: float, dtype: str, reach: float = 0.0
) -> Comparison:
    """The verdict on one array, from the absolute norm of its rounding noise.

    `reach` is the norm of the largest gradient at the point: beside it one may be zero to rounding.
    """
    manual, autodiff = np.asarray(manual), np.asarray(autodiff)
    if manual.shape != autodiff.shape:
        return unlike(name, autodiff, f"has shape {manual.shape}, autodiff's has {autodiff.shape}")
    if manual.dtype != autodiff.dtype:
        return unlike(name, autodiff, f"has dtype {manual.dtype}, autodiff's has {autodiff.dtype}")
    for whose, array in (("by hand", manual), ("by autodiff", autodiff)):
        if not np.all(np.isfinite(array)):
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            return unlike(name, autodiff, f"is {array[place]} {whose} at {place}")
    manual, autodiff = manual.astype(np.float64), autodiff.astype(np.float64)
    difference, size = norm(manual - autodiff), norm(autodiff)
    scale = size or 1.0
    multiple = 0.0 if difference == 0 else difference / noise if noise else math.inf
    allowed = TOLERANCE * noise
    zero = size <= allowed <= BLIND[dtype] * reach
    if multiple > TOLERANCE:
        verdict = Verdict.FAIL
    elif allowed > BLIND[dtype] * size and name != FORWARD + "loss" and not zero:
        # A loss may cancel: the logits it is made of are compared beside it.
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.PASS
    at: tuple[int, ...] | None = None
    if manual.size:
        at = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(manual - autodiff))), manual.shape))
    return Comparison(
        *(name, verdict, difference / scale, noise / scale, multiple, size),
        worst=at,
        manual=None if at is None else float(manual[at]),
        autodiff=None if at is None else float(autodiff[at]),
        zero=verdict is Verdict.PASS and (zero or size == 0),
        factor=fit(manual, autodiff, allowed) if verdict is Verdict.FAIL else None,
    )


def unlike(name: str, autodiff: np.ndarray, note: str) -> Comparison:
    """The verdict on an array that cannot even be subtracted."""
    return Comparison(name, Verdict.FAIL, math.inf, math.inf, math.inf, norm(autodiff), note=note)


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
    reach: float,
    rng: np.random.Generator,
) -> Opinion:
    """Whom the complex step sides with, along a random direction, or where the two differ along the difference.

    `noise` is that of this gradient, `reach` the norm of the largest at the point.

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
    # The direction has norm 1, so what a gradient may be off by bounds what its slope may be off by. The noise is that
    # of the gradient by hand; where that is the wrong one, the right one may have more, but then the two lie far
    # apart: a millionth of the difference decides.
    eps = float(np.finfo(point.shape.dtype).eps)
    # Where the two agree on next to nothing, the slope is good to the rounding of what it is the sum of.
    rounding = max(noise, eps * (max(norm(manual), norm(autodiff)) if apart else reach))
    allowed = max(TOLERANCE * rounding, 1e-6 * norm(manual - autodiff))
    sides = [abs(slope - float(np.sum(g * direction))) <= allowed for g in (manual, autodiff)]
    return {
        (True, True): Opinion.BOTH,
        (False, True): Opinion.AUTODIFF,
        (True, False): Opinion.MANUAL,
        (False, False): Opinion.NEITHER,
    }[sides[0], sides[1]]
