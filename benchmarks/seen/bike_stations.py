"""Free bikes at four stations, hour by hour, from temperature and rain.

A recurrent network of rectifiers (the recurrent matrix starts near a multiple of
the identity). The state with which a day starts is a parameter like all others.
"""
import numpy as np

np.random.seed(17)

HOURS = 6
DAYS = 3       # one batch
N_IN = 2
N_HIDDEN = 5
N_STATIONS = 4
DECAY = 0.02   # weight decay, on the matrices only


def make_days(hours, days, n_in, n_out):
    clock = np.arange(hours).reshape(-1, 1, 1)
    weather = np.sin(clock / 2.0 + 3 * np.random.rand(1, days, n_in)) + 0.1 * np.random.randn(hours, days, n_in)
    mixing = np.random.randn(n_in, n_out)
    free = 1.5 + np.cumsum(weather @ mixing, axis=0) / 3
    return weather, free


def init(n_in, n_hidden, n_out):
    Wx = np.random.randn(n_in, n_hidden) / np.sqrt(n_in)
    Wh = 0.6 * np.eye(n_hidden) + 0.2 * np.random.randn(n_hidden, n_hidden)
    bh = 0.1 + 0.1 * np.random.rand(n_hidden)
    Wo = np.random.randn(n_hidden, n_out) / np.sqrt(n_hidden)
    bo = np.zeros(n_out)
    start = np.random.rand(n_hidden)
    return Wx, Wh, bh, Wo, bo, start


def forward(X):
    hours, days, _ = X.shape
    Z = np.zeros((hours, days, bh.size))
    H = np.zeros((hours + 1, days, bh.size))   # H[0] is the start, H[t + 1] belongs to Z[t]
    H[0] = start
    for t in range(hours):
        Z[t] = X[t] @ Wx + H[t] @ Wh + bh
        H[t + 1] = np.maximum(Z[t], 0)
    return Z, H, H[1:] @ Wo + bo


def loss(X, Y):
    _, _, guess = forward(X)
    fit = 0.5 * np.sum((guess - Y) ** 2) / X.shape[1]
    return fit + 0.5 * DECAY * (np.sum(Wx ** 2) + np.sum(Wh ** 2) + np.sum(Wo ** 2))


def gradients(X, Y):
    hours, days, _ = X.shape
    Z, H, guess = forward(X)
    dguess = (guess - Y) / days

    gWo = DECAY * Wo
    gbo = dguess.sum(axis=(0, 1))
    for t in range(hours):
        gWo = gWo + H[t + 1].T @ dguess[t]

    gWx = DECAY * Wx
    gWh = DECAY * Wh
    gbh = np.zeros_like(bh)
    from_later = np.zeros_like(H[0])
    for t in range(hours - 1, -1, -1):
        dH = dguess[t] @ Wo.T + from_later
        dZ = np.where(Z[t] > 0, dH, 0.0)
        gWx = gWx + X[t].T @ dZ
        gWh = gWh + H[t].T @ dZ
        gbh = gbh + dZ.sum(axis=0)
        from_later = dZ @ Wh.T
    gstart = from_later.sum(axis=0)      # every day starts in the same state
    return gWx, gWh, gbh, gWo, gbo, gstart


X, Y = make_days(HOURS, DAYS, N_IN, N_STATIONS)
Wx, Wh, bh, Wo, bo, start = init(N_IN, N_HIDDEN, N_STATIONS)

if __name__ == "__main__":
    for epoch in range(500):
        for p, g in zip((Wx, Wh, bh, Wo, bo, start), gradients(X, Y)):
            p -= 0.02 * g
        if epoch % 100 == 0:
            print(epoch, loss(X, Y))
