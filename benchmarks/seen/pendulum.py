# Homework 3: predict the angle and speed of a driven pendulum with a simple recurrent network
import numpy as np

np.random.seed(42)

# sizes
nI = 2      # inputs
nH = 4      # hidden units
nO = 3      # outputs

U = np.random.randn(nH, nI) * 0.7
W = np.random.randn(nH, nH) * 0.45
b = np.random.randn(nH, 1) * 0.2
V = np.random.randn(nO, nH) * 0.8
c = np.random.randn(nO, 1) * 0.2


def forward(x):
    """x is a list of column vectors. Returns all hidden states and all outputs."""
    h = [np.zeros((W.shape[0], 1))]
    y = []
    for x_t in x:
        h_t = np.tanh(np.dot(U, x_t) + np.dot(W, h[-1]) + b)
        y_t = np.dot(V, h_t) + c
        h.append(h_t)
        y.append(y_t)
    return h, y


def compute_loss(x, target):
    _, y = forward(x)
    E = 0.0
    for y_t, d_t in zip(y, target):
        E += 0.5 * np.sum((y_t - d_t) ** 2)
    return E


def bptt(x, target):
    h, y = forward(x)
    dLdU = np.zeros(U.shape)
    dLdW = np.zeros(W.shape)
    dLdb = np.zeros(b.shape)
    dLdV = np.zeros(V.shape)
    dLdc = np.zeros(c.shape)

    # error that comes from the step after
    dh_next = np.zeros((W.shape[0], 1))

    for t in reversed(range(len(x))):
        # output layer
        e = y[t] - target[t]
        dLdV += np.dot(e, h[t + 1].T)
        dLdc += e
        # hidden layer; h[t+1] is the state AFTER input t
        dh = np.dot(V.T, e) + dh_next
        dnet = dh * (1.0 - h[t + 1] * h[t + 1])
        dLdU += np.dot(dnet, x[t].T)
        dLdW += np.dot(dnet, h[t].T)
        dLdb += dnet
        dh_next = np.dot(W.T, dnet)

    return dLdU, dLdW, dLdb, dLdV, dLdc


x = [np.random.randn(nI, 1) for i in range(6)]
target = [np.random.randn(nO, 1) for i in range(6)]

if __name__ == '__main__':
    for epoch in range(200):
        grads = bptt(x, target)
        for p, g in zip([U, W, b, V, c], grads):
            p -= 0.05 * g
        if epoch % 50 == 0:
            print(epoch, compute_loss(x, target))
