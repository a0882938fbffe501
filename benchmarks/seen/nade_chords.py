# RNN-NADE (Boulanger-Lewandowski, Bengio, Vincent 2012): chords of nv keys; within a chord the keys are read
# from low to high, each given those below it; the RNN sets the biases of the NADE from what was played before.
#
#   bv_t = bv + Kv u_{t-1}      bh_t = bh + Kh u_{t-1}      u_t = tanh(bu + Wv v_t + Wu u_{t-1})
#
# everything is a column, chords are (nv, 1) of 0/1
import numpy as np

nv, nh, nu = 4, 3, 4
np.random.seed(23)


def make_weights(nv, nh, nu):
    W = np.random.randn(nh, nv) * 0.8
    V = np.random.randn(nv, nh) * 0.8
    bv = np.random.randn(nv, 1) * 0.2
    bh = np.random.randn(nh, 1) * 0.2
    Kv = np.random.randn(nv, nu) * 0.5
    Kh = np.random.randn(nh, nu) * 0.5
    Wv = np.random.randn(nu, nv) * 0.7
    Wu = np.random.randn(nu, nu) * 0.5
    bu = np.random.randn(nu, 1) * 0.2
    u0 = np.random.randn(nu, 1) * 0.3
    return W, V, bv, bh, Kv, Kh, Wv, Wu, bu, u0


def song(length, nv):
    return [(np.random.rand(nv, 1) < 0.5).astype(float) for _ in range(length)]


W, V, bv, bh, Kv, Kh, Wv, Wu, bu, u0 = make_weights(nv, nh, nu)
chords = song(5, nv)


def sig(a):
    return 1 / (1 + np.exp(-a))


def nade_forward(v, bv_t, bh_t):
    """cost of one chord, with the hidden layers and the probabilities of each key"""
    a = bh_t
    cost, hid, prob = 0, [], []
    for k in range(len(v)):
        s = sig(a)
        p = sig(bv_t[k] + V[k:k + 1] @ s)[0, 0]
        cost += -v[k, 0] * np.log(p) - (1 - v[k, 0]) * np.log(1 - p)
        a = a + W[:, k:k + 1] * v[k, 0]
        hid.append(s)
        prob.append(p)
    return cost, hid, prob


def lossfun(chords):
    """negative log-likelihood per chord and its gradients"""
    u, bias = {-1: u0}, {}
    nades = {}
    loss = 0
    for t in range(len(chords)):
        bias[t] = (bv + Kv @ u[t - 1], bh + Kh @ u[t - 1])
        nades[t] = nade_forward(chords[t], *bias[t])
        loss += nades[t][0]
        u[t] = np.tanh(bu + Wv @ chords[t] + Wu @ u[t - 1])

    dW, dV, dbv, dbh = np.zeros_like(W), np.zeros_like(V), np.zeros_like(bv), np.zeros_like(bh)
    dKv, dKh = np.zeros_like(Kv), np.zeros_like(Kh)
    dWv, dWu, dbu = np.zeros_like(Wv), np.zeros_like(Wu), np.zeros_like(bu)
    du = np.zeros_like(u0)
    for t in reversed(range(len(chords))):
        v = chords[t]
        # RNN
        draw = (1 - u[t] * u[t]) * du
        dbu += draw
        dWv += draw @ v.T
        dWu += draw @ u[t - 1].T
        du = Wu.T @ draw
        # NADE, from the highest key down
        _, hid, prob = nades[t]
        da = np.zeros_like(bh)
        dbv_t = np.zeros_like(bv)
        for k in reversed(range(len(v))):
            dW[:, k:k + 1] += da * v[k, 0]
            dbv_t[k] = prob[k] - v[k, 0]
            dV[k:k + 1] += dbv_t[k] * hid[k].T
            da = da + V[k:k + 1].T * dbv_t[k] * hid[k] * (1 - hid[k])
        dbv += dbv_t
        dbh += da
        dKv += dbv_t @ u[t - 1].T
        dKh += da @ u[t - 1].T
        du = du + Kv.T @ dbv_t + Kh.T @ da
    n = len(chords)
    return (loss / n, dW / n, dV / n, dbv / n, dbh / n, dKv / n, dKh / n, dWv / n, dWu / n, dbu / n, du / n)


def train(steps=100, lr=0.05):
    global W, V, bv, bh, Kv, Kh, Wv, Wu, bu, u0
    for n in range(steps):
        loss, *grads = lossfun(chords)
        new = [p - lr * g for p, g in zip((W, V, bv, bh, Kv, Kh, Wv, Wu, bu, u0), grads)]
        W, V, bv, bh, Kv, Kh, Wv, Wu, bu, u0 = new
        if n % 20 == 0:
            print(n, loss)


if __name__ == "__main__":
    train()
