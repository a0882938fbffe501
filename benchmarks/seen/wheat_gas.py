"""Score-driven volatility of grain prices: Beta-t-EGARCH with two components and leverage (Harvey 2013).

    r_t   = mu + exp(lam_t) eps_t,        eps_t ~ Student(NU)
    lam_t = omega + season_t' s + slow_t + fast_t
    slow_{t+1} = phi1 slow_t + kappa1 u_t
    fast_{t+1} = phi2 fast_t + kappa2 u_t + kappa_star sign(mu - r_t) (u_t + 1)
    u_t   = (NU + 1) b_t - 1,   b_t = z_t^2 / (NU + z_t^2),   z_t = (r_t - mu) exp(-lam_t)

theta = [mu, omega, logit phi1, logit phi2, kappa1, kappa2, kappa_star, s...]; slow and fast start at 0.
"""
import numpy as np

NU = 5.0


def unpack(theta):
    mu, omega, a1, a2, k1, k2, kstar = theta[:7]
    return mu, omega, 1 / (1 + np.exp(-a1)), 1 / (1 + np.exp(-a2)), k1, k2, kstar, theta[7:]


def filter_scale(theta, r, season):
    mu, omega, phi1, phi2, k1, k2, kstar, s = unpack(theta)
    slow = fast = 0.0
    path = []
    for t in range(len(r)):
        lam = omega + season[t] @ s + slow + fast
        z = (r[t] - mu) * np.exp(-lam)
        b = z * z / (NU + z * z)
        path.append((slow, fast, lam, z, b))
        u = (NU + 1) * b - 1
        lever = np.sign(mu - r[t]) * (u + 1)
        slow = phi1 * slow + k1 * u
        fast = phi2 * fast + k2 * u + kstar * lever
    return path


def negloglik(theta, markets):
    """mean over all days of all markets, without constants"""
    total, days = 0.0, 0
    for r, season in markets.values():
        for _, _, lam, z, _ in filter_scale(theta, r, season):
            total += lam + 0.5 * (NU + 1) * np.log1p(z * z / NU)
        days += len(r)
    return total / days


def score(theta, markets):
    mu, omega, phi1, phi2, k1, k2, kstar, s = unpack(theta)
    g = np.zeros(len(theta))
    days = sum(len(r) for r, _ in markets.values())
    for r, season in markets.values():
        path = filter_scale(theta, r, season)
        bar_slow = bar_fast = 0.0     # of the components of the day after
        for t in range(len(r) - 1, -1, -1):
            slow, fast, lam, z, b = path[t]
            u = (NU + 1) * b - 1
            side = np.sign(mu - r[t])
            # update of the components
            g[2] += bar_slow * slow * phi1 * (1 - phi1)
            g[3] += bar_fast * fast * phi2 * (1 - phi2)
            g[4] += bar_slow * u
            g[5] += bar_fast * u
            g[6] += bar_fast * side * (u + 1)
            bar_u = bar_slow * k1 + bar_fast * (k2 + kstar * side)
            # density and score, both through z
            bar_z = (NU + 1) * z / (NU + z * z)
            bar_z += bar_u * (NU + 1) * 2 * NU * z / (NU + z * z) ** 2
            bar_lam = 1.0 - bar_z * z
            g[0] -= bar_z * np.exp(-lam)
            g[1] += bar_lam
            g[7:] += bar_lam * season[t]
            bar_slow = phi1 * bar_slow + bar_lam
            bar_fast = phi2 * bar_fast + bar_lam
    return g / days


def exchange(names, days, harmonics, seed):
    rng = np.random.default_rng(seed)
    markets = {}
    for j, name in enumerate(names):
        t = np.arange(days + j)
        season = np.column_stack([np.cos(2 * np.pi * (k + 1) * t / 12 + j) for k in range(harmonics)])
        markets[name] = (rng.standard_t(4, size=len(t)), season)
    return markets


def start_values(harmonics, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([[0.05, 0.1, 1.5, 0.3, 0.12, 0.2, 0.08], 0.2 * rng.normal(size=harmonics)])


markets = exchange(["chicago", "paris"], 9, 2, seed=951)
theta = start_values(2, seed=952)
