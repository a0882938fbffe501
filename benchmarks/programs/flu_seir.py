"""Influenza season in one city, SEIR in daily steps, fitted to the notified cases.

The contact rate changes from week to week (piecewise constant), a fraction of those who fall ill is notified, and the
counts are Poisson. Everything is estimated on an unconstrained scale.
"""
import numpy as np


def seir(people, days_per_block, smooth=0.5):
    """Build the objective and its adjoint for a city of that many people."""

    def natural(theta):
        beta = np.exp(theta["log_beta"])
        sigma = np.exp(theta["log_sigma"])
        gamma = np.exp(theta["log_gamma"])
        rho = 1 / (1 + np.exp(-theta["logit_rho"]))
        seed = np.exp(theta["log_seed"])
        return beta, sigma, gamma, rho, seed

    def simulate(theta, days):
        beta, sigma, gamma, rho, seed = natural(theta)
        S, E, I = 1 - 3 * seed, 2 * seed, seed
        path, expected = [], []
        for d in range(days):
            path.append((S, E, I))
            infected = beta[d // days_per_block] * S * I
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
            S, E, I = path[d]
            b = beta[d // days_per_block]
            d_mu = (1 - cases[d] / mu[d]) / len(cases)
            d_infected = aE - aS
            d_onset = aI - aE + people * rho * d_mu
            d_rho += people * sigma * E * d_mu
            d_beta[d // days_per_block] += d_infected * S * I
            d_sigma += d_onset * E
            d_gamma -= aI * I
            aS, aE, aI = aS + d_infected * b * I, aE + d_onset * sigma, aI * (1 - gamma) + d_infected * b * S
        jumps = np.diff(theta["log_beta"])
        g_beta = d_beta * beta
        g_beta[1:] += smooth * jumps
        g_beta[:-1] -= smooth * jumps
        return {
            "log_beta": g_beta,
            "log_sigma": d_sigma * sigma,
            "log_gamma": d_gamma * gamma,
            "logit_rho": d_rho * rho * (1 - rho),
            "log_seed": (aI + 2 * aE - 3 * aS) * seed,
        }

    return objective, adjoint


def guess(blocks, seed):
    rng = np.random.default_rng(seed)
    return {
        "log_beta": np.log(0.8) + 0.3 * rng.normal(size=blocks),
        "log_sigma": np.array(np.log(0.5) + 0.1 * rng.normal()),
        "log_gamma": np.array(np.log(0.3) + 0.1 * rng.normal()),
        "logit_rho": np.array(-0.5 + 0.2 * rng.normal()),
        "log_seed": np.array(np.log(0.02)),
    }


def notified(days, seed):
    return np.random.default_rng(seed).poisson(4.0, size=days).astype(float)


nll, nll_grad = seir(people=500, days_per_block=3)
theta = guess(3, seed=11)
cases = notified(9, seed=12)
