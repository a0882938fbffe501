# Homework 3: predict two water levels from wind / pressure / moon
# everything by hand, weights are changed inside train_step

import numpy as np

rs = np.random.RandomState(42)

n_steps = 6
n_in, n_hid, n_out = 3, 5, 2

W_xh = rs.randn(n_hid, n_in) * 0.6
W_hh = rs.randn(n_hid, n_hid) * 0.5
b_h = rs.randn(n_hid, 1) * 0.2
W_hy = rs.randn(n_out, n_hid) * 0.8
b_y = rs.randn(n_out, 1) * 0.2

# every time step is a column
weather = [rs.randn(n_in, 1) for _ in range(n_steps)]
levels = [rs.randn(n_out, 1) for _ in range(n_steps)]


# %% forward

def run(weather):
    state = np.zeros((W_hh.shape[0], 1))
    states, guesses = [state], []
    for obs in weather:
        state = np.tanh(W_xh @ obs + W_hh @ state + b_h)
        states.append(state)
        guesses.append(W_hy @ state + b_y)
    return states, guesses


def mse(weather, levels):
    _, guesses = run(weather)
    total = 0.0
    for guess, level in zip(guesses, levels):
        total += np.sum((guess - level) ** 2)
    return total / len(levels)


# %% backward + gradient descent

def train_step(weather, levels, lr):
    global W_xh, W_hh, b_h, W_hy, b_y
    states, guesses = run(weather)
    n = len(levels)

    g_xh = np.zeros(W_xh.shape)
    g_hh = np.zeros(W_hh.shape)
    g_bh = np.zeros(b_h.shape)
    g_hy = np.zeros(W_hy.shape)
    g_by = np.zeros(b_y.shape)

    from_future = np.zeros(states[0].shape)
    for k in range(n - 1, -1, -1):
        now, before = states[k + 1], states[k]   # states has one more entry at the front!
        e = 2.0 * (guesses[k] - levels[k]) / n
        g_hy += e @ now.T
        g_by += e
        total_on_state = W_hy.T @ e + from_future
        pre = total_on_state * (1.0 - now * now)
        g_xh += pre @ weather[k].T
        g_hh += pre @ before.T
        g_bh += pre
        from_future = W_hh.T @ pre

    W_xh -= lr * g_xh
    W_hh -= lr * g_hh
    b_h -= lr * g_bh
    W_hy -= lr * g_hy
    b_y -= lr * g_by


if __name__ == "__main__":
    for epoch in range(20):
        train_step(weather, levels, 0.02)
    print("error after 20 rounds:", mse(weather, levels))
