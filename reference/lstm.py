"""The LSTM with a forget gate, in row vectors and time-major batches, and BPTT through both its states.

Hochreiter, Schmidhuber, Long Short-Term Memory (1997); forget gate: Gers, Schmidhuber, Cummins,
Learning to Forget (2000). Gates stand in the order i, f, g, o; here o is a gate, not the logits.

With gains in its parameters it is layer-normalised, with noise it drops and keeps: NOTATION.md, sections N, Q and Z.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from reference.activations import sigmoid
from reference.arrays import Inexact
from reference.checks import InputError
from reference.inputs import Input, project, project_backward
from reference.layer_norm import Normed, at, gain_gradient, normed, normed_backward, together
from reference.noise import SILENCE, Noise, dropped, fitted, zoned, zoned_backward
from reference.parameters import Gradients, Norm, Params, State, check_gradients, check_layer, result_type, total_bias


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass; row -1 of h and s is the initial state."""

    x: Input
    a: Inexact[np.ndarray, "T B 4H"]
    i: Inexact[np.ndarray, "T B H"]
    f: Inexact[np.ndarray, "T B H"]
    g: Inexact[np.ndarray, "T B H"]
    o: Inexact[np.ndarray, "T B H"]
    v: Inexact[np.ndarray, "T B H"]  # the new cell state as the output gate finds it
    s: Inexact[np.ndarray, "T+1 B H"]
    h: Inexact[np.ndarray, "T+1 B H"]
    mask: Bool[np.ndarray, "T B"]
    noise: Noise
    xn: Normed | None
    hn: Normed | None
    sn: Normed | None


def forward(
    p: Params, x: Input, state0: State, mask: Bool[np.ndarray, "T B"], noise: Noise = SILENCE
) -> tuple[Inexact[np.ndarray, "T B H"], State, Cache]:
    """Hidden states (T, B, H), the final states h and s, and the cache; where the mask is off both stay.

    Raises InputError where shapes or indices do not fit.
    """
    check_layer(p, x, state0, mask, gates=4)
    if state0.s is None:
        raise InputError("the LSTM's initial state has s = None, but a cell state (B, H) is right")
    (T, B), H = x.shape[:2], p.W.shape[0]
    noise = fitted(noise, (T, B, H), has_cell_state=True)
    a = np.empty((T, B, 4 * H), result_type(p, x, state0))
    i, f, g, o, v = (np.empty((T, B, H), a.dtype) for _ in range(5))
    s, h = (np.empty((T + 1, B, H), a.dtype) for _ in range(2))
    s[-1], h[-1] = state0.s, state0.h
    # N4  xn[t], x_sigma[t] = norm(xU[t])
    # N5  xU[t] = gx * xn[t]
    xU, xn = normed(project(x, p.U), p.norm.gx)
    hn: list[Normed | None] = []
    sn: list[Normed | None] = []
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
        # L1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # Q3  a[t] = xU[t] + hW[t] + b + bh
        a[t] = xU[t] + hW + bias
        # L2  a_i, a_f, a_g, a_o = split(a[t], 4)
        a_i, a_f, a_g, a_o = np.split(a[t], 4, axis=-1)
        # L3  i[t], f[t], g[t], o[t] = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
        i[t], f[t], g[t], o[t] = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
        # Z2  v[t] = f[t] * s[t-1] + i[t] * g[t]
        v_t = f[t] * s[t - 1] + i[t] * g[t]
        # Z3  s[t] = zs[t] * s[t-1] + (1 - zs[t]) * v[t]
        s_t = zoned(v_t, s[t - 1], noise.zs, t)
        # N8  sn[t], s_sigma[t] = norm(v[t])
        # N9  v[t] = gs * sn[t] + bs
        v[t], kept = normed(v_t, p.norm.gs, 0.0 if p.norm.bs is None else p.norm.bs)
        sn.append(kept)
        # L5  h[t] = o[t] * tanh(s[t])
        # Z4  h[t] = o[t] * tanh(v[t])
        # Z1  h[t] = zh[t] * h[t-1] + (1 - zh[t]) * h[t]
        h_t = zoned(o[t] * np.tanh(v[t]), h[t - 1], noise.zh, t)
        # M1  h[t] = where(m[t], h[t], h[t-1])
        h[t] = np.where(m, h_t, h[t - 1])
        # M4  s[t] = where(m[t], s[t], s[t-1])
        s[t] = np.where(m, s_t, s[t - 1])
    return (
        h[:-1],
        State(h[T - 1], s[T - 1]),
        Cache(x, a, i, f, g, o, v, s, h, mask, noise, xn, together(hn), together(sn)),
    )


def backward(p: Params, cache: Cache, dh_out: Inexact[np.ndarray, "T B H"], dfinal: State) -> Gradients:
    """Gradients from those of the hidden states, dh_out (T, B, H), and of the final states h and s."""
    x, a, i, f, g, o, v, s, h, mask, noise, xn, hn, sn = cache
    check_gradients(h, dh_out, dfinal)
    da, dv = np.empty_like(a), np.empty_like(v)
    dW, db = np.zeros(p.W.shape, da.dtype), np.zeros(p.b.shape, da.dtype)
    if dfinal.s is None:
        raise InputError("dfinal has s = None, but the gradient of the final cell state (B, H) is right")
    dh_next, ds_next = dfinal.h, dfinal.s
    for t in reversed(range(len(a))):
        m = mask[t][:, None]
        # L6  dh[t] = dh_out[t] + dh_next
        dh = dh_out[t] + dh_next
        # Z5  dh_kept, dh[t] = dh[t] * zh[t], dh[t] * (1 - zh[t])
        dh_kept, dh = zoned_backward(dh, noise.zh, t)
        # Z6  ds_kept, ds_next = ds_next * zs[t], ds_next * (1 - zs[t])
        ds_kept, ds_next = zoned_backward(ds_next, noise.zs, t)
        # L5  h[t] = o[t] * tanh(s[t])
        # L7  do = dh[t] * tanh(s[t])
        # Z8  do = dh[t] * tanh(v[t])
        tanh_v = np.tanh(v[t])
        do = dh * tanh_v
        # Z9  dv = dh[t] * o[t] * (1 - tanh(v[t])**2)
        # M7  dv = where(m[t], dv, 0)
        dv[t] = np.where(m, dh * o[t] * (1 - tanh_v**2), 0)
        # L8  ds[t] = ds_next + dh[t] * o[t] * (1 - tanh(s[t])**2)
        # N12 dv = norm_back(gs * dv, sn[t], s_sigma[t])
        # Z10 ds[t] = ds_next + dv
        ds = ds_next + normed_backward(dv[t], p.norm.gs, at(sn, t))
        # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
        # L9  di, df, dg = ds[t] * g[t], ds[t] * s[t-1], ds[t] * i[t]
        di, df, dg = ds * g[t], ds * s[t - 1], ds * i[t]
        # L3  i[t], f[t], g[t], o[t] = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
        # L10 da_i, da_f = di * i[t] * (1 - i[t]), df * f[t] * (1 - f[t])
        da_i, da_f = di * i[t] * (1 - i[t]), df * f[t] * (1 - f[t])
        # L11 da_g, da_o = dg * (1 - g[t]**2), do * o[t] * (1 - o[t])
        da_g, da_o = dg * (1 - g[t] ** 2), do * o[t] * (1 - o[t])
        # L12 da[t] = join(da_i, da_f, da_g, da_o)
        # M2  da[t] = where(m[t], da[t], 0)
        da[t] = np.where(m, np.concatenate([da_i, da_f, da_g, da_o], axis=-1), 0)
        # Q7  dhW = da[t]
        # N14 dhW = norm_back(gh * dhW, hn[t], h_sigma[t])
        dhW = normed_backward(da[t], p.norm.gh, at(hn, t))
        # L1  a[t] = xU[t] + h[t-1] @ W + b + bh
        # L13 dW += h[t-1].T @ da[t]
        # Q9  dW += hq[t].T @ dhW
        dW += dropped(h[t - 1], noise.kh).T @ dhW
        # L14 db += da[t].sum(0)
        db += da[t].sum(0)
        # L15 dh_next = da[t] @ W.T
        # Q10 dh_next = dhW @ W.T * kh
        # M3  dh_next = where(m[t], dh_next, dh[t])
        # Z11 dh_next = dh_next + dh_kept
        dh_next = np.where(m, dropped(dhW @ p.W.T, noise.kh), dh) + dh_kept
        # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
        # L16 ds_prev = ds[t] * f[t]
        # M5  ds_next = where(m[t], ds_prev, ds_next)
        # Z12 ds_next = ds_next + ds_kept
        ds_next = np.where(m, ds * f[t], ds_next) + ds_kept
    # N10 dgs += (dv * sn[t]).sum(0)
    # N11 dbs += dv.sum(0)
    dbs = None if p.norm.bs is None else dv.sum((0, 1))
    # N13 dgh += (dhW * hn[t]).sum(0)
    # N15 dgx += (da[t] * xn[t]).sum(0)
    norm = Norm(gain_gradient(da, xn), gain_gradient(da, hn), gain_gradient(dv, sn), dbs)
    # N16 da[t] = norm_back(gx * da[t], xn[t], x_sigma[t])
    dU, dx = project_backward(x, p.U, normed_backward(da, p.norm.gx, xn))
    dbh = None if p.bh is None else db.copy()
    return Gradients(Params(dU, dW, db, dbh, norm), dx, State(dh_next, ds_next))
