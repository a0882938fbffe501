"""
Is a domain name real, machine-generated, or parked?  A character RNN in the layout of the well-known PyTorch tutorial:

    combined = cat(x, h)
    output   = i2o(combined)          <- reads the OLD hidden state
    hidden   = i2h(combined)          <- linear, here followed by tanh

with log-softmax + NLL on the output after the last character.  Plain SGD, one name at a time.
"""

import numpy as np

LETTERS = "abcdeorstx-."


def line_to_tensor(line):
    tensor = np.zeros((len(line), 1, len(LETTERS)))
    for li, letter in enumerate(line):
        tensor[li][0][LETTERS.find(letter)] = 1
    return tensor


class Linear:
    def __init__(self, n_in, n_out, rng):
        bound = 1 / np.sqrt(n_in)
        self.weight = rng.uniform(-bound, bound, (n_out, n_in)) * 2
        self.bias = rng.uniform(-bound, bound, n_out)

    def __call__(self, x):
        return x @ self.weight.T + self.bias


class RNN:
    def __init__(self, input_size, hidden_size, output_size, seed):
        rng = np.random.default_rng(seed)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.i2h = Linear(input_size + hidden_size, hidden_size, rng)
        self.i2o = Linear(input_size + hidden_size, output_size, rng)

    def init_hidden(self):
        return np.zeros((1, self.hidden_size))

    def forward(self, x, hidden):
        combined = np.concatenate((x, hidden), axis=1)
        output = self.i2o(combined)
        hidden = np.tanh(self.i2h(combined))
        return output, hidden, combined


def log_softmax(a):
    a = a - a.max(axis=1, keepdims=True)
    return a - np.log(np.exp(a).sum(axis=1, keepdims=True))


def evaluate(rnn, line_tensor, category):
    hidden = rnn.init_hidden()
    for i in range(line_tensor.shape[0]):
        output, hidden, _ = rnn.forward(line_tensor[i], hidden)
    return -log_softmax(output)[0, category]


def train(rnn, line_tensor, category, learning_rate):
    hidden = rnn.init_hidden()
    seen, hiddens = [], []
    for i in range(line_tensor.shape[0]):
        output, hidden, combined = rnn.forward(line_tensor[i], hidden)
        seen.append(combined)
        hiddens.append(hidden)
    logp = log_softmax(output)
    loss = -logp[0, category]

    # backward
    grad_output = np.exp(logp)
    grad_output[0, category] -= 1
    grad_o_weight = grad_output.T @ seen[-1]
    grad_o_bias = grad_output[0]
    grad_hidden = (grad_output @ rnn.i2o.weight)[:, rnn.input_size:]

    grad_h_weight = np.zeros_like(rnn.i2h.weight)
    grad_h_bias = np.zeros_like(rnn.i2h.bias)
    # the hidden state after the last letter is never looked at
    for i in range(line_tensor.shape[0] - 2, -1, -1):
        grad_pre = grad_hidden * (1 - hiddens[i] ** 2)
        grad_h_weight += grad_pre.T @ seen[i]
        grad_h_bias += grad_pre[0]
        grad_hidden = (grad_pre @ rnn.i2h.weight)[:, rnn.input_size:]

    # step
    rnn.i2o.weight += -learning_rate * grad_o_weight
    rnn.i2o.bias += -learning_rate * grad_o_bias
    rnn.i2h.weight += -learning_rate * grad_h_weight
    rnn.i2h.bias += -learning_rate * grad_h_bias
    return output, loss


CATEGORIES = ["real", "generated", "parked"]
rnn = RNN(len(LETTERS), 5, len(CATEGORIES), seed=21)
line = line_to_tensor("store.")
category = CATEGORIES.index("generated")
