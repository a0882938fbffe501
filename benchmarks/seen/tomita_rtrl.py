"""Second-order recurrent network that learns a regular language (Giles, Miller, Chen, Chen, Sun & Lee, 1992).

    s_k(t+1) = g( sum_ij W_kij s_i(t) x_j(t) + b_k )

x(t) is one-hot over the alphabet plus an end symbol, unit 0 answers after the end symbol: accept or reject.  The gradient is
carried along forwards, as in the paper, because strings come one after the other and nobody wants to store them.
"""
import numpy as np

END = 2                                     # alphabet 0, 1, and the end symbol


def g(v):
    return 1.0 / (1.0 + np.exp(-v))


def tomita4(string):
    """no three zeros in a row"""
    return "000" not in "".join(str(c) for c in string)


def next_state(W, b, s, x):
    n = len(s)
    out = np.zeros(n)
    for k in range(n):
        out[k] = g(s @ W[k] @ x + b[k])
    return out


def one_hot(c, size):
    x = np.zeros(size)
    x[c] = 1.0
    return x


def answer(W, b, s0, string):
    s = s0
    for c in list(string) + [END]:
        s = next_state(W, b, s, one_hot(c, W.shape[2]))
    return s[0]


def half_squared_error(W, b, s0, strings):
    total = 0.0
    for string in strings:
        total += 0.5 * (float(tomita4(string)) - answer(W, b, s0, string)) ** 2
    return total


def derivative(W, b, s0, strings):
    """of half_squared_error with respect to W, b and the start state"""
    n, _, m = W.shape
    dW, db, ds0 = np.zeros_like(W), np.zeros_like(b), np.zeros_like(s0)
    for string in strings:
        s = s0
        P = np.zeros((n, n, n, m))          # P[k] = d s_k / d W
        Q = np.zeros((n, n))                # Q[k] = d s_k / d b
        R = np.eye(n)                       # R[k] = d s_k / d s0
        for c in list(string) + [END]:
            x = one_hot(c, m)
            after = next_state(W, b, s, x)
            P_after, Q_after, R_after = np.zeros_like(P), np.zeros_like(Q), np.zeros_like(R)
            for k in range(n):
                for i in range(n):
                    pull = W[k, i] @ x
                    P_after[k] += pull * P[i]
                    Q_after[k] += pull * Q[i]
                    R_after[k] += pull * R[i]
                P_after[k, k] += np.outer(s, x)
                Q_after[k, k] += 1.0
                slope = after[k] * (1.0 - after[k])
                P_after[k] *= slope
                Q_after[k] *= slope
                R_after[k] *= slope
            s, P, Q, R = after, P_after, Q_after, R_after
        miss = s[0] - float(tomita4(string))
        dW += miss * P[0]
        db += miss * Q[0]
        ds0 += miss * R[0]
    return dW, db, ds0


def learn(W, b, s0, strings, rate=0.5, rounds=1000):
    for _ in range(rounds):
        for string in strings:              # after every string, as in the paper
            dW, db, ds0 = derivative(W, b, s0, [string])
            W, b, s0 = W - rate * dW, b - rate * db, s0 - rate * ds0
    return W, b, s0


random = np.random.RandomState(1992)
W = random.uniform(-2, 2, (3, 3, 3))
b = random.uniform(-0.5, 0.5, 3)
s0 = np.array([0.9, 0.2, 0.4])
strings = [(0, 1, 1), (1, 0, 0, 0, 1), (0,), (0, 0, 0, 0), (1, 1, 0, 1)]
