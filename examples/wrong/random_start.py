"""Echo task: repeat the bit that was shown two steps ago. Column vectors, logistic output unit."""
import numpy as np

np.random.seed(42)
n_steps, n_hidden = 7, 5

bits = np.random.randint(0, 2, n_steps)
echo = np.concatenate([[0, 0], bits[:-2]])

w_in = np.random.randn(n_hidden, 1) * 0.8
w_rec = np.random.randn(n_hidden, n_hidden) * 0.4
b_hid = np.random.randn(n_hidden, 1) * 0.2
w_out = np.random.randn(1, n_hidden) * 0.8
b_out = np.random.randn(1, 1) * 0.2


def forward(bits):
    h = np.zeros((n_steps + 1, n_hidden, 1))
    prob = np.zeros(n_steps)
    for t in range(n_steps):
        h[t + 1] = np.tanh(w_in * bits[t] + w_rec @ h[t] + b_hid)
        prob[t] = (1.0 / (1.0 + np.exp(-(w_out @ h[t + 1] + b_out))))[0, 0]
    return h, prob


def loss(bits, echo):
    _, prob = forward(bits)
    return -np.sum(echo * np.log(prob) + (1 - echo) * np.log(1 - prob))


def backward(bits, echo):
    h, prob = forward(bits)
    g_w_in = np.zeros_like(w_in)
    g_w_rec = np.zeros_like(w_rec)
    g_b_hid = np.zeros_like(b_hid)
    g_w_out = np.zeros_like(w_out)
    g_b_out = np.zeros_like(b_out)
    # nothing is known about the future yet, so begin with a small vector
    dh_next = 0.1 * np.random.randn(n_hidden, 1)
    for t in reversed(range(n_steps)):
        d_logit = prob[t] - echo[t]
        g_w_out += d_logit * h[t + 1].T
        g_b_out += d_logit
        dh = w_out.T * d_logit + dh_next
        da = dh * (1 - h[t + 1] ** 2)
        g_w_in += da * bits[t]
        g_w_rec += da @ h[t].T
        g_b_hid += da
        dh_next = w_rec.T @ da
    return g_w_in, g_w_rec, g_b_hid, g_w_out, g_b_out


if __name__ == "__main__":
    for epoch in range(300):
        for p, g in zip((w_in, w_rec, b_hid, w_out, b_out), backward(bits, echo)):
            p -= 0.1 * g
    print("loss", loss(bits, echo))
    print("echo", echo, "rounded output", np.round(forward(bits)[1]).astype(int))
