"""The GRU with the reset gate after the recurrent product, gates in the order r, z, n."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float

from rnn_jax.arrays import Array
from rnn_jax.bptt.common import Factor, How, Steps, before, kept, silent, weight_gradient


@partial(jax.custom_vjp, nondiff_argnums=(5,))
def gru(
    x: Float[Array, "T B 3H"],
    W: Float[Array, "H 3H"],
    bh_n: Float[Array, " H"],
    h0: Float[Array, "B H"],
    mask: Bool[Array, "T B"] | None,
    how: How,
) -> tuple[Steps, Float[Array, "B H"]]:
    """The hidden states, and the last one, from what the input and the outer biases give (G1 to G5)."""
    return forward(x, W, bh_n, h0, mask, how)[0]


def forward(x: Array, W: Array, bh_n: Array, h0: Array, mask: Array | None, how: How) -> Any:
    """The states, and what the way back needs."""
    recurrent = Factor.of(W, how)

    def step(h: Array, inputs: tuple[Array, Array | None]) -> Any:
        x, m = inputs
        # G1  x_r, x_z, x_n = split(xU[t] + b, 3)
        x_r, x_z, x_n = jnp.split(x, 3, axis=-1)
        # G2  h_r, h_z, h_n[t] = split(h[t-1] @ W + bh, 3)
        h_r, h_z, h_n = jnp.split(recurrent.after(h), 3, axis=-1)
        h_n = h_n + bh_n
        # G3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        r, z = 0.5 + 0.5 * jnp.tanh(0.5 * (x_r + h_r)), 0.5 + 0.5 * jnp.tanh(0.5 * (x_z + h_z))
        # G4  n[t] = tanh(x_n + r[t] * h_n[t])
        n = jnp.tanh(x_n + r * h_n)
        # G5  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
        # M1  h[t] = where(m[t], h[t], h[t-1])
        new = kept(m, n + z * (h - n), h)
        return new, (new, (r, z, n, h_n))

    last, (h, gates) = lax.scan(step, h0, (x, mask), reverse=how.reverse)
    return (h, last), (h, gates, W, h0, mask)


def backward(how: How, residuals: Any, cotangents: tuple[Array, Array]) -> Any:
    """The gradients of x, W, bh_n and h0 (G6 to G14, G16)."""
    h, gates, W, h0, mask = residuals
    dh_out, dh_last = cotangents
    back, earlier = Factor.of(W.T, how), before(h, h0, how.reverse)

    def step(dh_next: Array, inputs: Any) -> Any:
        dh_out, h_before, (r, z, n, h_n), m = inputs
        # G6  dh[t] = dh_out[t] + dh_next
        dh = dh_out + dh_next
        # G7  dz, dn = dh[t] * (h[t-1] - n[t]), dh[t] * (1 - z[t])
        # G8  da_n = dn * (1 - n[t]**2)
        da_n = dh * (1 - z) * (1 - n**2)
        # G9  dr, dq_n = da_n * h_n[t], da_n * r[t]
        # G10  da_r, da_z = dr * r[t] * (1 - r[t]), dz * z[t] * (1 - z[t])
        da_r, da_z = da_n * h_n * r * (1 - r), dh * (h_before - n) * z * (1 - z)
        # G12  dq = join(da_r, da_z, dq_n)
        # M6   dq = where(m[t], dq, 0)
        dq = silent(m, jnp.concatenate([da_r, da_z, da_n * r], axis=-1))
        # M2  da[t] = where(m[t], da[t], 0)
        # G16  dh_next = dq @ W.T + dh[t] * z[t]
        # M3   dh_next = where(m[t], dh_next, dh[t])
        return kept(m, back.after(dq) + dh * z, dh), (dq, silent(m, da_n))

    dh0, (dq, da_n) = lax.scan(step, dh_last, (dh_out, earlier, gates, mask), reverse=not how.reverse)
    H = W.shape[0]
    # G11  da[t] = join(da_r, da_z, da_n)
    da = jnp.concatenate([dq[..., : 2 * H], da_n], axis=-1)
    # G13  dW += h[t-1].T @ dq
    # G14  dbh += dq.sum(0)
    return da, weight_gradient(earlier, dq, how.half), dq[..., 2 * H :].sum((0, 1)), dh0, None


gru.defvjp(forward, backward)
