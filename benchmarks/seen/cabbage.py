"""
Tiny character model, gist style. Input letters pick a row of Wxh.
"""
import numpy as np

text = 'cabbage'
letters = sorted(set(text))
to_ix = {ch: k for k, ch in enumerate(letters)}

# hyperparameters
hidden = 4
vocab = len(letters)

rnd = np.random.RandomState(7)
Wxh = rnd.normal(0, 0.8, (vocab, hidden))  # one row per letter
Whh = rnd.normal(0, 0.5, (hidden, hidden))
Why = rnd.normal(0, 0.9, (vocab, hidden))
bh = rnd.normal(0, 0.1, hidden)
by = rnd.normal(0, 0.1, vocab)


def sample_loss(ins, outs, hprev):
    """
    ins, outs: lists of integers. hprev: vector, the hidden state to begin with.
    returns the loss, the gradients and the last hidden state
    """
    hs, ps = {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(ins)):
        hs[t] = np.tanh(Wxh[ins[t]] + np.dot(Whh, hs[t - 1]) + bh)
        scores = np.dot(Why, hs[t]) + by
        e = np.exp(scores - np.max(scores))
        ps[t] = e / np.sum(e)
        loss += -np.log(ps[t][outs[t]])

    # now walk back
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    carry = np.zeros_like(bh)
    for t in range(len(ins) - 1, -1, -1):
        dscores = ps[t].copy()
        dscores[outs[t]] -= 1
        dWhy += np.outer(dscores, hs[t])
        dby += dscores
        dh = np.dot(dscores, Why) + carry
        dz = dh * (1 - hs[t] ** 2)
        dbh += dz
        dWxh[ins[t]] += dz
        dWhh += np.outer(dz, hs[t - 1])
        carry = np.dot(dz, Whh)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(ins) - 1]


ids = [to_ix[ch] for ch in text]
ins, outs = ids[:-1], ids[1:]
hprev = np.zeros(hidden)
