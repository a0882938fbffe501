# Next-chord prediction on piano rolls with a coupled-gate LSTM: what is not forgotten is not written,
#       c_t = f_t * c_{t-1} + (1 - f_t) * g_t          (no separate input gate)
# Every key is an independent Bernoulli.  Everything is a column per melody: (keys, melodies).
import numpy as np

GATES = "f", "o", "g"


def init(n_keys, n_hidden, seed):
    rs = np.random.RandomState(seed)
    glorot = lambda *s: rs.randn(*s) * np.sqrt(2.0 / sum(s))
    P = {k: {"x": glorot(n_hidden, n_keys), "h": glorot(n_hidden, n_hidden), "b": 0.1 * rs.randn(n_hidden, 1)}
         for k in GATES}
    P["out"] = {"h": glorot(n_keys, n_hidden), "b": np.full((n_keys, 1), -1.0)}
    P["start"] = {"h": 0.1 * rs.randn(n_hidden, 1), "c": 0.1 * rs.randn(n_hidden, 1)}
    return P


def act(k, a):
    return np.tanh(a) if k == "g" else 1 / (1 + np.exp(-a))


def dact(k, y):
    return 1 - y * y if k == "g" else y * (1 - y)


def play(P, roll):
    """roll: list of (keys, melodies).  Predicts roll[1:] from roll[:-1]; returns the logits and a diary."""
    n = roll[0].shape[1]
    h = P["start"]["h"] @ np.ones((1, n))
    c = P["start"]["c"] @ np.ones((1, n))
    logits, diary = [], []
    for chord in roll[:-1]:
        page = {"x": chord, "h_old": h, "c_old": c}
        for k in GATES:
            page[k] = act(k, P[k]["x"] @ chord + P[k]["h"] @ h + P[k]["b"])
        c = page["f"] * c + (1 - page["f"]) * page["g"]
        page["tanh_c"] = np.tanh(c)
        page["h"] = h = page["o"] * page["tanh_c"]
        logits.append(P["out"]["h"] @ h + P["out"]["b"])
        diary.append(page)
    return logits, diary


def surprise(P, roll):
    logits, _ = play(P, roll)
    nats = sum(np.sum(np.logaddexp(0, l) - key * l) for l, key in zip(logits, roll[1:]))
    return nats / len(logits) / roll[0].shape[1]


def surprise_grad(P, roll):
    logits, diary = play(P, roll)
    G = {k: {n: np.zeros(v.shape) for n, v in group.items()} for k, group in P.items()}
    scale = 1.0 / len(logits) / roll[0].shape[1]
    dh = dc = np.zeros_like(diary[0]["h"])
    for t in reversed(range(len(diary))):
        page = diary[t]
        dl = scale * (1 / (1 + np.exp(-logits[t])) - roll[t + 1])
        G["out"]["h"] += dl @ page["h"].T
        G["out"]["b"] += dl.sum(1, keepdims=True)
        dh = dh + P["out"]["h"].T @ dl
        dc = dc + dh * page["o"] * (1 - page["tanh_c"] ** 2)
        d = {
            "o": dh * page["tanh_c"],
            "f": dc * (page["c_old"] - page["g"]),
            "g": dc * (1 - page["f"]),
        }
        dh = 0
        for k in GATES:
            da = d[k] * dact(k, page[k])
            G[k]["x"] += da @ page["x"].T
            G[k]["h"] += da @ page["h_old"].T
            G[k]["b"] += da.sum(1, keepdims=True)
            dh = dh + P[k]["h"].T @ da
        dc = dc * page["f"]
    G["start"]["h"] += dh.sum(1, keepdims=True)
    G["start"]["c"] += dc.sum(1, keepdims=True)
    return G


def random_rolls(n_chords, n_keys, n_melodies, seed):
    rs = np.random.RandomState(seed)
    return [(rs.rand(n_keys, n_melodies) < 0.4).astype(float) for _ in range(n_chords)]


P = init(n_keys=5, n_hidden=4, seed=1685)
roll = random_rolls(6, 5, 2, seed=1750)
