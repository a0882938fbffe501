import numpy as np


class WardGRU:
    """
    Risk of a patient from irregular measurements. Missing steps (mask 0) leave the state as it was.
    vitals: time x batch x features, seen: time x batch, died: batch
    """

    def __init__(self, features, hidden, decay=0.01, seed=2):
        rng = np.random.RandomState(seed)
        self.hidden = hidden
        self.decay = decay
        # update gate and reset gate side by side
        self.Wg = rng.randn(features, 2 * hidden) * 0.6
        self.Ug = rng.randn(hidden, 2 * hidden) * 0.5
        self.bg = rng.randn(2 * hidden) * 0.2
        self.Wc = rng.randn(features, hidden) * 0.8
        self.Uc = rng.randn(hidden, hidden) * 0.5
        self.bc = rng.randn(hidden) * 0.2
        self.v = rng.randn(hidden)
        self.v0 = np.array(0.1)

    @staticmethod
    def sigmoid(a):
        return 1. / (1. + np.exp(-a))

    def forward(self, vitals, seen):
        n = self.hidden
        h = np.zeros((vitals.shape[1], n))
        self.steps = []
        for x, m in zip(vitals, seen):
            gates = self.sigmoid(x @ self.Wg + h @ self.Ug + self.bg)
            u, r = gates[:, :n], gates[:, n:]
            cand = np.tanh(x @ self.Wc + (r * h) @ self.Uc + self.bc)
            new = u * cand + (1 - u) * h
            keep = m[:, None]
            self.steps.append((x, h, u, r, cand, keep))
            h = keep * new + (1 - keep) * h
        self.last = h
        return self.sigmoid(h @ self.v + self.v0)

    def loss(self, vitals, seen, died):
        risk = self.forward(vitals, seen)
        bce = -np.mean(died * np.log(risk) + (1 - died) * np.log(1 - risk))
        ridge = np.sum(self.Wg ** 2) + np.sum(self.Ug ** 2) + np.sum(self.Wc ** 2) + np.sum(self.Uc ** 2)
        return bce + 0.5 * self.decay * ridge

    def gradient(self, vitals, seen, died):
        risk = self.forward(vitals, seen)
        d_score = (risk - died) / len(died)
        g_v = d_score @ self.last
        g_v0 = np.sum(d_score)

        g_Wg = self.decay * self.Wg
        g_Ug = self.decay * self.Ug
        g_Wc = self.decay * self.Wc
        g_Uc = self.decay * self.Uc
        g_bg = np.zeros_like(self.bg)
        g_bc = np.zeros_like(self.bc)

        d_h = np.outer(d_score, self.v)
        while self.steps:
            x, h, u, r, cand, keep = self.steps.pop()
            d_new = keep * d_h
            d_c = d_new * u * (1 - cand ** 2)
            d_rh = d_c @ self.Uc.T
            d_u = d_new * (cand - h) * u * (1 - u)
            d_r = d_rh * h * r * (1 - r)
            d_gates = np.concatenate([d_u, d_r], axis=1)
            g_Wc += x.T @ d_c
            g_Uc += (r * h).T @ d_c
            g_bc += d_c.sum(axis=0)
            g_Wg += x.T @ d_gates
            g_Ug += h.T @ d_gates
            g_bg += d_gates.sum(axis=0)
            d_h = (1 - keep) * d_h + d_new * (1 - u) + d_rh * r + d_gates @ self.Ug.T
        return g_Wg, g_Ug, g_bg, g_Wc, g_Uc, g_bc, g_v, g_v0


def ward(T, B, features, seed=4):
    rng = np.random.RandomState(seed)
    seen = (rng.rand(T, B) < 0.7).astype(float)
    seen[0] = 1.0
    return rng.randn(T, B, features), seen, np.arange(B) % 2 * 1.0


model = WardGRU(2, 4)
vitals, seen, died = ward(6, 3, 2)
