import numpy as np


def rnn_cell_fwd(xt, h_prev, p):
    h_next = np.tanh(np.dot(xt, p["Wax"]) + np.dot(h_prev, p["Waa"]) + p["ba"])
    cache = (h_next, h_prev, xt, p)
    return h_next, cache


def rnn_cell_bwd(dh_next, cache):
    h_next, h_prev, xt, p = cache
    dpre = (1 - h_next ** 2) * dh_next
    grads = {
        "dxt": np.dot(dpre, p["Wax"].T),
        "dh_prev": np.dot(dpre, p["Waa"].T),
        "dWax": np.dot(xt.T, dpre),
        "dWaa": np.dot(h_prev.T, dpre),
        "dba": np.sum(dpre, 0, keepdims=True),
    }
    return grads


def rnn_fwd(x, h0, p):
    n_x, T, m = x.shape
    n_h = p["Waa"].shape[0]
    h = np.zeros((n_h, T, m))
    h_next = h0
    caches = []
    for t in range(T):
        h_next, cache = rnn_cell_fwd(x[:, t, :].T, h_next, p)
        h[:, t, :] = h_next.T
        caches.append(cache)
    return h, caches


def rnn_bwd(dh, caches, shape):
    n_h, T, m = dh.shape
    dx = np.zeros(shape)
    dWax, dWaa, dba = 0, 0, 0
    dh_prev = np.zeros((m, n_h))
    for t in reversed(range(T)):
        g = rnn_cell_bwd(dh[:, t, :].T + dh_prev, caches[t])
        dh_prev = g["dh_prev"]
        dx[:, t, :] = g["dxt"].T
        dWax = dWax + g["dWax"]
        dWaa = dWaa + g["dWaa"]
        dba = dba + g["dba"]
    return {"x": dx, "h0": dh_prev, "Wax": dWax, "Waa": dWaa, "ba": dba}


def loss(x, h0, p, target):
    h, _ = rnn_fwd(x, h0, p)
    return 0.5 * np.sum((h[:, 1:, :] - target) ** 2) + 0.05 * np.sum(p["Waa"] ** 2)


def grads(x, h0, p, target):
    h, caches = rnn_fwd(x, h0, p)
    dh = np.zeros_like(h)
    dh[:, 1:, :] = h[:, 1:, :] - target
    g = rnn_bwd(dh, caches, x.shape)
    g["Waa"] = g["Waa"] + 0.1 * p["Waa"]
    return g["x"], g["h0"], g["Wax"], g["Waa"], g["ba"]


def random_problem(n_x, n_h, T, m):
    r = np.random.default_rng(1)
    p = {"Wax": r.normal(size=(n_x, n_h)) * 0.7,
         "Waa": r.normal(size=(n_h, n_h)) * 0.4,
         "ba": r.normal(size=(1, n_h)) * 0.1}
    return r.normal(size=(n_x, T, m)), r.normal(size=(m, n_h)) * 0.3, p, r.normal(size=(n_h, T - 1, m))


x, h0, p, target = random_problem(3, 5, 6, 4)
