# LSTM whose input gate is one minus its forget gate (coupled), with peepholes to both gates.
# Optimizers want one long vector, so that is what the parameters are.
import numpy as np


def layout(D, H):
    return [("Af", (H, D)), ("Bf", (H, H)), ("pf", (H,)), ("kf", (H,)),
            ("Ag", (H, D)), ("Bg", (H, H)), ("kg", (H,)),
            ("Ao", (H, D)), ("Bo", (H, H)), ("po", (H,)), ("ko", (H,)),
            ("out", (H,)), ("off", (1,))]


def unpack(theta, D, H):
    parts, at = {}, 0
    for name, shape in layout(D, H):
        size = int(np.prod(shape))
        parts[name] = theta[at:at + size].reshape(shape)
        at += size
    return parts


def pack(parts, D, H):
    return np.concatenate([parts[name].ravel() for name, _ in layout(D, H)])


def sgm(x):
    return 1 / (1 + np.exp(-x))


def simulate(p, xs, H):
    trace = []
    h, c = np.zeros(H), np.zeros(H)
    for x in xs:
        f = sgm(p["Af"] @ x + p["Bf"] @ h + p["pf"] * c + p["kf"])       # looks at the old cell
        g = np.tanh(p["Ag"] @ x + p["Bg"] @ h + p["kg"])
        c_new = f * c + (1 - f) * g
        o = sgm(p["Ao"] @ x + p["Bo"] @ h + p["po"] * c_new + p["ko"])   # looks at the new cell
        h_new = o * np.tanh(c_new)
        trace.append((x, h, c, f, g, c_new, o, h_new, p["out"] @ h_new + p["off"][0]))
        h, c = h_new, c_new
    return trace


def objective(theta, xs, ys, H):
    trace = simulate(unpack(theta, xs.shape[1], H), xs, H)
    return 0.5 * sum((step[-1] - y) ** 2 for step, y in zip(trace, ys))


def gradient(theta, xs, ys, H):
    D = xs.shape[1]
    p = unpack(theta, D, H)
    acc = {name: np.zeros(shape) for name, shape in layout(D, H)}
    dh_next, dc_next = np.zeros(H), np.zeros(H)
    for (x, h, c, f, g, c_new, o, h_new, yhat), y in zip(simulate(p, xs, H)[::-1], ys[::-1]):
        r = yhat - y
        acc["out"] += r * h_new
        acc["off"] += r
        dh = r * p["out"] + dh_next
        th = np.tanh(c_new)
        zo = dh * th * o * (1 - o)
        dc = dc_next + dh * o * (1 - th ** 2) + zo * p["po"]
        zf = dc * (c - g) * f * (1 - f)
        zg = dc * (1 - f) * (1 - g ** 2)
        for gate, z in (("f", zf), ("g", zg), ("o", zo)):
            acc["A" + gate] += np.outer(z, x)
            acc["B" + gate] += np.outer(z, h)
            acc["k" + gate] += z
        acc["pf"] += zf * c
        acc["po"] += zo * c_new
        dh_next = p["Bf"].T @ zf + p["Bg"].T @ zg + p["Bo"].T @ zo
        dc_next = dc * f + zf * p["pf"]
    return pack(acc, D, H)


def setup(T, D, H, seed=17):
    rng = np.random.RandomState(seed)
    total = sum(int(np.prod(shape)) for _, shape in layout(D, H))
    return rng.randn(total) * 0.6, rng.randn(T, D), rng.randn(T)


HID = 4
theta, xs, ys = setup(7, 3, HID)
