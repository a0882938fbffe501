"""Handwriting: an LSTM that says where the pen goes next, as a mixture of K round Gaussians plus "is the pen lifted".

After A. Graves, "Generating sequences with recurrent neural networks", section 4, with the correlations left out.
A stroke is an array (T + 1, 3) of (dx, dy, lift).  One stroke at a time, all vectors are 1-d.
"""
import numpy as np

GATES = "ifog"


def logistic(a):
    return 1.0 / (1.0 + np.exp(-a))


def new_weights(hidden, K, seed):
    rng = np.random.RandomState(seed)
    w = {}
    for gate in GATES:
        w["W" + gate] = 0.5 * rng.randn(hidden, 3)
        w["U" + gate] = 0.5 * rng.randn(hidden, hidden)
        w["b" + gate] = 0.2 * rng.randn(hidden)
    w["bf"] += 1.0
    w["V_mix"] = 0.5 * rng.randn(K, hidden)
    w["V_mu"] = 0.7 * rng.randn(K, 2, hidden)
    w["V_sig"] = 0.5 * rng.randn(K, hidden)
    w["V_lift"] = 0.5 * rng.randn(hidden)
    w["c_mix"], w["c_mu"], w["c_sig"] = np.zeros(K), rng.randn(K, 2), np.zeros(K)
    w["c_lift"] = np.zeros(1)
    return w


def lstm_step(w, x, h, c):
    a = {gate: w["W" + gate] @ x + w["U" + gate] @ h + w["b" + gate] for gate in GATES}
    i, f, o, g = logistic(a["i"]), logistic(a["f"]), logistic(a["o"]), np.tanh(a["g"])
    c_new = f * c + i * g
    return o * np.tanh(c_new), c_new, dict(x=x, h=h, c=c, i=i, f=f, o=o, g=g, tc=np.tanh(c_new))


def mixture(w, h, target):
    """minus log density of the next pen move; and what backward needs"""
    logits = w["V_mix"] @ h + w["c_mix"]
    log_pi = logits - logits.max()
    log_pi = log_pi - np.log(np.sum(np.exp(log_pi)))
    mu = w["V_mu"] @ h + w["c_mu"]
    log_sig = w["V_sig"] @ h + w["c_sig"]
    z = (target[:2] - mu) / np.exp(log_sig)[:, None]
    each = log_pi - np.log(2 * np.pi) - 2 * log_sig - 0.5 * np.sum(z ** 2, axis=1)
    top = each.max()
    log_p = top + np.log(np.sum(np.exp(each - top)))
    q = logistic(w["V_lift"] @ h + w["c_lift"][0])
    log_q = target[2] * np.log(q) + (1 - target[2]) * np.log(1 - q)
    return -(log_p + log_q), dict(pi=np.exp(log_pi), log_sig=log_sig, z=z, resp=np.exp(each - log_p), q=q)


def nll(w, stroke):
    return run(w, stroke)[0]


def run(w, stroke):
    hidden = len(w["bi"])
    h, c = np.zeros(hidden), np.zeros(hidden)
    total, cells, heads = 0.0, [], []
    for x, target in zip(stroke[:-1], stroke[1:]):
        h, c, cell = lstm_step(w, x, h, c)
        cost, head = mixture(w, h, target)
        head["h"] = h
        total += cost
        cells.append(cell)
        heads.append(head)
    return total, cells, heads


def nll_grads(w, stroke):
    _, cells, heads = run(w, stroke)
    grad = {name: np.zeros_like(value) for name, value in w.items()}
    dh = np.zeros_like(w["bi"])
    dc = np.zeros_like(w["bi"])
    for t in range(len(cells) - 1, -1, -1):
        k, m = cells[t], heads[t]
        # head
        d_mix = m["pi"] - m["resp"]
        d_mu = -m["resp"][:, None] * m["z"] / np.exp(m["log_sig"])[:, None]
        d_sig = m["resp"] * (2 - np.sum(m["z"] ** 2, axis=1))
        d_lift = m["q"] - stroke[t + 1, 2]
        for name, d in (("mix", d_mix), ("mu", d_mu), ("sig", d_sig)):
            grad["V_" + name] += d[..., None] * m["h"]
            grad["c_" + name] += d
        grad["V_lift"] += d_lift * m["h"]
        grad["c_lift"] += d_lift
        dh = dh + d_mix @ w["V_mix"] + d_sig @ w["V_sig"] + d_lift * w["V_lift"]
        dh = dh + np.einsum("kd,kdh->h", d_mu, w["V_mu"])
        # cell
        dc = dc + dh * k["o"] * (1 - k["tc"] ** 2)
        da = {
            "i": dc * k["g"] * k["i"] * (1 - k["i"]),
            "f": dc * k["c"] * k["f"] * (1 - k["f"]),
            "o": dh * k["tc"] * k["o"] * (1 - k["o"]),
            "g": dc * k["i"] * (1 - k["g"] ** 2),
        }
        dc = dc * k["f"]
        dh = np.zeros_like(dh)
        for gate in GATES:
            grad["W" + gate] += np.outer(da[gate], k["x"])
            grad["U" + gate] += np.outer(da[gate], k["h"])
            grad["b" + gate] += da[gate]
            dh += w["U" + gate].T @ da[gate]
    return grad


def pen(T, seed):
    rng = np.random.RandomState(seed)
    return np.column_stack([rng.randn(T + 1, 2), rng.rand(T + 1) < 0.3])


weights = new_weights(hidden=4, K=3, seed=7)
stroke = pen(5, seed=8)
