"""Grouping of cells in a micrograph: slot attention (Locatello et al. 2020), cell descriptors in, cell descriptors out.

einsum letters: b picture, n cell, k slot, d/e width, f descriptor.
"""
import numpy as np


def softmax(a, axis):
    a = np.exp(a - a.max(axis=axis, keepdims=True))
    return a / a.sum(axis=axis, keepdims=True)


class SlotAttention:
    EPS = 0.01

    def __init__(self, features, width, slots, rounds, seed):
        r = np.random.default_rng(seed)
        self.rounds = rounds
        self.Wk, self.Wv = r.normal(size=(2, features, width))
        self.Wq = r.normal(size=(width, width))
        self.A, self.C, self.E = 0.7 * r.normal(size=(3, width, width))
        self.a, self.e = 0.2 * r.normal(size=(2, width))
        self.start = r.normal(size=(slots, width))
        self.D = r.normal(size=(width, features))

    def parameters(self):
        return [self.Wk, self.Wv, self.Wq, self.A, self.C, self.E, self.a, self.e, self.start, self.D]

    def run(self, x):
        key = np.einsum("bnf,fd->bnd", x, self.Wk)
        val = np.einsum("bnf,fd->bnd", x, self.Wv)
        scale = 1 / np.sqrt(self.Wq.shape[0])
        s = np.broadcast_to(self.start, (len(x),) + self.start.shape)
        tape = []
        for _ in range(self.rounds):
            q = np.einsum("bkd,de->bke", s, self.Wq)
            att = softmax(scale * np.einsum("bnd,bkd->bnk", key, q), axis=2)
            mass = att.sum(axis=1, keepdims=True) + self.EPS
            share = att / mass
            u = np.einsum("bnk,bnd->bkd", share, val)
            z = 1 / (1 + np.exp(-(np.einsum("bkd,de->bke", u, self.A) + np.einsum("bkd,de->bke", s, self.C) + self.a)))
            c = np.tanh(np.einsum("bkd,de->bke", u, self.E) + self.e)
            tape.append((s, q, att, mass, share, u, z, c))
            s = s + z * (c - s)
        return key, val, s, tape

    def paint(self, s, att):
        return np.einsum("bnk,bkd,df->bnf", att, s, self.D)

    def loss(self, x):
        _, _, s, tape = self.run(x)
        return 0.5 * np.mean((self.paint(s, tape[-1][2]) - x) ** 2)

    def backward(self, x):
        key, val, s, tape = self.run(x)
        scale = 1 / np.sqrt(self.Wq.shape[0])
        gWk, gWv, gWq, gA, gC, gE, ga, ge, gstart, gD = (np.zeros_like(p) for p in self.parameters())
        gkey, gval = np.zeros_like(key), np.zeros_like(val)
        last = tape[-1][2]
        gx = (self.paint(s, last) - x) / x.size
        gD += np.einsum("bnk,bkd,bnf->df", last, s, gx)
        gs = np.einsum("bnk,df,bnf->bkd", last, self.D, gx)
        gatt = np.einsum("bkd,df,bnf->bnk", s, self.D, gx)
        for s, q, att, mass, share, u, z, c in reversed(tape):
            gz = gs * (c - s) * z * (1 - z)
            gc = gs * z * (1 - c ** 2)
            gu = np.einsum("bke,de->bkd", gz, self.A) + np.einsum("bke,de->bkd", gc, self.E)
            gA += np.einsum("bkd,bke->de", u, gz)
            gC += np.einsum("bkd,bke->de", s, gz)
            gE += np.einsum("bkd,bke->de", u, gc)
            ga += gz.sum(axis=(0, 1))
            ge += gc.sum(axis=(0, 1))
            gs = gs * (1 - z) + np.einsum("bke,de->bkd", gz, self.C)
            gshare = np.einsum("bkd,bnd->bnk", gu, val)
            gval += np.einsum("bnk,bkd->bnd", share, gu)
            gatt = gatt + (gshare - np.sum(gshare * share, axis=1, keepdims=True)) / mass
            glog = scale * att * (gatt - np.sum(gatt * att, axis=2, keepdims=True))
            gkey += np.einsum("bnk,bkd->bnd", glog, q)
            gq = np.einsum("bnk,bnd->bkd", glog, key)
            gWq += np.einsum("bkd,bke->de", s, gq)
            gs = gs + np.einsum("bke,de->bkd", gq, self.Wq)
            gatt = 0.0
        gstart += gs.sum(axis=0)
        gWk += np.einsum("bnf,bnd->fd", x, gkey)
        gWv += np.einsum("bnf,bnd->fd", x, gval)
        return [gWk, gWv, gWq, gA, gC, gE, ga, ge, gstart, gD]


def micrographs(B, N, features, seed):
    return np.random.default_rng(seed).normal(size=(B, N, features))


net = SlotAttention(features=3, width=4, slots=2, rounds=3, seed=1171)
x = micrographs(2, 5, 3, seed=1172)
