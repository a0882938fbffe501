# Stack-augmented recurrent net, Joulin & Mikolov 2015, "Inferring algorithmic patterns ..."
#
# The controller is a sigmoid Elman net that reads the top K cells of a stack of numbers; it pushes, pops or does
# nothing, each to a degree. Next symbol is scored by the Brier score rather than by the likelihood.
import numpy as np

K = 2        # cells that the controller reads
DEPTH = 5


def sg(x): return 1. / (1. + np.exp(-x))


def sm(x):
    x = np.exp(x - x.max())
    return x / x.sum()


def run(U, R, P, A, D, V, text):
    T, m = len(text) - 1, len(R)
    h = np.zeros((T + 1, m))
    stack = np.zeros((T + 1, DEPTH + 1))      # stack[:, 0] is the top, the last cell is always 0
    act = np.zeros((T, 3))
    top = np.zeros(T)
    prob = np.zeros((T, len(V)))
    for t in range(T):
        h[t + 1] = sg(U[:, text[t]] + R.dot(h[t]) + P.dot(stack[t, :K]))
        act[t] = sm(A.dot(h[t + 1]))
        top[t] = sg(D.dot(h[t + 1]))
        push, pop, stay = act[t]
        old, new = stack[t], stack[t + 1]
        new[0] = push * top[t] + pop * old[1] + stay * old[0]
        for i in range(1, DEPTH):
            new[i] = push * old[i - 1] + pop * old[i + 1] + stay * old[i]
        prob[t] = sm(V.dot(h[t + 1]))
    return h, stack, act, top, prob


def brier(U, R, P, A, D, V, text):
    prob = run(U, R, P, A, D, V, text)[-1]
    s = 0.
    for t in range(len(text) - 1):
        hit = np.zeros(prob.shape[1])
        hit[text[t + 1]] = 1.
        s += np.sum((prob[t] - hit) ** 2)
    return s


def brier_grad(U, R, P, A, D, V, text):
    h, stack, act, top, prob = run(U, R, P, A, D, V, text)
    gU, gR, gP, gA, gD, gV = [np.zeros(M.shape) for M in (U, R, P, A, D, V)]
    dh = np.zeros(len(R))
    dnew = np.zeros(DEPTH + 1)
    for t in range(len(text) - 2, -1, -1):
        # output
        dp = 2. * prob[t]
        dp[text[t + 1]] -= 2.
        do = prob[t] * (dp - np.sum(dp * prob[t]))
        gV += np.outer(do, h[t + 1])
        dh = dh + V.T.dot(do)

        # stack
        push, pop, stay = act[t]
        old = stack[t]
        dact = np.zeros(3)
        dold = np.zeros(DEPTH + 1)
        dact[0] = dnew[0] * top[t]
        dact[1] = dnew[0] * old[1]
        dact[2] = dnew[0] * old[0]
        dold[1] += pop * dnew[0]
        dold[0] += stay * dnew[0]
        for i in range(1, DEPTH):
            dact[0] += dnew[i] * old[i - 1]
            dact[1] += dnew[i] * old[i + 1]
            dact[2] += dnew[i] * old[i]
            dold[i - 1] += push * dnew[i]
            dold[i + 1] += pop * dnew[i]
            dold[i] += stay * dnew[i]
        dtop = dnew[0] * push * top[t] * (1. - top[t])
        gD += dtop * h[t + 1]
        da = act[t] * (dact - np.sum(dact * act[t]))
        gA += np.outer(da, h[t + 1])
        dh = dh + A.T.dot(da) + D * dtop

        # controller
        dz = dh * h[t + 1] * (1. - h[t + 1])
        gU[:, text[t]] += dz
        gR += np.outer(dz, h[t])
        gP += np.outer(dz, old[:K])
        dh = R.T.dot(dz)
        dold[:K] += P.T.dot(dz)
        dnew = dold
    return gU, gR, gP, gA, gD, gV


def setup(symbols, m, seed):
    r = np.random.RandomState(seed)
    return (.7 * r.randn(m, symbols), .7 * r.randn(m, m), 3 * r.randn(m, K), 2 * r.randn(3, m), 1.5 * r.randn(m),
            1.5 * r.randn(symbols, m))


text = [0, 0, 1, 2, 0, 3, 3, 1]         # ( ( [ ...
U, R, P, A, D, V = setup(4, 5, seed=57)
