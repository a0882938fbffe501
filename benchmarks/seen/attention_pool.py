"""Which of the steps mattered?  A tanh RNN whose states are pooled by attention, then classified.

Index letters in every einsum: n sequence, t time, d feature, h/i unit, a attention unit, k class.
"""
import numpy as np


def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def build(d, h, a, k, seed=0):
    r = np.random.RandomState(seed)
    shapes = dict(Win=(d, h), Wrec=(h, h), bias=(h,), Watt=(h, a), batt=(a,), vatt=(a,), Wout=(h, k), bout=(k,))
    return {name: r.standard_normal(s) * (0.6 if len(s) == 2 else 0.3) for name, s in shapes.items()}


def forward(w, x, h0):
    n, t_max, _ = x.shape
    inp = np.einsum('ntd,dh->nth', x, w['Win']) + w['bias']
    states = []
    h = h0
    for t in range(t_max):
        h = np.tanh(inp[:, t] + np.einsum('ni,ih->nh', h, w['Wrec']))
        states.append(h)
    hs = np.stack(states, axis=1)
    key = np.tanh(np.einsum('nth,ha->nta', hs, w['Watt']) + w['batt'])
    att = softmax(np.einsum('nta,a->nt', key, w['vatt']))
    pooled = np.einsum('nt,nth->nh', att, hs)
    prob = softmax(np.einsum('nh,hk->nk', pooled, w['Wout']) + w['bout'])
    return prob, pooled, att, key, hs


def loss_fn(w, x, h0, onehot):
    prob = forward(w, x, h0)[0]
    return -np.sum(onehot * np.log(prob))


def grad_fn(w, x, h0, onehot):
    prob, pooled, att, key, hs = forward(w, x, h0)
    g = {}
    # classifier
    dlogit = prob - onehot
    g['Wout'] = np.einsum('nh,nk->hk', pooled, dlogit)
    g['bout'] = np.einsum('nk->k', dlogit)
    dpooled = np.einsum('nk,hk->nh', dlogit, w['Wout'])
    # attention: the states are used twice, as values and (through the keys) as scores
    dhs = np.einsum('nt,nh->nth', att, dpooled)
    datt = np.einsum('nh,nth->nt', dpooled, hs)
    dscore = att * (datt - np.sum(att * datt, axis=1, keepdims=True))
    g['vatt'] = np.einsum('nt,nta->a', dscore, key)
    dkey = np.einsum('nt,a->nta', dscore, w['vatt']) * (1 - key ** 2)
    g['Watt'] = np.einsum('nth,nta->ha', hs, dkey)
    g['batt'] = np.einsum('nta->a', dkey)
    dhs = dhs + np.einsum('nta,ha->nth', dkey, w['Watt'])
    # recurrence
    dpre = np.zeros_like(hs)
    carry = np.zeros_like(h0)
    for t in range(hs.shape[1] - 1, -1, -1):
        dpre[:, t] = (dhs[:, t] + carry) * (1 - hs[:, t] ** 2)
        carry = np.einsum('nh,ih->ni', dpre[:, t], w['Wrec'])
    before = np.concatenate([h0[:, None], hs[:, :-1]], axis=1)
    g['Wrec'] = np.einsum('nti,nth->ih', before, dpre)
    g['Win'] = np.einsum('ntd,nth->dh', x, dpre)
    g['bias'] = np.einsum('nth->h', dpre)
    return g


def batch(n, t, d, h, k, seed=1):
    r = np.random.RandomState(seed)
    x = r.standard_normal((n, t, d))
    onehot = np.eye(k)[np.argmax(x.sum(axis=1) @ r.standard_normal((d, k)), axis=1)]
    return x, 0.4 * r.standard_normal((n, h)), onehot


w = build(d=4, h=5, a=7, k=3, seed=21)
x, h0, onehot = batch(n=2, t=6, d=4, h=5, k=3)
