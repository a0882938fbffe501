"""Firing-rate network for a delayed-decision task, in the usual continuous-time form

    tau dx/dt = -x + J r + B u + b,      r = tanh(x),      z = r w + w0

discretised with an Euler step (alpha = dt / tau).  Arrays are trials x time x units.
The loss is a masked mean squared error with a cost on the firing rates.
"""

import numpy as np

dt, tau = 20.0, 50.0
alpha = dt / tau
rate_cost = 0.05


def trials(n_trials, n_time, n_in, n_out, rng):
    u = np.zeros((n_trials, n_time, n_in))
    sign = rng.choice([-1.0, 1.0], size=(n_trials, n_in))
    u[:, :2] = sign[:, None, :]
    u += 0.3 * rng.standard_normal(u.shape)
    z = np.zeros((n_trials, n_time, n_out)) + np.sign(sign.sum(axis=1) + 0.5)[:, None, None]
    mask = np.ones((n_time,))
    mask[1] = 0.0          # nothing is asked of the network while the cue ends
    mask[-1] = 2.0
    return u, z, mask


def network(n_in, n_units, n_out, rng, gain=1.2):
    return dict(
        J=gain * rng.standard_normal((n_units, n_units)) / np.sqrt(n_units),
        B=rng.standard_normal((n_units, n_in)),
        b=0.1 * rng.standard_normal(n_units),
        w=rng.standard_normal((n_units, n_out)) / n_units,
        w0=np.zeros(n_out),
        x0=0.3 * rng.standard_normal(n_units),
    )


def simulate(net, u):
    n_trials, n_time, _ = u.shape
    x = np.tile(net["x0"], (n_trials, 1))
    rates_before, rates = [], []
    for t in range(n_time):
        r_old = np.tanh(x)
        x = (1 - alpha) * x + alpha * (r_old @ net["J"].T + u[:, t] @ net["B"].T + net["b"])
        rates_before.append(r_old)
        rates.append(np.tanh(x))
    r = np.stack(rates, axis=1)
    return np.stack(rates_before, axis=1), r, r @ net["w"] + net["w0"]


def objective(net, u, target, mask):
    _, r, z = simulate(net, u)
    err = np.sum(mask[None, :, None] * (z - target) ** 2) / z.size
    return err + rate_cost * np.sum(r ** 2) / r.size


def objective_gradient(net, u, target, mask):
    r_old, r, z = simulate(net, u)
    dz = 2 * mask[None, :, None] * (z - target) / z.size
    grad = {name: np.zeros_like(value) for name, value in net.items()}
    grad["w"] = np.tensordot(r, dz, axes=((0, 1), (0, 1)))
    grad["w0"] = dz.sum(axis=(0, 1))

    dr = dz @ net["w"].T + 2 * rate_cost * r / r.size
    dx = np.zeros((len(u), len(net["b"])))            # of the state after the step
    for t in range(u.shape[1] - 1, -1, -1):
        dx = dx + dr[:, t] * (1 - r[:, t] ** 2)
        drive = alpha * dx
        grad["J"] += drive.T @ r_old[:, t]
        grad["B"] += drive.T @ u[:, t]
        grad["b"] += drive.sum(axis=0)
        dx = (1 - alpha) * dx + (drive @ net["J"]) * (1 - r_old[:, t] ** 2)
    grad["x0"] = dx.sum(axis=0)
    return grad


rng = np.random.default_rng(11)
u, target, mask = trials(3, 6, 2, 1, rng)
net = network(2, 5, 1, rng)
