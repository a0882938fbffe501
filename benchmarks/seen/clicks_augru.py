"""Will the user click on the advertised item?  Interest evolution (DIEN, Zhou et al. 2019) without a framework.

1. GRU over the items bought before; auxiliary loss: state t should score the item t+1 above a random one.
2. Attention of the advertised item over the states.
3. AUGRU: a GRU whose update gate is multiplied by the attention.
4. Logistic unit on the last state and the item.
"""
import numpy as np

AUX = 0.3


def sig(x):
    return 1 / (1 + np.exp(-x))


def gru_cell(p, x, h, att=None):
    xh = np.concatenate([x, h], -1)
    u = sig(xh @ p["Wu"] + p["bu"])
    r = sig(xh @ p["Wr"] + p["br"])
    xrh = np.concatenate([x, r * h], -1)
    c = np.tanh(xrh @ p["Wc"] + p["bc"])
    g = u if att is None else att[:, None] * u
    return (1 - g) * h + g * c, (xh, xrh, h, u, r, c, g, att)


def gru_cell_back(p, gp, memo, dh):
    """-> dx, dh of the state before, d att (None for a plain GRU)"""
    xh, xrh, h, u, r, c, g, att = memo
    D = xh.shape[1] - h.shape[1]
    dg = dh * (c - h)
    dc = dh * g * (1 - c * c)
    du = (dg if att is None else dg * att[:, None]) * u * (1 - u)
    datt = None if att is None else (dg * u).sum(-1)
    gp["Wc"] += xrh.T @ dc
    gp["bc"] += dc.sum(0)
    dxrh = dc @ p["Wc"].T
    dr = dxrh[:, D:] * h * r * (1 - r)
    gp["Wu"] += xh.T @ du
    gp["bu"] += du.sum(0)
    gp["Wr"] += xh.T @ dr
    gp["br"] += dr.sum(0)
    dxh = du @ p["Wu"].T + dr @ p["Wr"].T
    return dxh[:, :D] + dxrh[:, :D], dh * (1 - g) + dxh[:, D:] + dxrh[:, D:] * r, datt


def forward(P, history, target):
    B, T = history.shape
    e, item = P["items"][history], P["items"][target]
    H = len(P["first"]["bu"])
    h, states, memos1 = np.zeros((B, H)), [], []
    for t in range(T):
        h, memo = gru_cell(P["first"], e[:, t], h)
        states.append(h)
        memos1.append(memo)
    s = np.stack(states, 1)
    query = item @ P["att"]
    score = np.einsum("bth,bh->bt", s, query)
    w = np.exp(score - score.max(1, keepdims=True))
    w /= w.sum(1, keepdims=True)
    h, memos2 = np.zeros((B, H)), []
    for t in range(T):
        h, memo = gru_cell(P["second"], s[:, t], h, w[:, t])
        memos2.append(memo)
    logit = h @ P["out"]["h"] + item @ P["out"]["item"] + P["out"]["b"]
    return logit, (e, item, s, query, w, h, memos1, memos2)


def softplus(x):
    return np.logaddexp(0, x)


def loss(P, history, noise, target, click):
    """noise: items never bought, (B, T-1), for the auxiliary loss"""
    logit, (e, _, s, *_) = forward(P, history, target)
    good = np.sum((s[:, :-1] @ P["aux"]) * e[:, 1:], -1)
    bad = np.sum((s[:, :-1] @ P["aux"]) * P["items"][noise], -1)
    return np.mean(softplus(logit) - click * logit) + AUX * np.mean(softplus(-good) + softplus(bad))


def zeros_like(P):
    return {k: zeros_like(v) if isinstance(v, dict) else np.zeros_like(v) for k, v in P.items()}


def backward(P, history, noise, target, click):
    B, T = history.shape
    logit, (e, item, s, query, w, h, memos1, memos2) = forward(P, history, target)
    G = zeros_like(P)
    de, ds = np.zeros_like(e), np.zeros_like(s)

    proj, fake = s[:, :-1] @ P["aux"], P["items"][noise]
    dgood = -AUX / (B * (T - 1)) * sig(-np.sum(proj * e[:, 1:], -1))[..., None]
    dbad = AUX / (B * (T - 1)) * sig(np.sum(proj * fake, -1))[..., None]
    dproj = dgood * e[:, 1:] + dbad * fake
    de[:, 1:] += dgood * proj
    np.add.at(G["items"], noise, dbad * proj)
    G["aux"] += np.einsum("bth,btd->hd", s[:, :-1], dproj)
    ds[:, :-1] += dproj @ P["aux"].T

    dlogit = (sig(logit) - click) / B
    G["out"]["h"] += h.T @ dlogit
    G["out"]["item"] += item.T @ dlogit
    G["out"]["b"] += dlogit.sum()
    ditem = np.outer(dlogit, P["out"]["item"])
    dh, dw = np.outer(dlogit, P["out"]["h"]), np.zeros_like(w)
    for t in range(T - 1, -1, -1):
        dx, dh, dw[:, t] = gru_cell_back(P["second"], G["second"], memos2[t], dh)
        ds[:, t] += dx
    dscore = w * (dw - (w * dw).sum(1, keepdims=True))
    ds += dscore[..., None] * query[:, None]
    dquery = np.einsum("bt,bth->bh", dscore, s)
    G["att"] += item.T @ dquery
    ditem += dquery @ P["att"].T
    dh = np.zeros_like(h)
    for t in range(T - 1, -1, -1):
        dx, dh, _ = gru_cell_back(P["first"], G["first"], memos1[t], dh + ds[:, t])
        de[:, t] += dx
    np.add.at(G["items"], history, de)
    np.add.at(G["items"], target, ditem)
    return G


def make(items, D, H, seed):
    rng = np.random.default_rng(seed)
    m = lambda *s: rng.normal(0, 0.6, s)
    gru = lambda d: {"Wu": m(d + H, H), "bu": m(H), "Wr": m(d + H, H), "br": m(H), "Wc": m(d + H, H), "bc": m(H)}
    return {"items": m(items, D), "first": gru(D), "aux": m(H, D), "att": m(D, H), "second": gru(H),
            "out": {"h": m(H), "item": m(D), "b": np.array(0.1)}}


def log(B, T, items, seed):
    rng = np.random.default_rng(seed)
    draw = lambda *s: rng.integers(0, items, s)
    return draw(B, T), draw(B, T - 1), draw(B), rng.integers(0, 2, B)


P = make(7, 3, 4, seed=591)
history, noise, target, click = log(3, 5, 7, seed=592)
