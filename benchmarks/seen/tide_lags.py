# Sea level at a gauge from wind and pressure.
# Elman network whose hidden layer looks back LAGS steps, not only one.
# Port of my old Fortran subroutine TIDNET, that is why everything is written out in loops.
import numpy as np

NI = 2       # inputs (wind, pressure)
NH = 3       # hidden units
LAGS = 2     # how far back the recurrent connections go
NT = 6       # hours


def make_weights(ni, nh, lags, seed):
    r = np.random.RandomState(seed)
    wi = r.uniform(-0.8, 0.8, (nh, ni))
    wr = r.uniform(-0.6, 0.6, (lags, nh, nh))
    bh = r.uniform(-0.1, 0.1, nh)
    wo = r.uniform(-1.0, 1.0, nh)
    wd = r.uniform(-0.3, 0.3, ni)      # input straight to output
    bo = r.uniform(-0.1, 0.1, 1)
    return wi, wr, bh, wo, wd, bo


def make_record(nt, ni, seed):
    r = np.random.RandomState(seed)
    hours = np.arange(nt)
    forcing = r.normal(size=(nt, ni))
    level = np.sin(2 * np.pi * hours / 12.4) + 0.2 * r.normal(size=nt)
    return forcing, level


def tidnet(forcing):
    nt = len(forcing)
    nh, ni = wi.shape
    lags = len(wr)
    s = np.zeros((nt, nh))
    y = np.zeros(nt)
    for t in range(nt):
        for i in range(nh):
            net = bh[i]
            for k in range(ni):
                net = net + wi[i, k] * forcing[t, k]
            for lag in range(1, lags + 1):
                if t - lag < 0:
                    continue
                for j in range(nh):
                    net = net + wr[lag - 1, i, j] * s[t - lag, j]
            s[t, i] = np.tanh(net)
        y[t] = bo[0]
        for i in range(nh):
            y[t] += wo[i] * s[t, i]
        for k in range(ni):
            y[t] += wd[k] * forcing[t, k]
    return s, y


def misfit(forcing, level):
    s, y = tidnet(forcing)
    total = 0.0
    for t in range(len(level)):
        total += 0.5 * (y[t] - level[t]) ** 2
    return total


def misfit_gradient(forcing, level):
    s, y = tidnet(forcing)
    nt = len(forcing)
    nh, ni = wi.shape
    lags = len(wr)
    gwi, gwr, gbh = np.zeros_like(wi), np.zeros_like(wr), np.zeros_like(bh)
    gwo, gwd, gbo = np.zeros_like(wo), np.zeros_like(wd), np.zeros_like(bo)
    adj = np.zeros((nt, nh))           # adjoint of s
    for t in range(nt - 1, -1, -1):
        res = y[t] - level[t]
        gbo[0] += res
        for k in range(ni):
            gwd[k] += res * forcing[t, k]
        for i in range(nh):
            gwo[i] += res * s[t, i]
            adj[t, i] += res * wo[i]
        for i in range(nh):
            a = adj[t, i] * (1.0 - s[t, i] * s[t, i])
            gbh[i] += a
            for k in range(ni):
                gwi[i, k] += a * forcing[t, k]
            for lag in range(1, lags + 1):
                if t - lag < 0:
                    continue
                for j in range(nh):
                    gwr[lag - 1, i, j] += a * s[t - lag, j]
                    adj[t - lag, j] += a * wr[lag - 1, i, j]
    return gwi, gwr, gbh, gwo, gwd, gbo


wi, wr, bh, wo, wd, bo = make_weights(NI, NH, LAGS, seed=1871)
forcing, level = make_record(NT, NI, seed=4)
