# Bank of forced oscillators (LinOSS, implicit-explicit step) as a sequence layer for vibration records.
#
#   z_t = z_{t-1} + dt (-A y_{t-1} + B u_t)
#   y_t = y_{t-1} + dt z_t
#   mean_t = C tanh(y_t) + D u_t,   Gaussian noise with one log-variance per output
#
# scipy.optimize wants a single vector, so everything lives in `theta`.
import numpy as np

dt = 0.6


def layout(h, n_in, n_out):
    pieces, start = {}, 0
    for name, shape in (("A", (h,)), ("B", (h, n_in)), ("C", (n_out, h)), ("D", (n_out, n_in)), ("lv", (n_out,))):
        size = int(np.prod(shape))
        pieces[name] = (slice(start, start + size), shape)
        start += size
    return pieces, start


def unpack(theta, lay):
    return [theta[s].reshape(shape) for s, shape in lay.values()]


def softplus(a):
    return np.log1p(np.exp(a))


def run(theta, lay, u):
    A, B, C, D, lv = unpack(theta, lay)
    stiff = softplus(A)
    y = np.zeros((len(u) + 1, len(A)))
    z = np.zeros(len(A))
    mean = np.zeros((len(u), len(lv)))
    for t in range(len(u)):
        z = z + dt * (B @ u[t] - stiff * y[t])
        y[t + 1] = y[t] + dt * z
        mean[t] = C @ np.tanh(y[t + 1]) + D @ u[t]
    return y, mean


def cost(theta, lay, u, target):
    _, mean = run(theta, lay, u)
    lv = unpack(theta, lay)[-1]
    return 0.5 * np.sum(lv + (target - mean) ** 2 * np.exp(-lv))


def cost_gradient(theta, lay, u, target):
    A, B, C, D, lv = unpack(theta, lay)
    stiff = softplus(A)
    y, mean = run(theta, lay, u)
    res = target - mean
    dmean = -res * np.exp(-lv)

    g = np.zeros_like(theta)
    dA, dB, dC, dD, dlv = unpack(g, lay)
    dlv += 0.5 * np.sum(1 - res ** 2 * np.exp(-lv), axis=0)
    dC += dmean.T @ np.tanh(y[1:])
    dD += dmean.T @ u

    dy = np.zeros(len(A))
    dz = np.zeros(len(A))
    for t in range(len(u) - 1, -1, -1):
        th = np.tanh(y[t + 1])
        dy = dy + (C.T @ dmean[t]) * (1 - th ** 2)
        dz = dz + dt * dy
        dB += dt * np.outer(dz, u[t])
        dA -= dt * dz * y[t]
        dy = dy - dt * dz * stiff
    dA *= 1 / (1 + np.exp(-A))
    return g


def start(h, n_in, n_out, seed):
    lay, size = layout(h, n_in, n_out)
    return 0.6 * np.random.default_rng(seed).standard_normal(size), lay


def rig(T, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    force = rng.standard_normal((T, n_in))
    return force, np.cumsum(force.sum(1))[:, None] * np.linspace(0.3, 0.8, n_out)


theta, lay = start(4, 2, 2, seed=21)
u, target = rig(7, 2, 2, seed=22)
