"""Layer objects in the Keras spirit: each keeps what it needs and offers forward() and backward()."""
import numpy as np


class Tanh:
    def __call__(self, z):
        return np.tanh(z)

    def grad(self, z):
        return 1.0 - np.tanh(z) ** 2


class RecurrentLayer:
    def __init__(self, n_in, n_units, rng):
        self.phi = Tanh()
        self.kernel = rng.normal(0.0, 0.7, (n_in, n_units))
        self.recurrent_kernel = rng.normal(0.0, 0.5, (n_units, n_units))
        self.bias = rng.normal(0.0, 0.1, (1, n_units))

    def forward(self, X):
        """X: (batch, time, features) -> states (batch, time, units)"""
        self.X = X
        batch, steps, _ = X.shape
        self.states = np.zeros((batch, steps + 1, self.bias.size))
        for t in range(steps):
            z = X[:, t] @ self.kernel + self.states[:, t - 1] @ self.recurrent_kernel + self.bias
            self.states[:, t] = self.phi(z)
        return self.states[:, :-1]

    def backward(self, accum_grad):
        _, steps, _ = accum_grad.shape
        self.d_kernel = np.zeros_like(self.kernel)
        self.d_recurrent_kernel = np.zeros_like(self.recurrent_kernel)
        self.d_bias = np.zeros_like(self.bias)
        grad_next = np.zeros_like(accum_grad[:, 0])
        for t in reversed(range(steps)):
            grad_state = accum_grad[:, t] + grad_next
            grad_z = grad_state * self.phi.grad(self.states[:, t])
            self.d_kernel += self.X[:, t].T @ grad_z
            self.d_recurrent_kernel += self.states[:, t - 1].T @ grad_z
            self.d_bias += grad_z.sum(axis=0, keepdims=True)
            grad_next = grad_z @ self.recurrent_kernel.T


rng = np.random.default_rng(8)
layer = RecurrentLayer(n_in=3, n_units=4, rng=rng)
X = rng.normal(size=(2, 5, 3))
upstream = rng.normal(size=(2, 5, 4))

if __name__ == "__main__":
    layer.forward(X)
    layer.backward(upstream)
    print(layer.d_kernel)
