"""Hyperparameters by gradient descent: reverse-mode through the whole training run.

Inner problem: logistic regression with one penalty per feature, trained with heavy-ball momentum.
    v_{k+1} = mu_k v_k - (1 - mu_k) grad(w_k),      w_{k+1} = w_k + lr_k v_{k+1}
Outer problem: validation loss of the weights at the end. Hyperparameters: log_lr (per step), mu_logit (per step),
log_pen (per feature), and the weights that training starts from.
"""
from collections import namedtuple

import numpy as np

Hyper = namedtuple("Hyper", "log_lr mu_logit log_pen w0")
Data = namedtuple("Data", "X y")


def expit(a):
    return 1 / (1 + np.exp(-a))


def inner_grad(w, pen, train):
    return train.X.T @ (expit(train.X @ w) - train.y) / len(train.y) + pen * w


def inner_hvp(w, pen, train, u):
    s = expit(train.X @ w)
    return train.X.T @ (s * (1 - s) * (train.X @ u)) / len(train.y) + pen * u


def train_run(hyper, train):
    lr, mu, pen = np.exp(hyper.log_lr), expit(hyper.mu_logit), np.exp(hyper.log_pen)
    ws, vs = [hyper.w0], [np.zeros_like(hyper.w0)]
    for k in range(len(lr)):
        v = mu[k] * vs[-1] - (1 - mu[k]) * inner_grad(ws[-1], pen, train)
        vs.append(v)
        ws.append(ws[-1] + lr[k] * v)
    return ws, vs


def outer_loss(hyper, train, valid):
    ws, _ = train_run(hyper, train)
    a = valid.X @ ws[-1]
    return np.mean(np.logaddexp(0, a) - valid.y * a)


def hypergradient(hyper, train, valid):
    lr, mu, pen = np.exp(hyper.log_lr), expit(hyper.mu_logit), np.exp(hyper.log_pen)
    ws, vs = train_run(hyper, train)
    d_lr, d_mu, d_pen = np.zeros_like(lr), np.zeros_like(mu), np.zeros_like(pen)
    d_w = valid.X.T @ (expit(valid.X @ ws[-1]) - valid.y) / len(valid.y)
    d_v = np.zeros_like(d_w)
    for k in range(len(lr) - 1, -1, -1):
        d_lr[k] = d_w @ vs[k + 1]
        d_v = d_v + lr[k] * d_w
        d_mu[k] = d_v @ (vs[k] + inner_grad(ws[k], pen, train))
        d_g = -(1 - mu[k]) * d_v
        d_w = d_w + inner_hvp(ws[k], pen, train, d_g)
        d_pen += d_g * ws[k]
        d_v = mu[k] * d_v
    return Hyper(d_lr * lr, d_mu * mu * (1 - mu), d_pen * pen, d_w)


def default_hyper(steps, features, seed):
    rng = np.random.default_rng(seed)
    return Hyper(
        log_lr=np.log(0.7) + 0.2 * rng.normal(size=steps),
        mu_logit=0.5 * rng.normal(size=steps),
        log_pen=-1.5 + 0.3 * rng.normal(size=features),
        w0=0.5 * rng.normal(size=features),
    )


def split(n_train, n_valid, features, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_train + n_valid, features))
    y = (X @ rng.normal(size=features) + 0.5 * rng.normal(size=len(X)) > 0).astype(float)
    return Data(X[:n_train], y[:n_train]), Data(X[n_train:], y[n_train:])


hyper = default_hyper(5, 3, seed=1251)
train, valid = split(10, 8, 3, seed=1252)
