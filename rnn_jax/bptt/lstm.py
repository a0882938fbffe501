"""The LSTM with a forget gate, gates in the order i, f, g, o."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float

from rnn_jax.arrays import Array
from rnn_jax.bptt.common import Factor, How, Steps, before, kept, silent, weight_gradient


def scale(H: int, dtype: Any) -> Float[Array, " 4H"]:
    """What makes a tanh of the sigmoids' arguments; powers of two, so that nothing is rounded."""
    return jnp.repeat(jnp.array([0.5, 0.5, 1.0, 0.5], dtype), H)


@partial(jax.custom_vjp, nondiff_argnums=(5,))
def lstm(
    a: Float[Array, "T B 4H"],
    W: Float[Array, "H 4H"],
    h0: Float[Array, "B H"],
    s0: Float[Array, "B H"],
    mask: Bool[Array, "T B"] | None,
    how: How,
) -> tuple[Steps, Float[Array, "B H"], Float[Array, "B H"]]:
    """The hidden states, and the last h and s, from what the input and the biases give (L1 to L5)."""
    return forward(a, W, h0, s0, mask, how)[0]


def forward(a: Array, W: Array, h0: Array, s0: Array, mask: Array | None, how: How) -> Any:
    """The states, and what the way back needs."""
    halves = scale(W.shape[0], a.dtype)
    recurrent = Factor.of(W * halves, how)

    def step(state: tuple[Array, Array], inputs: tuple[Array, Array | None]) -> Any:
        h, s = state
        a, m = inputs
        # L1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # L2  a_i, a_f, a_g, a_o = split(a[t], 4)
        u_i, u_f, g, u_o = map(jnp.tanh, jnp.split(a * halves + recurrent.after(h), 4, axis=-1))
        # L3  i[t], f[t], g[t], o[t] = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
        i, f, o = 0.5 + 0.5 * u_i, 0.5 + 0.5 * u_f, 0.5 + 0.5 * u_o
        # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
        v = f * s + i * g
        # L5  h[t] = o[t] * tanh(s[t])
        # M1  h[t] = where(m[t], h[t], h[t-1])
        # M4  s[t] = where(m[t], s[t], s[t-1])
        new = kept(m, o * jnp.tanh(v), h), kept(m, v, s)
        return new, (new[0], (s, i, f, g, o))

    (last, s_last), (h, inner) = lax.scan(step, (h0, s0), (a, mask), reverse=how.reverse)
    return (h, last, s_last), (h, inner, W, h0, mask)


def backward(how: How, residuals: Any, cotangents: tuple[Array, Array, Array]) -> Any:
    """The gradients of a, W, h0 and s0 (L6 to L13, L15, L16)."""
    h, inner, W, h0, mask = residuals
    dh_out, dh_last, ds_last = cotangents
    back = Factor.of(W.T, how)

    def step(carried: tuple[Array, Array], inputs: Any) -> Any:
        dh_next, ds_next = carried
        dh_out, (s_before, i, f, g, o), m = inputs
        # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
        # Computed again with its tanh, which costs no more than to load it.
        w = jnp.tanh(f * s_before + i * g)
        # L6  dh[t] = dh_out[t] + dh_next
        dh = dh_out + dh_next
        # L7  do = dh[t] * tanh(s[t])
        # L8  ds[t] = ds_next + dh[t] * o[t] * (1 - tanh(s[t])**2)
        ds = ds_next + dh * o * (1 - w**2)
        # L9  di, df, dg = ds[t] * g[t], ds[t] * s[t-1], ds[t] * i[t]
        # L10  da_i, da_f = di * i[t] * (1 - i[t]), df * f[t] * (1 - f[t])
        da_i, da_f = ds * g * i * (1 - i), ds * s_before * f * (1 - f)
        # L11  da_g, da_o = dg * (1 - g[t]**2), do * o[t] * (1 - o[t])
        da_g, da_o = ds * i * (1 - g**2), dh * w * o * (1 - o)
        # L12  da[t] = join(da_i, da_f, da_g, da_o)
        # M2   da[t] = where(m[t], da[t], 0)
        da = silent(m, jnp.concatenate([da_i, da_f, da_g, da_o], axis=-1))
        # L15  dh_next = da[t] @ W.T
        # M3   dh_next = where(m[t], dh_next, dh[t])
        # L16  ds_prev = ds[t] * f[t]
        # M5   ds_next = where(m[t], ds_prev, ds_next)
        return (kept(m, back.after(da), dh), kept(m, ds * f, ds_next)), da

    (dh0, ds0), da = lax.scan(step, (dh_last, ds_last), (dh_out, inner, mask), reverse=not how.reverse)
    # L13  dW += h[t-1].T @ da[t]
    return da, weight_gradient(before(h, h0, how.reverse), da, how.half), dh0, ds0, None


lstm.defvjp(forward, backward)
