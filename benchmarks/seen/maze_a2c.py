# recurrent advantage actor-critic for a maze that is only seen in part
# GRU(obs) -> policy logits, value.   everything is a column; the last entry of what a gate reads is the 1 of the bias
import numpy as np

rng = np.random.RandomState(8)

gamma, value_coef, entropy_coef = 0.9, 0.5, 0.1
hidden, observed, actions = 4, 3, 5


def new_weights(hidden, observed, actions, rng):
    reads = hidden + observed + 1
    return (
        rng.randn(hidden, reads) * 0.7,
        rng.randn(hidden, reads) * 0.7,
        rng.randn(hidden, reads) * 0.7,
        rng.randn(actions, hidden + 1),
        rng.randn(1, hidden + 1),
        rng.randn(hidden, 1) * 0.5,
    )


def episode(steps, observed, actions, rng):
    """observations, what was done, discounted returns, advantages (as they were when it was played)"""
    obs = [rng.randn(observed, 1) for _ in range(steps)]
    done = [rng.randint(actions) for _ in range(steps)]
    returns, R = [], 0.0
    for reward in rng.randn(steps):
        R = reward + gamma * R
        returns.insert(0, R)
    return obs, done, returns, [R - 0.4 * rng.randn() for R in returns]


Wr, Wu, Wn, Wpi, Wv, start = new_weights(hidden, observed, actions, rng)
played = episode(6, observed, actions, rng)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def with_one(*columns):
    return np.vstack(columns + (np.ones((1, 1)),))


def play(obs):
    h = start
    trace = []
    for x in obs:
        hx = with_one(h, x)
        r = sigmoid(Wr @ hx)
        u = sigmoid(Wu @ hx)
        rhx = with_one(r * h, x)
        n = np.tanh(Wn @ rhx)
        h_old, h = h, (1 - u) * h + u * n
        h1 = with_one(h)
        trace.append((h_old, hx, r, u, rhx, n, h1, softmax(Wpi @ h1), (Wv @ h1)[0, 0]))
    return trace


def a2c_loss(played):
    obs, done, returns, advantages = played
    total = 0.0
    for (*_, pi, v), a, R, A in zip(play(obs), done, returns, advantages):
        entropy = -np.sum(pi * np.log(pi))
        total += -A * np.log(pi[a, 0]) + value_coef * 0.5 * (R - v) ** 2 - entropy_coef * entropy
    return total / len(obs)


def learn(played, lr):
    global start
    obs, done, returns, advantages = played
    T = len(obs)
    trace = play(obs)
    dWr, dWu, dWn, dWpi, dWv = (np.zeros(W.shape) for W in (Wr, Wu, Wn, Wpi, Wv))
    H = start.shape[0]
    dh = np.zeros((H, 1))
    for t in reversed(range(T)):
        h, hx, r, u, rhx, n, h1, pi, v = trace[t]
        # heads
        dlogits = advantages[t] * pi
        dlogits[done[t]] -= advantages[t]
        surprise = np.log(pi)
        dlogits += entropy_coef * pi * (surprise - np.sum(pi * surprise))
        dlogits /= T
        dv = value_coef * (v - returns[t]) / T
        dWpi += dlogits @ h1.T
        dWv += dv * h1.T
        dh += (Wpi.T @ dlogits + Wv.T * dv)[:H]
        # cell
        dn = dh * u * (1 - n * n)
        du = dh * (n - h) * u * (1 - u)
        drh = (Wn.T @ dn)[:H]
        dr = drh * h * r * (1 - r)
        dWn += dn @ rhx.T
        dWu += du @ hx.T
        dWr += dr @ hx.T
        dh = dh * (1 - u) + drh * r + (Wr.T @ dr + Wu.T @ du)[:H]
    for W, dW in ((Wr, dWr), (Wu, dWu), (Wn, dWn), (Wpi, dWpi), (Wv, dWv)):
        W -= lr * dW
    start = start - lr * dh
