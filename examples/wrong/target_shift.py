"""Character model in the manner of the classic gist: columns, dictionaries of states, summed cross-entropy."""
import numpy as np

data = "hello yellow fellow"
chars = sorted(set(data))
vocab = len(chars)
char_to_ix = {ch: i for i, ch in enumerate(chars)}
hidden_size = 5
seq_length = 7

np.random.seed(0)
Wxh = np.random.randn(hidden_size, vocab) * 0.4
Whh = np.random.randn(hidden_size, hidden_size) * 0.4
Why = np.random.randn(vocab, hidden_size) * 0.4
bh = np.zeros((hidden_size, 1))
by = np.zeros((vocab, 1))

text = [char_to_ix[ch] for ch in data[:seq_length + 1]]
hprev = np.full((hidden_size, 1), 0.1)


def lossFun(text, hprev):
    """text holds one character more than there are steps: text[t] goes in, text[t+1] should come out."""
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    steps = len(text) - 1
    for t in range(steps):
        xs[t] = np.zeros((vocab, 1))
        xs[t][text[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][text[t + 1], 0])

    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(steps)):
        dy = np.copy(ps[t])
        dy[text[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    return loss, dWxh, dWhh, dWhy, dbh, dby


if __name__ == "__main__":
    loss = lossFun(text, hprev)[0]
    print("loss per character", loss / seq_length)
