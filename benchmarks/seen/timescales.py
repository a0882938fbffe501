"""A stack of leaky layers, each unit with a time constant of its own that is learned as well.

    a = sigmoid(k)                               one leak per unit
    h[t] = (1 - a) h[t-1] + a tanh(W u[t] + R h[t-1] + b)

Layer l feeds layer l+1, and the readout sees *all* layers ("hierarchy of timescales").
Loss: log cosh of the error, which is quadratic near zero and linear far away.
"""
import numpy as np
from numpy import cosh, log, tanh

rng = np.random.RandomState(303)


def new_layer(n_in, n):
    return {
        "W": rng.randn(n, n_in) / np.sqrt(n_in),
        "R": rng.randn(n, n) / np.sqrt(n),
        "b": 0.1 * rng.randn(n),
        "k": np.linspace(1.5, -1.5, n),
    }


def new_stack(sizes, n_out):
    layers = [new_layer(m, n) for m, n in zip(sizes[:-1], sizes[1:])]
    readout = rng.randn(n_out, sum(sizes[1:])) * 0.5
    return layers, readout


def leak(layer):
    return 1 / (1 + np.exp(-layer["k"]))


def run_layer(layer, u):
    """u: (T, n_in).  Returns the states (T + 1, n), the first of them zero, and the drives (T, n)."""
    a = leak(layer)
    H = np.zeros((len(u) + 1, len(a)))
    Q = np.zeros((len(u), len(a)))
    for t, ut in enumerate(u):
        Q[t] = tanh(layer["W"].dot(ut) + layer["R"].dot(H[t]) + layer["b"])
        H[t + 1] = H[t] + a * (Q[t] - H[t])
    return H, Q


def run_stack(layers, readout, u):
    trace = []
    for layer in layers:
        H, Q = run_layer(layer, u)
        trace.append((u, H, Q))
        u = H[1:]
    everything = np.hstack([H[1:] for _, H, _ in trace])
    return everything.dot(readout.T), everything, trace


def logcosh(layers, readout, u, target):
    y, _, _ = run_stack(layers, readout, u)
    return log(cosh(y - target)).sum() / len(u)


def logcosh_grad(layers, readout, u, target):
    y, everything, trace = run_stack(layers, readout, u)
    dy = tanh(y - target) / len(u)
    dreadout = dy.T.dot(everything)
    widths = [H.shape[1] for _, H, _ in trace]
    from_readout = np.split(dy.dot(readout), np.cumsum(widths)[:-1], axis=1)

    grads = [None] * len(layers)
    from_above = 0
    for l in range(len(layers) - 1, -1, -1):
        layer, (u_l, H, Q) = layers[l], trace[l]
        a = leak(layer)
        dH = from_readout[l] + from_above
        dpre = np.zeros_like(Q)
        da = np.zeros_like(a)
        back = np.zeros_like(a)
        for t in reversed(range(len(Q))):
            g = dH[t] + back
            da += g * (Q[t] - H[t])
            dpre[t] = g * a * (1 - Q[t] ** 2)
            back = (1 - a) * g + layer["R"].T.dot(dpre[t])
        grads[l] = {"W": dpre.T.dot(u_l), "R": dpre.T.dot(H[:-1]), "b": dpre.sum(0), "k": da * a * (1 - a)}
        from_above = dpre.dot(layer["W"])
    return grads, dreadout


layers, readout = new_stack([2, 3, 4, 3], 2)
u = rng.randn(7, 2)
target = np.column_stack([np.cumsum(u[:, 0]), np.roll(u[:, 1], 2)])
