# GRU that forecasts solar irradiance hour by hour.  Irradiance is positive and skewed, so instead of squares we take the
# deviance of a gamma distribution with mean mu = exp(o):   d = 2 ((y - mu)/mu - log(y/mu))
#
# Column vectors.  Gates see [h; x] stacked:
#   z = sig(Wz [h;x] + bz)   r = sig(Wr [h;x] + br)   n = tanh(Wn [r*h;x] + bn)   h' = (1-z) h + z n
import numpy as np

sig = lambda a: 1 / (1 + np.exp(-a))


def new_params(nx, nh, seed=0):
    np.random.seed(seed)
    p = {}
    for g in "zrn":
        p["W" + g] = np.random.uniform(-1, 1, (nh, nh + nx)) * np.sqrt(3.0 / (nh + nx))
        p["b" + g] = np.random.uniform(-.2, .2, (nh, 1))
    p["Wo"] = np.random.uniform(-1, 1, (1, nh))
    p["bo"] = np.random.uniform(-.2, .2, (1, 1))
    p["h0"] = np.random.uniform(-.3, .3, (nh, 1))
    return p


def forward(p, X):
    h = p["h0"]
    hs, zs, rs, ns, mus = [h], [], [], [], []
    for x in X:
        hx = np.vstack((h, x))
        z = sig(np.dot(p["Wz"], hx) + p["bz"])
        r = sig(np.dot(p["Wr"], hx) + p["br"])
        n = np.tanh(np.dot(p["Wn"], np.vstack((r * h, x))) + p["bn"])
        h = (1 - z) * h + z * n
        mu = np.exp(np.dot(p["Wo"], h) + p["bo"])
        hs.append(h); zs.append(z); rs.append(r); ns.append(n); mus.append(mu)
    return hs, zs, rs, ns, mus


def deviance(p, X, y):
    mus = forward(p, X)[-1]
    d = 0
    for t in range(len(y)):
        m = mus[t][0, 0]
        d += 2 * ((y[t] - m) / m - np.log(y[t] / m))
    return d / len(y)


def bptt(p, X, y):
    hs, zs, rs, ns, mus = forward(p, X)
    nh = len(p["h0"])
    g = {k: np.zeros_like(v) for k, v in p.items()}
    dh = np.zeros((nh, 1))
    for t in reversed(range(len(y))):
        x, z, r, n, hprev = X[t], zs[t], rs[t], ns[t], hs[t]
        # d/do of the deviance with mu = exp(o) is 2 (1 - y/mu)
        do = 2 * (1 - y[t] / mus[t]) / len(y)
        g["Wo"] += np.dot(do, hs[t + 1].T)
        g["bo"] += do
        dh = dh + np.dot(p["Wo"].T, do)

        dn = dh * z * (1 - n ** 2)
        g["Wn"] += np.dot(dn, np.vstack((r * hprev, x)).T)
        g["bn"] += dn
        drh = np.dot(p["Wn"].T, dn)[:nh]

        dr = drh * hprev * r * (1 - r)
        dz = dh * (n - hprev) * z * (1 - z)
        hx = np.vstack((hprev, x))
        g["Wr"] += np.dot(dr, hx.T)
        g["br"] += dr
        g["Wz"] += np.dot(dz, hx.T)
        g["bz"] += dz

        dh = dh * (1 - z) + drh * r + np.dot(p["Wr"].T, dr)[:nh] + np.dot(p["Wz"].T, dz)[:nh]
    g["h0"] = dh
    return g


def hours(T, nx, seed=0):
    np.random.seed(seed)
    sun = np.sin(np.pi * (np.arange(T) + 1) / (T + 1))
    y = sun * np.random.gamma(4, 0.4, T) + 0.05
    X = [np.vstack(([[sun[t]]], np.random.randn(nx - 1, 1))) for t in range(T)]
    return X, y


params = new_params(3, 4, seed=11)
X, y = hours(6, 3, seed=12)
