# Feedback delay network: fit an artificial reverb to a measured room impulse response.
#
#   s_i[n] = w_i[n - m_i]                           what comes out of delay line i
#   l_i[n] = (1 - p_i) s_i[n] + p_i l_i[n-1]        damping (one-pole lowpass, p = logistic(damp))
#   y[n]   = sum_i c_i l_i[n] + dry x[n]
#   w_i[n] = b_i x[n] + sum_j A_ij l_j[n]
#
# Delay lines are circular buffers, forwards and backwards.
# Loss: waveform error + error of the energy decay curve in log units (Schroeder's backward integration).
import numpy as np

EPS = 1e-2
DECAY = 0.1


def logistic(v):
    return 1.0 / (1.0 + np.exp(-v))


def fdn(A, b, c, damp, dry, x, delays):
    n_lines, n_samples = len(delays), len(x)
    p = logistic(damp)
    lines = [np.zeros(m) for m in delays]
    low = np.zeros(n_lines)
    S = np.zeros((n_samples, n_lines))
    L = np.zeros((n_samples, n_lines))
    y = np.zeros(n_samples)
    for n in range(n_samples):
        for i, m in enumerate(delays):
            S[n, i] = lines[i][n % m]
        low = (1 - p) * S[n] + p * low
        L[n] = low
        y[n] = c @ low + dry * x[n]
        w = b * x[n] + A @ low
        for i, m in enumerate(delays):
            lines[i][n % m] = w[i]
    return y, S, L


def decay_curve(y):
    return np.cumsum(y[::-1] ** 2)[::-1]


def loss(A, b, c, damp, dry, x, target, delays):
    y, _, _ = fdn(A, b, c, damp, dry, x, delays)
    gap = np.log(decay_curve(y) + EPS) - np.log(decay_curve(target) + EPS)
    return 0.5 * np.mean((y - target) ** 2) + DECAY * 0.5 * np.mean(gap ** 2)


def gradients(A, b, c, damp, dry, x, target, delays):
    y, S, L = fdn(A, b, c, damp, dry, x, delays)
    N = len(x)
    p = logistic(damp)

    edc = decay_curve(y)
    gap = np.log(edc + EPS) - np.log(decay_curve(target) + EPS)
    d_edc = DECAY * gap / (edc + EPS) / N
    # sample k is part of the energy of all n <= k
    dy = (y - target) / N + 2 * y * np.cumsum(d_edc)

    dA, db, dc, dp = np.zeros_like(A), np.zeros_like(b), np.zeros_like(c), np.zeros_like(damp)
    ddry = 0.0
    back = [np.zeros(m) for m in delays]
    dlow = np.zeros(len(delays))
    for n in range(N - 1, -1, -1):
        dw = np.array([back[i][n % m] for i, m in enumerate(delays)])
        db += dw * x[n]
        dA += np.outer(dw, L[n])
        dlow = dlow + A.T @ dw + c * dy[n]
        dc += L[n] * dy[n]
        ddry += x[n] * dy[n]
        before = L[n - 1] if n > 0 else np.zeros(len(delays))
        dp += dlow * (before - S[n])
        for i, m in enumerate(delays):
            back[i][n % m] = dlow[i] * (1 - p[i])
        dlow = dlow * p
    return dA, db, dc, dp * p * (1 - p), ddry


def network(n_lines, seed):
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(n_lines, n_lines)))
    A = 0.85 * Q
    b = rng.normal(size=n_lines) * 0.6
    c = rng.normal(size=n_lines) * 0.6
    return A, b, c, rng.normal(size=n_lines) - 0.5, np.array(0.7)


def room(n_samples, seed):
    """excitation (click with some noise) and a decaying response"""
    rng = np.random.default_rng(seed)
    x = 0.05 * rng.normal(size=n_samples)
    x[0] += 1.0
    return x, rng.normal(size=n_samples) * np.exp(-0.12 * np.arange(n_samples))


delays = [2, 3, 5]
A, b, c, damp, dry = network(3, seed=761)
x, target = room(18, seed=762)
