"""The GRU with the reset gate before the recurrent product, and BPTT through it.

Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), equations 5 to 8: the
candidate sees (r ⊙ h) W_n. Gates stand in the order r, z, n; z keeps the old state.
With noise it drops and keeps: NOTATION.md, sections Q and Z.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from reference.activations import sigmoid
from reference.arrays import Inexact
from reference.inputs import Input, project, project_backward
from reference.noise import SILENCE, Noise, dropped, fitted, zoned, zoned_backward
from reference.parameters import Gradients, Params, State, check_gradients, check_layer, result_type, total_bias


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass; row -1 of h is the initial state."""

    x: Input
    r: Inexact[np.ndarray, "T B H"]
    z: Inexact[np.ndarray, "T B H"]
    n: Inexact[np.ndarray, "T B H"]
    q: Inexact[np.ndarray, "T B H"]  # the state as the reset gate lets it through
    h: Inexact[np.ndarray, "T+1 B H"]
    mask: Bool[np.ndarray, "T B"]
    noise: Noise


def forward(
    p: Params, x: Input, state0: State, mask: Bool[np.ndarray, "T B"], noise: Noise = SILENCE
) -> tuple[Inexact[np.ndarray, "T B H"], State, Cache]:
    """Hidden states (T, B, H), the final state, and the cache; where the mask is off the state stays.

    Raises InputError where shapes or indices do not fit.
    """
    check_layer(p, x, state0, mask, gates=3)
    (T, B), H = x.shape[:2], p.W.shape[0]
    noise = fitted(noise, (T, B, H))
    h = np.empty((T + 1, B, H), result_type(p, x, state0))
    r, z, n, q = (np.empty((T, B, H), h.dtype) for _ in range(4))
    h[-1] = state0.h
    W_rz, W_n = p.W[:, : 2 * H], p.W[:, 2 * H :]
    xU = project(x, p.U)
    bias = total_bias(p)
    for t in range(T):
        m = mask[t][:, None]
        # B1  x_r, x_z, x_n = split(xU[t] + b + bh, 3)
        x_r, x_z, x_n = np.split(xU[t] + bias, 3, axis=-1)
        # Q1  hq[t] = h[t-1] * kh
        hq = dropped(h[t - 1], noise.kh)
        # B2  h_r, h_z = split(h[t-1] @ W_rz, 2)
        # Q5  h_r, h_z = split(hq[t] @ W_rz, 2)
        h_r, h_z = np.split(hq @ W_rz, 2, axis=-1)
        # B3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        # B4  q[t] = r[t] * h[t-1]
        # Q6  q[t] = r[t] * hq[t]
        q[t] = r[t] * hq
        # B5  n[t] = tanh(x_n + q[t] @ W_n)
        n[t] = np.tanh(x_n + q[t] @ W_n)
        # B6  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
        h_t = (1 - z[t]) * n[t] + z[t] * h[t - 1]
        # Z1  h[t] = zh[t] * h[t-1] + (1 - zh[t]) * h[t]
        h_t = zoned(h_t, h[t - 1], noise.zh, t)
        # M1  h[t] = where(m[t], h[t], h[t-1])
        h[t] = np.where(m, h_t, h[t - 1])
    return h[:-1], State(h[T - 1]), Cache(x, r, z, n, q, h, mask, noise)


def backward(p: Params, cache: Cache, dh_out: Inexact[np.ndarray, "T B H"], dfinal: State) -> Gradients:
    """Gradients from those of the hidden states, dh_out (T, B, H), and of the final state."""
    x, r, z, n, q, h, mask, noise = cache
    check_gradients(h, dh_out, dfinal)
    H = p.W.shape[0]
    W_rz, W_n = p.W[:, : 2 * H], p.W[:, 2 * H :]
    da = np.empty((*r.shape[:2], p.b.size), r.dtype)
    dW, db = np.zeros(p.W.shape, da.dtype), np.zeros(p.b.shape, da.dtype)
    dh_next = dfinal.h
    for t in reversed(range(len(r))):
        m = mask[t][:, None]
        # B7  dh[t] = dh_out[t] + dh_next
        dh = dh_out[t] + dh_next
        # Z5  dh_kept, dh[t] = dh[t] * zh[t], dh[t] * (1 - zh[t])
        dh_kept, dh = zoned_backward(dh, noise.zh, t)
        # B6  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
        # B8  dz, dn = dh[t] * (h[t-1] - n[t]), dh[t] * (1 - z[t])
        dz, dn = dh * (h[t - 1] - n[t]), dh * (1 - z[t])
        # B5  n[t] = tanh(x_n + q[t] @ W_n)
        # B9  da_n = dn * (1 - n[t]**2)
        da_n = dn * (1 - n[t] ** 2)
        # B10 dq = da_n @ W_n.T
        dq = da_n @ W_n.T
        # B4  q[t] = r[t] * h[t-1]
        # B11 dr = dq * h[t-1]
        # Q12 dr = dq * hq[t]
        hq = dropped(h[t - 1], noise.kh)
        dr = dq * hq
        # B3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        # B12 da_r, da_z = dr * r[t] * (1 - r[t]), dz * z[t] * (1 - z[t])
        da_r, da_z = dr * r[t] * (1 - r[t]), dz * z[t] * (1 - z[t])
        # B13 da[t] = join(da_r, da_z, da_n)
        # M2  da[t] = where(m[t], da[t], 0)
        da[t] = np.where(m, np.concatenate([da_r, da_z, da_n], axis=-1), 0)
        da_rz, da_n = da[t][:, : 2 * H], da[t][:, 2 * H :]
        # B2  h_r, h_z = split(h[t-1] @ W_rz, 2)
        # B14 dW_rz += h[t-1].T @ da[t][:, :2*H]
        # Q13 dW_rz += hq[t].T @ da[t][:, :2*H]
        dW[:, : 2 * H] += hq.T @ da_rz
        # B15 dW_n += q[t].T @ da[t][:, 2*H:]
        dW[:, 2 * H :] += q[t].T @ da_n
        # B1  x_r, x_z, x_n = split(xU[t] + b + bh, 3)
        # B16 db += da[t].sum(0)
        db += da[t].sum(0)
        # B17 dh_next = da[t][:, :2*H] @ W_rz.T + dq * r[t] + dh[t] * z[t]
        # Q14 dh_next = (da[t][:, :2*H] @ W_rz.T + dq * r[t]) * kh + dh[t] * z[t]
        # M3  dh_next = where(m[t], dh_next, dh[t])
        # Z11 dh_next = dh_next + dh_kept
        dh_next = np.where(m, dropped(da_rz @ W_rz.T + dq * r[t], noise.kh) + dh * z[t], dh) + dh_kept
    dU, dx = project_backward(x, p.U, da)
    dbh = None if p.bh is None else db.copy()
    return Gradients(Params(dU, dW, db, dbh), dx, State(dh_next))
