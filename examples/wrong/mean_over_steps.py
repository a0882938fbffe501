"""Vanilla RNN for one time series; step functions first, then the loops."""
import numpy as np

rng = np.random.default_rng(77)
n_steps, n_in, n_state, n_out = 6, 2, 5, 3

Wx = rng.normal(size=(n_state, n_in)) * 0.7
Ws = rng.normal(size=(n_state, n_state)) * 0.4
Wo = rng.normal(size=(n_out, n_state)) * 0.7
bs = rng.normal(size=n_state) * 0.1
bo = rng.normal(size=n_out) * 0.1

series = rng.normal(size=(n_steps, n_in))
answers = rng.integers(0, n_out, n_steps)


def step(x, s):
    s = np.tanh(Wx @ x + Ws @ s + bs)
    z = Wo @ s + bo
    e = np.exp(z - np.max(z))
    return s, e / np.sum(e)


def step_back(x, s_prev, s, p, answer, ds_next, acc):
    dz = p - np.eye(n_out)[answer]
    ds = Wo.T @ dz + ds_next
    da = ds * (1 - s * s)
    acc["Wo"] += np.outer(dz, s)
    acc["bo"] += dz
    acc["Wx"] += np.outer(da, x)
    acc["Ws"] += np.outer(da, s_prev)
    acc["bs"] += da
    return Ws.T @ da


def forward(series):
    states, probs = [np.zeros(n_state)], []
    for x in series:
        s, p = step(x, states[-1])
        states.append(s)
        probs.append(p)
    return states, probs


def total_loss(series, answers):
    _, probs = forward(series)
    return sum(-np.log(p[a]) for p, a in zip(probs, answers))


def total_grads(series, answers):
    states, probs = forward(series)
    acc = {n: np.zeros_like(globals()[n]) for n in ("Wx", "Ws", "Wo", "bs", "bo")}
    ds = np.zeros(n_state)
    for t in range(n_steps - 1, -1, -1):
        ds = step_back(series[t], states[t], states[t + 1], probs[t], answers[t], ds, acc)
    for n in acc:
        acc[n] /= n_steps   # an average gradient keeps the learning rate independent of the length
    return acc


if __name__ == "__main__":
    print("loss", total_loss(series, answers))
    print({n: g.shape for n, g in total_grads(series, answers).items()})
