"""Independent neurons: each hears the input and only its own past, so that forward mode is cheap.

    h_k <- tanh(a_k h_k + w_k . x + b_k),   y = v . h

For each neuron three eligibility traces follow the state: for a_k (a number), w_k (a row), b_k.
`learn` is a generator: it sees one observation at a time and yields (error, gradient so far).
"""

import numpy as np


def neurons(n, n_in, seed):
    rng = np.random.default_rng(seed)
    return {
        "a": rng.uniform(0.4, 0.95, n),
        "w": rng.normal(0, 0.8, (n, n_in)),
        "b": rng.normal(0, 0.2, n),
        "v": rng.normal(0, 1, n),
    }


def stream(n, n_in, seed):
    rng = np.random.default_rng(seed)
    level = 0.0
    for _ in range(n):
        x = rng.normal(0, 1, n_in)
        level = 0.7 * level + x[0] * 0.5
        yield x, level


def listen(net, h, observations):
    for x, y in observations:
        h = np.tanh(net["a"] * h + net["w"] @ x + net["b"])
        yield h, net["v"] @ h - y


def total_error(net, h, observations):
    return sum(0.5 * miss**2 for _, miss in listen(net, h, observations))


def learn(net, h, observations):
    trace_a = np.zeros_like(net["a"])
    trace_w = np.zeros_like(net["w"])
    trace_b = np.zeros_like(net["b"])
    gradient = {name: np.zeros_like(value) for name, value in net.items()}
    error = 0.0
    for x, y in observations:
        old = h
        h = np.tanh(net["a"] * old + net["w"] @ x + net["b"])
        slope = 1 - h * h
        trace_a = slope * (old + net["a"] * trace_a)
        trace_w = slope[:, None] * (x[None, :] + net["a"][:, None] * trace_w)
        trace_b = slope * (1 + net["a"] * trace_b)
        miss = net["v"] @ h - y
        blame = miss * net["v"]
        gradient["v"] += miss * h
        gradient["a"] += blame * trace_a
        gradient["w"] += blame[:, None] * trace_w
        gradient["b"] += blame * trace_b
        error += 0.5 * miss**2
        yield error, gradient


def full_gradient(net, h, observations):
    for _, gradient in learn(net, h, observations):
        pass
    return gradient


net = neurons(4, 3, seed=6)
observations = list(stream(6, 3, seed=60))
h_first = np.array([0.3, -0.5, 0.2, 0.6])
