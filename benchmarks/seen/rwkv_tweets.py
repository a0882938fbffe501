"""RWKV-4 as a recurrence, one layer, trained on short texts.  Written to understand the time mixing.

time mixing
    xr, xk, xv  = blends of this token's vector and the one before   (mu_r, mu_k, mu_v)
    r, k, v     = Wr xr, Wk xk, Wv xv
    wkv_t       = (A + e^{u + k_t} v_t) / (B + e^{u + k_t})
    A, B       <- e^{-w} A + e^{k_t} v_t,  e^{-w} B + e^{k_t}         w = e^{decay}
    y           = x + Wo (sigmoid(r) * wkv)
channel mixing
    out         = y + sigmoid(Wg yg) * (W2 relu(W1 yf)^2)             yg, yf blends again (mu_g, mu_f)
"""
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def shift(x):
    """what the token before was; nothing before the first"""
    return np.vstack([np.zeros_like(x[:1]), x[:-1]])

def blend(mu, x):
    return mu * x + (1 - mu) * shift(x)

def blend_back(mu, x, d):
    dmu = np.sum(d * (x - shift(x)), axis=0)
    dx = mu * d
    dx[:-1] += (1 - mu) * d[1:]
    return dmu, dx

class RWKV:
    def __init__(self, vocab, d, d_ff, seed):
        rng = np.random.default_rng(seed)
        mat = lambda a, b: rng.standard_normal((a, b)) / np.sqrt(b)
        self.p = {"emb": rng.standard_normal((vocab, d)), "head": mat(vocab, d)}
        for n in "rkvo":
            self.p["W" + n] = mat(d, d)
        for n in "rkvgf":
            self.p["mu_" + n] = rng.uniform(0.2, 0.8, d)
        self.p["decay"] = rng.uniform(-1.5, 0.5, d)
        self.p["u"] = rng.standard_normal(d) * 0.5
        self.p["Wg"], self.p["W1"], self.p["W2"] = mat(d, d), mat(d_ff, d), mat(d, d_ff)

    def forward(self, tokens):
        p, m = self.p, {}
        x = m["x"] = p["emb"][tokens]
        for n in "rkv":
            m["x" + n] = blend(p["mu_" + n], x)
            m[n] = m["x" + n] @ p["W" + n].T
        keep = np.exp(-np.exp(p["decay"]))
        A, B = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        m["A"], m["B"], wkv = [], [], []
        for k, v in zip(m["k"], m["v"]):
            m["A"].append(A)
            m["B"].append(B)
            now = np.exp(p["u"] + k)
            wkv.append((A + now * v) / (B + now))
            A, B = keep * A + np.exp(k) * v, keep * B + np.exp(k)
        m["wkv"], m["sr"] = np.array(wkv), sigmoid(m["r"])
        y = m["y"] = x + (m["sr"] * m["wkv"]) @ p["Wo"].T
        m["yg"], m["yf"] = blend(p["mu_g"], y), blend(p["mu_f"], y)
        m["sg"] = sigmoid(m["yg"] @ p["Wg"].T)
        m["relu"] = np.maximum(m["yf"] @ p["W1"].T, 0)
        m["ff"] = m["relu"] ** 2 @ p["W2"].T
        m["out"] = y + m["sg"] * m["ff"]
        s = m["out"] @ p["head"].T
        s = s - s.max(axis=1, keepdims=True)
        m["logp"] = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        return m

    def loss(self, text):
        logp = self.forward(text[:-1])["logp"]
        return -np.mean(logp[np.arange(len(logp)), text[1:]])

    def backward(self, text):
        p, tokens = self.p, text[:-1]
        m, g = self.forward(tokens), {}
        T = len(tokens)
        ds = np.exp(m["logp"])
        ds[np.arange(T), text[1:]] -= 1
        ds /= T
        g["head"] = ds.T @ m["out"]
        dout = ds @ p["head"]
        # channel mixing
        dff = dout * m["sg"]
        dg = dout * m["ff"] * m["sg"] * (1 - m["sg"])
        g["W2"] = dff.T @ m["relu"] ** 2
        da = dff @ p["W2"] * 2 * m["relu"]
        g["W1"], g["Wg"] = da.T @ m["yf"], dg.T @ m["yg"]
        g["mu_f"], dy_f = blend_back(p["mu_f"], m["y"], da @ p["W1"])
        g["mu_g"], dy_g = blend_back(p["mu_g"], m["y"], dg @ p["Wg"])
        dy = dout + dy_f + dy_g
        # time mixing
        g["Wo"] = dy.T @ (m["sr"] * m["wkv"])
        dmix = dy @ p["Wo"]
        d = {"r": dmix * m["wkv"] * m["sr"] * (1 - m["sr"]), "k": np.zeros_like(dy), "v": np.zeros_like(dy)}
        dwkv = dmix * m["sr"]
        w = np.exp(p["decay"])
        keep = np.exp(-w)
        dA = dB = du = dkeep = np.zeros_like(keep)
        for t in reversed(range(T)):
            A, B, k, v = m["A"][t], m["B"][t], m["k"][t], m["v"][t]
            ek, now = np.exp(k), np.exp(p["u"] + k)
            share = dwkv[t] / (B + now)
            dnow = share * (v - m["wkv"][t]) * now              # in the exponent
            du = du + dnow
            d["k"][t] = dnow + ek * (dA * v + dB)
            d["v"][t] = share * now + ek * dA
            dkeep = dkeep + dA * A + dB * B
            dA, dB = keep * dA + share, keep * dB - share * m["wkv"][t]
        g["u"], g["decay"] = du, -dkeep * keep * w
        dx = dy
        for n in "rkv":
            g["W" + n] = d[n].T @ m["x" + n]
            g["mu_" + n], more = blend_back(p["mu_" + n], m["x"], d[n] @ p["W" + n])
            dx = dx + more
        g["emb"] = np.zeros_like(p["emb"])
        np.add.at(g["emb"], tokens, dx)
        return g

model = RWKV(vocab=6, d=4, d_ff=5, seed=81)
text = np.random.default_rng(82).integers(0, 6, 6)
