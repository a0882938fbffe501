import numpy as np

# Gesture recognition from a wrist sensor.
# GRU in the variant of cuDNN: the reset gate multiplies the product U_n h (with its own bias).
# Batch first. The class of the gesture is read off the last state.


class GestureGRU:
    def __init__(self, sensors, hidden, gestures, seed=42):
        gen = np.random.RandomState(seed)
        k = 1.0 / np.sqrt(hidden)
        self.hidden = hidden
        self.params = {
            'weight_ih': gen.uniform(-2 * k, 2 * k, size=(3 * hidden, sensors)),   # r, z, n below one another
            'weight_hh': gen.uniform(-2 * k, 2 * k, size=(3 * hidden, hidden)),
            'bias_ih': gen.uniform(-k, k, size=3 * hidden),
            'bias_hh': gen.uniform(-k, k, size=3 * hidden),
            'fc_weight': gen.uniform(-2 * k, 2 * k, size=(gestures, hidden)),
            'fc_bias': gen.uniform(-k, k, size=gestures),
        }
        self.grads = {}

    def forward(self, signal):
        P, n = self.params, self.hidden
        batch, time, _ = signal.shape
        self.signal = signal
        self.states = np.zeros((time + 1, batch, n))
        self.r, self.z, self.n, self.un = (np.zeros((time, batch, n)) for _ in range(4))
        from_input = signal @ P['weight_ih'].T + P['bias_ih']
        for t in range(time):
            xr, xz, xn = np.split(from_input[:, t], 3, axis=1)
            hr, hz, hn = np.split(self.states[t] @ P['weight_hh'].T + P['bias_hh'], 3, axis=1)
            self.r[t] = 1 / (1 + np.exp(-(xr + hr)))
            self.z[t] = 1 / (1 + np.exp(-(xz + hz)))
            self.un[t] = hn
            self.n[t] = np.tanh(xn + self.r[t] * hn)
            self.states[t + 1] = (1 - self.z[t]) * self.n[t] + self.z[t] * self.states[t]
        return self.states[-1] @ P['fc_weight'].T + P['fc_bias']

    def loss(self, signal, label):
        scores = self.forward(signal)
        top = scores.max(axis=1, keepdims=True)
        logsum = top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))
        return np.mean(logsum - scores[range(len(label)), label])

    def backward(self, label):
        P, G = self.params, self.grads
        time, batch, n = self.z.shape
        for name in P:
            G[name] = np.zeros(P[name].shape)

        scores = self.states[-1] @ P['fc_weight'].T + P['fc_bias']
        prob = np.exp(scores - scores.max(axis=1, keepdims=True))
        prob /= prob.sum(axis=1, keepdims=True)
        prob[range(batch), label] -= 1
        prob /= batch
        G['fc_weight'] = prob.T @ self.states[-1]
        G['fc_bias'] = prob.sum(axis=0)

        grad_h = prob @ P['fc_weight']
        for t in reversed(range(time)):
            r, z, nn, h = self.r[t], self.z[t], self.n[t], self.states[t]
            grad_n = grad_h * (1 - z) * (1 - nn * nn)
            grad_z = grad_h * (h - nn) * z * (1 - z)
            grad_r = grad_n * self.un[t] * r * (1 - r)
            at_input = np.hstack([grad_r, grad_z, grad_n])
            at_hidden = np.hstack([grad_r, grad_z, grad_n * r])
            G['weight_ih'] += at_input.T @ self.signal[:, t]
            G['bias_ih'] += at_input.sum(axis=0)
            G['weight_hh'] += at_hidden.T @ h
            G['bias_hh'] += at_hidden.sum(axis=0)
            grad_h = grad_h * z + at_hidden @ P['weight_hh']
        return G


def fake_gestures(batch, time, sensors, gestures, seed=7):
    gen = np.random.RandomState(seed)
    label = gen.randint(gestures, size=batch)
    clock = np.linspace(0, 1, time)[None, :, None]
    phase = gen.rand(batch, 1, sensors)
    return np.sin(2 * np.pi * (clock * (1 + label[:, None, None]) + phase)), label


gru = GestureGRU(sensors=3, hidden=5, gestures=4)
signal, label = fake_gestures(2, 6, 3, 4)
