"""How far the results of a program lie from what they would be without rounding.

The program is run once more in a higher precision, at inputs moved by one eps: the difference is what its own
rounding does, every intermediate and every cancellation counted, and what that of its inputs does. (To move the
inputs alone is not enough: where small logits leave softmax nearly uniform, what they lose in rounding is far less
than what the exponentials lose. Nor is a run in a lower precision: where tanh saturates, it loses everything.)
"""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np

from rnn_jax.verify.autodiff import Values
from rnn_jax.verify.points import Point, cast, with_arrays
from rnn_jax.verify.shaken import shaken

HIGHER = {"float32": "float64", "float64": "longdouble"}

# On some machines NumPy's longdouble is no more than a float64. There float32 has to serve, the change scaled down.
EXTENDED = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps)


def jitter(point: Point, eps: float, rng: np.random.Generator) -> Point:
    """The point with every real number moved by eps of itself, up or down at random; zeros stay."""

    def move(array: np.ndarray) -> np.ndarray:
        if not np.issubdtype(array.dtype, np.inexact):
            return array
        return (array * (1 + rng.choice([-1, 1], array.shape) * eps)).astype(array.dtype)

    moved = {name: move(array) for name, array in point.differentiable.items()}
    # One-hot rows stay one-hot, and a target is data that no program rounds; a cotangent is a number like another.
    y = move(point.y) if point.shape.loss == "linear" else point.y
    return replace(with_arrays(point, moved), y=y, dfinal=jax.tree.map(move, point.dfinal))


def measure(
    differentiate: Callable[[Point], Values], point: Point, values: Values, rng: np.random.Generator, draws: int
) -> dict[str, float]:
    """The rounding noise of every output and gradient: an absolute norm, by name; infinite where none can be told.

    The largest of several draws, and at least one rounding of the result itself. A fault in the program is the same in
    both precisions and cancels, so it cannot widen what it is allowed.
    """
    dtype = point.shape.dtype
    eps = float(np.finfo(dtype).eps)
    here = everything(values)
    noise = {name: eps * norm(array) for name, array in here.items()}
    for _ in range(draws):
        if dtype == "float64" and not EXTENDED:
            there = everything(differentiate(cast(jitter(point, float(np.finfo("float32").eps), rng), "float32")))
            ratio = eps / float(np.finfo("float32").eps)
        else:
            there = everything(differentiate(jitter(cast(point, HIGHER[dtype]), eps, rng)))
            ratio = 1.0
        for name, array in here.items():
            noise[name] = max(noise[name], ratio * distance(array, there[name], lost=ratio < 1))
    return noise


def measure_harder(
    differentiate: Callable[[Point], Values], point: Point, values: Values, rng: np.random.Generator, draws: int
) -> dict[str, float]:
    """The same with what elementary functions lose that are good to one eps only.

    At least eps² of the largest gradient: a gate that is good to eps may be shut to 0 or to 1e-200,
    which no precision of the same program shows.
    """
    here = everything(values)
    norms = [norm(array) for array in values.gradients.values()]
    floor = float(np.finfo(point.shape.dtype).eps) ** 2 * max((n for n in norms if np.isfinite(n)), default=0.0)
    measured = measure(differentiate, point, values, rng, draws)
    noise = {name: max(level, floor) for name, level in measured.items()}
    for _ in range(draws):
        with shaken(rng):
            there = everything(differentiate(point))
        noise = {name: max(level, distance(here[name], there[name], lost=False)) for name, level in noise.items()}
    return noise


def distance(array: np.ndarray, other: np.ndarray, lost: bool) -> float:
    """The norm of the difference, infinite where it tells nothing, as with `lost` one of the array's own size does."""
    if array.shape != other.shape:
        return np.inf
    change = norm(array - other)
    return change if np.isfinite(change) and not (lost and change > 0.1 * norm(array)) else np.inf


FORWARD = "forward "  # no array of the model is called so: a gradient and an output of one name stay apart


def is_forward(name: str) -> bool:
    """Whether the name in `everything` is the loss or an output, not a gradient."""
    return name.startswith(FORWARD)


def everything(values: Values) -> dict[str, np.ndarray]:
    """Loss, outputs and gradients in one dictionary."""
    forward = {"loss": np.asarray(values.loss)} | values.outputs
    return {FORWARD + name: array for name, array in forward.items()} | values.gradients


def norm(array: np.ndarray) -> float:
    """The Euclidean norm of all entries, scaled so that squares neither overflow nor vanish."""
    top = float(np.max(np.abs(array), initial=0.0))
    if not (np.isfinite(top) and top > 0):
        return top
    return top * float(np.linalg.norm(np.ravel(array) / top))
