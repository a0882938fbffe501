"""LSTM language model over a padded batch (time, batch); padding carries the state through and costs nothing."""
import numpy as np

PAD = 0


class Model:
    def __init__(self, vocab, emb, hid, seed=10):
        rng = np.random.RandomState(seed)
        self.hid = hid
        self.P = {
            "E": rng.randn(vocab, emb) * 0.5,
            "Wf": rng.randn(emb + hid, hid) * 0.4, "bf": rng.randn(hid) * 0.1,
            "Wi": rng.randn(emb + hid, hid) * 0.4, "bi": rng.randn(hid) * 0.1,
            "Wc": rng.randn(emb + hid, hid) * 0.4, "bc": rng.randn(hid) * 0.1,
            "Wo": rng.randn(emb + hid, hid) * 0.4, "bo": rng.randn(hid) * 0.1,
            "S": rng.randn(hid, vocab) * 0.6,
        }

    @staticmethod
    def sigma(x):
        return 1 / (1 + np.exp(-x))

    def forward(self, words):
        P, s = self.P, self.sigma
        B = words.shape[1]
        h, c = np.zeros((B, self.hid)), np.zeros((B, self.hid))
        steps = []
        for row in words[:-1]:
            live = (row != PAD).astype(float)[:, None]
            z = np.hstack([P["E"][row], h])
            f, i = s(z @ P["Wf"] + P["bf"]), s(z @ P["Wi"] + P["bi"])
            o, k = s(z @ P["Wo"] + P["bo"]), np.tanh(z @ P["Wc"] + P["bc"])
            c_in, h_in = c, h
            c_new = f * c_in + i * k
            h_new = o * np.tanh(c_new)
            c = live * c_new + (1 - live) * c_in
            h = live * h_new + (1 - live) * h_in
            logits = h @ P["S"]
            logits = logits - logits.max(axis=1, keepdims=True)
            p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            steps.append(dict(row=row, live=live, z=z, f=f, i=i, o=o, k=k, c_in=c_in, c_new=c_new, h=h, p=p))
        return steps

    def loss(self, words):
        total, count = 0.0, 0
        for step, want in zip(self.forward(words), words[1:]):
            for b, w in enumerate(want):
                if w != PAD:
                    total -= np.log(step["p"][b, w])
                    count += 1
        return total / count

    def backward(self, words):
        P = self.P
        steps = self.forward(words)
        count = np.sum(words[1:] != PAD)
        self.D = {name: np.zeros_like(value) for name, value in P.items()}
        D = self.D
        emb = P["E"].shape[1]
        dh = np.zeros((words.shape[1], self.hid))
        dc = np.zeros_like(dh)
        for t in range(len(steps) - 1, -1, -1):
            st, want = steps[t], words[t + 1]
            dl = st["p"].copy()
            dl[np.arange(len(want)), want] -= 1
            dl *= (want != PAD)[:, None] / count
            D["S"] += st["h"].T @ dl
            dh = dh + dl @ P["S"].T
            live = st["live"]
            dh_new, dc_new = dh * live, dc * live
            tc = np.tanh(st["c_new"])
            d_o = dh_new * tc * st["o"] * (1 - st["o"])
            dc_new = dc_new + dh_new * st["o"] * (1 - tc ** 2)
            d_f = dc_new * st["c_in"] * st["f"] * (1 - st["f"])
            d_i = dc_new * st["k"] * st["i"] * (1 - st["i"])
            d_k = dc_new * st["i"] * (1 - st["k"] ** 2)
            dz = 0
            for gate, d in (("f", d_f), ("i", d_i), ("c", d_k), ("o", d_o)):
                D["W" + gate] += st["z"].T @ d
                D["b" + gate] += d.sum(axis=0)
                dz = dz + d @ P["W" + gate].T
            np.add.at(D["E"], st["row"], dz[:, :emb])
            dh = dz[:, emb:] + dh * (1 - live)
            dc = dc_new * st["f"] + dc * (1 - live)
        return D


words = np.array([
    [1, 2, 3, 4],
    [2, 3, 1, 1],
    [3, 1, 5, 2],
    [4, 5, 2, 0],
    [5, 2, 0, 0],
    [1, 4, 0, 0],
    [2, 1, 0, 0],
])
model = Model(6, 3, 5)
