"""Deep hedging (Buehler et al. 2019) of a sold call option, with proportional transaction costs.

Semi-recurrent strategy: the position of today depends on the market and on the position of yesterday,
    u = tanh(x P + d q + a),   v = tanh(u R + e),   d <- logistic(v . s + s0)
and the desk minimises the entropic risk  log E exp(-risk_aversion * wealth) / risk_aversion.
Arrays are (days, paths) or (days, paths, features).
"""
import numpy as np

RISK_AVERSION = 1.5
COST = 0.02
ROUND = 1e-2  # rounds off the kink of |x|


def smooth_abs(x):
    return np.sqrt(x * x + ROUND) - np.sqrt(ROUND)


def smooth_sign(x):
    return x / np.sqrt(x * x + ROUND)


def positions(strategy, features):
    P, q, a, R, e, s, s0 = strategy
    days, paths, _ = features.shape
    held = np.zeros((days + 2, paths))  # nothing before the first day, nothing after the last
    us, vs = [], []
    for t in range(days):
        u = np.tanh(features[t] @ P + held[t][:, None] * q + a)
        v = np.tanh(u @ R + e)
        held[t + 1] = 1 / (1 + np.exp(-(v @ s + s0)))
        us.append(u)
        vs.append(v)
    return held, us, vs


def wealth(held, prices, payoff):
    trades = np.diff(held, axis=0)
    gains = np.sum(held[1:-1] * np.diff(prices, axis=0), axis=0)
    costs = COST * np.sum(prices * smooth_abs(trades), axis=0)
    return gains - costs - payoff


def entropic_risk(strategy, features, prices, payoff):
    held, _, _ = positions(strategy, features)
    x = -RISK_AVERSION * wealth(held, prices, payoff)
    top = x.max()
    return (top + np.log(np.mean(np.exp(x - top)))) / RISK_AVERSION


def risk_gradient(strategy, features, prices, payoff):
    P, q, a, R, e, s, s0 = strategy
    held, us, vs = positions(strategy, features)
    x = -RISK_AVERSION * wealth(held, prices, payoff)
    tilt = np.exp(x - x.max())
    d_wealth = -tilt / tilt.sum()

    d_trades = -COST * prices * smooth_sign(np.diff(held, axis=0)) * d_wealth
    d_held = d_wealth * np.diff(prices, axis=0) + d_trades[:-1] - d_trades[1:]

    gP, gq, ga, gR, ge, gs = (np.zeros_like(w) for w in strategy[:-1])
    gs0 = 0.0
    later = np.zeros(features.shape[1])
    for t in reversed(range(len(features))):
        d = held[t + 1]
        score = (d_held[t] + later) * d * (1 - d)
        gs += vs[t].T @ score
        gs0 += score.sum()
        dv = score[:, None] * s * (1 - vs[t] ** 2)
        gR += us[t].T @ dv
        ge += dv.sum(axis=0)
        du = dv @ R.T * (1 - us[t] ** 2)
        gP += features[t].T @ du
        gq += held[t] @ du
        ga += du.sum(axis=0)
        later = du @ q
    return gP, gq, ga, gR, ge, gs, gs0


def market(days, paths, seed, vol=0.15, strike=1.0):
    """prices, what the strategy may look at (moneyness, time left, last return), what has to be paid in the end"""
    rng = np.random.default_rng(seed)
    returns = vol * rng.normal(size=(days, paths))
    prices = np.exp(np.concatenate([np.zeros((1, paths)), np.cumsum(returns, axis=0)]))
    left = np.broadcast_to((np.arange(days, 0, -1) / days)[:, None], (days, paths))
    last = np.concatenate([np.zeros((1, paths)), returns[:-1]])
    features = np.stack([np.log(prices[:-1] / strike) / vol, left, last / vol], axis=2)
    return features, prices, np.maximum(prices[-1] - strike, 0.0)


def beginner(hidden, seed):
    rng = np.random.default_rng(seed)
    n, m = hidden
    shapes = [(3, n), (n,), (n,), (n, m), (m,), (m,)]
    return [rng.normal(scale=0.8, size=shape) for shape in shapes] + [np.array(0.1)]


strategy = beginner((4, 3), seed=801)
features, prices, payoff = market(6, 5, seed=802)
