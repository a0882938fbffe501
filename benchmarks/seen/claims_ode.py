"""Claims of an insured fleet, reported at irregular dates.

Between reports the state drifts by the autonomous GRU of GRU-ODE-Bayes (De Brouwer et al. 2019), integrated with
explicit Euler steps; a report makes it jump. Counts are negative binomial around exposure * exp(w.h + w0), with the
size `SIZE` known. Before each report the count is predicted from the drifted state. One flat vector of parameters.
"""
import numpy as np

SIZE = 2.5
EULER = 3


def layout(d, n):
    return [("Ar", (n, n)), ("ar", (n,)), ("Az", (n, n)), ("az", (n,)), ("Au", (n, n)), ("au", (n,)),
            ("Jk", (d, n)), ("Kk", (n, n)), ("jk", (n,)), ("Jn", (d, n)), ("Kn", (n, n)), ("jn", (n,)),
            ("w", (n,)), ("w0", (1,)), ("h0", (n,))]


def views(flat, d, n):
    out, at = {}, 0
    for name, shape in layout(d, n):
        size = int(np.prod(shape))
        out[name] = flat[at:at + size].reshape(shape)
        at += size
    return out


def expit(x):
    return 1.0 / (1.0 + np.exp(-x))


def drift(p, h, dt):
    """Euler steps over a gap; every stage is kept for the way back"""
    stages = []
    for _ in range(EULER):
        r = expit(h @ p["Ar"] + p["ar"])
        z = expit(h @ p["Az"] + p["az"])
        u = np.tanh((r * h) @ p["Au"] + p["au"])
        stages.append((h, r, z, u))
        h = h + dt * (1 - z) * (u - h)
    return h, stages


def drift_back(p, g, stages, dh, dt):
    for h, r, z, u in reversed(stages):
        du = dt * dh * (1 - z) * (1 - u * u)
        dz = -dt * dh * (u - h) * z * (1 - z)
        drh = p["Au"] @ du
        dr = drh * h * r * (1 - r)
        g["Au"] += np.outer(r * h, du)
        g["au"] += du
        g["Az"] += np.outer(h, dz)
        g["az"] += dz
        g["Ar"] += np.outer(h, dr)
        g["ar"] += dr
        dh = dh - dt * dh * (1 - z) + drh * r + p["Az"] @ dz + p["Ar"] @ dr
    return dh


def simulate(p, fleet):
    h = p["h0"]
    days = []
    for gap, exposure, x, _ in fleet:
        before, stages = drift(p, h, gap / EULER)
        mu = exposure * np.exp(before @ p["w"] + p["w0"][0])
        k = expit(x @ p["Jk"] + before @ p["Kk"] + p["jk"])
        new = np.tanh(x @ p["Jn"] + before @ p["Kn"] + p["jn"])
        h = k * before + (1 - k) * new
        days.append((stages, before, mu, k, new))
    return days


def nll(flat, fleet, n):
    p = views(flat, len(fleet[0][2]), n)
    total = 0.0
    for (_, _, mu, _, _), (_, _, _, count) in zip(simulate(p, fleet), fleet):
        total += (count + SIZE) * np.log(SIZE + mu) - count * np.log(mu)
    return total / len(fleet)


def nll_gradient(flat, fleet, n):
    d = len(fleet[0][2])
    p = views(flat, d, n)
    days = simulate(p, fleet)
    out = np.zeros_like(flat)
    g = views(out, d, n)  # writes into `out`
    dh = np.zeros(n)
    for (gap, _, x, count), (stages, before, mu, k, new) in zip(fleet[::-1], days[::-1]):
        dk = dh * (before - new) * k * (1 - k)
        dnew = dh * (1 - k) * (1 - new ** 2)
        g["Jk"] += np.outer(x, dk)
        g["Kk"] += np.outer(before, dk)
        g["jk"] += dk
        g["Jn"] += np.outer(x, dnew)
        g["Kn"] += np.outer(before, dnew)
        g["jn"] += dnew
        deta = ((count + SIZE) * mu / (SIZE + mu) - count) / len(fleet)
        g["w"] += deta * before
        g["w0"] += deta
        dh = dh * k + p["Kk"] @ dk + p["Kn"] @ dnew + deta * p["w"]
        dh = drift_back(p, g, stages, dh, gap / EULER)
    g["h0"] += dh
    return out


def portfolio(reports, d, n, seed):
    rng = np.random.default_rng(seed)
    fleet = [(rng.uniform(0.5, 2), rng.uniform(0.5, 1.5), rng.normal(size=d), rng.poisson(1.5)) for _ in range(reports)]
    return 0.6 * rng.normal(size=sum(int(np.prod(s)) for _, s in layout(d, n))), fleet


n = 4
flat, fleet = portfolio(5, 3, n, seed=21)
