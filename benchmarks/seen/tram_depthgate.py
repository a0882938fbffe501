# Passengers on a tram line: depth-gated LSTM (Yao et al. 2015). From the second layer on the memory of the layer below
# flows into the memory of this one through a gate d of its own:
#   d = sigm(x Wd + c_before * ud + c_below * vd + bd)
#   c = d * c_below + f * c_before + i * g
# batch first: x (B, T, D); the last `horizon` steps are forecasts of the load, pseudo-Huber
import numpy as np


def sigm(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def make_layers(D, H, depth, rng):
    layers = []
    for l in range(depth):
        n = D if l == 0 else H
        layer = dict(Wx=rng.normal(size=(n, 4 * H)) * 0.6, Wh=rng.normal(size=(H, 4 * H)) * 0.5, b=rng.normal(size=4 * H) * 0.2)
        if l > 0:
            layer.update(Wd=rng.normal(size=(H, H)) * 0.6, ud=rng.normal(size=H), vd=rng.normal(size=H), bd=rng.normal(size=H) * 0.2)
        layers.append(layer)
    return layers


def step_fwd(layer, x, h, c, below):
    """below: memory of the layer below at this step, None at the bottom"""
    H = h.shape[1]
    a = x @ layer["Wx"] + h @ layer["Wh"] + layer["b"]
    i, f, o = sigm(a[:, :H]), sigm(a[:, H:2 * H]), sigm(a[:, 2 * H:3 * H])
    g = np.tanh(a[:, 3 * H:])
    c_new = f * c + i * g
    d = None
    if below is not None:
        d = sigm(x @ layer["Wd"] + c * layer["ud"] + below * layer["vd"] + layer["bd"])
        c_new = c_new + d * below
    tc = np.tanh(c_new)
    return o * tc, c_new, (x, h, c, below, i, f, o, g, d, tc)


def step_bwd(layer, grad, cache, dh, dc):
    """returns dx, dh, dc, dbelow; adds to grad"""
    x, h, c, below, i, f, o, g, d, tc = cache
    dc = dc + dh * o * (1 - tc ** 2)
    da = np.concatenate([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g ** 2)], axis=1)
    grad["Wx"] += x.T @ da
    grad["Wh"] += h.T @ da
    grad["b"] += da.sum(axis=0)
    dx = da @ layer["Wx"].T
    dh_prev = da @ layer["Wh"].T
    dc_prev = dc * f
    dbelow = 0.0
    if below is not None:
        dd = dc * below * d * (1 - d)
        grad["Wd"] += x.T @ dd
        grad["ud"] += (c * dd).sum(axis=0)
        grad["vd"] += (below * dd).sum(axis=0)
        grad["bd"] += dd.sum(axis=0)
        dx = dx + dd @ layer["Wd"].T
        dc_prev = dc_prev + dd * layer["ud"]
        dbelow = dc * d + dd * layer["vd"]
    return dx, dh_prev, dc_prev, dbelow


def forward(model, x):
    layers, (wo, bo) = model
    B, T, _ = x.shape
    H = layers[0]["Wh"].shape[0]
    state = [(np.zeros((B, H)), np.zeros((B, H))) for _ in layers]
    caches, outs = [], []
    for t in range(T):
        inp, below, row = x[:, t], None, []
        for l, layer in enumerate(layers):
            h, c, cache = step_fwd(layer, inp, *state[l], below)
            state[l] = (h, c)
            inp, below = h, c
            row.append(cache)
        caches.append(row)
        outs.append(inp)
    outs = np.stack(outs, axis=1)
    return outs, outs @ wo + bo, caches


def loss(model, x, load, horizon):
    e = (forward(model, x)[1] - load)[:, -horizon:]
    return np.mean(np.sqrt(1 + e ** 2) - 1)


def loss_grad(model, x, load, horizon):
    layers, (wo, bo) = model
    outs, pred, caches = forward(model, x)
    e = (pred - load)[:, -horizon:]
    dpred = np.zeros_like(pred)
    dpred[:, -horizon:] = e / np.sqrt(1 + e ** 2) / e.size
    dwo = np.einsum("bt,bth->h", dpred, outs)
    grads = [{k: np.zeros_like(v) for k, v in layer.items()} for layer in layers]
    B, _, H = outs.shape
    carry = [(np.zeros((B, H)), np.zeros((B, H))) for _ in layers]
    for t in reversed(range(x.shape[1])):
        dout, dmem = np.outer(dpred[:, t], wo), 0.0
        for l in reversed(range(len(layers))):
            dh, dc = carry[l]
            dout, dh, dc, dmem = step_bwd(layers[l], grads[l], caches[t][l], dh + dout, dc + dmem)
            carry[l] = (dh, dc)
    return grads, (dwo, dpred.sum())


def new_model(D, H, depth, seed):
    rng = np.random.default_rng(seed)
    return make_layers(D, H, depth, rng), (rng.normal(size=H), np.array(0.1))


def counts(B, T, D, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, D)), rng.normal(size=(B, T))


model = new_model(2, 3, 3, seed=931)
x, load = counts(3, 6, 2, seed=932)
HORIZON = 4
