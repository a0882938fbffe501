"""How far the results of a program move when nothing changes but rounding.

The program is run once more in the other precision, at inputs that are moved by one eps of float32: the difference
is what rounding does to it in float32, every intermediate and every cancellation counted, and in float64 it is
smaller by the ratio of the two eps. (To move the inputs alone is not enough: where small logits leave softmax
nearly uniform, what they lose in rounding is far less than what the exponentials lose.)
"""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np

from rnn_jax.verify.autodiff import Values
from rnn_jax.verify.points import Point, cast, with_arrays

EPS = {dtype: float(np.finfo(dtype).eps) for dtype in ("float64", "float32")}
OTHER = {"float64": "float32", "float32": "float64"}


def jitter(point: Point, rng: np.random.Generator) -> Point:
    """The point with every real number moved by one eps of float32, up or down at random; zeros stay."""

    def move(array: np.ndarray) -> np.ndarray:
        if not np.issubdtype(array.dtype, np.inexact):
            return array
        return (array * (1 + rng.choice([-1, 1], array.shape) * EPS["float32"])).astype(array.dtype)

    moved = {name: move(array) for name, array in point.differentiable.items()}
    # One-hot rows stay one-hot, and a target is data that no program rounds; a cotangent is a number like another.
    y = move(point.y) if point.shape.loss == "linear" else point.y
    return replace(with_arrays(point, moved), y=y, dfinal=jax.tree.map(move, point.dfinal))


def measure(
    differentiate: Callable[[Point], Values], point: Point, values: Values, rng: np.random.Generator, draws: int
) -> dict[str, float]:
    """The rounding noise of every output and gradient: an absolute norm, by name; infinite where none can be told.

    The largest of several draws, and at least one rounding of the result itself. A fault in the program is the same
    in both precisions and cancels; were it not, it would count for 2e-9 of itself in float64, which hides nothing.
    """
    dtype = point.shape.dtype
    here = everything(values)
    noise = {name: EPS[dtype] * norm(array) for name, array in here.items()}
    for _ in range(draws):
        there = everything(differentiate(cast(jitter(point, rng), OTHER[dtype])))
        for name, array in here.items():
            change = norm(array.astype(np.float64) - there[name]) if array.shape == there[name].shape else np.inf
            noise[name] = max(noise[name], change * EPS[dtype] / EPS["float32"]) if np.isfinite(change) else np.inf
    return noise


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
