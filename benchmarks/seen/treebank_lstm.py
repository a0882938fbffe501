"""Binary Tree-LSTM (Tai, Socher & Manning 2015) on toy parses, a sentiment label at every node.

A tree is  (label, "word")  or  (label, left, right).  What is a time step elsewhere is a level of the tree here:
`climb` goes up from the words and returns nested records, `descend` goes down again with the derivatives.
"""
import numpy as np

VOCAB = ["not", "a", "dull", "bright", "film", "very"]


def sig(x):
    return 1. / (1. + np.exp(-x))


def make_params(dim, hid, classes, rng, words=VOCAB):
    def m(*shape):
        return rng.uniform(-1, 1, shape)

    return dict(
        E=m(len(words), dim),
        leaf=m(dim, 3 * hid), leaf_b=m(3 * hid) * .3,            # i, o, u
        left=m(hid, 5 * hid), right=m(hid, 5 * hid), b=m(5 * hid) * .3,  # i, f of left, f of right, o, u
        cls=m(hid, classes) * 1.5, cls_b=m(classes) * .3,
    )


def climb(P, tree, words=VOCAB):
    n = P["left"].shape[0]
    node = {"label": tree[0]}
    if isinstance(tree[1], str):
        node["word"] = words.index(tree[1])
        z = np.dot(P["E"][node["word"]], P["leaf"]) + P["leaf_b"]
        node["i"], node["o"], node["u"] = sig(z[:n]), sig(z[n:2 * n]), np.tanh(z[2 * n:])
        node["c"] = node["i"] * node["u"]
    else:
        l, r = node["kids"] = climb(P, tree[1], words), climb(P, tree[2], words)
        z = np.dot(l["h"], P["left"]) + np.dot(r["h"], P["right"]) + P["b"]
        node["i"], node["fl"], node["fr"], node["o"] = sig(z[:4 * n]).reshape(4, n)
        node["u"] = np.tanh(z[4 * n:])
        node["c"] = node["i"] * node["u"] + node["fl"] * l["c"] + node["fr"] * r["c"]
    node["h"] = node["o"] * np.tanh(node["c"])
    s = np.dot(node["h"], P["cls"]) + P["cls_b"]
    node["p"] = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
    return node


def cost_below(node):
    here = -np.log(node["p"][node["label"]])
    return here + sum(cost_below(kid) for kid in node.get("kids", ()))


def cost(P, trees, words=VOCAB):
    return sum(cost_below(climb(P, tree, words)) for tree in trees) / len(trees)


def descend(P, G, node, dh, dc, scale):
    """dh and dc are what the parent asks of this node; G is added to"""
    ds = scale * node["p"]
    ds[node["label"]] -= scale
    G["cls"] += np.outer(node["h"], ds)
    G["cls_b"] += ds
    dh = dh + np.dot(P["cls"], ds)

    i, o, u, tc = node["i"], node["o"], node["u"], np.tanh(node["c"])
    dc = dc + dh * o * (1 - tc ** 2)
    di = dc * u * i * (1 - i)
    do = dh * tc * o * (1 - o)
    du = dc * i * (1 - u ** 2)
    if "word" in node:
        dz = np.concatenate([di, do, du])
        G["leaf"] += np.outer(P["E"][node["word"]], dz)
        G["leaf_b"] += dz
        G["E"][node["word"]] += np.dot(P["leaf"], dz)
        return
    l, r = node["kids"]
    fl, fr = node["fl"], node["fr"]
    dfl = dc * l["c"] * fl * (1 - fl)
    dfr = dc * r["c"] * fr * (1 - fr)
    dz = np.concatenate([di, dfl, dfr, do, du])
    G["left"] += np.outer(l["h"], dz)
    G["right"] += np.outer(r["h"], dz)
    G["b"] += dz
    descend(P, G, l, np.dot(P["left"], dz), dc * fl, scale)
    descend(P, G, r, np.dot(P["right"], dz), dc * fr, scale)


def cost_grad(P, trees, words=VOCAB):
    G = {name: np.zeros_like(value) for name, value in P.items()}
    nothing = np.zeros(P["left"].shape[0])
    for tree in trees:
        descend(P, G, climb(P, tree, words), nothing, nothing, 1. / len(trees))
    return G


trees = [
    (0, (0, "not"), (2, (1, "a"), (2, (2, "bright"), (1, "film")))),
    (0, (0, (1, "very"), (0, "dull")), (1, "film")),
    (2, (1, (0, "not"), (1, "very")), (0, "dull")),
]
P = make_params(dim=3, hid=4, classes=3, rng=np.random.RandomState(77))
