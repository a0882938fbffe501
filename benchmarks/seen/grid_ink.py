# ink / paper / ruling for every patch of a scanned page.  2-D LSTM (Graves, Fernandez, Schmidhuber 2007), one scan
# from the upper left.  gates in W: input, forget-up, forget-left, output, cell   W acts on [patch; up; left]
# every class has its weight in the loss, because nearly all of a page is paper
import numpy as np

rs = np.random.RandomState(8)


def weights(k, n, classes, rs):
    W = rs.randn(5 * n, k + 2 * n) / np.sqrt(k + 2 * n)
    b = 0.2 * rs.randn(5 * n)
    b[n:3 * n] += 0.5
    V = rs.randn(classes, n)
    v = 0.1 * rs.randn(classes)
    return W, b, V, v


def page(rows, cols, k, classes, rs):
    return rs.randn(rows, cols, k), rs.randint(0, classes, (rows, cols))


W, b, V, v = weights(2, 3, 3, rs)
ink, label = page(3, 3, 2, 3, rs)
importance = np.array([1.0, 0.2, 2.0])


def logistic(a):
    return 1.0 / (1.0 + np.exp(-a))


def scan(ink):
    n = V.shape[1]
    none = np.zeros(n)
    H, C, G, Z = {}, {}, {}, {}
    rows, cols = ink.shape[:2]
    for i in range(rows):
        for j in range(cols):
            up, left = (i - 1, j), (i, j - 1)
            z = np.concatenate([ink[i, j], H.get(up, none), H.get(left, none)])
            a = W @ z + b
            gi, gu, gl, go = [logistic(a[m * n:(m + 1) * n]) for m in range(4)]
            gc = np.tanh(a[4 * n:])
            c = gi * gc + gu * C.get(up, none) + gl * C.get(left, none)
            H[i, j] = go * np.tanh(c)
            C[i, j] = c
            G[i, j] = gi, gu, gl, go, gc
            Z[i, j] = z
    return H, C, G, Z


def posterior(h):
    e = np.exp(V @ h + v)
    return e / e.sum()


def page_loss(ink, label):
    H = scan(ink)[0]
    err = 0.0
    norm = 0.0
    for i, j in H:
        w = importance[label[i, j]]
        err -= w * np.log(posterior(H[i, j])[label[i, j]])
        norm += w
    return err / norm


def learn(ink, label, rate):
    global W, b, V, v
    n = V.shape[1]
    k = ink.shape[2]
    none = np.zeros(n)
    H, C, G, Z = scan(ink)
    norm = importance[label].sum()
    DW, Db, DV, Dv = 0 * W, 0 * b, 0 * V, 0 * v
    DH = {cell: np.zeros(n) for cell in H}
    DC = {cell: np.zeros(n) for cell in H}
    for i, j in reversed(list(H)):
        up, left = (i - 1, j), (i, j - 1)
        gi, gu, gl, go, gc = G[i, j]
        e = posterior(H[i, j])
        e[label[i, j]] -= 1
        e = e * importance[label[i, j]] / norm
        DV += np.outer(e, H[i, j])
        Dv += e
        dh = DH[i, j] + V.T @ e
        th = np.tanh(C[i, j])
        dc = DC[i, j] + dh * go * (1 - th ** 2)
        da = np.concatenate([
            dc * gc * gi * (1 - gi),
            dc * C.get(up, none) * gu * (1 - gu),
            dc * C.get(left, none) * gl * (1 - gl),
            dh * th * go * (1 - go),
            dc * gi * (1 - gc ** 2),
        ])
        DW += np.outer(da, Z[i, j])
        Db += da
        dz = W.T @ da
        if up in H:
            DH[up] = DH[up] + dz[k:k + n]
            DC[up] = DC[up] + dc * gu
        if left in H:
            DH[left] = DH[left] + dz[k + n:]
            DC[left] = DC[left] + dc * gl
    W = W - rate * DW
    b = b - rate * Db
    V = V - rate * DV
    v = v - rate * Dv
