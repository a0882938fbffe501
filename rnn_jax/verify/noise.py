"""How far a gradient moves when nothing changes but rounding."""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np

from rnn_jax.verify.autodiff import Values
from rnn_jax.verify.points import Point, with_arrays


def jitter(point: Point, rng: np.random.Generator) -> Point:
    """The point with every real number moved by one eps of itself, up or down at random; zeros stay."""

    def move(array: np.ndarray) -> np.ndarray:
        if not np.issubdtype(array.dtype, np.inexact):
            return array
        return array * (1 + rng.choice([-1, 1], array.shape) * np.finfo(array.dtype).eps).astype(array.dtype)

    moved = {name: move(array) for name, array in point.differentiable.items()}
    # One-hot rows stay one-hot, and a target is data that no program rounds; a cotangent is a number like another.
    y = move(point.y) if point.shape.loss == "linear" else point.y
    return replace(with_arrays(point, moved), y=y, dfinal=jax.tree.map(move, point.dfinal))


def measure(
    differentiate: Callable[[Point], Values], point: Point, values: Values, rng: np.random.Generator, draws: int
) -> dict[str, float]:
    """The rounding noise of every output and gradient: an absolute norm, by name.

    The largest change over `draws` jittered points, and at least one rounding of the result itself.
    """
    eps = float(np.finfo(point.shape.dtype).eps)
    here = everything(values)
    noise = {name: eps * norm(array) for name, array in here.items()}
    for _ in range(draws):
        for name, array in everything(differentiate(jitter(point, rng))).items():
            noise[name] = max(noise[name], norm(array - here[name]))
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
