"""Solubility of small molecules with a gated graph network (Li et al. 2016; Gilmer et al. 2017).

Atoms send each other messages along the bonds for a fixed number of rounds; a GRU takes them in.  What is a time step
elsewhere is a round here.  Read-out: gated sum over the atoms, extended by the atoms' own features.
"""
from dataclasses import dataclass

import numpy as np


@dataclass
class Molecule:
    atoms: np.ndarray   # (n, features)
    bonds: list         # (i, j, kind)
    log_s: float        # measured log solubility

    def adjacency(self, kinds):
        A = np.zeros((kinds, len(self.atoms), len(self.atoms)))
        for i, j, kind in self.bonds:
            A[kind, i, j] = A[kind, j, i] = 1.0
        return A


def logistic(a):
    return 1.0 / (1.0 + np.exp(-a))


class GatedGraphNet:
    def __init__(self, features, hidden, kinds, rounds, seed=0):
        self.rounds, self.kinds = rounds, kinds
        r = np.random.default_rng(seed)
        mat = lambda *shape: r.normal(scale=0.5, size=shape)
        self.weights = dict(
            embed=mat(features, hidden),
            bond=mat(kinds, hidden, hidden),
            W_update=mat(hidden, hidden), U_update=mat(hidden, hidden), b_update=mat(hidden),
            W_reset=mat(hidden, hidden), U_reset=mat(hidden, hidden), b_reset=mat(hidden),
            W_cand=mat(hidden, hidden), U_cand=mat(hidden, hidden), b_cand=mat(hidden),
            gate=mat(hidden + features), value=mat(hidden), bias=mat(1),
        )

    def run(self, mol):
        w = self.weights
        A = mol.adjacency(self.kinds)
        h = np.tanh(mol.atoms @ w["embed"])
        start, rounds = h, []
        for _ in range(self.rounds):
            inbox = np.zeros_like(h)
            for kind in range(self.kinds):
                inbox += A[kind] @ (h @ w["bond"][kind])
            z = logistic(inbox @ w["W_update"] + h @ w["U_update"] + w["b_update"])
            r = logistic(inbox @ w["W_reset"] + h @ w["U_reset"] + w["b_reset"])
            cand = np.tanh(inbox @ w["W_cand"] + (r * h) @ w["U_cand"] + w["b_cand"])
            rounds.append((h, inbox, z, r, cand))
            h = (1 - z) * h + z * cand
        both = np.concatenate([h, mol.atoms], axis=1)
        gate = logistic(both @ w["gate"])
        value = np.tanh(h @ w["value"])
        out = gate @ value + w["bias"][0]
        return out, (A, start, rounds, h, both, gate, value)

    def loss(self, molecules):
        """log cosh of the error: quadratic near zero, linear far out"""
        errors = np.array([self.run(mol)[0] - mol.log_s for mol in molecules])
        return np.mean(np.logaddexp(errors, -errors) - np.log(2.0))

    def gradient(self, molecules):
        w = self.weights
        grad = {name: np.zeros_like(array) for name, array in w.items()}
        for mol in molecules:
            out, (A, start, rounds, h, both, gate, value) = self.run(mol)
            d_out = np.tanh(out - mol.log_s) / len(molecules)
            grad["bias"] += d_out
            d_gate = d_out * value * gate * (1 - gate)
            d_value = d_out * gate * (1 - value ** 2)
            grad["gate"] += both.T @ d_gate
            grad["value"] += h.T @ d_value
            hidden = h.shape[1]
            dh = np.outer(d_gate, w["gate"][:hidden]) + np.outer(d_value, w["value"])
            for h, inbox, z, r, cand in reversed(rounds):
                d_cand = dh * z * (1 - cand ** 2)
                d_z = dh * (cand - h) * z * (1 - z)
                d_rh = d_cand @ w["U_cand"].T
                d_r = d_rh * h * r * (1 - r)
                for name, d, state in (("update", d_z, h), ("reset", d_r, h), ("cand", d_cand, r * h)):
                    grad["W_" + name] += inbox.T @ d
                    grad["U_" + name] += state.T @ d
                    grad["b_" + name] += d.sum(axis=0)
                d_inbox = d_z @ w["W_update"].T + d_r @ w["W_reset"].T + d_cand @ w["W_cand"].T
                dh = dh * (1 - z) + d_rh * r + d_z @ w["U_update"].T + d_r @ w["U_reset"].T
                for kind in range(self.kinds):
                    d_sent = A[kind].T @ d_inbox
                    grad["bond"][kind] += h.T @ d_sent
                    dh += d_sent @ w["bond"][kind].T
            grad["embed"] += mol.atoms.T @ (dh * (1 - start ** 2))
        return grad


def laboratory(sizes, features, kinds, seed):
    """random trees with one more bond that closes a ring"""
    r = np.random.default_rng(seed)
    found = []
    for n in sizes:
        bonds = [(int(r.integers(0, k)), k, int(r.integers(kinds))) for k in range(1, n)]
        bonds.append((0, n - 1, int(r.integers(kinds))))
        found.append(Molecule(r.normal(size=(n, features)), bonds, float(r.normal())))
    return found


net = GatedGraphNet(3, 4, 2, rounds=3, seed=711)
molecules = laboratory([4, 6, 5], 3, 2, seed=712)
