"""
A Neural Turing Machine cut down to what is needed for copying: one head that reads and writes, addressing by content
with a gate that may keep the old address, no shifts.  Bits in, bits out, cross-entropy from logits on the recall half.

    h = tanh(Wx x + Wr r + Wh h + b)
    k = tanh(.) key     beta = softplus(.)     g = sigmoid(.) gate     e = sigmoid(.) erase     a = add
    w = g softmax(beta cos(k, M)) + (1 - g) w_old
    M = M * (1 - w e^T) + w a^T      r = w^T M
"""
import numpy as np


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


class NTM:
    def __init__(self, bits, hidden, slots, width, seed=0):
        rng = np.random.RandomState(seed)
        self.width = width
        heads = 3 * width + 2
        self.params = dict(
            Wx=rng.randn(hidden, bits) * 0.7, Wr=rng.randn(hidden, width) * 0.7, Wh=rng.randn(hidden, hidden) * 0.5,
            b=rng.randn(hidden) * 0.1, Whead=rng.randn(heads, hidden) / np.sqrt(hidden), bhead=rng.randn(heads) * 0.1,
            Wy=rng.randn(bits, hidden) / np.sqrt(hidden), Vy=rng.randn(bits, width), by=np.zeros(bits),
            M0=rng.randn(slots, width) * 0.5, w0=rng.randn(slots))
        self.grads = {}

    def forward(self, xs):
        p, n = self.params, self.width
        h = np.zeros(len(p["b"]))
        M = p["M0"]
        w = np.exp(p["w0"]) / np.sum(np.exp(p["w0"]))
        r = w @ M
        self.tape, self.w_start = [], w
        logits = []
        for x in xs:
            s = {"x": x, "h_old": h, "r_old": r, "M_old": M, "w_old": w}
            h = s["h"] = np.tanh(p["Wx"] @ x + p["Wr"] @ r + p["Wh"] @ h + p["b"])
            o = p["Whead"] @ h + p["bhead"]
            s["k"], s["e"], s["a"] = np.tanh(o[:n]), sigmoid(o[n:2 * n]), o[2 * n:3 * n]
            s["beta"], s["g"] = np.log1p(np.exp(o[3 * n])), sigmoid(o[3 * n + 1])
            s["dbeta_do"] = sigmoid(o[3 * n])
            s["kn"], s["Mn"] = np.sqrt(s["k"] @ s["k"] + 1e-4), np.sqrt(np.sum(M * M, axis=1) + 1e-4)
            s["cos"] = M @ s["k"] / (s["kn"] * s["Mn"])
            z = np.exp(s["beta"] * s["cos"])
            s["c"] = z / z.sum()
            w = s["w"] = s["g"] * s["c"] + (1 - s["g"]) * w
            M = s["M"] = M * (1 - np.outer(w, s["e"])) + np.outer(w, s["a"])
            r = s["r"] = w @ M
            logits.append(p["Wy"] @ h + p["Vy"] @ r + p["by"])
            self.tape.append(s)
        return logits

    def loss(self, xs, ys, recall_from):
        logits = self.forward(xs)
        total = 0.0
        for t in range(recall_from, len(xs)):
            total = total + np.sum(np.log1p(np.exp(logits[t])) - ys[t] * logits[t])
        return total

    def backward(self, xs, ys, recall_from):
        logits = self.forward(xs)
        p, n = self.params, self.width
        g = self.grads = {k: np.zeros_like(v) for k, v in p.items()}
        dh, dr = np.zeros_like(p["b"]), np.zeros(n)
        dM, dw = np.zeros_like(p["M0"]), np.zeros_like(p["w0"])
        for t in reversed(range(len(xs))):
            s = self.tape[t]
            if t >= recall_from:
                dy = sigmoid(logits[t]) - ys[t]
                g["Wy"] += np.outer(dy, s["h"]); g["Vy"] += np.outer(dy, s["r"]); g["by"] += dy
                dh = dh + p["Wy"].T @ dy
                dr = dr + p["Vy"].T @ dy
            # reading
            dM = dM + np.outer(s["w"], dr)
            dw = dw + s["M"] @ dr
            # writing
            dE = -dM * s["M_old"]                                   # with respect to outer(w, e)
            dw = dw + dE @ s["e"] + dM @ s["a"]
            de, da = s["w"] @ dE, s["w"] @ dM
            dM = dM * (1 - np.outer(s["w"], s["e"]))
            # addressing
            dg = dw @ (s["c"] - s["w_old"])
            dc = s["g"] * dw
            dw = (1 - s["g"]) * dw
            ds = s["c"] * (dc - dc @ s["c"])
            dbeta = ds @ s["cos"]
            dcos = s["beta"] * ds
            dk = (dcos / s["Mn"]) @ s["M_old"] / s["kn"] - s["k"] * (dcos @ s["cos"]) / s["kn"] ** 2
            dM = dM + np.outer(dcos / s["Mn"], s["k"] / s["kn"]) - s["M_old"] * (dcos * s["cos"] / s["Mn"] ** 2)[:, None]
            # head and controller
            do = np.concatenate([dk * (1 - s["k"] ** 2), de * s["e"] * (1 - s["e"]), da,
                                 [dbeta * s["dbeta_do"], dg * s["g"] * (1 - s["g"])]])
            g["Whead"] += np.outer(do, s["h"]); g["bhead"] += do
            dpre = (dh + p["Whead"].T @ do) * (1 - s["h"] ** 2)
            g["Wx"] += np.outer(dpre, s["x"]); g["Wr"] += np.outer(dpre, s["r_old"])
            g["Wh"] += np.outer(dpre, s["h_old"]); g["b"] += dpre
            dh, dr = p["Wh"].T @ dpre, p["Wr"].T @ dpre
        g["M0"] = dM + np.outer(self.w_start, dr)
        dw = dw + p["M0"] @ dr
        g["w0"] = self.w_start * (dw - dw @ self.w_start)


def copy_task(items, bits, seed):
    rng = np.random.RandomState(seed)
    seq = (rng.rand(items, bits) < 0.5).astype(float)
    blank = np.zeros((items, bits))
    return np.vstack([seq, blank]), np.vstack([blank, seq])


ntm = NTM(bits=3, hidden=4, slots=3, width=3, seed=121)
xs, ys = copy_task(items=2, bits=3, seed=122)
