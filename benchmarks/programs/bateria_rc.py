# Modelo de circuito equivalente de una celda de litio: resistencia en serie y varios pares RC.
# Se ajusta a la tension medida; las derivadas se llevan hacia adelante junto con el estado.
#
#   theta = [log R0, log Q, c_0 .. c_g, (log R, log tau) de cada par, z_0]
#   z   <- z - dt i / Q                        (estado de carga, z_0 buscado)
#   v_j <- a_j v_j + R_j (1 - a_j) i           con a_j = exp(-dt / tau_j)
#   V   =  sum_k c_k z^k - R0 i - sum_j v_j
from math import exp, log

import numpy as np


def desempacar(theta, grado, pares):
    R0 = exp(theta[0])
    Q = exp(theta[1])
    c = [theta[2 + k] for k in range(grado + 1)]
    n = 3 + grado
    rc = [(exp(theta[n + 2 * j]), exp(theta[n + 2 * j + 1])) for j in range(pares)]
    return R0, Q, c, rc, theta[n + 2 * pares]


def error(theta, corriente, tension, dt, grado, pares):
    R0, Q, c, rc, z = desempacar(theta, grado, pares)
    v = [0.0] * pares
    suma = 0.0
    for i, medida in zip(corriente, tension):
        z = z - dt * i / Q
        V = sum(c[k] * z ** k for k in range(grado + 1)) - R0 * i
        for j in range(pares):
            R, tau = rc[j]
            a = exp(-dt / tau)
            v[j] = a * v[j] + R * (1 - a) * i
            V = V - v[j]
        suma = suma + (V - medida) ** 2
    return suma / len(corriente)


def sensibilidad(theta, corriente, tension, dt, grado, pares):
    R0, Q, c, rc, z = desempacar(theta, grado, pares)
    n = 3 + grado
    v = [0.0] * pares
    dv_R = [0.0] * pares  # dv_j / d log R_j
    dv_tau = [0.0] * pares  # dv_j / d log tau_j
    dz_Q = 0.0  # dz / d log Q
    g = np.zeros(len(theta))
    for i, medida in zip(corriente, tension):
        z = z - dt * i / Q
        dz_Q = dz_Q + dt * i / Q
        V = sum(c[k] * z ** k for k in range(grado + 1)) - R0 * i
        pendiente = sum(k * c[k] * z ** (k - 1) for k in range(1, grado + 1))
        for j in range(pares):
            R, tau = rc[j]
            a = exp(-dt / tau)
            da = a * dt / tau  # da / d log tau
            dv_tau[j] = da * v[j] + a * dv_tau[j] - R * da * i
            dv_R[j] = a * dv_R[j] + R * (1 - a) * i
            v[j] = a * v[j] + R * (1 - a) * i
            V = V - v[j]
        e = 2 * (V - medida) / len(corriente)
        g[0] -= e * R0 * i
        g[1] += e * pendiente * dz_Q
        for k in range(grado + 1):
            g[2 + k] += e * z ** k
        for j in range(pares):
            g[n + 2 * j] -= e * dv_R[j]
            g[n + 2 * j + 1] -= e * dv_tau[j]
        g[n + 2 * pares] += e * pendiente
    return g


def inicial(grado, pares, semilla):
    azar = np.random.default_rng(semilla)
    theta = [log(0.3), log(5.0)]
    theta += [3.0] + list(0.5 + 0.3 * azar.normal(size=grado))
    for j in range(pares):
        theta += [log(0.4) + 0.2 * azar.normal(), log(2.0 * 3 ** j)]
    return np.array(theta + [0.9])


def descarga(pasos, semilla):
    azar = np.random.default_rng(semilla)
    i = np.where(azar.random(pasos) < 0.3, 0.0, azar.uniform(0.2, 1.5, pasos))
    return i, 3.8 - 0.4 * i - 0.03 * np.arange(pasos) + 0.05 * azar.normal(size=pasos)


theta = inicial(2, 2, 1221)
corriente, tension = descarga(9, 1222)
