"""Simple recurrent network by the book: first all the deltas, then all the gradients.

Notation: delta[t] is dL/da[t], D_t = diag(1 - h[t]^2).
"""
import numpy as np

STEPS, N_IN, N_HID, N_OUT = 6, 2, 5, 3

gen = np.random.RandomState(31)
parameters = [
    gen.randn(N_HID, N_IN) * 0.8,   # input weights
    gen.randn(N_HID, N_HID) * 0.5,  # recurrent weights
    gen.randn(N_OUT, N_HID) * 0.8,  # output weights
]
signal = gen.randn(STEPS, N_IN)
classes = gen.randint(N_OUT, size=STEPS)


def softmax(z):
    z = np.exp(z - z.max())
    return z / z.sum()


def forward(parameters, signal):
    W_in, W, W_out = parameters
    h = np.zeros((STEPS + 1, N_HID))
    q = np.zeros((STEPS, N_OUT))
    for t in range(STEPS):
        h[t] = np.tanh(W_in @ signal[t] + W @ h[t - 1])
        q[t] = softmax(W_out @ h[t])
    return h, q


def objective(parameters):
    _, q = forward(parameters, signal)
    return -np.sum(np.log(q[np.arange(STEPS), classes]))


def gradient(parameters):
    W_in, W, W_out = parameters
    h, q = forward(parameters, signal)
    e = q - np.eye(N_OUT)[classes]

    delta = np.zeros((STEPS + 1, N_HID))
    for t in range(STEPS - 1, -1, -1):
        D_t = np.diag(1 - h[t] ** 2)
        delta[t] = D_t @ (W_out.T @ e[t]) + W.T @ (D_t @ delta[t + 1])

    g_in = sum(np.outer(delta[t], signal[t]) for t in range(STEPS))
    g_rec = sum(np.outer(delta[t], h[t - 1]) for t in range(STEPS))
    g_out = sum(np.outer(e[t], h[t]) for t in range(STEPS))
    return [g_in, g_rec, g_out]


if __name__ == "__main__":
    for epoch in range(200):
        for p, g in zip(parameters, gradient(parameters)):
            p -= 0.05 * g
    print("objective after 200 epochs:", objective(parameters))
