# Next wind direction at several masts. LSTM, masts side by side in the columns, wrapped Cauchy likelihood.
# All weights live in one vector w; `cut` slices it, `paste` is the reverse.
import numpy as np

PARTS = ("Gx", "Gh", "gb", "h0", "c0", "angle", "angle0", "sharp", "sharp0")


def shapes(D, H):
    return ((4, H, D), (4, H, H), (4, H, 1), (H, 1), (H, 1), (1, H), (1, 1), (1, H), (1, 1))


def cut(w, D, H):
    pieces, at = {}, 0
    for name, shape in zip(PARTS, shapes(D, H)):
        n = int(np.prod(shape))
        pieces[name] = w[at:at + n].reshape(shape)
        at += n
    return pieces


def paste(pieces):
    return np.concatenate([pieces[name].ravel() for name in PARTS])


def squash(x):
    return 1.0 / (1.0 + np.exp(-x))


def simulate(w, X, H):
    """X: (T, D, masts)"""
    T, D, M = X.shape
    P = cut(w, D, H)
    h, c = np.repeat(P["h0"], M, axis=1), np.repeat(P["c0"], M, axis=1)
    log = []
    for t in range(T):
        pre = P["Gx"] @ X[t] + P["Gh"] @ h + P["gb"]
        forget, write, show = squash(pre[:3])
        new = np.tanh(pre[3])
        c_next = forget * c + write * new
        tc = np.tanh(c_next)
        h_next = show * tc
        mu = P["angle"] @ h_next + P["angle0"]
        rho = squash(P["sharp"] @ h_next + P["sharp0"])
        log.append((h, c, forget, write, show, new, tc, h_next, mu, rho))
        h, c = h_next, c_next
    return P, log


def cauchy(w, X, phi, H):
    """mean negative log density of phi (T, masts), up to log(2 pi)"""
    total = 0.0
    for entry, angle in zip(simulate(w, X, H)[1], phi):
        mu, rho = entry[-2:]
        total += np.sum(np.log(1 + rho ** 2 - 2 * rho * np.cos(angle - mu)) - np.log(1 - rho ** 2))
    return total / phi.size


def cauchy_slope(w, X, phi, H):
    T, D, M = X.shape
    P, log = simulate(w, X, H)
    d = {name: np.zeros_like(piece) for name, piece in P.items()}
    dh = np.zeros((H, M))
    dc = np.zeros((H, M))
    for t in range(T - 1, -1, -1):
        h, c, forget, write, show, new, tc, h_next, mu, rho = log[t]
        err = phi[t] - mu
        q = 1 + rho ** 2 - 2 * rho * np.cos(err)
        dmu = -2 * rho * np.sin(err) / q / phi.size
        drho = ((2 * rho - 2 * np.cos(err)) / q + 2 * rho / (1 - rho ** 2)) / phi.size
        dr = drho * rho * (1 - rho)
        d["angle"] += dmu @ h_next.T
        d["angle0"] += dmu.sum()
        d["sharp"] += dr @ h_next.T
        d["sharp0"] += dr.sum()

        dh = dh + P["angle"].T @ dmu + P["sharp"].T @ dr
        dc = dc + dh * show * (1 - tc ** 2)
        dpre = np.stack([
            dc * c * forget * (1 - forget),
            dc * new * write * (1 - write),
            dh * tc * show * (1 - show),
            dc * write * (1 - new ** 2),
        ])
        d["Gx"] += dpre @ X[t].T
        d["Gh"] += dpre @ h.T
        d["gb"] += dpre.sum(axis=2, keepdims=True)
        dh = np.sum(P["Gh"].transpose(0, 2, 1) @ dpre, axis=0)
        dc = dc * forget
    d["h0"] += dh.sum(axis=1, keepdims=True)
    d["c0"] += dc.sum(axis=1, keepdims=True)
    return paste(d)


def masts(T, M, seed):
    """inputs: cosine and sine of the last direction, and the speed"""
    rng = np.random.default_rng(seed)
    path = np.cumsum(rng.normal(0.2, 0.6, size=(T + 1, M)), axis=0)
    speed = rng.gamma(4.0, 0.3, size=(T, M)) - 1.0
    X = np.stack([np.cos(path[:-1]), np.sin(path[:-1]), speed], axis=1)
    return X, path[1:]


def random_weights(D, H, seed):
    rng = np.random.default_rng(seed)
    return 0.5 * rng.normal(size=sum(int(np.prod(s)) for s in shapes(D, H)))


H = 4
w = random_weights(3, H, seed=371)
X, phi = masts(5, 2, seed=372)
