import numpy as np


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


def sig_prime(y):
    """slope of the logistic function, given its VALUE"""
    return y * (1.0 - y)


def tanh_prime(y):
    return 1.0 - y ** 2


class GestureLSTM:
    """Reads accelerometer columns, names the gesture after the last one.

    All four gates in one matrix; its rows are input, forget, output, candidate.
    """

    def __init__(self, D, H, n_classes):
        rng = np.random.RandomState(1234)
        self.D, self.H = D, H
        self.W = rng.uniform(-1, 1, (4 * H, D + H)) * 0.8
        self.b = rng.uniform(-1, 1, (4 * H, 1)) * 0.3
        self.W_cls = rng.uniform(-1, 1, (n_classes, H)) * 1.5
        self.b_cls = rng.uniform(-1, 1, (n_classes, 1)) * 0.2

    def forward(self, seq):
        H = self.H
        self.tape = []
        h, c = np.zeros((H, 1)), np.zeros((H, 1))
        for x in seq:
            xh = np.concatenate([x.reshape(-1, 1), h], axis=0)
            a = np.dot(self.W, xh) + self.b
            i, f, o = sig(a[:H]), sig(a[H:2 * H]), sig(a[2 * H:3 * H])
            g = np.tanh(a[3 * H:])
            c_old = c
            c = f * c_old + i * g
            tc = np.tanh(c)
            h = o * tc
            self.tape.append((xh, i, f, o, g, c_old, tc))
        self.h_last = h
        logits = np.dot(self.W_cls, h) + self.b_cls
        ex = np.exp(logits - logits.max())
        return ex / ex.sum()

    def loss(self, seq, label):
        return -np.log(self.forward(seq)[label, 0])

    def backward(self, seq, label):
        probs = self.forward(seq)
        H, D = self.H, self.D
        d_logits = probs.copy()
        d_logits[label] -= 1.0
        self.dW_cls = np.dot(d_logits, self.h_last.T)
        self.db_cls = d_logits
        self.dW = np.zeros(self.W.shape)
        self.db = np.zeros(self.b.shape)

        dh = np.dot(self.W_cls.T, d_logits)
        dc = np.zeros((H, 1))
        while self.tape:
            xh, i, f, o, g, c_old, tc = self.tape.pop()
            dc = dc + dh * o * tanh_prime(tc)
            da = np.concatenate([
                dc * g * sig_prime(i),
                dc * c_old * sig_prime(f),
                dh * tc * sig_prime(o),
                dc * i * tanh_prime(g),
            ], axis=0)
            self.dW += np.dot(da, xh.T)
            self.db += da
            dh = np.dot(self.W.T, da)[D:]
            dc = dc * f
        return self.dW, self.db, self.dW_cls, self.db_cls


rng = np.random.RandomState(99)
seq = rng.randn(6, 2)
label = 1
clf = GestureLSTM(2, 5, 3)
