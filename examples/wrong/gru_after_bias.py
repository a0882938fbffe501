"""GRU as PyTorch has it: gates stacked r, z, n and the reset gate applied after the recurrent product.

    r, z = sigmoid(...)     n = tanh(W_in x + b_in + r * (W_hn h + b_hn))     h' = (1 - z) n + z h
"""
import numpy as np

seq, batch, n_in, n_h = 5, 2, 3, 4

rng = np.random.RandomState(71)
weight_ih = rng.uniform(-0.8, 0.8, (3 * n_h, n_in))
weight_hh = rng.uniform(-0.7, 0.7, (3 * n_h, n_h))
bias_ih = rng.uniform(-0.4, 0.4, 3 * n_h)
bias_hh = rng.uniform(-0.4, 0.4, 3 * n_h)

x = rng.randn(seq, batch, n_in)
h0 = rng.uniform(-0.5, 0.5, (batch, n_h))
dout = rng.randn(seq, batch, n_h)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gru(x, h0):
    h, out, saved = h0, [], []
    for xt in x:
        gi = xt @ weight_ih.T + bias_ih
        gh = h @ weight_hh.T + bias_hh
        i_r, i_z, i_n = np.split(gi, 3, axis=1)
        h_r, h_z, h_n = np.split(gh, 3, axis=1)
        r = sigmoid(i_r + h_r)
        z = sigmoid(i_z + h_z)
        n = np.tanh(i_n + r * h_n)
        saved.append((xt, h, r, z, n, h_n))
        h = (1 - z) * n + z * h
        out.append(h)
    return np.array(out), saved


def gru_backward(dout, x, h0):
    _, saved = gru(x, h0)
    d_weight_ih, d_weight_hh = np.zeros_like(weight_ih), np.zeros_like(weight_hh)
    d_bias_ih, d_bias_hh = np.zeros_like(bias_ih), np.zeros_like(bias_hh)
    dh = np.zeros_like(h0)
    for g, (xt, h, r, z, n, h_n) in zip(dout[::-1], saved[::-1]):
        dh = dh + g
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (h - n) * z * (1 - z)
        dr = dn * h_n * r * (1 - r)
        dgi = np.concatenate([dr, dz, dn], axis=1)
        dgh = np.concatenate([dr, dz, dn * r], axis=1)
        d_weight_ih += dgi.T @ xt
        d_weight_hh += dgh.T @ h
        d_bias_ih += dgi.sum(axis=0)
        d_bias_hh += dgi.sum(axis=0)
        dh = dh * z + dgh @ weight_hh
    return d_weight_ih, d_weight_hh, d_bias_ih, d_bias_hh, dh


if __name__ == "__main__":
    out, _ = gru(x, h0)
    print("last state", out[-1])
    print([g.shape for g in gru_backward(dout, x, h0)])
