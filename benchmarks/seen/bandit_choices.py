"""Fit of a reinforcement learning model to a participant's choices in a restless bandit (homework 4).

Values follow a delta rule with a learning rate for wins and another for losses; arms that are not chosen are
forgotten; choices follow a softmax with inverse temperature and a tendency to repeat. All in plain numbers: the
derivative of each value with respect to each parameter is carried along trial by trial.

parameters: [logit rate after win, logit rate after loss, logit forgetting, log temperature, stickiness]
"""
import math
import random

import numpy as np


def logistic(a):
    return 1.0 / (1.0 + math.exp(-a))


def softmax(u):
    e = [math.exp(v) for v in u]
    total = sum(e)
    return [v / total for v in e]


def negative_log_likelihood(par, choices, rewards, arms):
    win, lose, forget = logistic(par[0]), logistic(par[1]), logistic(par[2])
    beta, stick = math.exp(par[3]), par[4]
    q = [0.0] * arms
    last = None
    total = 0.0
    for c, r in zip(choices, rewards):
        u = [beta * q[a] + (stick if a == last else 0.0) for a in range(arms)]
        p = softmax(u)
        total -= math.log(p[c])
        rate = win if r > 0 else lose
        for a in range(arms):
            if a == c:
                q[a] = q[a] + rate * (r - q[a])
            else:
                q[a] = (1 - forget) * q[a]
        last = c
    return total / len(choices) + prior(par)


def prior(par):
    return 0.05 * sum(v * v for v in par) / 2


def score(par, choices, rewards, arms):
    """The gradient, in the order of the parameters."""
    win, lose, forget = logistic(par[0]), logistic(par[1]), logistic(par[2])
    beta, stick = math.exp(par[3]), par[4]
    q = [0.0] * arms
    dq = [[0.0] * arms for _ in range(3)]  # of the two rates and of forgetting
    grad = [0.0] * 5
    last = None
    for c, r in zip(choices, rewards):
        p = softmax([beta * q[a] + (stick if a == last else 0.0) for a in range(arms)])
        for a in range(arms):
            e = p[a] - (1.0 if a == c else 0.0)
            for k in range(3):
                grad[k] += e * beta * dq[k][a]
            grad[3] += e * beta * q[a]
            if a == last:
                grad[4] += e
        which = 0 if r > 0 else 1
        rate = win if r > 0 else lose
        for a in range(arms):
            keep = 1 - rate if a == c else 1 - forget
            for k in range(3):
                dq[k][a] *= keep
            if a == c:
                dq[which][a] += rate * (1 - rate) * (r - q[a])
                q[a] += rate * (r - q[a])
            else:
                dq[2][a] -= forget * (1 - forget) * q[a]
                q[a] *= keep
        last = c
    return [g / len(choices) + 0.05 * v for g, v in zip(grad, par)]


def participant(trials, arms, seed):
    rnd = random.Random(seed)
    choices = [rnd.randrange(arms) for _ in range(trials)]
    rewards = [1.0 if rnd.random() < 0.3 + 0.4 * c / arms else -0.5 for c in choices]
    return choices, rewards


arms = 3
choices, rewards = participant(9, arms, seed=31)
par = np.array([0.4, -0.3, -1.1, 0.5, 0.7])
