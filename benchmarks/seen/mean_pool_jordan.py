# A Jordan network: what comes back is the OUTPUT of the step before, not the hidden layer.
# The class of a signal is read from the mean of the hidden layers. Row vectors, one sequence at a time,
# a list of sequences; gradients summed over the list. Two losses together: class and next value.
import numpy as np

rand = np.random.RandomState(64)
n_in, n_hid, n_out, n_cls = 2, 5, 3, 4

params = {
    "A": rand.randn(n_in, n_hid) * 0.7,
    "J": rand.randn(n_out, n_hid) * 0.7,
    "a": rand.randn(1, n_hid) * 0.2,
    "O": rand.randn(n_hid, n_out) * 0.7,
    "o": rand.randn(1, n_out) * 0.2,
    "C": rand.randn(n_hid, n_cls),
}


def make_signals(lengths, n_in, n_out, n_cls):
    return [(rand.randn(T, n_in), rand.randn(T, n_out), rand.randint(n_cls)) for T in lengths]


signals = make_signals([6, 4], n_in, n_out, n_cls)


def play(signal, params):
    y = np.zeros((1, params["O"].shape[1]))
    hidden, outputs = [], [y]
    for row in signal:
        net = row[None, :] @ params["A"] + y @ params["J"] + params["a"]
        g = np.tanh(net)
        y = g @ params["O"] + params["o"]
        hidden.append(g)
        outputs.append(y)
    H = np.vstack(hidden)
    Y = np.vstack(outputs)
    votes = H.mean(axis=0) @ params["C"]
    q = np.exp(votes)
    return H, Y, q / np.sum(q)


def total_loss(signals, params):
    out = 0.0
    for signal, follow, cls in signals:
        H, Y, q = play(signal, params)
        out += -np.log(q[cls]) + np.sum((Y[1:] - follow) ** 2)
    return out


def total_grads(signals, params):
    grad = {k: np.zeros(v.shape) for k, v in params.items()}
    for signal, follow, cls in signals:
        H, Y, q = play(signal, params)
        T = signal.shape[0]
        dvotes = q - np.eye(len(q))[cls]
        grad["C"] += np.outer(H.mean(axis=0), dvotes)
        dmean = params["C"] @ dvotes / T
        dY = 2 * (Y[1:] - follow)
        back = np.zeros(dY.shape[1])
        for t in range(T - 1, -1, -1):
            dy = dY[t] + back
            dg = params["O"] @ dy + dmean
            dn = dg * (1 - H[t] ** 2)
            grad["O"] += np.outer(H[t], dy)
            grad["o"] += dy
            grad["A"] += np.outer(signal[t], dn)
            grad["J"] += np.outer(Y[t], dn)
            grad["a"] += dn
            back = params["J"] @ dn
    return grad


if __name__ == "__main__":
    for n in range(200):
        g = total_grads(signals, params)
        for k in params:
            params[k] -= 0.02 * g[k]
    print(total_loss(signals, params))
