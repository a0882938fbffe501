"""Who is speaking? One recurrent block of Griffin: short causal convolution, RG-LRU, gated branch, residual.

    r_t = sigmoid(u_t Wr + br)          recurrence gate
    i_t = sigmoid(u_t Wi + bi)          input gate
    log a_t = -C softplus(lam) r_t
    h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t u_t)
"""
import numpy as np

C = 4.0

def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))

def gelu(x):
    return x * sigmoid(1.702 * x)

def gelu_grad(x):
    s = sigmoid(1.702 * x)
    return s + 1.702 * x * s * (1.0 - s)

def softplus(x):
    return np.logaddexp(0.0, x)

def conv_fwd(x, k, b):
    """Depthwise and causal: x (batch, time, channels), k (width, channels)."""
    T = x.shape[1]
    width = k.shape[0]
    padded = np.concatenate([np.zeros((x.shape[0], width - 1, x.shape[2])), x], axis=1)
    out = b + sum(k[j] * padded[:, j : j + T] for j in range(width))
    return out, padded

def conv_bwd(dout, padded, k):
    T = dout.shape[1]
    dpadded = np.zeros_like(padded)
    dk = np.zeros_like(k)
    for j in range(k.shape[0]):
        dk[j] = np.einsum("btc,btc->c", dout, padded[:, j : j + T])
        dpadded[:, j : j + T] += k[j] * dout
    return dpadded[:, k.shape[0] - 1 :], dk, dout.sum(axis=(0, 1))

def lru_fwd(u, p):
    r = sigmoid(u @ p["Wr"] + p["br"])
    i = sigmoid(u @ p["Wi"] + p["bi"])
    a = np.exp(-C * softplus(p["lam"]) * r)
    m = np.sqrt(1.0 - a**2)
    h = np.zeros_like(u)
    prev = np.zeros((u.shape[0], u.shape[2]))
    for t in range(u.shape[1]):
        prev = a[:, t] * prev + m[:, t] * i[:, t] * u[:, t]
        h[:, t] = prev
    return h, (u, r, i, a, m, h)

def lru_bwd(dh, cache, p):
    u, r, i, a, m, h = cache
    da = np.zeros_like(a)
    dgated = np.zeros_like(a)
    carry = np.zeros_like(dh[:, 0])
    for t in range(dh.shape[1] - 1, -1, -1):
        carry = carry + dh[:, t]
        dgated[:, t] = carry
        if t > 0:
            da[:, t] = carry * h[:, t - 1]
        carry = carry * a[:, t]
    dm = dgated * i * u
    da -= dm * a / m
    dlog = da * a
    dr = -C * softplus(p["lam"]) * dlog
    di = dgated * m * u
    dzr = dr * r * (1.0 - r)
    dzi = di * i * (1.0 - i)
    g = {
        "lam": -C * sigmoid(p["lam"]) * np.sum(dlog * r, axis=(0, 1)),
        "Wr": np.einsum("btc,btd->cd", u, dzr),
        "br": dzr.sum(axis=(0, 1)),
        "Wi": np.einsum("btc,btd->cd", u, dzi),
        "bi": dzi.sum(axis=(0, 1)),
    }
    return dgated * m * i + dzr @ p["Wr"].T + dzi @ p["Wi"].T, g

def forward(params, x):
    left = x @ params["left"]
    right = x @ params["right"]
    u, padded = conv_fwd(right, params["kernel"], params["kbias"])
    h, cache = lru_fwd(u, params["lru"])
    y = x + (gelu(left) * h) @ params["out"]
    return y @ params["head"], (left, padded, h, cache, y)

def loss(params, x, who):
    logits, _ = forward(params, x)
    top = logits.max(axis=-1, keepdims=True)
    logp = logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
    return -np.mean(np.sum(who * logp, axis=-1))

def grad(params, x, who):
    logits, (left, padded, h, cache, y) = forward(params, x)
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    dlogits = (e / e.sum(axis=-1, keepdims=True) - who) / (x.shape[0] * x.shape[1])
    dy = dlogits @ params["head"].T
    act = gelu(left)
    dprod = dy @ params["out"].T
    du, glru = lru_bwd(dprod * act, cache, params["lru"])
    dright, dkernel, dkbias = conv_bwd(du, padded, params["kernel"])
    return {
        "left": np.einsum("btc,btd->cd", x, dprod * h * gelu_grad(left)),
        "right": np.einsum("btc,btd->cd", x, dright),
        "kernel": dkernel,
        "kbias": dkbias,
        "lru": glru,
        "out": np.einsum("btc,btd->cd", act * h, dy),
        "head": np.einsum("btc,btd->cd", y, dlogits),
    }

def init(d, width, speakers, taps, seed):
    n = np.random.default_rng(seed).normal
    lru = {"lam": n(-1, 0.3, width), "Wr": n(0, 0.6, (width, width)), "br": n(0, 0.2, width)}
    lru.update(Wi=n(0, 0.6, (width, width)), bi=n(0, 0.2, width))
    params = {"left": n(0, 0.6, (d, width)), "right": n(0, 0.6, (d, width)), "kernel": n(0, 0.6, (taps, width))}
    params.update(kbias=n(0, 0.1, width), lru=lru, out=n(0, 0.6, (width, d)), head=n(0, 0.6, (d, speakers)))
    return params

def meeting(batch, T, d, speakers, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, T, d)), np.eye(speakers)[rng.integers(speakers, size=(batch, T))]

params = init(3, 4, 3, 2, seed=1201)
x, who = meeting(2, 5, 3, 3, seed=1202)
