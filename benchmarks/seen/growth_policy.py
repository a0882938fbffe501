"""Stochastic growth with a neural savings rule.

A planner saves a share s(k, z) of output; productivity z is exogenous. We simulate B economies for T years and
maximise discounted log utility, plus what is left at the horizon. The gradient goes backwards through the law of motion
of capital (costates).
"""
import numpy as np


def make_planner(share=0.33, depreciation=0.1, discount=0.95, worth=2.0):

    def rule(policy, k, z):
        W, b, w, c = policy
        state = np.stack([np.log(k), z], axis=1)
        hidden = np.tanh(state @ W + b)
        s = 1 / (1 + np.exp(-(hidden @ w + c)))
        return state, hidden, s

    def regret(policy, k0, shocks):
        k = k0
        welfare = 0.0
        for t, z in enumerate(shocks):
            _, _, s = rule(policy, k, z)
            y = np.exp(z) * k ** share
            welfare = welfare + discount ** t * np.log((1 - s) * y)
            k = (1 - depreciation) * k + s * y
        welfare = welfare + discount ** len(shocks) * worth * np.log(k)
        return -np.mean(welfare)

    def costates(policy, k0, shocks):
        W, b, w, c = policy
        ks = [k0]
        record = []
        for z in shocks:
            state, hidden, s = rule(policy, ks[-1], z)
            y = np.exp(z) * ks[-1] ** share
            record.append((state, hidden, s, y))
            ks.append((1 - depreciation) * ks[-1] + s * y)

        B = len(k0)
        dW, db, dw, dc = np.zeros_like(W), np.zeros_like(b), np.zeros_like(w), 0.0
        lam = -discount ** len(shocks) * worth / ks.pop() / B
        for t in range(len(shocks) - 1, -1, -1):
            state, hidden, s, y = record[t]
            k = ks.pop()
            u = -discount ** t / B
            dy = u / y + lam * s
            ds = -u / (1 - s) + lam * y
            lam = lam * (1 - depreciation) + dy * share * y / k
            dpre = ds * s * (1 - s)
            dw += hidden.T @ dpre
            dc += dpre.sum()
            dhid = np.outer(dpre, w) * (1 - hidden ** 2)
            dW += state.T @ dhid
            db += dhid.sum(axis=0)
            lam = lam + (dhid @ W.T)[:, 0] / k
        return dW, db, dw, dc

    return regret, costates


def new_policy(units, seed):
    g = np.random.default_rng(seed)
    return (g.normal(size=(2, units)), 0.2 * g.normal(size=units), g.normal(size=units), np.array(-0.8))


def economies(B, T, seed, persistence=0.8):
    g = np.random.default_rng(seed)
    z = np.zeros((T, B))
    z[0] = 0.3 * g.normal(size=B)
    for t in range(1, T):
        z[t] = persistence * z[t - 1] + 0.2 * g.normal(size=B)
    return g.uniform(0.8, 3.0, size=B), z


regret, costates = make_planner()
policy = new_policy(4, seed=71)
k0, shocks = economies(3, 6, seed=72)
