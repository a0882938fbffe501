# Next-symbol model of a weather diary with a small GRU (Cho et al. 2014, reset gate on the state).
# Columns; the symbol is looked up in an embedding. One function gives loss and gradients.
import numpy as np

diary = "sun rain rain fog sun sun fog".split()
words = sorted(set(diary))
index = {w: i for i, w in enumerate(words)}

E, N = 4, 5
rs = np.random.RandomState(3)


def mat(*shape):
    return rs.randn(*shape) * 0.5


emb = mat(len(words), E)
Wz, Uz, bz = mat(N, E), mat(N, N), mat(N, 1)
Wr, Ur, br = mat(N, E), mat(N, N), mat(N, 1)
Wc, Uc, bc = mat(N, E), mat(N, N), mat(N, 1)
Wo, bo = mat(len(words), N), mat(len(words), 1)


def sigm(v):
    return 1.0 / (1.0 + np.exp(-v))


def loss_and_gradient(seq, nxt, hstart):
    x, h, z, r, c, p = {}, {-1: hstart}, {}, {}, {}, {}
    L = 0.0
    for t in range(len(seq)):
        x[t] = emb[seq[t]].reshape(-1, 1)
        z[t] = sigm(Wz @ x[t] + Uz @ h[t - 1] + bz)
        r[t] = sigm(Wr @ x[t] + Ur @ h[t - 1] + br)
        c[t] = np.tanh(Wc @ x[t] + Uc @ (r[t] * h[t - 1]) + bc)
        h[t] = (1 - z[t]) * h[t - 1] + z[t] * c[t]
        score = Wo @ h[t] + bo
        e = np.exp(score - score.max())
        p[t] = e / e.sum()
        L -= np.log(p[t][nxt[t], 0])

    demb = np.zeros_like(emb)
    dWz, dUz, dbz = np.zeros_like(Wz), np.zeros_like(Uz), np.zeros_like(bz)
    dWr, dUr, dbr = np.zeros_like(Wr), np.zeros_like(Ur), np.zeros_like(br)
    dWc, dUc, dbc = np.zeros_like(Wc), np.zeros_like(Uc), np.zeros_like(bc)
    dWo, dbo = np.zeros_like(Wo), np.zeros_like(bo)
    dhnext = np.zeros_like(hstart)
    for t in reversed(range(len(seq))):
        dy = p[t].copy()
        dy[nxt[t]] -= 1
        dWo += dy @ h[t].T
        dbo += dy
        dh = Wo.T @ dy + dhnext
        dc_raw = dh * z[t] * (1 - c[t] ** 2)
        dz_raw = dh * (c[t] - h[t - 1]) * z[t] * (1 - z[t])
        drh = Uc.T @ dc_raw
        dr_raw = drh * h[t - 1] * r[t] * (1 - r[t])
        dWc += dc_raw @ x[t].T
        dUc += dc_raw @ (r[t] * h[t - 1]).T
        dbc += dc_raw
        dWz += dz_raw @ x[t].T
        dUz += dz_raw @ h[t - 1].T
        dbz += dz_raw
        dWr += dr_raw @ x[t].T
        dUr += dr_raw @ h[t - 1].T
        dbr += dr_raw
        dx = Wz.T @ dz_raw + Wr.T @ dr_raw + Wc.T @ dc_raw
        demb[seq[t]] += dx.ravel()
        dhnext = dh * (1 - z[t]) + drh * r[t]
        dhnext += Uz.T @ dz_raw + Ur.T @ dr_raw
    return L, demb, dWz, dUz, dbz, dWr, dUr, dbr, dWc, dUc, dbc, dWo, dbo


seq = [index[w] for w in diary[:-1]]
nxt = [index[w] for w in diary[1:]]
hstart = rs.randn(N, 1) * 0.3

if __name__ == "__main__":
    params = [emb, Wz, Uz, bz, Wr, Ur, br, Wc, Uc, bc, Wo, bo]
    for k in range(200):
        L, *g = loss_and_gradient(seq, nxt, hstart)
        for w, dw in zip(params, g):
            w -= 0.1 * dw
        if k % 50 == 0:
            print(k, L)
