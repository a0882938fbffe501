"""
A plotter arm learns to write glyphs.  The network is told which glyph (a code s) and then runs freely: it sees
only where its own pen is.

    h_t = tanh(A h_{t-1} + B p_{t-1} + C s + a)
    p_t = p_{t-1} + DT (O h_t + o)

We do not care how fast the pen moves, only where, so the stroke is compared to the recorded one by soft-DTW
(Cuturi & Blondel, ICML 2017), with their backward recursion for the alignment matrix E.
"""
import numpy as np

GAMMA = 0.5
DT = 0.4


def write(ws, code, length):
    A, B, C, a, O, o, p0 = ws
    hidden = [np.zeros(len(a))]
    pen = [p0]
    for _ in range(length):
        hidden.append(np.tanh(A @ hidden[-1] + B @ pen[-1] + C @ code + a))
        pen.append(pen[-1] + DT * (O @ hidden[-1] + o))
    return hidden, pen


def softmin(values):
    low = min(values)
    return low - GAMMA * np.log(sum(np.exp((low - v) / GAMMA) for v in values))


def align(pen, stroke):
    """distances D (n x m) and costs R (n+2 x m+2, with a frame)"""
    n, m = len(pen), len(stroke)
    D = np.zeros((n + 2, m + 2))
    R = np.full((n + 2, m + 2), 1e10)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            gap = pen[i - 1] - stroke[j - 1]
            D[i, j] = gap @ gap
            R[i, j] = D[i, j] + softmin([R[i - 1, j - 1], R[i - 1, j], R[i, j - 1]])
    return D, R


def soft_dtw(ws, glyphs):
    total = 0.0
    for code, stroke, length in glyphs:
        _, pen = write(ws, code, length)
        _, R = align(pen[1:], stroke)
        total = total + R[length, len(stroke)]
    return total / len(glyphs)


def alignment(D, R, n, m):
    """E[i, j] = dR[n, m] / dD[i, j]"""
    E = np.zeros((n + 2, m + 2))
    E[n, m] = 1.0
    for j in range(m, 0, -1):
        for i in range(n, 0, -1):
            e = E[i, j]
            if i < n:
                e = e + E[i + 1, j] * np.exp((R[i + 1, j] - R[i, j] - D[i + 1, j]) / GAMMA)
            if j < m:
                e = e + E[i, j + 1] * np.exp((R[i, j + 1] - R[i, j] - D[i, j + 1]) / GAMMA)
            if i < n and j < m:
                e = e + E[i + 1, j + 1] * np.exp((R[i + 1, j + 1] - R[i, j] - D[i + 1, j + 1]) / GAMMA)
            E[i, j] = e
    return E[1:n + 1, 1:m + 1]


def soft_dtw_grad(ws, glyphs):
    A, B, C, a, O, o, p0 = ws
    gA, gB, gC, ga, gO, go, gp0 = [np.zeros_like(w) for w in ws]
    for code, stroke, length in glyphs:
        hidden, pen = write(ws, code, length)
        D, R = align(pen[1:], stroke)
        E = alignment(D, R, length, len(stroke)) / len(glyphs)
        points = np.array(pen[1:])
        pull = 2 * (E.sum(axis=1)[:, None] * points - E @ stroke)

        gp = np.zeros(2)
        gh = np.zeros(len(a))
        for t in range(length, 0, -1):
            gp = gp + pull[t - 1]
            gO += DT * np.outer(gp, hidden[t])
            go += DT * gp
            gz = (gh + DT * O.T @ gp) * (1 - hidden[t] ** 2)
            gA += np.outer(gz, hidden[t - 1])
            gB += np.outer(gz, pen[t - 1])
            gC += np.outer(gz, code)
            ga += gz
            gh = A.T @ gz
            gp = gp + B.T @ gz
        gp0 += gp
    return [gA, gB, gC, ga, gO, go, gp0]


def fresh_arm(units, codes, seed):
    rng = np.random.default_rng(seed)
    shapes = [(units, units), (units, 2), (units, codes), (units,), (2, units), (2,), (2,)]
    scales = [0.5, 0.6, 1.0, 0.2, 0.9, 0.2, 0.3]
    return [scale * rng.standard_normal(shape) for scale, shape in zip(scales, shapes)]


def recorded(lengths, codes, seed):
    rng = np.random.default_rng(seed)
    glyphs = []
    for k, (n, m) in enumerate(lengths):
        code = np.eye(codes)[k % codes]
        stroke = 0.4 * np.cumsum(rng.standard_normal((m, 2)), axis=0)
        glyphs.append((code, stroke, n))
    return glyphs


ws = fresh_arm(units=4, codes=2, seed=31)
glyphs = recorded([(5, 4), (4, 6)], codes=2, seed=32)
