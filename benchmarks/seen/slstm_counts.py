'''
sLSTM block (Beck et al., xLSTM, 2024), one head, for daily case counts (Poisson, log link).

exponential input gate, normaliser n, stabiliser m:

    m_t = max(log f_t + m_{t-1}, i~_t)
    c_t = exp(log f_t + m_{t-1} - m_t) c_{t-1} + exp(i~_t - m_t) z_t
    n_t = same with 1 for z_t
    h_t = o_t c_t / n_t

h does not depend on m (c and n carry the same factor), therefore no gradient is sent through m.

theta is flat: [ Wz Wi Wf Wo (d x 4n) | R (n x 4n) | b (4n) | v (n) | v0 ]
'''
import numpy as np


def unpack(theta, d, n):
    cuts = np.cumsum([d * 4 * n, n * 4 * n, 4 * n, n])
    W, R, b, v, v0 = np.split(theta, cuts)
    return W.reshape(d, 4 * n), R.reshape(n, 4 * n), b, v, v0


def fprop(theta, X, n):
    W, R, b, v, v0 = unpack(theta, X.shape[1], n)
    st = [dict(h=np.zeros(n), c=np.zeros(n), n=np.zeros(n), m=np.zeros(n))]
    for x in X:
        old = st[-1]
        zt, it, ft, ot = np.split(x @ W + old['h'] @ R + b, 4)
        s = {}
        s['z'] = np.tanh(zt)
        s['o'] = 1 / (1 + np.exp(-ot))
        s['keep'] = 1 / (1 + np.exp(-ft))
        logf = np.log(s['keep'])
        s['m'] = np.maximum(logf + old['m'], it)
        s['i'] = np.exp(it - s['m'])
        s['f'] = np.exp(logf + old['m'] - s['m'])
        s['c'] = s['f'] * old['c'] + s['i'] * s['z']
        s['n'] = s['f'] * old['n'] + s['i']
        s['h'] = s['o'] * s['c'] / s['n']
        s['eta'] = s['h'] @ v + v0[0]
        st.append(s)
    return st


def deviance(theta, X, cases, n):
    '''minus log likelihood, without log(cases!)'''
    st = fprop(theta, X, n)
    return sum(np.exp(s['eta']) - k * s['eta'] for s, k in zip(st[1:], cases))


def bprop(theta, X, cases, n):
    T, d = X.shape
    W, R, b, v, v0 = unpack(theta, d, n)
    st = fprop(theta, X, n)
    dW, dR, db, dv, dv0 = np.zeros((d, 4 * n)), np.zeros((n, 4 * n)), np.zeros(4 * n), np.zeros(n), np.zeros(1)
    dh, dc, dn = np.zeros(n), np.zeros(n), np.zeros(n)
    for t in range(T, 0, -1):
        s, old = st[t], st[t - 1]
        deta = np.exp(s['eta']) - cases[t - 1]
        dv += deta * s['h']
        dv0 += deta
        dh = dh + deta * v
        ratio = s['c'] / s['n']
        dc = dc + dh * s['o'] / s['n']
        dn = dn - dh * s['o'] * ratio / s['n']
        da_o = dh * ratio * s['o'] * (1 - s['o'])
        da_z = dc * s['i'] * (1 - s['z'] ** 2)
        da_i = (dc * s['z'] + dn) * s['i']
        da_f = (dc * old['c'] + dn * old['n']) * s['f'] * (1 - s['keep'])
        da = np.concatenate((da_z, da_i, da_f, da_o))
        dW += np.outer(X[t - 1], da)
        dR += np.outer(old['h'], da)
        db += da
        dh = R @ da
        dc = dc * s['f']
        dn = dn * s['f']
    return np.concatenate((dW.ravel(), dR.ravel(), db, dv, dv0))


def guess(d, n, seed):
    rng = np.random.RandomState(seed)
    return 0.5 * rng.standard_normal(d * 4 * n + n * 4 * n + 4 * n + n + 1)


def epidemic(T, d, seed):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((T, d))
    return X, rng.poisson(np.exp(0.5 * X[:, 0] + 0.7))


n = 4
X, cases = epidemic(8, 3, seed=100)
theta = guess(3, n, seed=101)
