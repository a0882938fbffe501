"""FastGRNN (Kusupati et al. 2018): one pair of low-rank matrices shared by gate and candidate, for a
keyword spotter that has to fit on a microcontroller.

    a = W1 W2' x + U1 U2' h
    z = sigma(a + bz),  q = tanh(a + bq)
    h = (zeta (1 - z) + nu) q + z h,      zeta = sigma(s), nu = sigma(n)   two scalars

One against all, with the logistic loss; utterances come one at a time, gradients add up.
"""
from types import SimpleNamespace as NS

import numpy as np


def sigma(a):
    return 1 / (1 + np.exp(-a))


def new_model(n_in, n_hid, rank, n_words, seed):
    rnd = np.random.default_rng(seed).normal
    return NS(
        W1=rnd(size=(n_hid, rank)), W2=rnd(size=(n_in, rank)),
        U1=rnd(size=(n_hid, rank)), U2=rnd(size=(n_hid, rank)) * 0.7,
        bz=np.ones(n_hid), bq=rnd(size=n_hid) * 0.2,
        s=np.array(1.0), n=np.array(-2.0),
        F=rnd(size=(n_words, n_hid)), f=rnd(size=n_words) * 0.1,
    )


def listen(net, frames):
    zeta, nu = sigma(net.s), sigma(net.n)
    h = np.zeros(len(net.bz))
    history = []
    for x in frames:
        lx, lh = net.W2.T @ x, net.U2.T @ h
        a = net.W1 @ lx + net.U1 @ lh
        z, q = sigma(a + net.bz), np.tanh(a + net.bq)
        history.append(NS(x=x, lx=lx, lh=lh, z=z, q=q, h=h))
        h = (zeta * (1 - z) + nu) * q + z * h
    return net.F @ h + net.f, h, history


def signs(word, n_words):
    return np.where(np.arange(n_words) == word, 1.0, -1.0)


def risk(net, utterances, words, ridge):
    total = 0.0
    for frames, word in zip(utterances, words):
        margin = signs(word, len(net.f)) * listen(net, frames)[0]
        total += np.log(1 + np.exp(-margin)).sum()
    return total / len(words) + ridge * (np.vdot(net.W1, net.W1) + np.vdot(net.U1, net.U1))


def add_gradient(net, grad, frames, word, share):
    score, h, history = listen(net, frames)
    y = signs(word, len(net.f))
    dscore = -share * y * sigma(-y * score)
    grad.F += np.multiply.outer(dscore, h)
    grad.f += dscore
    dh = net.F.T @ dscore
    zeta, nu = sigma(net.s), sigma(net.n)
    for m in history[::-1]:
        grad.s += zeta * (1 - zeta) * np.dot(dh, (1 - m.z) * m.q)
        grad.n += nu * (1 - nu) * np.dot(dh, m.q)
        dz = dh * (m.h - zeta * m.q) * m.z * (1 - m.z)
        dq = dh * (zeta * (1 - m.z) + nu) * (1 - m.q ** 2)
        grad.bz += dz
        grad.bq += dq
        da = dz + dq
        dlx, dlh = net.W1.T @ da, net.U1.T @ da
        grad.W1 += np.multiply.outer(da, m.lx)
        grad.W2 += np.multiply.outer(m.x, dlx)
        grad.U1 += np.multiply.outer(da, m.lh)
        grad.U2 += np.multiply.outer(m.h, dlh)
        dh = m.z * dh + net.U2 @ dlh


def risk_gradient(net, utterances, words, ridge):
    grad = NS(**{name: np.zeros_like(value) for name, value in vars(net).items()})
    for frames, word in zip(utterances, words):
        add_gradient(net, grad, frames, word, 1 / len(words))
    grad.W1 += 2 * ridge * net.W1
    grad.U1 += 2 * ridge * net.U1
    return grad


def record(lengths, n_in, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, n_in)) for n in lengths]


net = new_model(n_in=4, n_hid=6, rank=2, n_words=3, seed=88)
utterances, words = record([5, 4, 6], n_in=4, seed=89), [0, 2, 1]
