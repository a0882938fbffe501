# Drum boiler: fuel and feedwater -> pressure and level.
# NARX network in parallel (closed loop) form: the net is fed its own past outputs, so the gradient must go back
# through the output taps.  Translated from our MATLAB functions narxsim / narxjac, hence columns = time.
import numpy as np


def taps(S, t, d):
    """[s(t-1); ...; s(t-d)], columns of S, zeros before the record"""
    out = []
    for k in range(1, d + 1):
        out.append(S[:, [t - k]] if t - k >= 0 else np.zeros((S.shape[0], 1)))
    return np.vstack(out)


def narxsim(IW, FW, b1, LW, b2, u, y0, du, dy):
    """u: inputs (nu x N); y0: the first dy outputs as measured (ny x dy).  Returns Y (ny x N) and A1 (hidden x N)"""
    ny, N = len(b2), u.shape[1]
    Y = np.zeros((ny, N))
    A1 = np.zeros((len(b1), N))
    Y[:, :dy] = y0
    for t in range(dy, N):
        n1 = IW @ taps(u, t + 1, du) + FW @ taps(Y, t, dy) + b1       # u(t) itself is known at t
        A1[:, [t]] = 2 / (1 + np.exp(-2 * n1)) - 1                    # tansig
        Y[:, [t]] = LW @ A1[:, [t]] + b2
    return Y, A1


def sse(IW, FW, b1, LW, b2, u, y, du, dy, q):
    """weighted sum of squares, q: weight of each output (ny x 1)"""
    Y, _ = narxsim(IW, FW, b1, LW, b2, u, y[:, :dy], du, dy)
    E = Y[:, dy:] - y[:, dy:]
    return np.sum(q * E ** 2) / 2


def narxgrad(IW, FW, b1, LW, b2, u, y, du, dy, q):
    ny, N = y.shape
    Y, A1 = narxsim(IW, FW, b1, LW, b2, u, y[:, :dy], du, dy)
    gIW, gFW, gb1 = np.zeros(IW.shape), np.zeros(FW.shape), np.zeros(b1.shape)
    gLW, gb2 = np.zeros(LW.shape), np.zeros(b2.shape)
    D = q * (Y - y)                       # total derivative by Y(t), completed while t runs down
    for t in range(N - 1, dy - 1, -1):
        d2 = D[:, [t]]
        gLW = gLW + d2 @ A1[:, [t]].T
        gb2 = gb2 + d2
        d1 = (LW.T @ d2) * (1 - A1[:, [t]] ** 2)
        gIW = gIW + d1 @ taps(u, t + 1, du).T
        gFW = gFW + d1 @ taps(Y, t, dy).T
        gb1 = gb1 + d1
        back = FW.T @ d1                  # stacked like the taps
        for k in range(1, dy + 1):
            if t - k >= dy:               # before that the outputs are measurements
                D[:, [t - k]] += back[(k - 1) * ny:k * ny]
    return gIW, gFW, gb1, gLW, gb2


def initnw(nu, ny, nh, du, dy, seed):
    rng = np.random.RandomState(seed)
    IW = rng.uniform(-0.7, 0.7, (nh, nu * du))
    FW = rng.uniform(-0.5, 0.5, (nh, ny * dy))
    b1 = rng.uniform(-0.7, 0.7, (nh, 1))
    LW = rng.uniform(-0.8, 0.8, (ny, nh))
    b2 = rng.uniform(-0.1, 0.1, (ny, 1))
    return IW, FW, b1, LW, b2


def record(nu, ny, N, seed):
    """step tests on the plant simulator"""
    rng = np.random.RandomState(seed)
    u = np.repeat(rng.choice([-1.0, 1.0], (nu, (N + 1) // 2)), 2, axis=1)[:, :N] + 0.1 * rng.randn(nu, N)
    y = np.zeros((ny, N))
    for t in range(1, N):
        y[:, t] = 0.7 * y[:, t - 1] + 0.4 * np.tanh(u[:, t - 1].sum() + y[::-1, t - 1]) + 0.05 * rng.randn(ny)
    return u, y


def trainlm_start(nets, u, y, du, dy, q):
    """the best of several initialisations"""
    return min(nets, key=lambda net: sse(*net, u, y, du, dy, q))


du, dy = 2, 3
IW, FW, b1, LW, b2 = initnw(nu=2, ny=2, nh=4, du=du, dy=dy, seed=17)
u, y = record(nu=2, ny=2, N=9, seed=18)
q = np.array([[1.0], [0.4]])
