# LSTM on h-e-l-l-o. Positive weights from rand(), a softmax readout with an L2 penalty (why only, not the bias).
# The cross-entropy and the penalty are reported apart; the gradient is that of their sum.

import numpy as np

word = "hello"
letters = "helo"
x = np.array([[float(ch == k) for k in letters] for ch in word[:-1]])
y = [letters.index(ch) for ch in word[1:]]

n, d, lam = 3, len(letters), 1e-3
rs = np.random.RandomState(4)
wxi, wxf, wxo, wxg = [rs.rand(n, d) for _ in range(4)]
whi, whf, who, whg = [rs.rand(n, n) for _ in range(4)]
bi, bf, bo, bg = [rs.rand(n) for _ in range(4)]
why, by = rs.rand(d, n), rs.rand(d)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def forward(x):
    T = len(x)
    i, f, o, g, c, h = [np.zeros((T, n)) for _ in range(6)]
    p = np.zeros((T, d))
    h_old = c_old = np.zeros(n)
    for t in range(T):
        i[t] = sigmoid(wxi @ x[t] + whi @ h_old + bi)
        f[t] = sigmoid(wxf @ x[t] + whf @ h_old + bf)
        o[t] = sigmoid(wxo @ x[t] + who @ h_old + bo)
        g[t] = np.tanh(wxg @ x[t] + whg @ h_old + bg)
        c[t] = f[t] * c_old + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])
        e = np.exp(why @ h[t] + by)
        p[t] = e / e.sum()
        h_old, c_old = h[t], c[t]
    return i, f, o, g, c, h, p


def cross_entropy(x, y):
    p = forward(x)[-1]
    return -np.log(p[range(len(y)), y]).sum()


def penalty():
    return 0.5 * lam * (why ** 2).sum()


def backward(x, y):
    i, f, o, g, c, h, p = forward(x)
    T = len(x)
    do = p.copy()
    do[range(T), y] -= 1
    dwhy = do.T @ h + lam * why
    dby = do.sum(axis=0)
    zi, zf, zo, zg = [np.zeros((T, n)) for _ in range(4)]
    dh_next, dc_next = np.zeros(n), np.zeros(n)
    for t in range(T - 1, -1, -1):
        c_old = c[t - 1] if t else np.zeros(n)
        dh = why.T @ do[t] + dh_next
        dc = dh * o[t] * (1 - np.tanh(c[t]) ** 2) + dc_next
        zi[t] = dc * g[t] * i[t] * (1 - i[t])
        zf[t] = dc * c_old * f[t] * (1 - f[t])
        zo[t] = dh * np.tanh(c[t]) * o[t] * (1 - o[t])
        zg[t] = dc * i[t] * (1 - g[t] ** 2)
        dh_next = whi.T @ zi[t] + whf.T @ zf[t] + who.T @ zo[t] + whg.T @ zg[t]
        dc_next = dc * f[t]
    grads = {"dwhy": dwhy, "dby": dby}
    h_before = np.vstack([np.zeros((1, n)), h[:-1]])
    for name, z in (("i", zi), ("f", zf), ("o", zo), ("g", zg)):
        grads["dwx" + name] = z.T @ x
        grads["dwh" + name] = z.T @ h_before
        grads["db" + name] = z.sum(axis=0)
    return grads


if __name__ == "__main__":
    for it in range(1001):
        if it % 200 == 0:
            print(it, cross_entropy(x, y), penalty())
        for name, grad in backward(x, y).items():
            globals()[name[1:]] -= 0.1 * grad
