"""
Continuous-time recurrent network (Beer) as pattern generator of a walking machine.

    tau_i dy_i/dt = -y_i + sum_j w_ij sigma(y_j + theta_j) + g_i u(t)

In the evolutionary experiments the network was one row of numbers, the genotype.  It still is, so that the two ways of
training can be compared, only that we now follow the gradient.  Integration by Heun's rule, gradient through the rule
(discretise, then differentiate).
"""
import numpy as np


def sigma(v):
    return 1 / (1 + np.exp(-v))


def decode(genotype, n):
    """-> time constants, weights, biases, input gains, motor weights"""
    log_tau = genotype[:n]
    w = genotype[n:n + n * n].reshape(n, n)
    theta = genotype[n + n * n:2 * n + n * n]
    gain = genotype[2 * n + n * n:3 * n + n * n]
    motor = genotype[3 * n + n * n:4 * n + n * n]
    return 0.5 + np.exp(log_tau), w, theta, gain, motor


def field(y, u, phenotype):
    tau, w, theta, gain, _ = phenotype
    return (-y + w @ sigma(y + theta) + gain * u) / tau


def field_adjoint(y, u, phenotype, lam):
    """lam: adjoint of the field's value -> adjoint of y and of (tau, w, theta, gain)"""
    tau, w, theta, gain, _ = phenotype
    s = sigma(y + theta)
    m = lam / tau
    inner = (w.T @ m) * s * (1 - s)
    return inner - m, (-m * field(y, u, phenotype), np.outer(m, s), inner, m * u)


def walk(genotype, n, command, dt):
    ph = decode(genotype, n)
    y = np.zeros(n)
    path = [y]
    for k in range(len(command) - 1):
        k1 = field(y, command[k], ph)
        k2 = field(y + dt * k1, command[k + 1], ph)
        y = y + 0.5 * dt * (k1 + k2)
        path.append(y)
    return np.array(path)


def leg_error(genotype, n, command, angle, dt):
    """angle[k] is wanted after step k; the leg follows tanh of a weighted sum of firing rates"""
    path = walk(genotype, n, command, dt)
    _, _, theta, _, motor = decode(genotype, n)
    leg = np.tanh(sigma(path[1:] + theta) @ motor)
    return 0.5 * dt * np.sum((leg - angle) ** 2)


def leg_error_gradient(genotype, n, command, angle, dt):
    ph = decode(genotype, n)
    tau, w, theta, gain, motor = ph
    path = walk(genotype, n, command, dt)
    g_tau, g_w, g_theta = np.zeros(n), np.zeros((n, n)), np.zeros(n)
    g_gain, g_motor = np.zeros(n), np.zeros(n)
    lam = np.zeros(n)
    for k in range(len(command) - 2, -1, -1):
        # the leg after this step
        rate = sigma(path[k + 1] + theta)
        leg = np.tanh(rate @ motor)
        d_net = dt * (leg - angle[k]) * (1 - leg ** 2)
        g_motor += d_net * rate
        d_y = d_net * motor * rate * (1 - rate)
        g_theta += d_y
        lam = lam + d_y
        # Heun, backwards
        y = path[k]
        y_mid = y + dt * field(y, command[k], ph)
        lam_mid, g2 = field_adjoint(y_mid, command[k + 1], ph, 0.5 * dt * lam)
        lam_y, g1 = field_adjoint(y, command[k], ph, 0.5 * dt * lam + dt * lam_mid)
        lam = lam + lam_mid + lam_y
        g_tau += g1[0] + g2[0]
        g_w += g1[1] + g2[1]
        g_theta += g1[2] + g2[2]
        g_gain += g1[3] + g2[3]
    g_log_tau = g_tau * (tau - 0.5)
    return np.concatenate([g_log_tau, g_w.ravel(), g_theta, g_gain, g_motor])


def random_genotype(n, seed):
    return np.random.default_rng(seed).uniform(-1, 1, 4 * n + n * n)


def gait(steps, dt):
    t = dt * np.arange(steps + 1)
    return np.cos(3 * t), 0.6 * np.sin(2 * np.pi * t[1:] + 0.4)


dt = 0.2
n = 4
genotype = random_genotype(n, seed=6)
command, angle = gait(7, dt)
