"""The simple recurrent layer, in row vectors and time-major batches, and BPTT through it.

Goodfellow, Bengio, Courville, Deep Learning, section 10.2.2 (their columns are rows here).

With gains in its parameters it is layer-normalised, with noise it drops and keeps: NOTATION.md, sections N, Q and Z.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool

from reference.arrays import Inexact
from reference.checks import require_known
from reference.inputs import Input, project, project_backward
from reference.layer_norm import Normed, at, gain_gradient, normed, normed_backward, together
from reference.noise import SILENCE, Noise, dropped, fitted, zoned, zoned_backward
from reference.parameters import Gradients, Norm, Params, State, check_gradients, check_layer, result_type, total_bias

Activation = Literal["tanh", "relu"]


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass."""

    x: Input
    a: Inexact[np.ndarray, "T B H"]
    h: Inexact[np.ndarray, "T+1 B H"]  # h[-1], the last row, is the initial state: h[t-1] holds at t = 0
    mask: Bool[np.ndarray, "T B"]
    noise: Noise
    xn: Normed | None
    hn: Normed | None


def forward(
    p: Params,
    x: Input,
    state0: State,
    mask: Bool[np.ndarray, "T B"],
    noise: Noise = SILENCE,
    activation: Activation = "tanh",
) -> tuple[Inexact[np.ndarray, "T B H"], State, Cache]:
    """Hidden states (T, B, H), the final state, and the cache; where the mask is off the state stays.

    Raises InputError where shapes or indices do not fit.
    """
    check_layer(p, x, state0, mask, gates=1)
    require_known("activation", activation, ("tanh", "relu"))
    (T, B), H = x.shape[:2], p.W.shape[0]
    noise = fitted(noise, (T, B, H))
    a = np.empty((T, B, H), result_type(p, x, state0))
    h = np.empty((T + 1, B, H), a.dtype)
    h[-1] = state0.h
    # N4  xn[t], x_sigma[t] = norm(xU[t])
    # N5  xU[t] = gx * xn[t]
    xU, xn = normed(project(x, p.U), p.norm.gx)
    hn: list[Normed | None] = []
    bias = total_bias(p)
    for t in range(T):
        m = mask[t][:, None]
        # Q1  hq[t] = h[t-1] * kh
        hq = dropped(h[t - 1], noise.kh)
        # Q2  hW[t] = hq[t] @ W
        # N6  hn[t], h_sigma[t] = norm(hW[t])
        # N7  hW[t] = gh * hn[t]
        hW, kept = normed(hq @ p.W, p.norm.gh)
        hn.append(kept)
        # R1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # Q3  a[t] = xU[t] + hW[t] + b + bh
        a[t] = xU[t] + hW + bias
        # R2  h[t] = tanh(a[t])
        # R3  h[t] = relu(a[t])
        h_t = np.tanh(a[t]) if activation == "tanh" else np.where(a[t].real > 0, a[t], 0)
        # Z1  h[t] = zh[t] * h[t-1] + (1 - zh[t]) * h[t]
        h_t = zoned(h_t, h[t - 1], noise.zh, t)
        # M1  h[t] = where(m[t], h[t], h[t-1])
        h[t] = np.where(m, h_t, h[t - 1])
    return h[:-1], State(h[T - 1]), Cache(x, a, h, mask, noise, xn, together(hn))


def backward(
    p: Params,
    cache: Cache,
    dh_out: Inexact[np.ndarray, "T B H"],
    dfinal: State,
    activation: Activation = "tanh",
) -> Gradients:
    """Gradients from those of the hidden states, dh_out (T, B, H), and of the final state."""
    x, a, h, mask, noise, xn, hn = cache
    check_gradients(h, dh_out, dfinal)
    da = np.empty_like(a)
    dW, db = np.zeros(p.W.shape, da.dtype), np.zeros(p.b.shape, da.dtype)
    dh_next = dfinal.h
    for t in reversed(range(len(a))):
        m = mask[t][:, None]
        # R4  dh[t] = dh_out[t] + dh_next
        dh = dh_out[t] + dh_next
        # Z5  dh_kept, dh[t] = dh[t] * zh[t], dh[t] * (1 - zh[t])
        dh_kept, dh = zoned_backward(dh, noise.zh, t)
        # R2  h[t] = tanh(a[t])
        # R5  da[t] = dh[t] * (1 - h[t]**2)
        # Z7  da[t] = dh[t] * (1 - tanh(a[t])**2)
        # R3  h[t] = relu(a[t])
        # R6  da[t] = dh[t] * (a[t] > 0)
        da_t = dh * (1 - np.tanh(a[t]) ** 2 if activation == "tanh" else a[t] > 0)
        # M2  da[t] = where(m[t], da[t], 0)
        da[t] = np.where(m, da_t, 0)
        # Q7  dhW = da[t]
        # N14 dhW = norm_back(gh * dhW, hn[t], h_sigma[t])
        dhW = normed_backward(da[t], p.norm.gh, at(hn, t))
        # R1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # R7  dW += h[t-1].T @ da[t]
        # Q9  dW += hq[t].T @ dhW
        dW += dropped(h[t - 1], noise.kh).T @ dhW
        # R8  db += da[t].sum(0)
        db += da[t].sum(0)
        # R9  dh_next = da[t] @ W.T
        # Q10 dh_next = dhW @ W.T * kh
        # M3  dh_next = where(m[t], dh_next, dh[t])
        # Z11 dh_next = dh_next + dh_kept
        dh_next = np.where(m, dropped(dhW @ p.W.T, noise.kh), dh) + dh_kept
    # N13 dgh += (dhW * hn[t]).sum(0)
    # N15 dgx += (da[t] * xn[t]).sum(0)
    norm = Norm(gain_gradient(da, xn), gain_gradient(da, hn))
    # N16 da[t] = norm_back(gx * da[t], xn[t], x_sigma[t])
    dU, dx = project_backward(x, p.U, normed_backward(da, p.norm.gx, xn))
    dbh = None if p.bh is None else db.copy()
    return Gradients(Params(dU, dW, db, dbh, norm), dx, State(dh_next))
