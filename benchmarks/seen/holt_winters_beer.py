# Exponential smoothing with damped trend and seasons (Holt-Winters) for beer sales, fitted by gradient descent.
# Errors of the one-step forecasts are autocorrelated, so part of the last error is carried over (Gardner's correction).
#
#   forecast  f = l + phi b + s[t mod m] + rho e_old
#   e = y - f
#   l' = l + phi b + alpha e      b' = phi b + beta e      s[t mod m]' = s[t mod m] + gamma e
#
# theta = alpha, beta, gamma, phi, rho (all through the logistic function), l0, b0, s0[0..m-1]
# Derivatives of the state with respect to all of theta are carried along (forward), plain Python.

import math
import numpy as np


def logistic(v):
    return 1.0 / (1.0 + np.exp(-v))


def fit_error(theta, m, sales):
    alpha, beta, gamma, phi, rho = [logistic(theta[k]) for k in range(5)]
    l = theta[5]
    b = theta[6]
    s = [theta[7 + k] for k in range(m)]
    e = 0.0
    total = 0.0
    for t in range(len(sales)):
        f = l + phi * b + s[t % m] + rho * e
        e = sales[t] - f
        l = l + phi * b + alpha * e
        b = phi * b + beta * e
        s[t % m] = s[t % m] + gamma * e
        total = total + e * e
    return 0.5 * total / len(sales)


def fit_error_grad(theta, m, sales):
    n = 7 + m
    knob = [logistic(theta[k]) for k in range(5)]
    slope = [a * (1.0 - a) for a in knob]
    alpha, beta, gamma, phi, rho = knob

    l, b, e = theta[5], theta[6], 0.0
    s = [theta[7 + k] for k in range(m)]

    # ?dot[j] = derivative of ? with respect to theta[j]
    ldot = [0.0] * n
    bdot = [0.0] * n
    edot = [0.0] * n
    sdot = [[0.0] * n for _ in range(m)]
    ldot[5] = 1.0
    bdot[6] = 1.0
    for k in range(m):
        sdot[k][7 + k] = 1.0

    grad = np.zeros(n)
    for t in range(len(sales)):
        k = t % m
        e_new = sales[t] - (l + phi * b + s[k] + rho * e)
        for j in range(n):
            phidot = slope[3] if j == 3 else 0.0
            pb = phidot * b + phi * bdot[j]
            fdot = ldot[j] + pb + sdot[k][j] + rho * edot[j]
            if j == 4:
                fdot += slope[4] * e
            ed = -fdot
            ldot[j] = ldot[j] + pb + alpha * ed + (slope[0] * e_new if j == 0 else 0.0)
            bdot[j] = pb + beta * ed + (slope[1] * e_new if j == 1 else 0.0)
            sdot[k][j] = sdot[k][j] + gamma * ed + (slope[2] * e_new if j == 2 else 0.0)
            edot[j] = ed
            grad[j] += e_new * ed / len(sales)
        l, b = l + phi * b + alpha * e_new, phi * b + beta * e_new
        s[k] = s[k] + gamma * e_new
        e = e_new
    return grad


def brewery(quarters, m, seed):
    rng = np.random.default_rng(seed)
    return [3.0 + 0.1 * t + math.cos(2 * math.pi * t / m) + float(rng.normal(0, 0.3)) for t in range(quarters)]


def first_guess(m, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(-0.5, 0.7, 5), [2.5, 0.2], rng.normal(0, 0.7, m)])


m = 4
sales = brewery(9, m, seed=111)
theta = first_guess(m, seed=112)
