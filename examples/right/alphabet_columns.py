"""ABC...Z, each letter to be followed by the next and Z by A. Columns, one-hot inputs, full BPTT, plain SGD."""

import string

import numpy as np

vocab = string.ascii_uppercase
n_in = n_out = len(vocab)
n_hid = 10

np.random.seed(1)
W = np.random.randn(n_hid, n_hid) * 0.01   # hidden  -> hidden
U = np.random.randn(n_hid, n_in) * 0.01    # input   -> hidden
V = np.random.randn(n_out, n_hid) * 0.01   # hidden  -> output
b = np.zeros((n_hid, 1))
c = np.zeros((n_out, 1))


def one_hot(word):
    rows = np.zeros((len(word), len(vocab), 1))
    for k, ch in enumerate(word):
        rows[k, vocab.index(ch), 0] = 1
    return rows


inputs = one_hot(vocab)
targets = np.roll(inputs, -1, axis=0)


def forward_pass(inputs, h_before):
    h, prob = {-1: h_before}, {}
    for t, x in enumerate(inputs):
        h[t] = np.tanh(W @ h[t - 1] + U @ x + b)
        e = np.exp(V @ h[t] + c)
        prob[t] = e / e.sum()
    return h, prob


def cross_entropy(inputs, targets):
    _, prob = forward_pass(inputs, np.zeros((n_hid, 1)))
    return -sum(np.sum(y * np.log(prob[t])) for t, y in enumerate(targets))


def bptt(inputs, targets):
    h, prob = forward_pass(inputs, np.zeros((n_hid, 1)))
    gW, gU, gV, gb, gc = (np.zeros_like(m) for m in (W, U, V, b, c))
    err_next = np.zeros((n_hid, 1))
    for t in range(len(inputs) - 1, -1, -1):
        err_o = prob[t] - targets[t]
        gV += err_o @ h[t].T
        gc += err_o
        err_z = (V.T @ err_o + err_next) * (1 - h[t] ** 2)
        gb += err_z
        gW += err_z @ h[t - 1].T
        gU += err_z @ inputs[t].T
        err_next = W.T @ err_z
    return gW, gU, gV, gb, gc


def continue_from(prompt, n):
    """Every letter of the prompt is fed exactly once; the answer to the last of them is the first new letter."""
    h = np.zeros((n_hid, 1))
    feed, said = list(prompt), ""
    while len(said) < n:
        for x in one_hot(feed):
            h = np.tanh(W @ h + U @ x + b)
        feed = [vocab[int(np.argmax(V @ h + c))]]
        said += feed[0]
    return prompt + said


if __name__ == "__main__":
    for epoch in range(3001):
        for p, g in zip((W, U, V, b, c), bptt(inputs, targets)):
            p -= 0.01 * g
        if epoch % 500 == 0:
            print(epoch, cross_entropy(inputs, targets), continue_from("ABCDEFG", 4))
