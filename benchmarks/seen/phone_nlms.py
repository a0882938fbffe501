"""Acoustic echo canceller: a normalised LMS filter whose own settings are trained on recorded calls.

    e_t = mic_t - w_t . x_t               x_t = the last `taps` far-end samples
    w_{t+1} = leak * w_t + mu * e_t x_t / (delta + |x_t|^2)

Trained: step size of each tap, leak, delta, and the filter at the start of a call.  Cost: log cosh of what is left,
the first samples of a call do not count.
"""
import numpy as np


def windows(far, taps):
    B, T = far.shape
    padded = np.concatenate([np.zeros((B, taps - 1)), far], axis=1)
    return np.stack([padded[:, t:t + taps][:, ::-1] for t in range(T)], axis=1)


def settings(theta):
    log_mu, leak_logit, log_delta, w0 = theta
    return np.exp(log_mu), 1.0 / (1.0 + np.exp(-leak_logit)), np.exp(log_delta), w0


def cancel(theta, far, mic):
    mu, leak, delta, w0 = settings(theta)
    x = windows(far, len(w0))
    B, T, n = x.shape
    w = np.empty((T + 1, B, n))
    e = np.empty((T, B))
    w[0] = w0
    for t in range(T):
        e[t] = mic[:, t] - np.sum(w[t] * x[:, t], axis=1)
        step = e[t] / (delta + np.sum(x[:, t] ** 2, axis=1))
        w[t + 1] = leak * w[t] + mu * step[:, None] * x[:, t]
    return x, w, e


def residual_cost(theta, far, mic, skip):
    _, _, e = cancel(theta, far, mic)
    return np.mean(np.log(np.cosh(e[skip:])))


def residual_cost_grad(theta, far, mic, skip):
    mu, leak, delta, w0 = settings(theta)
    x, w, e = cancel(theta, far, mic)
    T, B = e.shape
    direct = np.zeros((T, B))
    direct[skip:] = np.tanh(e[skip:]) / ((T - skip) * B)
    g_mu = np.zeros_like(mu)
    g_leak = g_delta = 0.0
    lam = np.zeros((B, len(w0)))
    for t in reversed(range(T)):
        power = delta + np.sum(x[:, t] ** 2, axis=1)
        g_leak += np.sum(lam * w[t])
        g_mu += np.sum(lam * (e[t] / power)[:, None] * x[:, t], axis=0)
        through = np.sum(lam * mu * x[:, t], axis=1)
        g_delta -= np.sum(through * e[t] / power ** 2)
        g_e = direct[t] + through / power
        lam = leak * lam - g_e[:, None] * x[:, t]
    return g_mu * mu, g_leak * leak * (1.0 - leak), g_delta * delta, lam.sum(axis=0)


def calls(B, T, seed):
    rng = np.random.default_rng(seed)
    far = rng.normal(size=(B, T))
    return far, 0.7 * far + 0.4 * np.roll(far, 1, axis=1) + 0.2 * rng.normal(size=(B, T))


def settings_at_first(taps, seed):
    rng = np.random.default_rng(seed)
    return [-0.7 + 0.3 * rng.normal(size=taps), np.array(2.0), np.array(-1.0), 0.3 * rng.normal(size=taps)]


theta = settings_at_first(3, seed=1121)
far, mic = calls(2, 9, seed=1122)
SKIP = 2
