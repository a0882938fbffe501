"""RNN cell with .grad buffers next to the parameters, in the style of a small autograd-free framework."""
import numpy as np


class Parameter:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)


class VanillaRNN:
    def __init__(self, n_in, n_hidden, n_out, seed):
        rng = np.random.default_rng(seed)
        self.U = Parameter(rng.normal(scale=0.6, size=(n_hidden, n_in)))
        self.W = Parameter(rng.normal(scale=0.5, size=(n_hidden, n_hidden)))
        self.V = Parameter(rng.normal(scale=0.6, size=(n_out, n_hidden)))
        self.b = Parameter(rng.normal(scale=0.2, size=(n_hidden, 1)))

    @property
    def parameters(self):
        return [self.U, self.W, self.V, self.b]

    def forward(self, x):
        """x is (steps, n_in, batch)."""
        self.x = x
        self.h = [np.zeros((self.b.value.size, x.shape[2]))]
        out = []
        for frame in x:
            a = self.U.value @ frame + self.W.value @ self.h[-1] + self.b.value
            self.h.append(np.tanh(a))
            out.append(self.V.value @ self.h[-1])
        return np.stack(out)

    def loss(self, x, y):
        return 0.5 * np.sum((self.forward(x) - y) ** 2) / x.shape[2]

    def backward(self, x, y):
        dout = (self.forward(x) - y) / x.shape[2]
        dh = np.zeros_like(self.h[0])
        for t in range(len(x) - 1, -1, -1):
            self.V.grad += dout[t] @ self.h[t + 1].T
            dh = dh + self.V.value.T @ dout[t]
            da = dh * (1 - self.h[t + 1] ** 2)
            self.U.grad += da @ x[t].T
            self.W.grad += da @ self.h[t].T
            self.b.grad += da.sum(axis=1, keepdims=True)
            dh = self.W.value.T @ da
        return [p.grad.copy() for p in self.parameters]


rng = np.random.default_rng(1)
x = rng.normal(size=(6, 3, 4))
y = rng.normal(size=(6, 2, 4))
rnn = VanillaRNN(n_in=3, n_hidden=5, n_out=2, seed=2)

if __name__ == "__main__":
    grads = rnn.backward(x, y)
    print("loss", rnn.loss(x, y))
    print("norms of the gradients", [float(np.linalg.norm(g)) for g in grads])
