"""GRU, one matrix for each gate (column vectors, single sequence), trained on squared error.

    z = s(Wz x + Uz h + bz)
    r = s(Wr x + Ur h + br)
    n = tanh(Wn x + Un (r * h) + bn)
    h' = (1 - z) * h + z * n
"""
import numpy as np

T, D, H = 6, 2, 4
rng = np.random.default_rng(33)


class GRU:
    pass


gru = GRU()
for gate in "zrn":
    setattr(gru, "W" + gate, rng.normal(0, 0.8, (H, D)))
    setattr(gru, "U" + gate, rng.normal(0, 0.6, (H, H)))
    setattr(gru, "b" + gate, rng.normal(0, 0.3, H))

x = rng.normal(size=(T, D))
y = rng.uniform(-1, 1, (T, H))
h_start = rng.uniform(-0.5, 0.5, H)


def sigma(v):
    return 1 / (1 + np.exp(-v))


def forward(gru, x):
    h, trace = h_start, []
    for v in x:
        z = sigma(gru.Wz @ v + gru.Uz @ h + gru.bz)
        r = sigma(gru.Wr @ v + gru.Ur @ h + gru.br)
        n = np.tanh(gru.Wn @ v + gru.Un @ (r * h) + gru.bn)
        trace.append((h, z, r, n))
        h = (1 - z) * h + z * n
    return trace, h


def error(gru, x, y):
    trace, h_last = forward(gru, x)
    states = [step[0] for step in trace[1:]] + [h_last]
    return 0.5 * sum(np.sum((h - d) ** 2) for h, d in zip(states, y))


def backward(gru, x, y):
    trace, h = forward(gru, x)
    g = GRU()
    for name, value in vars(gru).items():
        setattr(g, name, np.zeros_like(value))
    dh_next = np.zeros(H)
    for t in reversed(range(T)):
        dh = h - y[t] + dh_next
        h_prev, z, r, n = trace[t]

        dn = dh * z * (1 - n ** 2)
        drh = gru.Un.T @ dn
        dz = dh * (n - h_prev) * z * (1 - z)
        dr = drh * h_prev * r * (1 - r)

        g.Wz += np.outer(dz, x[t])
        g.Uz += np.outer(dz, h_prev)
        g.bz += dz

        g.Wr += np.outer(dr, x[t])
        g.Ur += np.outer(dz, h_prev)
        g.br += dr

        g.Wn += np.outer(dn, x[t])
        g.Un += np.outer(dn, r * h_prev)
        g.bn += dn

        dh_next = dh * (1 - z) + drh * r + gru.Uz.T @ dz + gru.Ur.T @ dr
        h = h_prev
    return g


if __name__ == "__main__":
    for i in range(100):
        g = backward(gru, x, y)
        for name in vars(gru):
            setattr(gru, name, getattr(gru, name) - 0.05 * getattr(g, name))
    print("error", error(gru, x, y))
