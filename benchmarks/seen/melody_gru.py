#!/usr/bin/env python
# Next note of a melody with a gated recurrent unit (Cho et al.), vectors only
import numpy as np

NOTES = 6
UNITS = 4

np.random.seed(8)
def weight(*shape): return np.random.uniform(-0.8, 0.8, shape)

Wz = weight(UNITS, NOTES); Uz = weight(UNITS, UNITS); bz = weight(UNITS)
Wr = weight(UNITS, NOTES); Ur = weight(UNITS, UNITS); br = weight(UNITS)
Wh = weight(UNITS, NOTES); Uh = weight(UNITS, UNITS); bh = weight(UNITS)
Wy = weight(NOTES, UNITS); by = weight(NOTES)

def squash(a):
    return 1.0/(1.0 + np.exp(-a))

def softmax(a):
    e = np.exp(a - a.max())
    return e/e.sum()

def play(melody):
    """hidden states s, gates, and the distribution over the next note"""
    T = len(melody) - 1
    s = np.zeros((T + 1, Wz.shape[0]))
    z = np.zeros((T, Wz.shape[0]))
    r = np.zeros((T, Wz.shape[0]))
    m = np.zeros((T, Wz.shape[0]))      # U_h times the state, before the reset gate
    cand = np.zeros((T, Wz.shape[0]))
    p = np.zeros((T, Wy.shape[0]))
    for t in range(T):
        k = melody[t]
        z[t] = squash(Wz[:, k] + Uz.dot(s[t]) + bz)
        r[t] = squash(Wr[:, k] + Ur.dot(s[t]) + br)
        m[t] = Uh.dot(s[t])
        cand[t] = np.tanh(Wh[:, k] + r[t]*m[t] + bh)
        s[t+1] = z[t]*s[t] + (1 - z[t])*cand[t]
        p[t] = softmax(Wy.dot(s[t+1]) + by)
    return s, z, r, m, cand, p

def cross_entropy(melody):
    p = play(melody)[-1]
    H = 0
    for t in range(len(p)):
        H -= np.log(p[t, melody[t+1]])
    return H

def gradients(melody):
    s, z, r, m, cand, p = play(melody)
    nWz, nUz, nbz = np.zeros_like(Wz), np.zeros_like(Uz), np.zeros_like(bz)
    nWr, nUr, nbr = np.zeros_like(Wr), np.zeros_like(Ur), np.zeros_like(br)
    nWh, nUh, nbh = np.zeros_like(Wh), np.zeros_like(Uh), np.zeros_like(bh)
    nWy, nby = np.zeros_like(Wy), np.zeros_like(by)
    nabla_s = np.zeros(Wz.shape[0])
    for t in range(len(p) - 1, -1, -1):
        k = melody[t]
        err = p[t].copy()
        err[melody[t+1]] -= 1
        nWy += np.outer(err, s[t+1])
        nby += err
        nabla_s = nabla_s + Wy.T.dot(err)

        d_cand = nabla_s*(1 - z[t])*(1 - cand[t]**2)
        d_z = nabla_s*(s[t] - cand[t])*z[t]*(1 - z[t])
        d_r = d_cand*m[t]*r[t]*(1 - r[t])
        d_m = d_cand*r[t]

        nWh[:, k] += d_cand;  nbh += d_cand;  nUh += np.outer(d_m, s[t])
        nWz[:, k] += d_z;     nbz += d_z;     nUz += np.outer(d_z, s[t])
        nWr[:, k] += d_r;     nbr += d_r;     nUr += np.outer(d_r, s[t])

        nabla_s = nabla_s*z[t] + Uh.T.dot(d_m) + Uz.T.dot(d_z) + Ur.T.dot(d_r)
    return [nWz, nUz, nbz, nWr, nUr, nbr, nWh, nUh, nbh, nWy, nby]

melody = [0, 2, 4, 2, 5, 1, 3]
