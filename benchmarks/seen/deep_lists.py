# deep recurrent net: L layers above each other, weights in lists, states h[l][t]; relu on top, tanh below
import numpy as np

np.random.seed(23)


def layers(sizes):
    Win = [np.random.randn(m, n) * np.sqrt(1.0 / n) for n, m in zip(sizes[:-2], sizes[1:-1])]
    Wrec = [np.random.randn(m, m) * 0.4 for m in sizes[1:-1]]
    bias = [np.random.randn(m) * 0.2 for m in sizes[1:-1]]
    Wtop = np.random.randn(sizes[-1], sizes[-2])
    return Win, Wrec, bias, Wtop


Win, Wrec, bias, Wtop = layers([3, 5, 4, 2])
T = 6
obs = np.random.randn(T, 3)
aim = np.random.randn(T, 2)


def fwd(obs):
    h = [[np.zeros(len(b))] for b in bias]      # h[l][0] is the start, h[l][t + 1] the state after step t
    out = []
    for t in range(len(obs)):
        below = obs[t]
        for l in range(len(Win)):
            a = Win[l].dot(below) + Wrec[l].dot(h[l][t]) + bias[l]
            below = np.tanh(a)
            h[l].append(below)
        out.append(np.maximum(0, Wtop.dot(below)) + 0.1 * Wtop.dot(below))
    return h, out


def energy(obs, aim):
    _, out = fwd(obs)
    return 0.5 * np.sum(np.square(np.array(out) - aim))


def bwd(obs, aim):
    h, out = fwd(obs)
    L = len(Win)
    gWin = [np.zeros_like(w) for w in Win]
    gWrec = [np.zeros_like(w) for w in Wrec]
    gbias = [np.zeros_like(b) for b in bias]
    gWtop = np.zeros_like(Wtop)
    carry = [np.zeros_like(b) for b in bias]
    for t in range(len(obs) - 1, -1, -1):
        top = h[L - 1][t + 1]
        d = (out[t] - aim[t]) * np.where(Wtop.dot(top) > 0, 1.1, 0.1)
        gWtop += np.outer(d, top)
        down = Wtop.T.dot(d)
        for l in range(L - 1, -1, -1):
            da = (down + carry[l]) * (1 - h[l][t + 1] ** 2)
            below = obs[t] if l == 0 else h[l - 1][t + 1]
            gWin[l] += np.outer(da, below)
            gWrec[l] += np.outer(da, h[l][t])
            gbias[l] += da
            carry[l] = Wrec[l].T.dot(da)
            down = Win[l].T.dot(da)
    return gWin, gWrec, gbias, gWtop


if __name__ == "__main__":
    for i in range(300):
        gWin, gWrec, gbias, gWtop = bwd(obs, aim)
        for l in range(len(Win)):
            Win[l] -= 0.02 * gWin[l]
            Wrec[l] -= 0.02 * gWrec[l]
            bias[l] -= 0.02 * gbias[l]
        Wtop -= 0.02 * gWtop
    print(energy(obs, aim))
