# Train a small character RNN and print what it has learnt.
import numpy as np

text = "to be or not to be"
chars = sorted(set(text))
to_ix = {ch: i for i, ch in enumerate(chars)}
n_chars, n_hidden = len(chars), 9

rs = np.random.RandomState(19)
Wxh = rs.randn(n_hidden, n_chars) * 0.3
Whh = rs.randn(n_hidden, n_hidden) * 0.3
Why = rs.randn(n_chars, n_hidden) * 0.3
bh = rs.randn(n_hidden, 1) * 0.1
by = rs.randn(n_chars, 1) * 0.1

inputs = [to_ix[ch] for ch in text[:6]]
targets = [to_ix[ch] for ch in text[1:7]]


def feed(inputs, targets):
    hs, ps, loss = [np.zeros((n_hidden, 1))], [], 0.0
    for ix, target in zip(inputs, targets):
        h = np.tanh(Wxh[:, [ix]] + Whh @ hs[-1] + bh)
        y = Why @ h + by
        p = np.exp(y) / np.exp(y).sum()
        loss += -np.log(p[target, 0])
        hs.append(h)
        ps.append(p)
    return loss, hs, ps


def feed_back(inputs, targets):
    _, hs, ps = feed(inputs, targets)
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros((n_hidden, 1))
    for t in range(len(inputs) - 1, -1, -1):
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t + 1].T
        dby += dy
        dh = Why.T @ dy + dhnext
        draw = (1 - hs[t + 1] ** 2) * dh
        dWxh[:, [inputs[t]]] += draw
        dWhh += draw @ hs[t].T
        dbh += dh
        dhnext = Whh.T @ draw
    return dWxh, dWhh, dWhy, dbh, dby


# ---- training: Adagrad, as everybody does ----
memory = [np.zeros_like(p) for p in (Wxh, Whh, Why, bh, by)]
for n in range(301):
    grads = feed_back(inputs, targets)
    for p, g, m in zip((Wxh, Whh, Why, bh, by), grads, memory):
        m += g * g
        p -= 0.1 * g / np.sqrt(m + 1e-8)
    if n % 100 == 0:
        print("iter", n, "loss", feed(inputs, targets)[0])
