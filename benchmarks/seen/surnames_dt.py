# Surnames letter by letter with a "deep" RNN in the sense of
#   Pascanu, Gulcehre, Cho, Bengio: How to construct deep recurrent neural networks (ICLR 2014):
#   the transition has a hidden layer of its own, with a shortcut past it, and so has the output.
#
#     m = leaky(E[c] + h U1 + b1)        h' = tanh(m W2 + h S + b2)
#     o = tanh(h' V1 + c1)               p(next) = softmax(o V2 + c2)
#
# Parameters are nested tuples, ((E, U1, b1), (W2, S, b2)), ((V1, c1), (V2, c2)).
# Names end with -1 padding.
import numpy as np

SLOPE = 0.1


def leaky(a):
    return np.where(a > 0, a, SLOPE * a)


def transition(params, h, letter):
    (E, U1, b1), (W2, S, b2) = params
    a = E[letter] + h @ U1 + b1
    m = leaky(a)
    return np.tanh(m @ W2 + h @ S + b2), (a, m)


def readout(params, h):
    (V1, c1), (V2, c2) = params
    o = np.tanh(h @ V1 + c1)
    logits = o @ V2 + c2
    top = logits.max(axis=-1, keepdims=True)
    return o, logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))


def cross_entropy(params, names):
    trans, out = params
    rows = np.arange(len(names))
    h = np.zeros((len(names), len(trans[1][2])))
    total = 0.0
    for now, then in zip(names.T[:-1], names.T[1:]):
        h, _ = transition(trans, h, now)
        _, logp = readout(out, h)
        total -= np.sum(logp[rows, then] * (then >= 0))
    return total / np.sum(names[:, 1:] >= 0)


def cross_entropy_vjp(params, names):
    trans, out = params
    (E, U1, b1), (W2, S, b2) = trans
    (V1, c1), (V2, c2) = out
    batch, length = names.shape
    rows = np.arange(batch)
    count = np.sum(names[:, 1:] >= 0)

    past = [np.zeros((batch, len(b2)))]
    inner, tops = [], []
    for t in range(length - 1):
        h, am = transition(trans, past[-1], names[:, t])
        past.append(h)
        inner.append(am)
        tops.append(readout(out, h))

    dE, dU1, db1 = np.zeros(E.shape), np.zeros(U1.shape), np.zeros(b1.shape)
    dW2, dS, db2 = np.zeros(W2.shape), np.zeros(S.shape), np.zeros(b2.shape)
    dV1, dc1, dV2, dc2 = np.zeros(V1.shape), np.zeros(c1.shape), np.zeros(V2.shape), np.zeros(c2.shape)
    dh = np.zeros((batch, len(b2)))
    for t in range(length - 2, -1, -1):
        h_new, h_old = past[t + 1], past[t]
        (a, m), (o, logp) = inner[t], tops[t]
        then = names[:, t + 1]
        # output network
        dlogit = np.exp(logp)
        dlogit[rows, then] -= 1
        dlogit = dlogit * (then >= 0)[:, None] / count
        dV2 += o.T @ dlogit
        dc2 += dlogit.sum(axis=0)
        do = dlogit @ V2.T * (1 - o ** 2)
        dV1 += h_new.T @ do
        dc1 += do.sum(axis=0)
        # transition network
        dq = (dh + do @ V1.T) * (1 - h_new ** 2)
        dW2 += m.T @ dq
        dS += h_old.T @ dq
        db2 += dq.sum(axis=0)
        da = dq @ W2.T * np.where(a > 0, 1.0, SLOPE)
        np.add.at(dE, names[:, t], da)
        dU1 += h_old.T @ da
        db1 += da.sum(axis=0)
        dh = dq @ S.T + da @ U1.T
    return ((dE, dU1, db1), (dW2, dS, db2)), ((dV1, dc1), (dV2, dc2))


def random_params(letters, mid, hid, top, seed):
    r = np.random.default_rng(seed)

    def w(*shape):
        return r.normal(0, 1 / np.sqrt(shape[0]), shape)

    def b(n):
        return r.normal(0, 0.1, n)

    return ((w(letters, mid) * 2, w(hid, mid), b(mid)), (w(mid, hid), w(hid, hid), b(hid))), (
        (w(hid, top), b(top)), (w(top, letters), b(letters)))


def spell(*words):
    table = np.full((len(words), max(map(len, words))), -1)
    for row, word in zip(table, words):
        row[:len(word)] = [ord(ch) - ord("a") for ch in word]
    return table


params = random_params(letters=7, mid=4, hid=5, top=3, seed=60)
names = spell("abbe", "gade", "fae", "cadeg")
