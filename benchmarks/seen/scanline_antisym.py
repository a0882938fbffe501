"""
Digits, one scan line per step, with the AntisymmetricRNN (Chang, Chen, Haber, Chi, ICLR 2019), gated version.

   z_t = sigmoid(A h_{t-1} + Vz x_t + bz)
   h_t = h_{t-1} + eps * z_t * tanh(A h_{t-1} + Vh x_t + bh),        A = M - M' - gamma I

The paper's two formulas share A, so M gets its gradient through both.  Only the strictly upper triangle of M matters;
we keep the full matrix, it costs nothing at this size.
"""
import numpy as np

EPS, GAMMA = 0.6, 0.1
ROWS, COLS, UNITS, CLASSES = 6, 4, 5, 3


def initialise(units, cols, classes, seed):
    r = np.random.default_rng(seed)
    M = r.normal(0, 0.7, (units, units))
    Vz = r.normal(0, 0.5, (units, cols))
    Vh = r.normal(0, 0.5, (units, cols))
    bz = r.normal(0, 0.1, units)
    bh = r.normal(0, 0.1, units)
    S = r.normal(0, 0.8, (classes, units))
    bs = r.normal(0, 0.1, classes)
    return M, Vz, Vh, bz, bh, S, bs


def images(count, rows, cols, classes, seed):
    r = np.random.default_rng(seed)
    return r.random((count, rows, cols)), r.integers(0, classes, count)


def scan(image):
    A = M - M.T - GAMMA * np.eye(len(M))
    h = np.zeros(len(M))
    hist = []
    for line in image:
        Ah = A @ h
        z = 1 / (1 + np.exp(-(Ah + Vz @ line + bz)))
        u = np.tanh(Ah + Vh @ line + bh)
        hist.append((h, z, u))
        h = h + EPS * z * u
    logits = S @ h + bs
    logits = logits - logits.max()
    return A, hist, h, logits - np.log(np.exp(logits).sum())


def mean_loss(batch, labels):
    return -sum(scan(image)[3][label] for image, label in zip(batch, labels)) / len(labels)


def sgd(batch, labels, eta):
    """one step of gradient descent on the batch, changes the weights in place"""
    dA, dVz, dVh = np.zeros_like(M), np.zeros_like(Vz), np.zeros_like(Vh)
    dbz, dbh, dS, dbs = np.zeros_like(bz), np.zeros_like(bh), np.zeros_like(S), np.zeros_like(bs)
    for image, label in zip(batch, labels):
        A, hist, h_end, logp = scan(image)
        delta = np.exp(logp)
        delta[label] -= 1
        dS += np.outer(delta, h_end)
        dbs += delta
        dh = S.T @ delta
        for k in range(len(image) - 1, -1, -1):
            h, z, u = hist[k]
            pz = dh * EPS * u * z * (1 - z)
            pu = dh * EPS * z * (1 - u * u)
            dVz += np.outer(pz, image[k])
            dVh += np.outer(pu, image[k])
            dbz += pz
            dbh += pu
            dA += np.outer(pz + pu, h)
            dh = dh + A.T @ (pz + pu)
    rate = eta / len(labels)
    M[...] = M - rate * (dA - dA.T)
    Vz[...] = Vz - rate * dVz
    Vh[...] = Vh - rate * dVh
    bz[...] = bz - rate * dbz
    bh[...] = bh - rate * dbh
    S[...] = S - rate * dS
    bs[...] = bs - rate * dbs


def error_rate(batch, labels):
    guesses = np.array([scan(image)[3].argmax() for image in batch])
    return np.mean(guesses != labels)


M, Vz, Vh, bz, bh, S, bs = initialise(UNITS, COLS, CLASSES, seed=3)
batch, labels = images(3, ROWS, COLS, CLASSES, seed=30)

if __name__ == "__main__":
    for epoch in range(400):
        sgd(batch, labels, 0.2)
        if epoch % 100 == 0:
            print(epoch, mean_loss(batch, labels), error_rate(batch, labels))
