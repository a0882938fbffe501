"""A small word model that reports its perplexity.

The math module does the bookkeeping (perplexity, the learning rate's schedule): nothing of that is differentiated,
the loss itself stays in NumPy. Word 0 is the stop; it also begins the line.
"""

import math

import numpy as np

WORDS = ". the cat sat on mat and dog ran".split()
LINE = "the cat sat on the mat and the dog ran ."
ids = [WORDS.index(w) for w in LINE.split()]
inputs, targets = [0] + ids[:-1], ids

H = 4
K = len(WORDS)
scale = 1 / math.sqrt(H)
gen = np.random.RandomState(int(math.pi * 1e4))
Wx = gen.uniform(-scale, scale, (H, K))
Wh = gen.uniform(-scale, scale, (H, H))
Wy = gen.uniform(-scale, scale, (K, H))
by = np.full(K, -math.log(K))

history = []


def forward(inputs, targets):
    h = np.zeros(H)
    hs, ps, nll = [h], [], 0.0
    for i, k in zip(inputs, targets):
        h = np.tanh(Wx[:, i] + Wh @ h)
        o = Wy @ h + by
        shift = float(np.max(o))  # a constant: softmax does not see it
        e = np.exp(o - shift)
        p = e / e.sum()
        nll = nll - (o[k] - shift - np.log(e.sum()))
        hs.append(h)
        ps.append(p)
    history.append(math.exp(float(nll) / len(inputs)))  # perplexity, for the log
    return nll, hs, ps


def backward(inputs, targets):
    _, hs, ps = forward(inputs, targets)
    gx, gh, gy, gb = [np.zeros_like(m) for m in (Wx, Wh, Wy, by)]
    dh = np.zeros(H)
    for t in reversed(range(len(inputs))):
        do = ps[t] - np.eye(K)[targets[t]]
        gy += do[:, None] * hs[t + 1][None, :]
        gb += do
        da = (Wy.T @ do + dh) * (1 - hs[t + 1] ** 2)
        gx[:, inputs[t]] += da
        gh += da[:, None] * hs[t]
        dh = da @ Wh
    return {"Wx": gx, "Wh": gh, "Wy": gy, "by": gb}


if __name__ == "__main__":
    for epoch in range(1, 301):
        rate = 0.3 / math.sqrt(epoch)
        g = backward(inputs, targets)
        size = math.sqrt(sum(float(np.sum(a * a)) for a in g.values()))
        rate *= min(1.0, 5.0 / size)
        for name, grad in g.items():
            globals()[name] -= rate * grad
        if epoch % 60 == 0:
            print(epoch, history[-1])
