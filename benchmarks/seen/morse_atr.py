"""Morse from a noisy receiver: dot, dash, gap in every frame.

Addition-subtraction twin-gated unit (Zhang et al. 2018), the smallest thing with two gates that I know:
p = Wx, q = Uh, i = s(p+q), f = s(p-q), h = i*p + f*h.
Label smoothing, and a penalty if the scores jump from one frame to the next. Columns are frames' vectors.
"""
import numpy as np

rng = np.random.RandomState(17)
n_band, n_hid, n_sym = 3, 4, 3
EPS = 0.1      # label smoothing
JUMP = 0.05    # weight of the penalty

W = rng.randn(n_hid, n_band) * 0.8
U = rng.randn(n_hid, n_hid) * 0.6
V = rng.randn(n_sym, n_hid)
d = rng.randn(n_sym, 1) * 0.1


def receive(T, bands, symbols, seed):
    r = np.random.RandomState(seed)
    return r.randn(T, bands, 1), r.randint(symbols, size=T)


def s(a):
    return 1 / (1 + np.exp(-a))


def smooth_target(k):
    t = np.full((len(d), 1), EPS / len(d))
    t[k] += 1 - EPS
    return t


def softmax(y):
    e = np.exp(y - np.max(y))
    return e / np.sum(e)


def listen(frames):
    h = np.zeros((len(U), 1))
    hs, ps, gates, ys = [h], [], [], []
    for x in frames:
        p, q = W @ x, U @ h
        i, f = s(p + q), s(p - q)
        h = i * p + f * h
        hs.append(h)
        ps.append(p)
        gates.append((i, f))
        ys.append(V @ h + d)
    return hs, ps, gates, ys


def cost(frames, marks):
    ys = listen(frames)[-1]
    total = 0
    for y, k in zip(ys, marks):
        total -= np.sum(smooth_target(k) * np.log(softmax(y)))
    for before, after in zip(ys, ys[1:]):
        total += JUMP * np.sum((after - before) ** 2)
    return total / len(ys)


def practise(frames, marks, rate):
    """one step of gradient descent"""
    global W, U, V, d
    hs, ps, gates, ys = listen(frames)
    T = len(ys)
    gW, gU, gV, gd = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V), np.zeros_like(d)
    gh = np.zeros_like(hs[0])
    for t in range(T - 1, -1, -1):
        gy = softmax(ys[t]) - smooth_target(marks[t])
        if t > 0:
            gy = gy + 2 * JUMP * (ys[t] - ys[t - 1])
        if t < T - 1:
            gy = gy - 2 * JUMP * (ys[t + 1] - ys[t])
        gy = gy / T
        gV += gy @ hs[t + 1].T
        gd += gy
        gh = gh + V.T @ gy

        i, f = gates[t]
        gi = gh * ps[t] * i * (1 - i)
        gf = gh * hs[t] * f * (1 - f)
        gp = gh * i + gi + gf
        gq = gi - gf
        gW += gp @ frames[t].T
        gU += gq @ hs[t].T
        gh = gh * f + U.T @ gq
    W = W - rate * gW
    U = U - rate * gU
    V = V - rate * gV
    d = d - rate * gd


frames, marks = receive(7, n_band, n_sym, 18)
