"""Two stacked Elman layers of equal width. The parameters are a list of (W_ih, W_hh, bias), as column-vector maps."""
import numpy as np

T, D, H, K = 5, 2, 4, 3
rng = np.random.default_rng(64)


def make_layer(n_in, n_hidden):
    return [
        rng.normal(0, 0.6, (n_hidden, n_in)),
        rng.normal(0, 0.4, (n_hidden, n_hidden)),
        rng.normal(0, 0.1, n_hidden),
    ]


bottom = make_layer(D, H)
top = make_layer(H, H)
readout = rng.normal(0, 0.8, (K, H))

seq = rng.normal(size=(T, D))
goal = rng.normal(size=(T, K))


def run_layer(layer, seq):
    W_ih, W_hh, bias = layer
    h = np.zeros(H)
    states = []
    for v in seq:
        h = np.tanh(W_ih @ v + W_hh @ h + bias)
        states.append(h)
    return np.array(states)


def loss(seq, goal):
    states = run_layer(top, run_layer(bottom, seq))
    return 0.5 * np.sum((states @ readout.T - goal) ** 2)


def layer_deltas(layer, states, from_above):
    """Gradients of the pre-activations of one layer, given the gradients of its states."""
    W_hh = layer[1]
    deltas = np.zeros_like(states)
    future = np.zeros(H)
    for t in reversed(range(T)):
        deltas[t] = (from_above[t] + future) * (1 - states[t] ** 2)
        future = W_hh.T @ deltas[t]
    return deltas


def layer_grads(deltas, seq, states):
    shifted = np.vstack([np.zeros(H), states[:-1]])
    return [deltas.T @ seq, deltas.T @ shifted, deltas.sum(axis=0)]


def grads(seq, goal):
    h1 = run_layer(bottom, seq)
    h2 = run_layer(top, h1)
    error = h2 @ readout.T - goal
    d_readout = error.T @ h2

    delta2 = layer_deltas(top, h2, error @ readout)
    d_top = layer_grads(delta2, h1, h2)

    W_ih_top = top[0]
    from_above = np.array([W_ih_top @ d for d in delta2])
    delta1 = layer_deltas(bottom, h1, from_above)
    d_bottom = layer_grads(delta1, seq, h1)
    return d_bottom + d_top + [d_readout]


if __name__ == "__main__":
    for it in range(200):
        for p, g in zip(bottom + top + [readout], grads(seq, goal)):
            p -= 0.02 * g
    print(f"loss {loss(seq, goal):.5f}")
