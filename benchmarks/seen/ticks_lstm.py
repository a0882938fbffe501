# LSTM for the next tick of a price, one sequence at a time.
# Four separate gates, each with an input matrix, a recurrent matrix and a bias.
import numpy as np

sigmoid = lambda z: 1.0 / (1.0 + np.exp(-z))


def make_params(n_in, n_hid, n_out, seed):
    rs = np.random.RandomState(seed)
    params = {}
    for gate in "ifog":
        params["W" + gate] = rs.randn(n_hid, n_in) * 0.6
        params["U" + gate] = rs.randn(n_hid, n_hid) * 0.5
        params["b" + gate] = rs.randn(n_hid) * 0.3
    params["bf"] += 1.0
    params["V"] = rs.randn(n_out, n_hid)
    params["a"] = rs.randn(n_out) * 0.1
    return params


def lstm_step(p, x, h, c):
    i = sigmoid(p["Wi"] @ x + p["Ui"] @ h + p["bi"])
    f = sigmoid(p["Wf"] @ x + p["Uf"] @ h + p["bf"])
    o = sigmoid(p["Wo"] @ x + p["Uo"] @ h + p["bo"])
    g = np.tanh(p["Wg"] @ x + p["Ug"] @ h + p["bg"])
    c_new = f * c + i * g
    h_new = o * np.tanh(c_new)
    return h_new, c_new, (x, h, c, i, f, o, g, c_new)


def predict(p, ticks):
    n = len(p["bi"])
    h, c = np.zeros(n), np.zeros(n)
    outs, hs, caches = [], [], []
    for x in ticks:
        h, c, cache = lstm_step(p, x, h, c)
        hs.append(h)
        caches.append(cache)
        outs.append(p["V"] @ h + p["a"])
    return outs, hs, caches


def loss(p, ticks, goal):
    outs, _, _ = predict(p, ticks)
    return sum(np.sum((y - g) ** 2) for y, g in zip(outs, goal)) / len(ticks)


def loss_grad(p, ticks, goal):
    outs, hs, caches = predict(p, ticks)
    grad = {k: np.zeros_like(v) for k, v in p.items()}
    dh_carry = np.zeros(len(p["bi"]))
    dc_carry = np.zeros(len(p["bi"]))

    for t in range(len(ticks) - 1, -1, -1):
        x, h_prev, c_prev, i, f, o, g, c_new = caches[t]
        tc = np.tanh(c_new)

        dy = 2.0 * (outs[t] - goal[t]) / len(ticks)
        grad["V"] += np.outer(dy, hs[t])
        grad["a"] += dy

        dh = p["V"].T @ dy + dh_carry
        dc = dc_carry + dh * o * (1 - tc ** 2)
        dz = {}
        dz["o"] = dh * tc * o * (1 - o)
        dz["i"] = dc * g * i * (1 - i)
        dz["f"] = dc * c_prev * f * (1 - f)
        dz["g"] = dc * i * (1 - g ** 2)

        dh_carry = np.zeros_like(dh)
        for gate in "ifog":
            grad["W" + gate] += np.outer(dz[gate], x)
            grad["U" + gate] += np.outer(dz[gate], h_prev)
            grad["b" + gate] += dz[gate]
            dh_carry += p["U" + gate].T @ dz[gate]
        dc_carry = dc * f
    return grad


p = make_params(2, 4, 3, seed=5)
_r = np.random.RandomState(6)
ticks = [_r.randn(2) for _ in range(5)]
goal = [_r.randn(3) for _ in range(5)]
