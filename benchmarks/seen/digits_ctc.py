# pen strokes -> digit string, small RNN + CTC (Graves 06), everything with probabilities (short strings only!!)
# xs  list of column vectors      lb  label string, e.g. [1, 1, 2]      symbol 0 = blank
import numpy as np

BL = 0
ni, nh, ns = 3, 4, 4
rs = np.random.RandomState(70)
Wi = rs.randn(nh, ni) * .7
Wr = rs.randn(nh, nh) * .5
bh = rs.randn(nh, 1) * .1
Wo = rs.randn(ns, nh) * .9
bo = rs.randn(ns, 1) * .1
h0 = rs.randn(nh, 1) * .2
xs = [rs.randn(ni, 1) for _ in range(7)]
lb = [2, 2, 1]


def fw():
    hs, ys = [h0], []
    for x in xs:
        hs.append(np.tanh(Wi @ x + Wr @ hs[-1] + bh))
        e = np.exp(Wo @ hs[-1] + bo)
        ys.append((e / e.sum())[:, 0])
    return hs, np.array(ys)


def ex():
    """- 2 - 2 - 1 -"""
    s = [BL]
    for c in lb:
        s += [c, BL]
    return s


def al(ys, s):
    a = np.zeros((len(ys), len(s)))
    a[0, 0] = ys[0, s[0]]
    a[0, 1] = ys[0, s[1]]
    for t in range(1, len(ys)):
        for j in range(len(s)):
            v = a[t - 1, j]
            if j > 0:
                v = v + a[t - 1, j - 1]
            if j > 1 and s[j] != BL and s[j] != s[j - 2]:
                v = v + a[t - 1, j - 2]
            a[t, j] = v * ys[t, s[j]]
    return a


def be(ys, s):
    """without the factor of frame t itself"""
    b = np.zeros((len(ys), len(s)))
    b[-1, -1] = 1
    b[-1, -2] = 1
    for t in range(len(ys) - 2, -1, -1):
        for j in range(len(s)):
            v = b[t + 1, j] * ys[t + 1, s[j]]
            if j + 1 < len(s):
                v = v + b[t + 1, j + 1] * ys[t + 1, s[j + 1]]
            if j + 2 < len(s) and s[j + 2] != BL and s[j + 2] != s[j]:
                v = v + b[t + 1, j + 2] * ys[t + 1, s[j + 2]]
            b[t, j] = v
    return b


def nll():
    _, ys = fw()
    a = al(ys, ex())
    return -np.log(a[-1, -1] + a[-1, -2])


def bw():
    hs, ys = fw()
    s = ex()
    a, b = al(ys, s), be(ys, s)
    pr = a[-1, -1] + a[-1, -2]
    gWi, gWr, gbh, gWo, gbo = [np.zeros(w.shape) for w in (Wi, Wr, bh, Wo, bo)]
    gh = np.zeros((len(bh), 1))
    for t in range(len(xs) - 1, -1, -1):
        gy = ys[t].copy()
        for j, c in enumerate(s):
            gy[c] -= a[t, j] * b[t, j] / pr
        gy = gy.reshape(-1, 1)
        gWo += gy @ hs[t + 1].T
        gbo += gy
        gz = (Wo.T @ gy + gh) * (1 - hs[t + 1] ** 2)
        gWi += gz @ xs[t].T
        gWr += gz @ hs[t].T
        gbh += gz
        gh = Wr.T @ gz
    return gWi, gWr, gbh, gWo, gbo, gh


def best():
    """best path"""
    p = [int(y.argmax()) for y in fw()[1]]
    return [c for k, c in enumerate(p) if c != BL and (k == 0 or c != p[k - 1])]


if __name__ == "__main__":
    for it in range(501):
        if it % 100 == 0:
            print(it, nll(), best())
        for w, g in zip((Wi, Wr, bh, Wo, bo, h0), bw()):
            w -= .1 * g
