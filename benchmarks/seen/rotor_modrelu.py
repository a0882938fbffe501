# Unitary RNN: state of complex numbers kept as two real arrays (re, im).
# h <- modrelu( D2 F D1 h + V x ), F the unitary Fourier matrix, D1 and D2 learned phases.
# Task: running sum modulo K of the symbols read so far, a softmax after every symbol.
from dataclasses import dataclass, fields

import numpy as np

EPS = 1e-2


@dataclass
class Rotor:
    phase1: np.ndarray  # (H,)
    phase2: np.ndarray  # (H,)
    Vre: np.ndarray     # (K, H)
    Vim: np.ndarray     # (K, H)
    bias: np.ndarray    # (H,) of modrelu
    re0: np.ndarray     # (H,)
    im0: np.ndarray     # (H,)
    out: np.ndarray     # (2H, K)
    out_bias: np.ndarray

    def empty(self):
        return Rotor(**{f.name: np.zeros_like(getattr(self, f.name)) for f in fields(self)})


def fourier(H):
    jk = np.outer(np.arange(H), np.arange(H)) * 2 * np.pi / H
    return np.cos(jk) / np.sqrt(H), -np.sin(jk) / np.sqrt(H)


def turn(re, im, phase):
    c, s = np.cos(phase), np.sin(phase)
    return re * c - im * s, re * s + im * c


def unturn(dre, dim, re, im, phase):
    """adjoint of turn; (re, im) is what was turned"""
    c, s = np.cos(phase), np.sin(phase)
    dphase = (dre * (-re * s - im * c) + dim * (re * c - im * s)).sum(axis=0)
    return dre * c + dim * s, dim * c - dre * s, dphase


def probabilities(net, re, im):
    a = np.concatenate([re, im], axis=1) @ net.out + net.out_bias
    a = np.exp(a - a.max(axis=1, keepdims=True))
    return a / a.sum(axis=1, keepdims=True)


def unroll(net, symbols):
    """symbols: (T, B)"""
    T, B = symbols.shape
    Fre, Fim = fourier(len(net.bias))
    re, im = np.tile(net.re0, (B, 1)), np.tile(net.im0, (B, 1))
    steps = []
    for t in range(T):
        r1, i1 = turn(re, im, net.phase1)
        r2, i2 = r1 @ Fre - i1 @ Fim, r1 @ Fim + i1 @ Fre
        r3, i3 = turn(r2, i2, net.phase2)
        ar, ai = r3 + net.Vre[symbols[t]], i3 + net.Vim[symbols[t]]
        size = np.sqrt(ar ** 2 + ai ** 2 + EPS)
        kept = np.maximum(size + net.bias, 0)
        before, re, im = (re, im), ar * kept / size, ai * kept / size
        steps.append((before, (r2, i2), (ar, ai), size, kept, (re, im)))
    return steps


def cross_entropy(net, symbols, sums):
    total = 0.0
    for step, answer in zip(unroll(net, symbols), sums):
        p = probabilities(net, *step[-1])
        total -= np.log(p[np.arange(len(answer)), answer]).mean()
    return total / len(symbols)


def gradient(net, symbols, sums):
    T, B = symbols.shape
    H = len(net.bias)
    Fre, Fim = fourier(H)
    g = net.empty()
    dre, dim = np.zeros((B, H)), np.zeros((B, H))
    for t, step in reversed(list(enumerate(unroll(net, symbols)))):
        before, (r2, i2), (ar, ai), size, kept, (re, im) = step
        dlogit = probabilities(net, re, im)
        dlogit[np.arange(B), sums[t]] -= 1
        dlogit /= B * T
        g.out += np.concatenate([re, im], axis=1).T @ dlogit
        g.out_bias += dlogit.sum(axis=0)
        both = dlogit @ net.out.T
        dre, dim = dre + both[:, :H], dim + both[:, H:]

        along = dre * ar + dim * ai
        dkept = along / size * (kept > 0)
        g.bias += dkept.sum(axis=0)
        dsize = dkept - along * kept / size ** 2
        dar, dai = dre * kept / size + dsize * ar / size, dim * kept / size + dsize * ai / size
        np.add.at(g.Vre, symbols[t], dar)
        np.add.at(g.Vim, symbols[t], dai)

        d2r, d2i, dphase = unturn(dar, dai, r2, i2, net.phase2)
        g.phase2 += dphase
        d1r, d1i = d2r @ Fre.T + d2i @ Fim.T, d2i @ Fre.T - d2r @ Fim.T
        dre, dim, dphase = unturn(d1r, d1i, *before, net.phase1)
        g.phase1 += dphase
    g.re0 += dre.sum(axis=0)
    g.im0 += dim.sum(axis=0)
    return g


def create(H, K, seed):
    rng = np.random.default_rng(seed)
    n = rng.normal
    return Rotor(
        rng.uniform(-np.pi, np.pi, H), rng.uniform(-np.pi, np.pi, H), n(size=(K, H)), n(size=(K, H)),
        n(-0.1, 0.1, H), n(size=H), n(size=H), n(size=(2 * H, K)), n(0, 0.1, K),
    )


def task(T, B, K, seed):
    symbols = np.random.default_rng(seed).integers(0, K, size=(T, B))
    return symbols, np.cumsum(symbols, axis=0) % K


net = create(4, 5, seed=401)
symbols, sums = task(6, 3, 5, seed=402)
