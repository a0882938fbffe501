"""What each operation on the tape is in JAX.

Three kinds. Elementwise: a ufunc, whose local derivative at the recorded operands is a number per element. General:
any other function that computes, called as NumPy was, with the operands in place of its arrays. Cast: the same number
in another dtype. Their values are checked against NumPy's wherever they are used, so a wrong entry here shows at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

# NumPy's ufuncs whose namesake in jax.numpy is the same function.
_SAME = """
add subtract multiply divide floor_divide remainder power float_power negative positive absolute fabs sign
exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal
sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh hypot arctan2 deg2rad rad2deg degrees radians
maximum minimum fmax fmin logaddexp logaddexp2 heaviside copysign fmod
floor ceil rint trunc isfinite isnan isinf signbit conjugate
greater greater_equal less less_equal equal not_equal logical_and logical_or logical_xor logical_not
bitwise_and bitwise_or bitwise_xor invert
"""


def log1p(x: Any) -> Any:
    """log(1 + x): XLA's on the CPU is off by 120 eps near -0.414, where 1 + x rounds to no more than a few of them."""
    return jnp.where(jnp.abs(x) > 0.25, jnp.log(1 + x), jnp.log1p(x))


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    name: getattr(jnp, name) for name in _SAME.split() if hasattr(jnp, name)
} | {
    "log1p": log1p,
    "arctanh": lambda x: 0.5 * (log1p(x) - log1p(-x)),
    "clip": lambda x, low, high: jnp.minimum(jnp.maximum(x, low), high),
    # scipy.special
    "expit": jax.nn.sigmoid,
    "logit": lambda x: jnp.log(x / (1 - x)),
    "xlogy": jax.scipy.special.xlogy,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "log_ndtr": jax.scipy.special.log_ndtr,
    "entr": jax.scipy.special.entr,
}

# Those whose result jumps or stays: no derivative, or a derivative of 0 wherever there is one.
FLAT = set(
    """
    sign floor ceil rint trunc isfinite isnan isinf signbit floor_divide
    greater greater_equal less less_equal equal not_equal logical_and logical_or logical_xor logical_not
    bitwise_and bitwise_or bitwise_xor invert heaviside
    """.split()
)

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add.reduce": jnp.sum,
    "multiply.reduce": jnp.prod,
    "maximum.reduce": jnp.max,
    "minimum.reduce": jnp.min,
    "logical_and.reduce": jnp.all,
    "logical_or.reduce": jnp.any,
    "logaddexp.reduce": jax.scipy.special.logsumexp,
    "add.accumulate": jnp.cumsum,
    "multiply.accumulate": jnp.cumprod,
    "maximum.accumulate": lambda array, axis: jax.lax.cummax(array, axis),
    "minimum.accumulate": lambda array, axis: jax.lax.cummin(array, axis),
}

# Functions whose namesake in jax.numpy takes the same arguments.
_NAMESAKES = """
sinc matmul vecdot matvec vecmat dot inner outer vdot tensordot einsum kron cross trace
sum prod mean var std max min amax amin ptp cumsum cumprod cumulative_sum cumulative_prod
nansum nanprod nanmean nanmax nanmin diff ediff1d gradient convolve correlate interp average median nanmedian
cov corrcoef vander polyval trapezoid nan_to_num quantile percentile
linalg.norm linalg.inv linalg.solve linalg.det linalg.slogdet linalg.cholesky linalg.matrix_power linalg.multi_dot
linalg.pinv linalg.vector_norm linalg.matrix_norm linalg.outer linalg.trace linalg.tensordot linalg.vecdot
linalg.matmul linalg.cross linalg.eigh linalg.eigvalsh linalg.svdvals
"""


def namesake(name: str) -> Callable[..., Any]:
    """jnp.linalg.norm for linalg.norm."""
    module, _, function = name.rpartition(".")
    return getattr(getattr(jnp, module) if module else jnp, function, None) or getattr(jnp, function)


GENERAL: dict[str, Callable[..., Any]] = (
    {name: namesake(name) for name in _NAMESAKES.split()}
    | REDUCTIONS
    | {
        "scipy.special.logsumexp": jax.scipy.special.logsumexp,
        "scipy.special.softmax": jax.nn.softmax,
        "scipy.special.log_softmax": jax.nn.log_softmax,
    }
)

# Arguments that say how, and hold no numbers to compute with.
STATIC = set("axis axes axisa axisb axisc axis1 axis2 ord offset subscripts mode method".split())


class Slot(NamedTuple):
    """In the arguments of a general operation, the place of an operand."""

    number: int


def call(op: str, static: Any, operands: tuple[Any, ...]) -> Any:
    """Evaluate a general operation with JAX; `static` is (args, kwargs, output), operands standing as Slots."""
    args, kwargs, output = static

    def fill(argument: Any) -> Any:
        if isinstance(argument, Slot):
            return operands[argument.number]
        if isinstance(argument, tuple):
            return tuple(fill(each) for each in argument)
        return argument

    result = GENERAL[op](*fill(args), **{name: fill(value) for name, value in kwargs})
    return result if output is None else result[output]
