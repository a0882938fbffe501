"""The third opinion on a gradient: derivatives along a line, from values of the function alone.

Complex step: Squire, Trapp, Using Complex Variables to Estimate Derivatives of Real Functions (1998);
it subtracts nothing, so it is good to rounding, but the function must be analytic and keep complex numbers.
Five-point differences ask for neither, and reach about 1e-11.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from reference.arrays import Inexact

Function = Callable[[np.ndarray], Any]  # a scalar, real for real input
Line = Callable[[Function, np.ndarray, np.ndarray], float]

# Any step whose square vanishes beside 1 will do; this one also stays far from the smallest number there is.
COMPLEX_STEP = 1e-30

# The error of the formula falls with step**4, that of rounding grows with 1/step: they meet near eps**(1/5).
FIVE_POINT_STEP = 2.0**-10


def complex_step(f: Function, x: Inexact[np.ndarray, "*shape"], direction: Inexact[np.ndarray, "*shape"]) -> float:
    """The derivative of the scalar f at x along `direction`, good to rounding.

    Raises ComplexWarning where f drops an imaginary part, which would make the answer silently wrong.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        # D1  slope = f(x + 1j * step * v).imag / step
        return float(np.imag(f(x + 1j * COMPLEX_STEP * direction))) / COMPLEX_STEP


def five_point(f: Function, x: Float[np.ndarray, "*shape"], direction: Float[np.ndarray, "*shape"]) -> float:
    """The derivative of the scalar f at x along `direction`, by central differences of fourth order."""
    step = FIVE_POINT_STEP
    # D2  slope = (8 * (f(x + step * v) - f(x - step * v)) - (f(x + 2 * step * v) - f(x - 2 * step * v))) / (12 * step)
    near = f(x + step * direction) - f(x - step * direction)
    far = f(x + 2 * step * direction) - f(x - 2 * step * direction)
    return float((8 * near - far) / (12 * step))


def gradient(f: Function, x: Float[np.ndarray, "*shape"], along: Line = complex_step) -> np.ndarray:
    """The gradient of the scalar f at x, one entry at a time; has the shape of x."""
    slopes = []
    for entry in range(x.size):
        direction = np.zeros(x.size, x.dtype)
        direction[entry] = 1
        slopes.append(along(f, x, direction.reshape(x.shape)))
    return np.array(slopes).reshape(x.shape)
