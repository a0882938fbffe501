"""Influenza season in one city, SEIR in daily steps, fitted to the notified cases.

The contact rate changes from week to week (piecewise constant), a fraction of those who fall ill is notified, and the
counts are Poisson. Everything is estimated on an unconstrained scale: whoever is susceptible escapes a day's infection
with probability exp(-beta I), and the other transitions are daily probabilities, so no compartment becomes negative.
"""
import numpy as np


def logistic(x):
    return 1 / (1 + np.exp(-x))


def seir(people, days_per_block, smooth=0.5):
    """Build the objective and its adjoint for a city of that many people."""

    def natural(theta):
        beta = np.exp(theta["log_beta"])
        sigma = logistic(theta["logit_sigma"])
        gamma = logistic(theta["logit_gamma"])
        rho = logistic(theta["logit_rho"])
        seed = logistic(theta["logit_seed"])
        return beta, sigma, gamma, rho, seed

    def simulate(theta, days):
        beta, sigma, gamma, rho, seed = natural(theta)
        S, E, I = 1 - seed, 2 * seed / 3, seed / 3
        path, expected = [], []
        for d in range(days):
            escape = np.exp(-beta[d // days_per_block] * I)
            path.append((S, E, I, escape))
            infected = S * (1 - escape)
            onset = sigma * E
            expected.append(people * rho * onset)
            S = S - infected
            E = E + infected - onset
            I = I + onset - gamma * I
        return path, expected

    def objective(theta, cases):
        _, mu = simulate(theta, len(cases))
        nll = 0.0
        for m, y in zip(mu, cases):
            nll = nll + m - y * np.log(m)
        jumps = np.diff(theta["log_beta"])
        return nll / len(cases) + 0.5 * smooth * np.sum(jumps ** 2)

    def adjoint(theta, cases):
        beta, sigma, gamma, rho, seed = natural(theta)
        path, mu = simulate(theta, len(cases))
        d_beta = np.zeros_like(beta)
        d_sigma = d_gamma = d_rho = 0.0
        aS = aE = aI = 0.0
        for d in reversed(range(len(cases))):
            S, E, I, escape = path[d]
            b = beta[d // days_per_block]
            d_mu = (1 - cases[d] / mu[d]) / len(cases)
            d_infected = aE - aS
            d_onset = aI - aE + people * rho * d_mu
            d_rho += people * sigma * E * d_mu
            d_force = d_infected * S * escape
            d_beta[d // days_per_block] += d_force * I
            d_sigma += d_onset * E
            d_gamma -= aI * I
            aS, aE, aI = aS + d_infected * (1 - escape), aE + d_onset * sigma, aI * (1 - gamma) + d_force * b
        jumps = np.diff(theta["log_beta"])
        g_beta = d_beta * beta
        g_beta[1:] += smooth * jumps
        g_beta[:-1] -= smooth * jumps
        return {
            "log_beta": g_beta,
            "logit_sigma": d_sigma * sigma * (1 - sigma),
            "logit_gamma": d_gamma * gamma * (1 - gamma),
            "logit_rho": d_rho * rho * (1 - rho),
            "logit_seed": ((aI + 2 * aE) / 3 - aS) * seed * (1 - seed),
        }

    return objective, adjoint


def guess(blocks, seed):
    rng = np.random.default_rng(seed)
    return {
        "log_beta": np.log(0.8) + 0.3 * rng.normal(size=blocks),
        "logit_sigma": np.array(0.2 * rng.normal()),
        "logit_gamma": np.array(-0.8 + 0.2 * rng.normal()),
        "logit_rho": np.array(-0.5 + 0.2 * rng.normal()),
        "logit_seed": np.array(-2.7),
    }


def notified(days, seed):
    return np.random.default_rng(seed).poisson(4.0, size=days).astype(float)


nll, nll_grad = seir(people=500, days_per_block=3)
theta = guess(3, seed=11)
cases = notified(9, seed=12)
