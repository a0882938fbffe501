# which of the alarms ring? GRU over a batch, the bias is the last row of each matrix,
# all states averaged at the end
import numpy as np


def sigma(t): return 1.0 / (1.0 + np.exp(-t))


def dsigma(y): return y * (1.0 - y)


def join(x, h):
    return np.hstack((x, h, np.ones((len(x), 1))))


def cells(x_list, G, C):
    """G: reset and update gate together, C: candidate."""
    n = C.shape[1]
    h = np.zeros((len(x_list[0]), n))
    h_list, rec = [h], []
    for x in x_list:
        gate = sigma(join(x, h) @ G)
        reset, update = np.split(gate, 2, axis=1)
        cand = np.tanh(join(x, reset * h) @ C)
        h = h + update * (cand - h)
        h_list.append(h)
        rec.append((reset, update, cand))
    return h_list, rec


def readout(h_list, Q):
    pooled = sum(h_list[1:]) / (len(h_list) - 1)
    return pooled, pooled @ Q


def alarm_loss(x_list, rings, G, C, Q):
    h_list, _ = cells(x_list, G, C)
    _, s = readout(h_list, Q)
    prob = sigma(s)
    return -np.sum(rings * np.log(prob) + (1 - rings) * np.log(1 - prob)) / len(rings)


def alarm_grads(x_list, rings, G, C, Q):
    h_list, rec = cells(x_list, G, C)
    pooled, s = readout(h_list, Q)
    err_s = (sigma(s) - rings) / len(rings)
    grad_Q = pooled.T @ err_s
    share = err_s @ Q.T / len(x_list)   # every step gets the same share

    grad_G = 0 * G
    grad_C = 0 * C
    err_h = 0 * share
    d = x_list[0].shape[1]
    n = C.shape[1]
    for t in range(len(x_list))[::-1]:
        x, h_old = x_list[t], h_list[t]
        reset, update, cand = rec[t]
        err_h = err_h + share
        err_cand = err_h * update * (1 - cand ** 2)
        err_update = err_h * (cand - h_old) * dsigma(update)
        grad_C += join(x, reset * h_old).T @ err_cand
        err_rh = err_cand @ C[d:d + n].T
        err_reset = err_rh * h_old * dsigma(reset)
        err_gate = np.hstack((err_reset, err_update))
        grad_G += join(x, h_old).T @ err_gate
        err_h = err_h * (1 - update) + err_rh * reset + err_gate @ G[d:d + n].T
    return grad_G, grad_C, grad_Q


def random_alarms(T, B, d, n, k, seed=4):
    r = np.random.RandomState(seed)
    G = r.uniform(-0.9, 0.9, size=(d + n + 1, 2 * n))
    C = r.uniform(-0.9, 0.9, size=(d + n + 1, n))
    Q = r.uniform(-2, 2, size=(n, k))
    x_list = [r.randn(B, d) for _ in range(T)]
    return x_list, (r.rand(B, k) < 0.5).astype(float), G, C, Q


x_list, rings, G, C, Q = random_alarms(T=6, B=3, d=2, n=5, k=4)
