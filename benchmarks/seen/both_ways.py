# Tagging with a bidirectional recurrent net (Schuster & Paliwal 1997).
# P is a dict of parameters; the input projection and all weight gradients are made for the whole sequence at once.
from numpy import arange, dot, exp, log, tanh, zeros
import numpy.random as npr


def new_params(n_feat, n_hid, n_tag, seed=12):
    npr.seed(seed)
    P = {}
    for way in ("f", "b"):
        P["in_" + way] = npr.randn(n_feat, n_hid) * 0.6
        P["rec_" + way] = npr.randn(n_hid, n_hid) * 0.4
        P["bias_" + way] = npr.randn(n_hid) * 0.1
        P["out_" + way] = npr.randn(n_hid, n_tag)
    P["bias_out"] = npr.randn(n_tag) * 0.1
    return P


def scan(proj, rec):
    T, H = proj.shape
    s = zeros((T + 1, H))
    for t in range(T):
        s[t + 1] = tanh(proj[t] + dot(s[t], rec))
    return s


def net(P, feats):
    sf = scan(dot(feats, P["in_f"]) + P["bias_f"], P["rec_f"])
    sb = scan(dot(feats[::-1], P["in_b"]) + P["bias_b"], P["rec_b"])
    logits = dot(sf[1:], P["out_f"]) + dot(sb[:0:-1], P["out_b"]) + P["bias_out"]
    z = exp(logits - logits.max(axis=1, keepdims=True))
    return sf, sb, z / z.sum(axis=1, keepdims=True)


def loss(P, feats, tags):
    probs = net(P, feats)[2]
    return -log(probs[arange(len(tags)), tags]).mean()


def unscan(ds, s, rec):
    """from d loss / d state to d loss / d pre-activation"""
    da = zeros(ds.shape)
    back = zeros(ds.shape[1])
    for t in range(len(ds) - 1, -1, -1):
        da[t] = (ds[t] + back) * (1 - s[t + 1] ** 2)
        back = dot(rec, da[t])
    return da


def gradients(P, feats, tags):
    sf, sb, probs = net(P, feats)
    dlogits = probs.copy()
    dlogits[arange(len(tags)), tags] -= 1
    dlogits /= len(tags)

    G = {}
    G["bias_out"] = dlogits.sum(axis=0)
    G["out_f"] = dot(sf[1:].T, dlogits)
    G["out_b"] = dot(sb[:0:-1].T, dlogits)

    daf = unscan(dot(dlogits, P["out_f"].T), sf, P["rec_f"])
    G["in_f"] = dot(feats.T, daf)
    G["rec_f"] = dot(sf[:-1].T, daf)
    G["bias_f"] = daf.sum(axis=0)

    dab = unscan(dot(dlogits, P["out_b"].T)[::-1], sb, P["rec_b"])
    G["in_b"] = dot(feats[::-1].T, dab)
    G["rec_b"] = dot(sb[:-1].T, dab)
    G["bias_b"] = dab.sum(axis=0)
    return G


def sentence(T, n_feat, n_tag):
    npr.seed(77)
    return npr.randn(T, n_feat), npr.randint(0, n_tag, T)


P = new_params(4, 5, 3)
feats, tags = sentence(6, 4, 3)

if __name__ == "__main__":
    for it in range(300):
        G = gradients(P, feats, tags)
        for k in P:
            P[k] -= 0.3 * G[k]
    print(loss(P, feats, tags))
