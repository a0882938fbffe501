# My attempt at understanding the LSTM: no stacking tricks, each gate has its own
# matrices, all kept in dictionaries by the name of the gate.
#   i = input, f = forget, o = output, g = new candidate
import numpy as np

np.random.seed(123)
story = "sun rain sun cloud rain fog sun".split()
vocabulary = sorted(set(story))
index = {word: n for n, word in enumerate(vocabulary)}
vocab_size = len(vocabulary)
hidden_size = 5
GATES = ["i", "f", "o", "g"]


def new_weights(n_vocab, n_hidden):
    W = {k: np.random.randn(n_hidden, n_vocab) * 0.6 for k in GATES}
    U = {k: np.random.randn(n_hidden, n_hidden) * 0.4 for k in GATES}
    b = {k: np.random.randn(n_hidden, 1) * 0.1 for k in GATES}
    b["f"] = b["f"] + 1.0
    V = np.random.randn(n_vocab, n_hidden) * 0.6
    d = np.zeros((n_vocab, 1))
    return W, U, b, V, d


W, U, b, V, d = new_weights(vocab_size, hidden_size)


def squash(k, a):
    return np.tanh(a) if k == "g" else 1 / (1 + np.exp(-a))


def loss_and_grads(inputs, targets, h_start, c_start):
    # ---------- forward ----------
    x, gate, c, h, p = {}, {}, {}, {}, {}
    h[-1], c[-1] = h_start, c_start
    loss = 0
    for t in range(len(inputs)):
        x[t] = np.zeros((V.shape[0], 1))
        x[t][inputs[t]] = 1
        gate[t] = {}
        for k in GATES:
            gate[t][k] = squash(k, np.dot(W[k], x[t]) + np.dot(U[k], h[t - 1]) + b[k])
        c[t] = gate[t]["f"] * c[t - 1] + gate[t]["i"] * gate[t]["g"]
        h[t] = gate[t]["o"] * np.tanh(c[t])
        e = np.exp(np.dot(V, h[t]) + d)
        p[t] = e / np.sum(e)
        loss += -np.log(p[t][targets[t], 0])

    # ---------- backward ----------
    dW = {k: np.zeros_like(W[k]) for k in GATES}
    dU = {k: np.zeros_like(U[k]) for k in GATES}
    db = {k: np.zeros_like(b[k]) for k in GATES}
    dV, dd = np.zeros_like(V), np.zeros_like(d)
    dh_next, dc_next = np.zeros_like(h_start), np.zeros_like(c_start)
    for t in reversed(range(len(inputs))):
        dscore = np.copy(p[t])
        dscore[targets[t]] -= 1
        dV += np.dot(dscore, h[t].T)
        dd += dscore
        dh = np.dot(V.T, dscore) + dh_next

        i, f, o, g = (gate[t][k] for k in GATES)
        tc = np.tanh(c[t])
        dc = dc_next + dh * o * (1 - tc * tc)
        da = {}
        da["o"] = dh * tc * o * (1 - o)
        da["f"] = dc * c[t - 1] * f * (1 - f)
        da["i"] = dc * g * i * (1 - i)
        da["g"] = dc * i * (1 - g * g)

        dh_next = np.zeros_like(h_start)
        for k in GATES:
            dW[k] += np.dot(da[k], x[t].T)
            dU[k] += np.dot(da[k], h[t - 1].T)
            db[k] += da[k]
            dh_next += np.dot(U[k].T, da[k])
        dc_next = f * dc
    return loss, dW, dU, db, dV, dd


inputs = [index[w] for w in story[:-1]]
targets = [index[w] for w in story[1:]]
h_start = np.random.randn(hidden_size, 1) * 0.3
c_start = np.random.randn(hidden_size, 1) * 0.3
