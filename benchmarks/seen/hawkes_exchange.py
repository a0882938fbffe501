"""Mutually exciting order flow: a Hawkes process with exponential kernels, one decay for each source.

    lambda_m(t) = mu_m + sum_u alpha_mu beta_u A_u(t),    A_u(t) = sum over earlier events of u of exp(-beta_u (t - s))

A is updated from event to event, and so is its derivative in beta, which makes likelihood and score O(n).
Vector of parameters: logs of mu (M), of alpha (M x M, row by row), of beta (M).
"""
import numpy as np


def split(v, M):
    mu = np.exp(v[:M])
    alpha = np.exp(v[M:M + M * M]).reshape(M, M)
    beta = np.exp(v[M + M * M:])
    return mu, alpha, beta


def minus_loglik(v, M, times, kinds, horizon):
    mu, alpha, beta = split(v, M)
    A = np.zeros(M)
    now = 0.0
    out = horizon * np.sum(mu)
    for t, k in zip(times, kinds):
        A = A * np.exp(-beta * (t - now))
        lam = mu[k] + np.sum(alpha[k] * beta * A)
        out = out - np.log(lam)
        out = out + np.sum(alpha[:, k]) * (1 - np.exp(-beta[k] * (horizon - t)))
        A = A + np.eye(M)[k]
        now = t
    return out


def minus_score(v, M, times, kinds, horizon):
    mu, alpha, beta = split(v, M)
    g_mu = np.full(M, horizon)
    g_alpha = np.zeros((M, M))
    g_beta = np.zeros(M)
    A = np.zeros(M)
    dA = np.zeros(M)
    now = 0.0
    for t, k in zip(times, kinds):
        gap = t - now
        fade = np.exp(-beta * gap)
        dA = fade * (dA - gap * A)
        A = fade * A
        lam = mu[k] + alpha[k] @ (beta * A)
        g_mu[k] -= 1 / lam
        g_alpha[k] -= beta * A / lam
        g_beta -= alpha[k] * (A + beta * dA) / lam
        # compensator
        left = horizon - t
        tail = np.exp(-beta[k] * left)
        g_alpha[:, k] += 1 - tail
        g_beta[k] += alpha[:, k].sum() * left * tail
        A[k] += 1
        now = t
    return np.concatenate([g_mu * mu, (g_alpha * alpha).ravel(), g_beta * beta])


def order_book(n, M, seed):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(0.7, size=n))
    return times, rng.integers(0, M, size=n), times[-1] + 0.5


def initial(M, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([
        -0.7 + 0.2 * rng.normal(size=M),
        -1.2 + 0.4 * rng.normal(size=M * M),
        0.2 + 0.3 * rng.normal(size=M),
    ])


M = 2
v = initial(M, seed=41)
times, kinds, horizon = order_book(8, M, seed=42)
