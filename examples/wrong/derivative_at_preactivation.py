import numpy as np

# -------------------------------------------------------------
# RNN regression: predict the next value of a noisy sine wave
# -------------------------------------------------------------
np.random.seed(5)

n_hidden, n_in, n_out, n_steps = 6, 1, 1, 8

wave = np.sin(np.linspace(0.0, 4.0, n_steps + 1)) + 0.1 * np.random.randn(n_steps + 1)
inputs = wave[:-1].reshape(n_steps, n_in)
outputs = wave[1:].reshape(n_steps, n_out)

w_xh = np.random.uniform(-1, 1, (n_hidden, n_in))
w_hh = np.random.uniform(-0.6, 0.6, (n_hidden, n_hidden))
b_h = np.random.uniform(-0.2, 0.2, n_hidden)
w_hy = np.random.uniform(-1, 1, (n_out, n_hidden))
b_y = np.zeros(n_out)


def tanh(z):
    return np.tanh(z)


def tanh_prime(y):
    # derivative of tanh, written with the value of tanh
    return 1.0 - y ** 2


def forward_pass(inputs):
    z_list, h_list, y_list = [], [], []
    h = np.zeros(n_hidden)
    for x in inputs:
        z = w_xh.dot(x) + w_hh.dot(h) + b_h
        h = tanh(z)
        z_list.append(z)
        h_list.append(h)
        y_list.append(w_hy.dot(h) + b_y)
    return z_list, h_list, y_list


def mse(inputs, outputs):
    _, _, y_list = forward_pass(inputs)
    return np.mean([np.sum((y - d) ** 2) for y, d in zip(y_list, outputs)])


def backward_pass(inputs, outputs):
    z_list, h_list, y_list = forward_pass(inputs)
    grads = [np.zeros_like(p) for p in (w_xh, w_hh, b_h, w_hy, b_y)]
    d_w_xh, d_w_hh, d_b_h, d_w_hy, d_b_y = grads
    d_h_future = np.zeros(n_hidden)
    for t in range(n_steps - 1, -1, -1):
        d_y = 2.0 * (y_list[t] - outputs[t]) / n_steps
        d_w_hy += np.outer(d_y, h_list[t])
        d_b_y += d_y
        d_h = w_hy.T.dot(d_y) + d_h_future
        d_z = d_h * tanh_prime(z_list[t])
        d_w_xh += np.outer(d_z, inputs[t])
        if t > 0:
            d_w_hh += np.outer(d_z, h_list[t - 1])
        d_b_h += d_z
        d_h_future = w_hh.T.dot(d_z)
    return grads


if __name__ == "__main__":
    print("mse before training: %.5f" % mse(inputs, outputs))
    for epoch in range(10):
        for p, g in zip((w_xh, w_hh, b_h, w_hy, b_y), backward_pass(inputs, outputs)):
            p -= 0.001 * g
    print("mse after training:  %.5f" % mse(inputs, outputs))
