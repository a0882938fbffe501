"""Card fraud: LSTM over the transactions of an account, focal loss (Lin et al. 2017), later transactions count more.

Every function returns its value and a function that takes the cotangent of the value.
"""
import numpy as np

GAMMA = 2.0
ALPHA = 0.75  # weight of fraud


def affine(W, b, x):
    def back(d):
        return d.T @ x, d.sum(0), d @ W

    return x @ W.T + b, back


def lstm_cell(theta, x, h, c):
    """theta = (W, b), with W of shape (4H, D + H), gates in order i, f, o, g"""
    W, b = theta
    a, affine_back = affine(W, b, np.hstack([x, h]))
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-s)) for s in (ai, af, ao))
    g = np.tanh(ag)
    c_new = f * c + i * g
    tc = np.tanh(c_new)

    def back(dh, dc):
        dc = dc + dh * o * (1 - tc * tc)
        da = np.hstack([
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dh * tc * o * (1 - o),
            dc * i * (1 - g * g),
        ])
        dW, db, dxh = affine_back(da)
        return (dW, db), dxh[:, x.shape[1]:], dc * f

    return (o * tc, c_new), back


def focal(score, fraud):
    """fraud is 0 or 1; mean over the accounts"""
    s = 2.0 * fraud - 1.0
    w = np.where(fraud == 1, ALPHA, 1 - ALPHA) / len(fraud)
    log_p = -np.logaddexp(0.0, -s * score)
    q = 1 - np.exp(log_p)

    def back(d):
        return d * w * s * (GAMMA * q ** GAMMA * (1 - q) * log_p - q ** (GAMMA + 1))

    return -np.sum(w * q ** GAMMA * log_p), back


def total(params, steps, fraud):
    """steps is a list of (accounts, features), fraud a list of (accounts,)"""
    cell, (v, v0) = params
    T = len(steps)
    H = v.shape[1]
    h = c = np.zeros((len(steps[0]), H))
    tape, loss = [], 0.0
    for t, (x, y) in enumerate(zip(steps, fraud)):
        weight = 2.0 * (t + 1) / (T * (T + 1))
        (h, c), cell_back = lstm_cell(cell, x, h, c)
        score, head_back = affine(v, v0, h)
        value, focal_back = focal(score[:, 0], y)
        loss = loss + weight * value
        tape.append((weight, cell_back, head_back, focal_back))

    def back():
        dW, db, dv, dv0 = 0.0, 0.0, 0.0, 0.0
        dh, dc = np.zeros_like(h), np.zeros_like(c)
        for weight, cell_back, head_back, focal_back in reversed(tape):
            gv, gv0, gh = head_back(focal_back(weight)[:, None])
            dv, dv0 = dv + gv, dv0 + gv0
            (gW, gb), dh, dc = cell_back(dh + gh, dc)
            dW, db = dW + gW, db + gb
        return (dW, db), (dv, dv0)

    return loss, back


def make_params(D, H, seed):
    rng = np.random.default_rng(seed)
    cell = (0.5 * rng.standard_normal((4 * H, D + H)), 0.1 * rng.standard_normal(4 * H))
    return cell, (rng.standard_normal((1, H)), np.array([-0.3]))


def accounts(T, B, D, seed):
    rng = np.random.default_rng(seed)
    steps = [rng.standard_normal((B, D)) for _ in range(T)]
    fraud = [(rng.random(B) < 0.4).astype(float) for _ in range(T)]
    return steps, fraud


params = make_params(2, 3, seed=321)
steps, fraud = accounts(5, 4, 2, seed=322)
