# Differentiable plasticity (Miconi, Clune & Stanley, ICML 2018), pattern completion.
# Each connection = fixed part w + alpha * hebb; hebb is written during the episode, w / alpha / eta are learned by gradient.
# One episode: patterns are shown one after the other, at the end half of one of them; the net has to fill in the rest.
import numpy as np

GAIN = 1.5


def sigm(a):
    return 1. / (1. + np.exp(-a))


def episode(w, alpha, eta, xs):
    n = w.shape[0]
    T = len(xs)
    e = sigm(eta)
    y = np.zeros((T + 1, n))
    hebb = np.zeros((T + 1, n, n))     # hebb[t] is what step t sees
    for t in range(T):
        y[t + 1] = np.tanh(y[t] @ (w + alpha * hebb[t]) + GAIN * xs[t])
        hebb[t + 1] = (1 - e) * hebb[t] + e * np.outer(y[t], y[t + 1])
    return y, hebb


def lossfunc(w, alpha, eta, xs, full):
    y, _ = episode(w, alpha, eta, xs)
    return 0.5 * np.sum((y[-1] - full) ** 2)


def gradfunc(w, alpha, eta, xs, full):
    y, hebb = episode(w, alpha, eta, xs)
    e = sigm(eta)
    gw = np.zeros_like(w)
    galpha = np.zeros_like(alpha)
    ge = 0.
    dhebb = np.zeros_like(w)           # nobody reads the last trace
    dy = y[-1] - full
    for t in range(len(xs) - 1, -1, -1):
        # the trace
        ge += np.sum(dhebb * (np.outer(y[t], y[t + 1]) - hebb[t]))
        dy = dy + e * (y[t] @ dhebb)
        dprev = e * (dhebb @ y[t + 1])
        # the unit
        da = dy * (1 - y[t + 1] ** 2)
        deff = np.outer(y[t], da)
        gw += deff
        galpha += deff * hebb[t]
        dhebb = (1 - e) * dhebb + deff * alpha
        dy = dprev + (w + alpha * hebb[t]) @ da
    return gw, galpha, ge * e * (1 - e)


def plastic(n, seed):
    r = np.random.RandomState(seed)
    w = r.randn(n, n) * .3
    alpha = r.randn(n, n) * .4
    eta = np.array(-.5)
    return w, alpha, eta


def show(n, patterns, times, seed):
    r = np.random.RandomState(seed)
    P = np.sign(r.randn(patterns, n))
    order = [k for k in range(patterns) for _ in range(times)]
    probe = P[r.randint(patterns)]
    part = probe * (np.arange(n) < n // 2)
    return np.array([P[k] for k in order] + [part, part]), probe


w, alpha, eta = plastic(5, seed=531)
xs, full = show(5, 2, 2, seed=532)
