"""Free parking spaces in a street, minute by minute: zero-inflated Poisson counts from two stacked Elman layers.

No matrix products: every weight is picked out by its indices, so that my students can follow each step.
The second layer also sees the input (a skip), the output sees the second layer only.
"""
import numpy as np
from numpy import exp, log, log1p, tanh


def dot(row, vec):
    return sum(w * v for w, v in zip(row, vec))


def street(D, H1, H2, seed):
    rng = np.random.default_rng(seed)

    def table(rows, cols):
        return np.array([[rng.normal(0, 0.6) for _ in range(cols)] for _ in range(rows)])

    def row(n):
        return np.array([rng.normal(0, 0.2) for _ in range(n)])

    return {
        "A": table(H1, D), "R": table(H1, H1), "a": row(H1),
        "B": table(H2, H1), "S": table(H2, H2), "K": table(H2, D), "b": row(H2),
        "empty": row(H2), "rate": row(H2), "e0": np.array(0.1), "r0": np.array(0.4),
    }


def forward(net, xs):
    H1, H2 = len(net["a"]), len(net["b"])
    lower, upper, outs = [[0.0] * H1], [[0.0] * H2], []
    for x in xs:
        u = [tanh(dot(net["A"][i], x) + dot(net["R"][i], lower[-1]) + net["a"][i]) for i in range(H1)]
        v = [
            tanh(dot(net["B"][j], u) + dot(net["S"][j], upper[-1]) + dot(net["K"][j], x) + net["b"][j])
            for j in range(H2)
        ]
        lower.append(u)
        upper.append(v)
        outs.append((dot(net["empty"], v) + net["e0"], dot(net["rate"], v) + net["r0"]))
    return lower, upper, outs


def minus_log_lik(net, xs, counts):
    total = 0.0
    for (e, r), n in zip(forward(net, xs)[2], counts):
        lam = exp(r)
        if n == 0:
            total += log1p(exp(e)) - log(exp(e) + exp(-lam))
        else:
            total += log1p(exp(e)) + lam - n * r
    return total


def gradient(net, xs, counts):
    lower, upper, outs = forward(net, xs)
    g = {name: np.zeros(value.shape) for name, value in net.items()}
    H1, H2 = len(net["a"]), len(net["b"])
    from_u, from_v = [0.0] * H1, [0.0] * H2  # what the next minute sends back
    for t in range(len(xs) - 1, -1, -1):
        (e, r), n, x = outs[t], counts[t], xs[t]
        u, v, u_old, v_old = lower[t + 1], upper[t + 1], lower[t], upper[t]
        lam = exp(r)
        de = 1 / (1 + exp(-e))
        if n == 0:
            both = exp(e) + exp(-lam)
            de -= exp(e) / both
            dr = lam * exp(-lam) / both
        else:
            dr = lam - n
        g["e0"] += de
        g["r0"] += dr
        dv = []
        for j in range(H2):
            g["empty"][j] += de * v[j]
            g["rate"][j] += dr * v[j]
            dv.append((from_v[j] + de * net["empty"][j] + dr * net["rate"][j]) * (1 - v[j] ** 2))
        for j in range(H2):
            g["b"][j] += dv[j]
            for i in range(H1):
                g["B"][j, i] += dv[j] * u[i]
            for k in range(H2):
                g["S"][j, k] += dv[j] * v_old[k]
            for d in range(len(x)):
                g["K"][j, d] += dv[j] * x[d]
        from_v = [sum(dv[j] * net["S"][j, k] for j in range(H2)) for k in range(H2)]
        du = [
            (from_u[i] + sum(dv[j] * net["B"][j, i] for j in range(H2))) * (1 - u[i] ** 2) for i in range(H1)
        ]
        for i in range(H1):
            g["a"][i] += du[i]
            for d in range(len(x)):
                g["A"][i, d] += du[i] * x[d]
            for k in range(H1):
                g["R"][i, k] += du[i] * u_old[k]
        from_u = [sum(du[i] * net["R"][i, k] for i in range(H1)) for k in range(H1)]
    return g


def morning(T, D, seed):
    rng = np.random.default_rng(seed)
    xs = [[float(v) for v in rng.normal(size=D)] for _ in range(T)]
    counts = [int(n) for n in rng.poisson(1.5, size=T) * (rng.random(T) < 0.7)]
    return xs, counts


net = street(2, 4, 3, seed=341)
xs, counts = morning(7, 2, seed=342)
