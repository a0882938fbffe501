"""The proven backward pass as the fast path: recurrences whose gradient is the one by hand, as jax.custom_vjp.

Each takes the pre-activations that do not hang on the state, all steps at once, and gives the states. Three things make
it faster than autodiff of a scan: the gradient of W is one large product after the loop and not one small one in each
step; all gates of a step go through one tanh, for sigmoid(a) = (1 + tanh(a / 2)) / 2, the halves folded into W and the
input; and the loop back multiplies with a transpose that is made once.

Reverse mode, and what is made of it again, works; forward mode does not: `plan="plain"` of model.forward has that.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float

from rnn_jax.arrays import Array
from rnn_jax.cells import Params, State
from rnn_jax.products import halving, product

Steps = Float[Array, "T B H"]


def run(
    cell: str, p: Params, xU: Float[Array, "T B GH"], state0: State, mask: Bool[Array, "T B"] | None, reverse: bool
) -> tuple[State, Steps]:
    """The final state and the hidden states (T, B, H) of one layer, as model.scan_layer gives them."""
    how = How(reverse, halving())
    if cell == "lstm":
        assert state0.s is not None  # model.check has seen to it
        h, last, s = lstm(xU + total_bias(p), p.W, state0.h, state0.s, mask, how)
        return State(last, s), h
    if cell == "gru":
        H = p.W.shape[0]
        bh = jnp.zeros_like(p.b) if p.bh is None else p.bh
        # The part bh_n stays where r[t] scales it; the others may be added to the input's part.
        outside = p.b + jnp.where(jnp.arange(3 * H) < 2 * H, bh, 0)
        h, last = gru(xU + outside, p.W, bh[2 * H :], state0.h, mask, how)
        return State(last), h
    h, last = rnn(xU + total_bias(p), p.W, state0.h, mask, how)
    return State(last), h


CELLS = ("rnn", "lstm", "gru")


class How(NamedTuple):
    """What is known when a computation is written down: the direction of time, and the precision of products."""

    reverse: bool
    half: bool


def total_bias(p: Params) -> Float[Array, " GH"]:
    """What both biases add up to."""
    return p.b if p.bh is None else p.b + p.bh


def kept(mask: Array | None, new: Array, old: Array) -> Array:
    """Where the mask is off the old one (M1, M4, and back M3, M5)."""
    return new if mask is None else jnp.where(mask[:, None], new, old)


def before(h: Steps, h0: Float[Array, "B H"], reverse: bool) -> Steps:
    """The state before each step: h[t-1]."""
    return jnp.concatenate([h[1:], h0[None]] if reverse else [h0[None], h[:-1]])


def weight_gradient(h: Steps, da: Float[Array, "T B GH"], half: bool) -> Float[Array, "H GH"]:
    """The sum over all steps of h[t-1].T @ da[t], in one product."""
    T, B, H = h.shape
    return product(h.reshape(T * B, H).T, da.reshape(T * B, -1), half)


# ---- the simple layer ----


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def rnn(
    a: Steps, W: Float[Array, "H H"], h0: Float[Array, "B H"], mask: Bool[Array, "T B"] | None, how: How
) -> tuple[Steps, Float[Array, "B H"]]:
    """The hidden states, and the last one, from what the input and the biases give (R1, R2)."""
    return rnn_forward(a, W, h0, mask, how)[0]


def rnn_forward(a: Steps, W: Array, h0: Array, mask: Array | None, how: How) -> Any:
    """The states, and what the way back needs."""

    def step(h: Array, inputs: tuple[Array, Array | None]) -> tuple[Array, Array]:
        a, m = inputs
        # R1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # R2  h[t] = tanh(a[t])
        new = kept(m, jnp.tanh(a + product(h, W, how.half)), h)
        return new, new

    last, h = lax.scan(step, h0, (a, mask), reverse=how.reverse)
    return (h, last), (h, W, h0, mask)


def rnn_backward(how: How, residuals: Any, cotangents: tuple[Array, Array]) -> Any:
    """The gradients of a, W and h0 (R4, R5, R7, R9)."""
    h, W, h0, mask = residuals
    dh_out, dh_last = cotangents
    back = W.T

    def step(dh_next: Array, inputs: Any) -> tuple[Array, Array]:
        dh_out, h, m = inputs
        # R4  dh[t] = dh_out[t] + dh_next
        dh = dh_out + dh_next
        # R5  da[t] = dh[t] * (1 - h[t]**2)
        # M2  da[t] = where(m[t], da[t], 0)
        da = kept(m, dh * (1 - h**2), jnp.zeros_like(dh))
        # R9  dh_next = da[t] @ W.T
        # M3  dh_next = where(m[t], dh_next, dh[t])
        return kept(m, product(da, back, how.half), dh), da

    dh0, da = lax.scan(step, dh_last, (dh_out, h, mask), reverse=not how.reverse)
    # R7  dW += h[t-1].T @ da[t]
    return da, weight_gradient(before(h, h0, how.reverse), da, how.half), dh0, None


rnn.defvjp(rnn_forward, rnn_backward)


# ---- the LSTM ----


def lstm_scale(H: int, dtype: Any) -> Float[Array, " 4H"]:
    """What folds the halves of the three sigmoids into one tanh; powers of two, so that nothing is rounded."""
    return jnp.repeat(jnp.array([0.5, 0.5, 1.0, 0.5], dtype), H)


class Gates(NamedTuple):
    """The LSTM's gates of a step, and the slope of each by its half pre-activation, or the candidate's by its whole."""

    i: Array
    f: Array
    g: Array
    o: Array

    @classmethod
    def of(cls, u: Float[Array, "B 4H"]) -> "Gates":
        """From the one tanh of all (L3)."""
        u_i, u_f, u_g, u_o = jnp.split(u, 4, axis=-1)
        # L3  i[t], f[t], g[t], o[t] = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
        return cls(0.5 + 0.5 * u_i, 0.5 + 0.5 * u_f, u_g, 0.5 + 0.5 * u_o)


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
    return lstm_forward(a, W, h0, s0, mask, how)[0]


def lstm_forward(a: Array, W: Array, h0: Array, s0: Array, mask: Array | None, how: How) -> Any:
    """The states, and what the way back needs."""
    scale = lstm_scale(W.shape[0], a.dtype)
    halved = W * scale

    def step(state: tuple[Array, Array], inputs: tuple[Array, Array | None]) -> Any:
        h, s = state
        a, m = inputs
        # L1  a[t] = xU[t] + h[t-1] @ W + b + bh
        u = jnp.tanh(a * scale + product(h, halved, how.half))
        i, f, g, o = Gates.of(u)
        # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
        # M4  s[t] = where(m[t], s[t], s[t-1])
        v = f * s + i * g
        w = jnp.tanh(v)
        # L5  h[t] = o[t] * tanh(s[t])
        # M1  h[t] = where(m[t], h[t], h[t-1])
        new = kept(m, o * w, h), kept(m, v, s)
        return new, (*new, u, w)

    (last, s_last), (h, s, u, w) = lax.scan(step, (h0, s0), (a, mask), reverse=how.reverse)
    return (h, last, s_last), (h, s, u, w, W, h0, s0, mask)


def lstm_backward(how: How, residuals: Any, cotangents: tuple[Array, Array, Array]) -> Any:
    """The gradients of a, W, h0 and s0 (L6 to L13, L15, L16)."""
    h, s, u, w, W, h0, s0, mask = residuals
    dh_out, dh_last, ds_last = cotangents
    scale = lstm_scale(W.shape[0], dh_out.dtype)
    back = (W * scale).T

    def step(carried: tuple[Array, Array], inputs: Any) -> Any:
        dh_next, ds_next = carried
        dh_out, s_before, u, w, m = inputs
        i, f, g, o = Gates.of(u)
        # L6  dh[t] = dh_out[t] + dh_next
        dh = dh_out + dh_next
        # L8  ds[t] = ds_next + dh[t] * o[t] * (1 - tanh(s[t])**2)
        ds = ds_next + dh * o * (1 - w**2)
        # L7  do = dh[t] * tanh(s[t])
        # L9  di, df, dg = ds[t] * g[t], ds[t] * s[t-1], ds[t] * i[t]
        # The gradient of the argument of the one tanh: half of that of a gate, for i = (1 + u_i) / 2.
        du = jnp.concatenate([0.5 * (ds * g), 0.5 * (ds * s_before), ds * i, 0.5 * (dh * w)], axis=-1)
        dz = du * (1 - u**2)
        dz = dz if m is None else jnp.where(m[:, None], dz, 0)
        # L15  dh_next = da[t] @ W.T
        # L16  ds_prev = ds[t] * f[t]
        # M5   ds_next = where(m[t], ds_prev, ds_next)
        return (kept(m, product(dz, back, how.half), dh), kept(m, ds * f, ds_next)), dz

    inputs = dh_out, before(s, s0, how.reverse), u, w, mask
    (dh0, ds0), dz = lax.scan(step, (dh_last, ds_last), inputs, reverse=not how.reverse)
    da = dz * scale
    # L13  dW += h[t-1].T @ da[t]
    return da, weight_gradient(before(h, h0, how.reverse), da, how.half), dh0, ds0, None


lstm.defvjp(lstm_forward, lstm_backward)


# ---- the GRU, reset after the product ----


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
    return gru_forward(x, W, bh_n, h0, mask, how)[0]


def gru_forward(x: Array, W: Array, bh_n: Array, h0: Array, mask: Array | None, how: How) -> Any:
    """The states, and what the way back needs."""
    H = W.shape[0]

    def step(h: Array, inputs: tuple[Array, Array | None]) -> Any:
        x, m = inputs
        # G2  h_r, h_z, h_n[t] = split(h[t-1] @ W + bh, 3)
        hW = product(h, W, how.half)
        # G3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        u = jnp.tanh(0.5 * (x[:, : 2 * H] + hW[:, : 2 * H]))
        r, z = jnp.split(0.5 + 0.5 * u, 2, axis=-1)
        h_n = hW[:, 2 * H :] + bh_n
        # G4  n[t] = tanh(x_n + r[t] * h_n[t])
        n = jnp.tanh(x[:, 2 * H :] + r * h_n)
        # G5  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
        # M1  h[t] = where(m[t], h[t], h[t-1])
        new = kept(m, n + z * (h - n), h)
        return new, (new, r, z, n, h_n)

    last, (h, *gates) = lax.scan(step, h0, (x, mask), reverse=how.reverse)
    return (h, last), (h, tuple(gates), W, h0, mask)


def gru_backward(how: How, residuals: Any, cotangents: tuple[Array, Array]) -> Any:
    """The gradients of x, W, bh_n and h0 (G6 to G14, G16)."""
    h, gates, W, h0, mask = residuals
    dh_out, dh_last = cotangents
    back, earlier = W.T, before(h, h0, how.reverse)

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
        dq = jnp.concatenate([da_r, da_z, da_n * r], axis=-1)
        dq = dq if m is None else jnp.where(m[:, None], dq, 0)
        # M2  da[t] = where(m[t], da[t], 0)
        da_n = da_n if m is None else jnp.where(m[:, None], da_n, 0)
        # G16  dh_next = dq @ W.T + dh[t] * z[t]
        # M3   dh_next = where(m[t], dh_next, dh[t])
        return kept(m, product(dq, back, how.half) + dh * z, dh), (dq, da_n)

    dh0, (dq, da_n) = lax.scan(step, dh_last, (dh_out, earlier, gates, mask), reverse=not how.reverse)
    H = W.shape[0]
    # G11  da[t] = join(da_r, da_z, da_n)
    da = jnp.concatenate([dq[..., : 2 * H], da_n], axis=-1)
    # G13  dW += h[t-1].T @ dq
    # G14  dbh += dq.sum(0)
    return da, weight_gradient(earlier, dq, how.half), dq[..., 2 * H :].sum((0, 1)), dh0, None


gru.defvjp(gru_forward, gru_backward)
