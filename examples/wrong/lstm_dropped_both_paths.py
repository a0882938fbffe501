import numpy as np

"""
LSTM language model. One matrix for each gate, acting on the concatenation [h, x].
Batch in columns: x[t] is (vocab, batch).
"""

vocab, hidden, batch, steps = 6, 4, 3, 5
r = np.random.RandomState(77)


def init(*shape):
    return r.uniform(-0.5, 0.5, shape)


Wf, Wi, Wc, Wo = (init(hidden, hidden + vocab) for _ in range(4))
bf, bi, bc, bo = (init(hidden, 1) for _ in range(4))
Wv, bv = init(vocab, hidden), init(vocab, 1)

text = r.randint(0, vocab, size=(steps + 1, batch))


def onehot(ix):
    m = np.zeros((vocab, batch))
    m[ix, np.arange(batch)] = 1.0
    return m


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(text):
    h = np.zeros((hidden, batch))
    C = np.zeros((hidden, batch))
    memory = []
    cost = 0.0
    for t in range(steps):
        hx = np.vstack((h, onehot(text[t])))
        f = sigmoid(Wf @ hx + bf)
        i = sigmoid(Wi @ hx + bi)
        C_bar = np.tanh(Wc @ hx + bc)
        C_prev = C
        C = f * C_prev + i * C_bar
        o = sigmoid(Wo @ hx + bo)
        h = o * np.tanh(C)
        v = Wv @ h + bv
        y = np.exp(v) / np.exp(v).sum(axis=0)
        cost += -np.sum(np.log(y[text[t + 1], np.arange(batch)])) / batch
        memory.append((hx, f, i, C_bar, C_prev, C, o, h, y))
    return cost, memory


def backward(text):
    _, memory = forward(text)
    dWf, dWi, dWc, dWo, dWv = (np.zeros_like(m) for m in (Wf, Wi, Wc, Wo, Wv))
    dbf, dbi, dbc, dbo, dbv = (np.zeros_like(m) for m in (bf, bi, bc, bo, bv))
    for t in reversed(range(steps)):
        hx, f, i, C_bar, C_prev, C, o, h, y = memory[t]
        dv = (y - onehot(text[t + 1])) / batch
        dWv += dv @ h.T
        dbv += dv.sum(axis=1, keepdims=True)
        dh = Wv.T @ dv
        do = dh * np.tanh(C) * o * (1 - o)
        dC = dh * o * (1 - np.tanh(C) ** 2)
        dC_bar = dC * i * (1 - C_bar ** 2)
        di = dC * C_bar * i * (1 - i)
        df = dC * C_prev * f * (1 - f)
        for dW, db, d in ((dWf, dbf, df), (dWi, dbi, di), (dWc, dbc, dC_bar), (dWo, dbo, do)):
            dW += d @ hx.T
            db += d.sum(axis=1, keepdims=True)
    return dict(Wf=dWf, Wi=dWi, Wc=dWc, Wo=dWo, Wv=dWv, bf=dbf, bi=dbi, bc=dbc, bo=dbo, bv=dbv)


if __name__ == "__main__":
    print("cost", forward(text)[0])
    backward(text)
