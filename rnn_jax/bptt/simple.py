"""The simple tanh layer."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float

from rnn_jax.arrays import Array
from rnn_jax.bptt.common import Factor, How, Steps, before, kept, silent, weight_gradient


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def rnn(
    a: Steps, W: Float[Array, "H H"], h0: Float[Array, "B H"], mask: Bool[Array, "T B"] | None, how: How
) -> tuple[Steps, Float[Array, "B H"]]:
    """The hidden states, and the last one, from what the input and the biases give (R1, R2)."""
    return forward(a, W, h0, mask, how)[0]


def forward(a: Array, W: Array, h0: Array, mask: Array | None, how: How) -> Any:
    """The states, and what the way back needs."""
    recurrent = Factor.of(W, how)

    def step(h: Array, inputs: tuple[Array, Array | None]) -> tuple[Array, Array]:
        a, m = inputs
        # R1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # R2  h[t] = tanh(a[t])
        new = kept(m, jnp.tanh(a + recurrent.after(h)), h)
        return new, new

    last, h = lax.scan(step, h0, (a, mask), reverse=how.reverse)
    return (h, last), (h, W, h0, mask)


def backward(how: How, residuals: Any, cotangents: tuple[Array, Array]) -> Any:
    """The gradients of a, W and h0 (R4, R5, R7, R9)."""
    h, W, h0, mask = residuals
    dh_out, dh_last = cotangents
    back = Factor.of(W.T, how)

    def step(dh_next: Array, inputs: Any) -> tuple[Array, Array]:
        dh_out, h, m = inputs
        # R4  dh[t] = dh_out[t] + dh_next
        dh = dh_out + dh_next
        # R5  da[t] = dh[t] * (1 - h[t]**2)
        # M2  da[t] = where(m[t], da[t], 0)
        da = silent(m, dh * (1 - h**2))
        # R9  dh_next = da[t] @ W.T
        # M3  dh_next = where(m[t], dh_next, dh[t])
        return kept(m, back.after(da), dh), da

    dh0, da = lax.scan(step, dh_last, (dh_out, h, mask), reverse=not how.reverse)
    # R7  dW += h[t-1].T @ da[t]
    return da, weight_gradient(before(h, h0, how.reverse), da, how.half), dh0, None


rnn.defvjp(forward, backward)
