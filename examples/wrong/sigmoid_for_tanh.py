"""LSTM with one matrix per gate, parameters in a dict, single sequence of column vectors.

    i = s(Wi x + Ui h + bi)      f = s(Wf x + Uf h + bf)      o = s(Wo x + Uo h + bo)
    g = tanh(Wg x + Ug h + bg)   c' = f * c + i * g           h' = o * tanh(c')
"""
import numpy as np

rng = np.random.RandomState(12)
n_x, n_h, n_t = 3, 4, 6
gates = "ifog"

params = {}
for k in gates:
    params["W" + k] = rng.randn(n_h, n_x) * 0.6
    params["U" + k] = rng.randn(n_h, n_h) * 0.5
    params["b" + k] = rng.randn(n_h) * 0.2

x_seq = rng.randn(n_t, n_x)
wanted = rng.uniform(-0.8, 0.8, (n_t, n_h))


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def lstm_forward(params, x_seq):
    h, c = np.zeros(n_h), np.zeros(n_h)
    tape = []
    for x in x_seq:
        pre = {k: params["W" + k] @ x + params["U" + k] @ h + params["b" + k] for k in gates}
        i, f, o = sigmoid(pre["i"]), sigmoid(pre["f"]), sigmoid(pre["o"])
        g = np.tanh(pre["g"])
        c_new = f * c + i * g
        h_new = o * np.tanh(c_new)
        tape.append(dict(x=x, h=h, c=c, i=i, f=f, o=o, g=g, c_new=c_new, h_new=h_new))
        h, c = h_new, c_new
    return tape


def cost(params, x_seq, wanted):
    tape = lstm_forward(params, x_seq)
    return sum(np.sum((s["h_new"] - w) ** 2) for s, w in zip(tape, wanted))


def lstm_backward(params, x_seq, wanted):
    tape = lstm_forward(params, x_seq)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dh_next, dc_next = np.zeros(n_h), np.zeros(n_h)
    for s, w in zip(tape[::-1], wanted[::-1]):
        dh = 2 * (s["h_new"] - w) + dh_next
        tc = np.tanh(s["c_new"])
        dc = dh * s["o"] * (1 - tc ** 2) + dc_next
        dpre = {
            "o": dh * tc * s["o"] * (1 - s["o"]),
            "i": dc * s["g"] * s["i"] * (1 - s["i"]),
            "f": dc * s["c"] * s["f"] * (1 - s["f"]),
            "g": dc * s["i"] * s["g"] * (1 - s["g"]),
        }
        dh_next = np.zeros(n_h)
        for k in gates:
            grads["W" + k] += np.outer(dpre[k], s["x"])
            grads["U" + k] += np.outer(dpre[k], s["h"])
            grads["b" + k] += dpre[k]
            dh_next += params["U" + k].T @ dpre[k]
        dc_next = dc * s["f"]
    return grads


if __name__ == "__main__":
    for n in range(5):
        print(n, cost(params, x_seq, wanted))
        g = lstm_backward(params, x_seq, wanted)
        for name in params:
            params[name] -= 0.1 * g[name]
