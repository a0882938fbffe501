"""Simple Recurrent Units (Lei et al., EMNLP 2018), two of them on top of each other.

The point of an SRU: all matrix products can be done for the whole sequence at once, what is left in
the loop over time is elementwise.  The price is v * c in place of a matrix times the state.
Everything here is (batch, time, units).
"""
from dataclasses import dataclass, field
from typing import Dict, List

import numpy as np


def sig(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


@dataclass
class SRU:
    W: np.ndarray        # (d, 3d): candidate, forget, reset
    v: np.ndarray        # (2, d): forget, reset
    b: np.ndarray        # (2, d)
    scale: float = 3.0 ** 0.5
    mem: Dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        u = x @ self.W
        cand, pre_f, pre_r = np.split(u, 3, axis=-1)
        c = np.zeros_like(x[:, 0])
        C, F, R = [c], [], []
        for t in range(x.shape[1]):
            F.append(sig(pre_f[:, t] + self.v[0] * c + self.b[0]))
            R.append(sig(pre_r[:, t] + self.v[1] * c + self.b[1]))
            c = F[t] * c + (1 - F[t]) * cand[:, t]
            C.append(c)
        C, F, R = (np.stack(s, axis=1) for s in (C, F, R))
        self.mem = dict(x=x, cand=cand, C=C, F=F, R=R)
        return R * C[:, 1:] + (1 - R) * x * self.scale        # highway around the cell

    def back(self, dh: np.ndarray):
        x, cand, C, F, R = (self.mem[k] for k in ("x", "cand", "C", "F", "R"))
        before, after = C[:, :-1], C[:, 1:]
        dx = dh * (1 - R) * self.scale
        dpre_r = dh * (after - x * self.scale) * R * (1 - R)
        dpre_f, dcand = np.zeros_like(F), np.zeros_like(F)
        dc = np.zeros_like(x[:, 0])
        for t in range(x.shape[1] - 1, -1, -1):
            dc += dh[:, t] * R[:, t]
            dpre_f[:, t] = dc * (before[:, t] - cand[:, t]) * F[:, t] * (1 - F[:, t])
            dcand[:, t] = dc * (1 - F[:, t])
            dc = dc * F[:, t] + dpre_f[:, t] * self.v[0] + dpre_r[:, t] * self.v[1]
        du = np.concatenate([dcand, dpre_f, dpre_r], axis=-1)
        dW = np.einsum("bti,btj->ij", x, du)
        dv = np.stack([(dpre_f * before).sum(axis=(0, 1)), (dpre_r * before).sum(axis=(0, 1))])
        db = np.stack([dpre_f.sum(axis=(0, 1)), dpre_r.sum(axis=(0, 1))])
        return dx + du @ self.W.T, dW, dv, db


def build(d: int, depth: int, seed: int) -> List[SRU]:
    g = np.random.default_rng(seed)
    bound = np.sqrt(3.0 / d)
    return [SRU(g.uniform(-bound, bound, (d, 3 * d)), g.uniform(-1, 1, (2, d)), g.normal(0, 0.2, (2, d))) for _ in range(depth)]


def pseudo_huber(net: List[SRU], head: np.ndarray, x: np.ndarray, y: np.ndarray, delta: float = 0.5) -> float:
    for layer in net:
        x = layer(x)
    e = (x @ head - y) / delta
    return delta ** 2 * (np.sqrt(1 + e ** 2) - 1).mean()


def pseudo_huber_grads(net: List[SRU], head: np.ndarray, x: np.ndarray, y: np.ndarray, delta: float = 0.5) -> list:
    for layer in net:
        x = layer(x)
    e = (x @ head - y) / delta
    de = delta * e / np.sqrt(1 + e ** 2) / e.size
    grads = [np.tensordot(x, de, axes=((0, 1), (0, 1)))]
    dx = de[..., None] * head
    for layer in reversed(net):
        dx, *mine = layer.back(dx)
        grads = mine + grads
    return grads


rng = np.random.default_rng(2018)
net, head = build(d=3, depth=2, seed=9), rng.normal(size=3)
x, y = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5))
