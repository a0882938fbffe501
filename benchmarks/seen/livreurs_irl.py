# Que cherchent les livreurs a velo ?  Apprentissage par renforcement inverse, entropie maximale (Ziebart 2008),
# horizon fini : on remonte depuis la fin de la tournee.
#
#   Q_k(s, a) = phi(s) . theta - cout(a) + gamma V_{k-1}(suite(s, a)),     V_k = log sum_a exp Q_k,     V_0 = psi
#
# vraisemblance : moyenne sur les pas observes de log pi_k(a | s) = Q_k(s, a) - V_k(s)
import numpy as np


def valeurs(theta, cout, logit_gamma, psi, ville, horizon):
    phi, suite = ville
    gamma = 1 / (1 + np.exp(-logit_gamma))
    r = phi @ theta
    V, Q = [psi], [None]
    for k in range(1, horizon + 1):
        q = r[:, None] - cout[None, :] + gamma * V[k - 1][suite]
        haut = q.max(axis=1)
        V.append(haut + np.log(np.exp(q - haut[:, None]).sum(axis=1)))
        Q.append(q)
    return V, Q, gamma


def perte(theta, cout, logit_gamma, psi, ville, tournees):
    horizon = max(len(tournee) for tournee in tournees)
    V, Q, _ = valeurs(theta, cout, logit_gamma, psi, ville, horizon)
    somme, pas = 0.0, 0
    for tournee in tournees:
        reste = len(tournee)
        for s, a in tournee:
            somme += V[reste][s] - Q[reste][s, a]
            reste -= 1
            pas += 1
    return somme / pas + 0.05 * np.sum(theta ** 2)


def derivees(theta, cout, logit_gamma, psi, ville, tournees):
    phi, suite = ville
    horizon = max(len(tournee) for tournee in tournees)
    V, Q, gamma = valeurs(theta, cout, logit_gamma, psi, ville, horizon)
    pas = sum(len(tournee) for tournee in tournees)
    dV = [np.zeros_like(v) for v in V]
    dQ = [None] + [np.zeros_like(q) for q in Q[1:]]
    for tournee in tournees:
        for reste, (s, a) in zip(range(len(tournee), 0, -1), tournee):
            dV[reste][s] += 1 / pas
            dQ[reste][s, a] -= 1 / pas
    dr, dcout, dgamma = np.zeros(len(phi)), np.zeros_like(cout), 0.0
    for k in range(horizon, 0, -1):
        pi = np.exp(Q[k] - V[k][:, None])
        dq = dQ[k] + dV[k][:, None] * pi
        dr += dq.sum(axis=1)
        dcout -= dq.sum(axis=0)
        dgamma += np.sum(dq * V[k - 1][suite])
        np.add.at(dV[k - 1], suite, gamma * dq)
    dtheta = phi.T @ dr + 0.1 * theta
    return dtheta, dcout, dgamma * gamma * (1 - gamma), dV[0]


def plan(lieux, gestes, traits, graine):
    hasard = np.random.RandomState(graine)
    return hasard.randn(lieux, traits), hasard.randint(lieux, size=(lieux, gestes))


def observer(ville, longueurs, graine):
    hasard = np.random.RandomState(graine)
    _, suite = ville
    tournees = []
    for n in longueurs:
        s, tournee = hasard.randint(len(suite)), []
        for _ in range(n):
            a = hasard.randint(suite.shape[1])
            tournee.append((s, a))
            s = suite[s, a]
        tournees.append(tournee)
    return tournees


hasard = np.random.RandomState(1141)
ville = plan(5, 3, 2, 1142)
tournees = observer(ville, [4, 5, 3], 1143)
theta, cout, logit_gamma, psi = hasard.randn(2), 0.5 * hasard.randn(3), np.array(0.8), 0.3 * hasard.randn(5)
