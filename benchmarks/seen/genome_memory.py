"""Matrix memory (mLSTM of xLSTM, Beck et al. 2024) that reads bases and calls a label at every one of them.

C <- f C + i v k',  n <- f n + i k,  h = o * (C q) / max(|n.q|, 1).
Noisy labels, so the loss is the generalised cross-entropy (1 - p^Q) / Q.
"""
import numpy as np

Q = 0.6


class MatrixMemory:
    def __init__(self, bases, width, labels, rng):
        n = lambda *s: rng.standard_normal(s) * 0.6
        self.emb = n(bases, width)
        self.Wq, self.Wk, self.Wv, self.Wo = (n(width, width) for _ in range(4))
        self.wi, self.wf = n(width), n(width)
        self.bi, self.bf = np.array(-0.2), np.array(1.0)
        self.head = n(width, labels)
        self.grad = {}

    names = ["emb", "Wq", "Wk", "Wv", "Wo", "wi", "wf", "bi", "bf", "head"]

    def forward(self, reads):
        """reads: (batch, time) of bases. Returns label probabilities (batch, time, labels)."""
        B, T = reads.shape
        width = len(self.wi)
        x = self.emb[reads]
        self.x, self.reads = x, reads
        self.q, self.v = x @ self.Wq, x @ self.Wv
        self.k = x @ self.Wk / np.sqrt(width)
        self.o = 1 / (1 + np.exp(-x @ self.Wo))
        self.i = np.exp(x @ self.wi + self.bi)
        self.f = 1 / (1 + np.exp(-x @ self.wf - self.bf))
        self.C = [np.zeros((B, width, width))]
        self.n = [np.zeros((B, width))]
        self.raw, self.nq = np.zeros((B, T, width)), np.zeros((B, T))
        for t in range(T):
            f, i = self.f[:, t, None], self.i[:, t, None]
            vk = self.v[:, t, :, None] * self.k[:, t, None, :]
            self.C.append(f[:, :, None] * self.C[t] + i[:, :, None] * vk)
            self.n.append(f * self.n[t] + i * self.k[:, t])
            self.raw[:, t] = np.einsum("bij,bj->bi", self.C[-1], self.q[:, t])
            self.nq[:, t] = np.einsum("bj,bj->b", self.n[-1], self.q[:, t])
        self.scale = np.maximum(np.abs(self.nq), 1)[:, :, None]
        self.h = self.o * self.raw / self.scale
        s = self.h @ self.head
        e = np.exp(s - s.max(axis=2, keepdims=True))
        return e / e.sum(axis=2, keepdims=True)

    def loss(self, reads, labels):
        p = np.take_along_axis(self.forward(reads), labels[:, :, None], axis=2)
        return np.mean((1 - p**Q) / Q)

    def backward(self, reads, labels):
        prob = self.forward(reads)
        B, T = reads.shape
        p = np.take_along_axis(prob, labels[:, :, None], axis=2)
        # d/ds of (1 - p^Q)/Q is p^Q (prob - onehot)
        ds = prob.copy()
        np.put_along_axis(ds, labels[:, :, None], p - 1, axis=2)
        ds *= p**Q / (B * T)
        g = {name: np.zeros_like(getattr(self, name)) for name in self.names}
        g["head"] = np.einsum("bti,btl->il", self.h, ds)
        dh = ds @ self.head.T
        do = dh * self.raw / self.scale
        draw = dh * self.o / self.scale
        dscale = -(dh * self.h / self.scale).sum(axis=2)
        dnq = dscale * np.sign(self.nq) * (np.abs(self.nq) > 1)

        dq, dk, dv = np.zeros_like(self.q), np.zeros_like(self.k), np.zeros_like(self.v)
        di, df = np.zeros((B, T)), np.zeros((B, T))
        dC, dn = np.zeros_like(self.C[0]), np.zeros_like(self.n[0])
        for t in range(T - 1, -1, -1):
            q, k, v, i = self.q[:, t], self.k[:, t], self.v[:, t], self.i[:, t, None]
            dq[:, t] = np.einsum("bij,bi->bj", self.C[t + 1], draw[:, t]) + dnq[:, t, None] * self.n[t + 1]
            dC = dC + draw[:, t, :, None] * q[:, None, :]
            dn = dn + dnq[:, t, None] * q
            dCk = np.einsum("bij,bj->bi", dC, k)
            di[:, t] = np.einsum("bi,bi->b", dCk, v) + np.einsum("bj,bj->b", dn, k)
            df[:, t] = np.einsum("bij,bij->b", dC, self.C[t]) + np.einsum("bj,bj->b", dn, self.n[t])
            dv[:, t] = i * dCk
            dk[:, t] = i * (np.einsum("bij,bi->bj", dC, v) + dn)
            dC = self.f[:, t, None, None] * dC
            dn = self.f[:, t, None] * dn

        do = do * self.o * (1 - self.o)
        di = di * self.i
        df = df * self.f * (1 - self.f)
        dk = dk / np.sqrt(len(self.wi))
        for name, d in (("Wq", dq), ("Wk", dk), ("Wv", dv), ("Wo", do)):
            g[name] = np.einsum("bti,btj->ij", self.x, d)
        g["wi"], g["bi"] = np.einsum("bti,bt->i", self.x, di), di.sum()
        g["wf"], g["bf"] = np.einsum("bti,bt->i", self.x, df), df.sum()
        dx = dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T + do @ self.Wo.T
        dx += di[:, :, None] * self.wi + df[:, :, None] * self.wf
        np.add.at(g["emb"], self.reads, dx)
        self.grad = g


def sequencer(B, T, bases, labels, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, bases, (B, T)), rng.integers(0, labels, (B, T))


memory = MatrixMemory(bases=4, width=3, labels=5, rng=np.random.default_rng(411))
reads, calls = sequencer(2, 6, 4, 5, seed=412)
