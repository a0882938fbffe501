"""Batched LSTM. The four gates sit side by side in one matrix, in the order input, forget, output, candidate.

Shapes:  X (T, B, D)   WLSTM (1 + D + H, 4 H), whose row 0 is the bias   h0, c0 (B, H)
"""

import numpy as np


def init_lstm(D, H, rng, forget_bias=1.0):
    WLSTM = rng.standard_normal((1 + D + H, 4 * H)) / np.sqrt(D + H)
    WLSTM[0] = 0
    WLSTM[0, H : 2 * H] = forget_bias
    return WLSTM


def lstm_forward(X, WLSTM, h0, c0):
    T, B, D = X.shape
    H = h0.shape[1]
    Hin = np.zeros((T, B, 1 + D + H))
    IFOG = np.zeros((T, B, 4 * H))
    C, Ct, Hout = np.zeros((T, B, H)), np.zeros((T, B, H)), np.zeros((T, B, H))
    for t in range(T):
        prevh = Hout[t - 1] if t > 0 else h0
        prevc = C[t - 1] if t > 0 else c0
        Hin[t, :, 0] = 1
        Hin[t, :, 1 : 1 + D] = X[t]
        Hin[t, :, 1 + D :] = prevh
        pre = Hin[t] @ WLSTM
        IFOG[t, :, : 3 * H] = 1 / (1 + np.exp(-pre[:, : 3 * H]))
        IFOG[t, :, 3 * H :] = np.tanh(pre[:, 3 * H :])
        i, f, o, g = np.split(IFOG[t], 4, axis=1)
        C[t] = i * g + f * prevc
        Ct[t] = np.tanh(C[t])
        Hout[t] = o * Ct[t]
    return Hout, (Hin, IFOG, C, Ct, c0, WLSTM)


def lstm_backward(dHout, cache):
    Hin, IFOG, C, Ct, c0, WLSTM = cache
    T, B, H = dHout.shape
    D = Hin.shape[2] - 1 - H
    dX = np.zeros((T, B, D))
    dW = np.zeros_like(WLSTM)
    dh, dc = np.zeros((B, H)), np.zeros((B, H))
    for t in reversed(range(T)):
        i, f, o, g = np.split(IFOG[t], 4, axis=1)
        prevc = C[t - 1] if t > 0 else c0
        dh = dh + dHout[t]
        do = dh * Ct[t]
        dc = dc + dh * o * (1 - Ct[t] ** 2)
        dpre = np.concatenate(
            [dc * g * i * (1 - i), dc * prevc * f * (1 - f), do * o * (1 - o), dc * i * (1 - g**2)], axis=1
        )
        dc = dc * f
        dW += Hin[t].T @ dpre
        dHin = dpre @ WLSTM.T
        dX[t] = dHin[:, 1 : 1 + D]
        dh = dHin[:, 1 + D :]
    return {"X": dX, "WLSTM": dW, "h0": dh, "c0": dc}


T, B, D, H = 6, 2, 3, 5
_rng = np.random.default_rng(2014)
X = _rng.standard_normal((T, B, D))
WLSTM = init_lstm(D, H, _rng)
h0, c0 = _rng.standard_normal((2, B, H)) * 0.5
dHout = _rng.standard_normal((T, B, H))
