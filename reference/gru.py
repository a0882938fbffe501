"""The GRU with the reset gate after the recurrent product, and BPTT through it.

Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), in the variant of PyTorch
and cuDNN: r scales h W_n + bh_n. Gates stand in the order r, z, n; z keeps the old state.

With gains in its parameters it is layer-normalised, with noise it drops and keeps: NOTATION.md, sections N, Q and Z.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from reference.activations import sigmoid
from reference.arrays import Inexact
from reference.inputs import Input, project, project_backward
from reference.layer_norm import Normed, at, gain_gradient, normed, normed_backward, together
from reference.noise import SILENCE, Noise, dropped, fitted, zoned, zoned_backward
from reference.parameters import Gradients, Norm, Params, State, check_gradients, check_layer, result_type


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass; row -1 of h is the initial state."""

    x: Input
    r: Inexact[np.ndarray, "T B H"]
    z: Inexact[np.ndarray, "T B H"]
    n: Inexact[np.ndarray, "T B H"]
    h_n: Inexact[np.ndarray, "T B H"]
    h: Inexact[np.ndarray, "T+1 B H"]
    mask: Bool[np.ndarray, "T B"]
    noise: Noise
    xn: Normed | None
    hn: Normed | None


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
    r, z, n, h_n = (np.empty((T, B, H), h.dtype) for _ in range(4))
    h[-1] = state0.h
    # N4  xn[t], x_sigma[t] = norm(xU[t])
    # N5  xU[t] = gx * xn[t]
    xU, xn = normed(project(x, p.U), p.norm.gx)
    hn: list[Normed | None] = []
    bh = np.zeros_like(p.b) if p.bh is None else p.bh
    for t in range(T):
        m = mask[t][:, None]
        # G1  x_r, x_z, x_n = split(xU[t] + b, 3)
        x_r, x_z, x_n = np.split(xU[t] + p.b, 3, axis=-1)
        # Q1  hq[t] = h[t-1] * kh
        hq = dropped(h[t - 1], noise.kh)
        # Q2  hW[t] = hq[t] @ W
        # N6  hn[t], h_sigma[t] = norm(hW[t])
        # N7  hW[t] = gh * hn[t]
        hW, kept = normed(hq @ p.W, p.norm.gh)
        hn.append(kept)
        # G2  h_r, h_z, h_n[t] = split(h[t-1] @ W + bh, 3)
        # Q4  h_r, h_z, h_n[t] = split(hW[t] + bh, 3)
        h_r, h_z, h_n[t] = np.split(hW + bh, 3, axis=-1)
        # G3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        # G4  n[t] = tanh(x_n + r[t] * h_n[t])
        n[t] = np.tanh(x_n + r[t] * h_n[t])
        # G5  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
        h_t = (1 - z[t]) * n[t] + z[t] * h[t - 1]
        # Z1  h[t] = zh[t] * h[t-1] + (1 - zh[t]) * h[t]
        h_t = zoned(h_t, h[t - 1], noise.zh, t)
        # M1  h[t] = where(m[t], h[t], h[t-1])
        h[t] = np.where(m, h_t, h[t - 1])
    return h[:-1], State(h[T - 1]), Cache(x, r, z, n, h_n, h, mask, noise, xn, together(hn))


def backward(p: Params, cache: Cache, dh_out: Inexact[np.ndarray, "T B H"], dfinal: State) -> Gradients:
    """Gradients from those of the hidden states, dh_out (T, B, H), and of the final state.

    da (T, B, 3H) is the gradient of the input's part x U + b, dq that of the recurrent part h W + bh:
    they differ in the gate n, whose recurrent part is scaled by r.
    """
    x, r, z, n, h_n, h, mask, noise, xn, hn = cache
    check_gradients(h, dh_out, dfinal)
    da, dq = (np.empty((*r.shape[:2], p.b.size), r.dtype) for _ in range(2))
    dW = np.zeros(p.W.shape, da.dtype)
    db, dbh = np.zeros(p.b.shape, da.dtype), np.zeros(p.b.shape, da.dtype)
    dh_next = dfinal.h
    for t in reversed(range(len(r))):
        m = mask[t][:, None]
        # G6  dh[t] = dh_out[t] + dh_next
        dh = dh_out[t] + dh_next
        # Z5  dh_kept, dh[t] = dh[t] * zh[t], dh[t] * (1 - zh[t])
        dh_kept, dh = zoned_backward(dh, noise.zh, t)
        # G5  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
        # G7  dz, dn = dh[t] * (h[t-1] - n[t]), dh[t] * (1 - z[t])
        dz, dn = dh * (h[t - 1] - n[t]), dh * (1 - z[t])
        # G4  n[t] = tanh(x_n + r[t] * h_n[t])
        # G8  da_n = dn * (1 - n[t]**2)
        da_n = dn * (1 - n[t] ** 2)
        # G9  dr, dq_n = da_n * h_n[t], da_n * r[t]
        dr, dq_n = da_n * h_n[t], da_n * r[t]
        # G3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        # G10 da_r, da_z = dr * r[t] * (1 - r[t]), dz * z[t] * (1 - z[t])
        da_r, da_z = dr * r[t] * (1 - r[t]), dz * z[t] * (1 - z[t])
        # G11 da[t] = join(da_r, da_z, da_n)
        # M2  da[t] = where(m[t], da[t], 0)
        da[t] = np.where(m, np.concatenate([da_r, da_z, da_n], axis=-1), 0)
        # G12 dq = join(da_r, da_z, dq_n)
        # M6  dq = where(m[t], dq, 0)
        dq[t] = np.where(m, np.concatenate([da_r, da_z, dq_n], axis=-1), 0)
        # Q8  dhW = dq
        # N14 dhW = norm_back(gh * dhW, hn[t], h_sigma[t])
        dhW = normed_backward(dq[t], p.norm.gh, at(hn, t))
        # G2  h_r, h_z, h_n[t] = split(h[t-1] @ W + bh, 3)
        # G13 dW += h[t-1].T @ dq
        # Q9  dW += hq[t].T @ dhW
        dW += dropped(h[t - 1], noise.kh).T @ dhW
        # G14 dbh += dq.sum(0)
        dbh += dq[t].sum(0)
        # G1  x_r, x_z, x_n = split(xU[t] + b, 3)
        # G15 db += da[t].sum(0)
        db += da[t].sum(0)
        # G16 dh_next = dq @ W.T + dh[t] * z[t]
        # Q11 dh_next = dhW @ W.T * kh + dh[t] * z[t]
        # M3  dh_next = where(m[t], dh_next, dh[t])
        # Z11 dh_next = dh_next + dh_kept
        dh_next = np.where(m, dropped(dhW @ p.W.T, noise.kh) + dh * z[t], dh) + dh_kept
    # N13 dgh += (dhW * hn[t]).sum(0)
    # N15 dgx += (da[t] * xn[t]).sum(0)
    norm = Norm(gain_gradient(da, xn), gain_gradient(dq, hn))
    # N16 da[t] = norm_back(gx * da[t], xn[t], x_sigma[t])
    dU, dx = project_backward(x, p.U, normed_backward(da, p.norm.gx, xn))
    return Gradients(Params(dU, dW, db, None if p.bh is None else dbh, norm), dx, State(dh_next))
