"""Selective copying with a selective state space layer (the "S6" of Gu & Dao, Mamba, 2023), sequential scan.

No convolution, no fused kernel: this is the reference I test the CUDA code with.

  delta = softplus(x @ Wd + bd)              B L D
  Bt, Ct = x @ WB, x @ WC                    B L N
  h_t = exp(delta_t A) h_{t-1} + delta_t x_t Bt_t          B D N,   A = -exp(logA)
  y_t = <h_t, Ct_t> + skip * x_t ;  out = y * silu(x @ Wg)
"""
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def make(vocab, D, N, seed):
    g = np.random.default_rng(seed)
    return {
        "embed": g.normal(size=(vocab, D)),
        "ssm": {
            "logA": np.log(np.tile(np.arange(1.0, N + 1), (D, 1))),
            "Wd": g.normal(size=(D, D)) / np.sqrt(D),
            "bd": g.uniform(-2, 0, D),
            "WB": g.normal(size=(D, N)) / np.sqrt(D),
            "WC": g.normal(size=(D, N)) / np.sqrt(D),
            "skip": np.ones(D),
            "Wg": g.normal(size=(D, D)) / np.sqrt(D),
        },
        "head": {"W": g.normal(size=(D, vocab)), "b": np.zeros(vocab)},
    }


def scan(p, x):
    A = -np.exp(p["logA"])
    pre = x @ p["Wd"] + p["bd"]
    delta = softplus(pre)
    Bt, Ct = x @ p["WB"], x @ p["WC"]
    h = np.zeros((x.shape[0],) + A.shape)
    hs, ys = [h], []
    for t in range(x.shape[1]):
        decay = np.exp(delta[:, t, :, None] * A)
        h = decay * h + (delta[:, t] * x[:, t])[:, :, None] * Bt[:, t, None, :]
        hs.append(h)
        ys.append((h * Ct[:, t, None, :]).sum(-1))
    y = np.stack(ys, axis=1) + p["skip"] * x
    gate = x @ p["Wg"]
    return y * gate * sigmoid(gate), (pre, delta, Bt, Ct, hs, y, gate)


def scan_bwd(p, x, kept, dout):
    pre, delta, Bt, Ct, hs, y, gate = kept
    A = -np.exp(p["logA"])
    sg = sigmoid(gate)
    dgate = dout * y * (sg + gate * sg * (1 - sg))
    dy = dout * gate * sg
    dx = dy * p["skip"] + dgate @ p["Wg"].T
    ddelta, dBt, dCt = np.zeros_like(delta), np.zeros_like(Bt), np.zeros_like(Ct)
    dA = np.zeros_like(A)
    dh = np.zeros_like(hs[0])
    for t in range(x.shape[1] - 1, -1, -1):
        dCt[:, t] = (hs[t + 1] * dy[:, t, :, None]).sum(1)
        dh = dh + dy[:, t, :, None] * Ct[:, t, None, :]
        decay = np.exp(delta[:, t, :, None] * A)
        dlog = dh * hs[t] * decay                                # d / d (delta A)
        dA += (dlog * delta[:, t, :, None]).sum(0)
        dinp = (dh * Bt[:, t, None, :]).sum(-1)                  # d / d (delta x)
        dBt[:, t] = (dh * (delta[:, t] * x[:, t])[:, :, None]).sum(1)
        ddelta[:, t] = (dlog * A).sum(-1) + dinp * x[:, t]
        dx[:, t] += dinp * delta[:, t]
        dh = dh * decay
    dpre = ddelta * sigmoid(pre)
    dx += dpre @ p["Wd"].T + dBt @ p["WB"].T + dCt @ p["WC"].T
    flat = x.reshape(-1, x.shape[-1]).T
    rows = lambda d: d.reshape(-1, d.shape[-1])
    grads = {
        "logA": dA * A,
        "Wd": flat @ rows(dpre),
        "bd": rows(dpre).sum(0),
        "WB": flat @ rows(dBt),
        "WC": flat @ rows(dCt),
        "skip": rows(dy * x).sum(0),
        "Wg": flat @ rows(dgate),
    }
    return dx, grads


def loss_fn(params, tokens, targets, where):
    out, _ = scan(params["ssm"], params["embed"][tokens])
    logits = out @ params["head"]["W"] + params["head"]["b"]
    logits = logits - logits.max(-1, keepdims=True)
    lse = np.log(np.exp(logits).sum(-1))
    right = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return ((lse - right) * where).sum() / where.sum()


def grad_fn(params, tokens, targets, where):
    x = params["embed"][tokens]
    out, kept = scan(params["ssm"], x)
    logits = out @ params["head"]["W"] + params["head"]["b"]
    prob = np.exp(logits - logits.max(-1, keepdims=True))
    prob = prob / prob.sum(-1, keepdims=True)
    dlogits = (prob - np.eye(prob.shape[-1])[targets]) * where[..., None] / where.sum()
    dW = np.einsum("bld,blv->dv", out, dlogits)
    dx, dssm = scan_bwd(params["ssm"], x, kept, dlogits @ params["head"]["W"].T)
    dembed = np.zeros_like(params["embed"])
    np.add.at(dembed, tokens, dx)
    return {"embed": dembed, "ssm": dssm, "head": {"W": dW, "b": dlogits.sum((0, 1))}}


def task(batch, length, vocab, seed):
    g = np.random.default_rng(seed)
    tokens = g.integers(vocab, size=(batch, length))
    return tokens, np.roll(tokens, 2, axis=1), (np.arange(length) >= 2) * np.ones((batch, 1))


params = make(vocab=5, D=3, N=2, seed=170)
tokens, targets, where = task(2, 6, 5, seed=171)
