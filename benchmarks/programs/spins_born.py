"""Born machine on chains of spins: a uniform matrix product state whose squared amplitude is the probability.

    psi(s) = l . A[s_1] A[s_2] ... A[s_n] . r          p(s) = psi(s)^2 / Z_n
    Z_n    = r . E_n . r,   E_0 = l l^T,   E_k = sum_s A[s]^T E_{k-1} A[s]
"""
import numpy as np


class BornMachine:
    def __init__(self, local_dim, bond_dim, seed=0):
        rng = np.random.default_rng(seed)
        self.A = 0.6 * np.eye(bond_dim) + 0.35 * rng.standard_normal((local_dim, bond_dim, bond_dim))
        self.left = rng.standard_normal(bond_dim)
        self.right = rng.standard_normal(bond_dim)

    def amplitude(self, chain):
        """Amplitude and the partial products from the left."""
        partial = [self.left]
        for s in chain:
            partial.append(partial[-1] @ self.A[s])
        return partial[-1] @ self.right, partial

    def partition(self, n):
        environments = [np.outer(self.left, self.left)]
        for _ in range(n):
            E = environments[-1]
            environments.append(sum(a.T @ E @ a for a in self.A))
        return self.right @ environments[-1] @ self.right, environments

    def nll(self, chains):
        total = 0.0
        for chain in chains:
            psi, _ = self.amplitude(chain)
            Z, _ = self.partition(len(chain))
            total += np.log(Z) - np.log(psi ** 2)
        return total / len(chains)

    def nll_gradient(self, chains):
        gA = np.zeros_like(self.A)
        gl = np.zeros_like(self.left)
        gr = np.zeros_like(self.right)
        for chain in chains:
            self._amplitude_gradient(chain, gA, gl, gr)
            self._partition_gradient(len(chain), gA, gl, gr)
        m = len(chains)
        return gA / m, gl / m, gr / m

    def _amplitude_gradient(self, chain, gA, gl, gr):
        psi, partial = self.amplitude(chain)
        scale = -2.0 / psi
        gr += scale * partial[-1]
        back = scale * self.right
        for k in range(len(chain) - 1, -1, -1):
            s = chain[k]
            gA[s] += np.outer(partial[k], back)
            back = self.A[s] @ back
        gl += back

    def _partition_gradient(self, n, gA, gl, gr):
        Z, environments = self.partition(n)
        gr += 2.0 * environments[n] @ self.right / Z
        gE = np.outer(self.right, self.right) / Z
        for k in reversed(range(n)):
            E = environments[k]
            for s, a in enumerate(self.A):
                # E is symmetric and so is its adjoint
                gA[s] += 2.0 * E @ a @ gE
            gE = sum(a @ gE @ a.T for a in self.A)
        gl += 2.0 * gE @ self.left


def antiferro_chains(lengths, local_dim, seed):
    """Samples in which neighbours mostly differ."""
    rng = np.random.default_rng(seed)
    chains = []
    for n in lengths:
        chain = [int(rng.integers(local_dim))]
        while len(chain) < n:
            s = int(rng.integers(local_dim))
            if s != chain[-1] or rng.random() < 0.3:
                chain.append(s)
        chains.append(chain)
    return chains


machine = BornMachine(local_dim=2, bond_dim=3, seed=1161)
chains = antiferro_chains([6, 4, 5, 6], 2, seed=1162)
