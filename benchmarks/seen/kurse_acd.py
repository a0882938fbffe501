"""Wartezeiten zwischen Kursen: logarithmisches ACD(2, 1)-Modell (Bauwens & Giot 2000) mit Weibull-Verteilung.

    ln psi_i = omega + alpha1 ln x_{i-1} + alpha2 ln x_{i-2} + beta ln psi_{i-1} + gamma vol_{i-1} + tagesgang_{stunde_i}
    ln f(x_i) = ln kappa - ln x_i + kappa (ln x_i - ln psi_i) - (x_i / psi_i)^kappa

Parameter in einem Vektor:  omega, alpha1, alpha2, atanh(beta), gamma, ln kappa, ln psi_0, tagesgang (Summe 0, die letzte
Stunde folgt aus den anderen).
"""
import numpy as np

FEST = 7  # Anzahl der Parameter vor dem Tagesgang


def zerlegen(theta):
    omega, alpha1, alpha2, b, gamma, lnk, anfang = theta[:FEST]
    gang = np.append(theta[FEST:], -theta[FEST:].sum())
    return omega, alpha1, alpha2, np.tanh(b), gamma, np.exp(lnk), anfang, gang


def erwartung(theta, lnx, vol, stunde):
    omega, alpha1, alpha2, beta, gamma, _, anfang, gang = zerlegen(theta)
    lnpsi = np.zeros(len(lnx))
    for i in range(len(lnx)):
        vorher = lnpsi[i - 1] if i > 0 else anfang
        lnpsi[i] = omega + beta * vorher + gang[stunde[i]]
        if i > 0:
            lnpsi[i] += alpha1 * lnx[i - 1] + gamma * vol[i - 1]
        if i > 1:
            lnpsi[i] += alpha2 * lnx[i - 2]
    return lnpsi


def negloglik(theta, tage):
    kappa = np.exp(theta[5])
    summe, anzahl = 0.0, 0
    for lnx, vol, stunde in tage:
        u = kappa * (lnx - erwartung(theta, lnx, vol, stunde))
        summe += np.sum(np.exp(u) - u + lnx) - len(lnx) * theta[5]
        anzahl += len(lnx)
    return summe / anzahl


def ableitung(theta, tage):
    omega, alpha1, alpha2, beta, gamma, kappa, anfang, gang = zerlegen(theta)
    g = np.zeros_like(theta)
    ggang = np.zeros_like(gang)
    anzahl = sum(len(tag[0]) for tag in tage)
    for lnx, vol, stunde in tage:
        lnpsi = erwartung(theta, lnx, vol, stunde)
        u = kappa * (lnx - lnpsi)
        du = np.exp(u) - 1
        g[5] += np.sum(du * u) - len(lnx)
        q = -kappa * du
        rest = 0.0
        for i in range(len(lnx) - 1, -1, -1):
            rest = beta * rest + q[i]
            g[0] += rest
            ggang[stunde[i]] += rest
            if i > 1:
                g[2] += rest * lnx[i - 2]
            if i > 0:
                g[1] += rest * lnx[i - 1]
                g[4] += rest * vol[i - 1]
                g[3] += rest * lnpsi[i - 1]
            else:
                g[3] += rest * anfang
                g[6] += rest * beta
    g[3] *= 1 - beta ** 2
    g[FEST:] = ggang[:-1] - ggang[-1]
    return g / anzahl


def handelstage(laengen, stunden, saat):
    wuerfel = np.random.default_rng(saat)
    tage = []
    for n in laengen:
        stunde = np.sort(wuerfel.integers(stunden, size=n))
        tage.append((0.5 * wuerfel.normal(size=n), wuerfel.normal(size=n), stunde))
    return tage


def startwert(stunden, saat):
    wuerfel = np.random.default_rng(saat)
    return np.concatenate([[0.1, 0.2, -0.1, 0.6, 0.15, 0.1, -0.2], 0.2 * wuerfel.normal(size=stunden - 1)])


theta = startwert(3, 1211)
tage = handelstage([6, 8], 3, 1212)
