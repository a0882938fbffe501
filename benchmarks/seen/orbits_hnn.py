# Learning a potential from observed orbits.
# V(q) = v . tanh(W q + b) + stiff/2 |q|^2, masses exp(logm), integrated with kick-drift-kick leapfrog, so that the learned
# dynamics is symplectic whatever the weights are. The loss sees positions only, at every STRIDE-th step.
# The force is already a derivative of the net; its vector-Jacobian product needs second derivatives.
import numpy as np

DT = 0.25
STRIDE = 2


def force(W, b, v, stiff, q):
    """q: (orbits, dim)"""
    s = np.tanh(q @ W.T + b)
    return -((1 - s ** 2) * v) @ W - stiff * q


def force_vjp(W, b, v, stiff, q, F_bar):
    s = np.tanh(q @ W.T + b)
    slope = 1 - s ** 2
    WF = F_bar @ W.T
    a_bar = 2 * s * slope * v * WF
    W_bar = a_bar.T @ q - (slope * v).T @ F_bar
    b_bar = a_bar.sum(0)
    v_bar = -(slope * WF).sum(0)
    stiff_bar = -np.sum(q * F_bar)
    q_bar = a_bar @ W - stiff * F_bar
    return q_bar, W_bar, b_bar, v_bar, stiff_bar


def leapfrog(W, b, v, stiff, logm, q, p, steps):
    qs, halves = [q], []
    for _ in range(steps):
        half = p + 0.5 * DT * force(W, b, v, stiff, q)
        q = q + DT * half * np.exp(-logm)
        p = half + 0.5 * DT * force(W, b, v, stiff, q)
        qs.append(q)
        halves.append(half)
    return qs, halves


def robust(r):
    return np.log1p(r ** 2), 2 * r / (1 + r ** 2)


def orbit_loss(W, b, v, stiff, logm, q0, p0, seen):
    steps = STRIDE * len(seen)
    qs, _ = leapfrog(W, b, v, stiff, logm, q0, p0, steps)
    total = 0.0
    for k in range(len(seen)):
        total += robust(qs[STRIDE * (k + 1)] - seen[k])[0].sum()
    return total / seen.size


def orbit_grad(W, b, v, stiff, logm, q0, p0, seen):
    steps = STRIDE * len(seen)
    qs, halves = leapfrog(W, b, v, stiff, logm, q0, p0, steps)
    W_bar, b_bar, v_bar = np.zeros_like(W), np.zeros_like(b), np.zeros_like(v)
    stiff_bar, logm_bar = 0.0, np.zeros_like(logm)
    q_bar, p_bar = np.zeros_like(q0), np.zeros_like(p0)

    def kick_back(q, p_bar):
        nonlocal W_bar, b_bar, v_bar, stiff_bar
        dq, dW, db, dv, dk = force_vjp(W, b, v, stiff, q, 0.5 * DT * p_bar)
        W_bar = W_bar + dW
        b_bar = b_bar + db
        v_bar = v_bar + dv
        stiff_bar = stiff_bar + dk
        return dq

    for n in range(steps, 0, -1):
        if n % STRIDE == 0:
            r = qs[n] - seen[n // STRIDE - 1]
            q_bar = q_bar + robust(r)[1] / seen.size
        q_bar = q_bar + kick_back(qs[n], p_bar)
        # drift
        velocity = halves[n - 1] * np.exp(-logm)
        logm_bar -= DT * np.sum(q_bar * velocity, axis=0)
        p_bar = p_bar + DT * q_bar * np.exp(-logm)
        q_bar = q_bar + kick_back(qs[n - 1], p_bar)
    return W_bar, b_bar, v_bar, stiff_bar, logm_bar


def potential(hidden, dim, seed):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(hidden, dim)) * 0.8
    return W, rng.normal(size=hidden) * 0.4, rng.normal(size=hidden), np.array(0.3), rng.normal(size=dim) * 0.2


def observe(orbits, dim, times, seed):
    rng = np.random.default_rng(seed)
    q0, p0 = rng.normal(size=(orbits, dim)), rng.normal(size=(orbits, dim))
    return q0, p0, q0 + np.cumsum(0.4 * rng.normal(size=(times, orbits, dim)), axis=0)


W, b, v, stiff, logm = potential(5, 2, seed=721)
q0, p0, seen = observe(3, 2, 4, seed=722)
