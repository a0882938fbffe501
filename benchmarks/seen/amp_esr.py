"""Black-box model of a guitar amplifier: LSTM on the raw signal, dry signal added to the output.

Error-to-signal ratio after pre-emphasis plus a DC term (Wright, Damskägg, Juvela & Välimäki 2020). The first WARMUP
samples only bring the state up to speed, they are not in the loss.
"""
import numpy as np

WARMUP = 2
EMPH = 0.85
EPS = 1e-3


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def pre_emphasis(s):
    out = s.copy()
    out[:, 1:] -= EMPH * s[:, :-1]
    return out


class AmpLSTM:
    def __init__(self, hidden, seed):
        rng = np.random.default_rng(seed)
        k = 1 / np.sqrt(hidden)
        self.hidden = hidden
        self.weight_ih = rng.uniform(-1, 1, (4 * hidden, 1))
        self.weight_hh = rng.uniform(-k, k, (4 * hidden, hidden))
        self.bias = rng.uniform(-k, k, 4 * hidden)
        self.weight_out = rng.uniform(-1, 1, (1, hidden))
        self.bias_out = rng.uniform(-k, k, 1)

    def forward(self, x):
        """x: (segments, samples)"""
        N, T = x.shape
        H = self.hidden
        self.x = x
        self.h = np.zeros((N, T + 1, H))
        self.c = np.zeros((N, T + 1, H))
        self.gates = np.zeros((N, T, 4 * H))
        for t in range(T):
            a = np.dot(x[:, t:t + 1], self.weight_ih.T) + np.dot(self.h[:, t], self.weight_hh.T) + self.bias
            i, f, g, o = np.split(a, 4, axis=1)  # PyTorch's order
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            self.c[:, t + 1] = f * self.c[:, t] + i * g
            self.h[:, t + 1] = o * np.tanh(self.c[:, t + 1])
            self.gates[:, t] = np.concatenate([i, f, g, o], axis=1)
        return x + np.dot(self.h[:, 1:], self.weight_out[0]) + self.bias_out

    def backward(self, dy):
        N, T = dy.shape
        H = self.hidden
        self.d_weight_out = np.einsum('nt,nth->h', dy, self.h[:, 1:])[None]
        self.d_bias_out = np.array([dy.sum()])
        self.d_weight_ih = np.zeros_like(self.weight_ih)
        self.d_weight_hh = np.zeros_like(self.weight_hh)
        self.d_bias = np.zeros_like(self.bias)
        dh_next = np.zeros((N, H))
        dc_next = np.zeros((N, H))
        for t in range(T - 1, -1, -1):
            i, f, g, o = np.split(self.gates[:, t], 4, axis=1)
            tc = np.tanh(self.c[:, t + 1])
            dh = dy[:, t:t + 1] * self.weight_out + dh_next
            dc = dc_next + dh * o * (1 - tc ** 2)
            da = np.concatenate([
                dc * g * i * (1 - i),
                dc * self.c[:, t] * f * (1 - f),
                dc * i * (1 - g ** 2),
                dh * tc * o * (1 - o),
            ], axis=1)
            self.d_weight_ih += np.dot(da.T, self.x[:, t:t + 1])
            self.d_weight_hh += np.dot(da.T, self.h[:, t])
            self.d_bias += da.sum(axis=0)
            dh_next = np.dot(da, self.weight_hh)
            dc_next = dc * f


def esr_dc(y, target):
    """value of the loss and its slope by y, both (segments, samples)"""
    N, T = y.shape
    err = target - y
    e, s = pre_emphasis(err), pre_emphasis(target)
    energy = np.sum(s ** 2, axis=1, keepdims=True) + EPS
    power = np.mean(target ** 2, axis=1, keepdims=True) + EPS
    dc = np.mean(err, axis=1, keepdims=True)
    loss = np.mean(np.sum(e ** 2, axis=1, keepdims=True) / energy + dc ** 2 / power)

    de = 2 * e / energy / N
    derr = de.copy()
    derr[:, :-1] -= EMPH * de[:, 1:]
    derr += 2 * dc / power / T / N
    return loss, -derr


def loss(model, dry, wet):
    return esr_dc(model.forward(dry)[:, WARMUP:], wet[:, WARMUP:])[0]


def loss_backward(model, dry, wet):
    y = model.forward(dry)
    dy = np.zeros_like(y)
    dy[:, WARMUP:] = esr_dc(y[:, WARMUP:], wet[:, WARMUP:])[1]
    model.backward(dy)
    return [model.d_weight_ih, model.d_weight_hh, model.d_bias, model.d_weight_out, model.d_bias_out]


def recording(segments, samples, seed):
    rng = np.random.default_rng(seed)
    dry = np.cumsum(rng.normal(0, 0.5, (segments, samples)), axis=1)
    return dry, np.tanh(1.8 * dry + 0.2) - 0.1 * rng.normal(size=dry.shape)


amp = AmpLSTM(4, seed=511)
dry, wet = recording(3, 8, seed=512)
