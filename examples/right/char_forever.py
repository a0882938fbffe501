"""
Character model in the smallest possible space: one file, one loss function, Adagrad, and a loop that never ends.
Stop it with Ctrl-C when the samples look good enough.
"""
import numpy as np

text = """she sells sea shells by the sea shore
the shells she sells are sea shells for sure
"""
alphabet = sorted(set(text))
n_chars = len(alphabet)
to_ix = {c: i for i, c in enumerate(alphabet)}
print(f"{len(text)} characters, {n_chars} of them different")

n_hidden = 12
window = 8          # steps that a gradient looks back
rate = 1e-1

np.random.seed(0)
Wih = np.random.randn(n_hidden, n_chars) * 0.2
Whh = np.random.randn(n_hidden, n_hidden) * 0.2
Who = np.random.randn(n_chars, n_hidden) * 0.2
bi = np.zeros((n_hidden, 1))
bo = np.zeros((n_chars, 1))


def loss_and_grads(inp, out, hprev):
    """inp, out: lists of integers. Gives the loss, five gradients and the last hidden state."""
    x, h, p = {}, {}, {}
    h[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inp)):
        x[t] = np.zeros((n_chars, 1))
        x[t][inp[t]] = 1
        h[t] = np.tanh(np.dot(Wih, x[t]) + np.dot(Whh, h[t - 1]) + bi)
        s = np.dot(Who, h[t]) + bo
        p[t] = np.exp(s) / np.sum(np.exp(s))
        loss += -np.log(p[t][out[t], 0])

    dWih, dWhh, dWho = np.zeros_like(Wih), np.zeros_like(Whh), np.zeros_like(Who)
    dbi, dbo = np.zeros_like(bi), np.zeros_like(bo)
    dcarry = np.zeros_like(h[0])
    for t in reversed(range(len(inp))):
        ds = np.copy(p[t])
        ds[out[t]] -= 1
        dWho += np.dot(ds, h[t].T)
        dbo += ds
        dh = np.dot(Who.T, ds) + dcarry
        dz = (1 - h[t] * h[t]) * dh
        dbi += dz
        dWih += np.dot(dz, x[t].T)
        dWhh += np.dot(dz, h[t - 1].T)
        dcarry = np.dot(Whh.T, dz)
    return loss, dWih, dWhh, dWho, dbi, dbo, h[len(inp) - 1]


def babble(h, ix, n):
    picked = []
    for _ in range(n):
        x = np.zeros((n_chars, 1))
        x[ix] = 1
        h = np.tanh(np.dot(Wih, x) + np.dot(Whh, h) + bi)
        s = np.dot(Who, h) + bo
        p = np.exp(s) / np.sum(np.exp(s))
        ix = np.random.choice(n_chars, p=p.ravel())
        picked.append(alphabet[ix])
    return "".join(picked)


n, at = 0, 0
mem = [np.zeros_like(w) for w in (Wih, Whh, Who, bi, bo)]
smooth = -np.log(1.0 / n_chars) * window
while True:
    if at + window + 1 >= len(text) or n == 0:
        hprev = np.zeros((n_hidden, 1))
        at = 0
    inp = [to_ix[c] for c in text[at : at + window]]
    out = [to_ix[c] for c in text[at + 1 : at + window + 1]]
    loss, *grads, hprev = loss_and_grads(inp, out, hprev)
    smooth = smooth * 0.999 + loss * 0.001
    if n % 1000 == 0:
        print(f"--- {n}, loss {smooth:.3f}\n{babble(hprev, inp[0], 100)}")
    for w, dw, m in zip((Wih, Whh, Who, bi, bo), grads, mem):
        dw = np.clip(dw, -5, 5)
        m += dw * dw
        w += -rate * dw / np.sqrt(m + 1e-8)
    at += window
    n += 1
