import numpy as np


class SineRNN:
    """Looks at a noisy two-channel signal, predicts the next value of each of three phases.

    Weights are attributes and so are their gradients (self.grads), which
    backward() fills and returns nothing.
    """

    def __init__(self, n_in, n_hidden, n_out, seed=11):
        r = np.random.default_rng(seed)
        self.W_xh = r.normal(0, 1 / np.sqrt(n_in), (n_hidden, n_in))
        self.W_hh = r.normal(0, 0.9 / np.sqrt(n_hidden), (n_hidden, n_hidden))
        self.W_hy = r.normal(0, 1 / np.sqrt(n_hidden), (n_out, n_hidden))
        self.b_h = np.zeros((n_hidden, 1))
        self.b_y = np.zeros((n_out, 1))
        self.start = r.uniform(-0.3, 0.3, (n_hidden, 1))
        self.grads = {}

    def run(self, signal):
        self.xs, self.hs, self.ys = {}, {-1: self.start}, {}
        for t in range(len(signal)):
            self.xs[t] = signal[t].reshape(-1, 1)
            self.hs[t] = np.tanh(self.W_xh @ self.xs[t] + self.W_hh @ self.hs[t - 1] + self.b_h)
            self.ys[t] = self.W_hy @ self.hs[t] + self.b_y
        return self.ys

    def loss(self, signal, target):
        ys = self.run(signal)
        return 0.5 * sum(np.sum((ys[t] - target[t].reshape(-1, 1)) ** 2) for t in ys) / len(signal)

    def backward(self, signal, target):
        ys = self.run(signal)
        T = len(signal)
        g = {name: np.zeros_like(getattr(self, name)) for name in ("W_xh", "W_hh", "W_hy", "b_h", "b_y")}
        carry = 0
        for t in reversed(range(T)):
            err = (ys[t] - target[t].reshape(-1, 1)) / T
            g["W_hy"] += err @ self.hs[t].T
            g["b_y"] += err
            delta = (self.W_hy.T @ err + carry) * (1 - np.square(self.hs[t]))
            g["W_xh"] += delta @ self.xs[t].T
            g["W_hh"] += delta @ self.hs[t - 1].T
            g["b_h"] += delta
            carry = self.W_hh.T @ delta
        self.grads = g

    def step(self, lr):
        for name in self.grads:
            setattr(self, name, getattr(self, name) - lr * self.grads[name])


def make_signal(T=11):
    k = np.arange(T + 1) * 0.6
    phases = np.stack([np.sin(k), np.sin(k + 1.0), np.sin(k + 2.2)], axis=1)
    noise = np.random.default_rng(5).normal(0, 0.05, (T, 2))
    return phases[:-1, :2] + noise, phases[1:]


x, y = make_signal()
net = SineRNN(2, 7, 3)

if __name__ == "__main__":
    for i in range(1, 1001):
        net.backward(x, y)
        net.step(0.2)
        if i % 200 == 0:
            print(f"{i:5d}  {net.loss(x, y):.6f}")
