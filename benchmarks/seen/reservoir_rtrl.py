import numpy as np

"""
Trained reservoir of leaky units, learnt forward in time.

    s <- (1 - a) s + a tanh(A s + B u + k)
    y  = C s

S_A, S_B, S_k hold the sensitivities of s to the three things.
"""


class Reservoir:

    def __init__(self, units, channels, outputs, a=0.4, seed=13):
        r = np.random.default_rng(seed)
        self.a = a
        self.A = r.normal(size=(units, units)) / np.sqrt(units)
        self.B = r.normal(size=(units, channels))
        self.k = 0.3 * r.normal(size=units)
        self.C = r.normal(size=(outputs, units))

    def advance(self, s, u):
        q = np.tanh(self.A @ s + self.B @ u + self.k)
        return (1 - self.a) * s + self.a * q, q

    def misfit(self, U, Y):
        s = np.zeros(len(self.k))
        total = 0.0
        for u, y in zip(U, Y):
            s, _ = self.advance(s, u)
            total = total + np.sum((self.C @ s - y) ** 2)
        return total / len(U)

    def sensitivities(self, U, Y):
        n, c = self.B.shape
        eye = np.eye(n)
        s = np.zeros(n)
        S_A = np.zeros((n, n, n))
        S_B = np.zeros((n, n, c))
        S_k = np.zeros((n, n))
        gA, gB = np.zeros_like(self.A), np.zeros_like(self.B)
        gk, gC = np.zeros_like(self.k), np.zeros_like(self.C)

        for u, y in zip(U, Y):
            s_old = s
            s, q = self.advance(s_old, u)
            gain = self.a * (1 - q ** 2)
            # jacobian of the new state with respect to the old
            J = (1 - self.a) * eye + gain[:, None] * self.A
            direct = np.diag(gain)
            S_A = np.einsum('pq,qij->pij', J, S_A) + np.einsum('pi,j->pij', direct, s_old)
            S_B = np.einsum('pq,qij->pij', J, S_B) + np.einsum('pi,j->pij', direct, u)
            S_k = J @ S_k + direct

            miss = 2 * (self.C @ s - y) / len(U)
            gC += np.outer(miss, s)
            back = miss @ self.C
            gA += np.tensordot(back, S_A, axes=1)
            gB += np.tensordot(back, S_B, axes=1)
            gk += back @ S_k
        return {'A': gA, 'B': gB, 'k': gk, 'C': gC}


def signals(T, channels, outputs, seed=14):
    r = np.random.default_rng(seed)
    return r.normal(size=(T, channels)), r.normal(size=(T, outputs))


res = Reservoir(5, 2, 3)
U, Y = signals(6, 2, 3)
