"""Sentiment of a review (negative / neutral / positive) with a bidirectional LSTM.

One LSTM reads from the left, another from the right; the two last hidden states side by
side are classified.  Embeddings are learned.
"""
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def init_params(vocab, emb, hidden, classes, seed):
    rng = np.random.default_rng(seed)
    return {
        "emb": rng.normal(0, 1, (vocab, emb)),
        "left": rng.normal(0, 0.5, (4, emb + hidden, hidden)),      # one (emb + hidden, hidden) map for i, f, o, g
        "left_bias": rng.normal(0, 0.2, (4, hidden)),
        "right": rng.normal(0, 0.5, (4, emb + hidden, hidden)),
        "right_bias": rng.normal(0, 0.2, (4, hidden)),
        "cls": rng.normal(0, 0.7, (2 * hidden, classes)),
        "cls_bias": np.zeros(classes),
    }


def read(vectors, kernel, bias):
    """Read a list of (batch, emb) arrays; return the last hidden state and what reading back needs."""
    batch, hidden = vectors[0].shape[0], bias.shape[1]
    h, c = np.zeros((batch, hidden)), np.zeros((batch, hidden))
    memory = []
    for v in vectors:
        vh = np.concatenate([v, h], axis=1)
        i = sigmoid(vh @ kernel[0] + bias[0])
        f = sigmoid(vh @ kernel[1] + bias[1] + 1.0)
        o = sigmoid(vh @ kernel[2] + bias[2])
        g = np.tanh(vh @ kernel[3] + bias[3])
        c_new = f * c + i * g
        memory.append((vh, i, f, o, g, c, c_new))
        c = c_new
        h = o * np.tanh(c)
    return h, memory


def read_back(dh, memory, kernel, bias):
    """From the gradient of the last hidden state to those of kernel, bias and of every vector read."""
    emb = kernel.shape[1] - kernel.shape[2]
    dkernel, dbias = np.zeros_like(kernel), np.zeros_like(bias)
    dc = np.zeros_like(dh)
    dvectors = []
    for vh, i, f, o, g, c_old, c in reversed(memory):
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc**2)
        pre = [dc * g * i * (1 - i), dc * c_old * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g**2)]
        dvh = np.zeros_like(vh)
        for k in range(4):
            dkernel[k] += vh.T @ pre[k]
            dbias[k] += pre[k].sum(axis=0)
            dvh += pre[k] @ kernel[k].T
        dvectors.append(dvh[:, :emb])
        dh = dvh[:, emb:]
        dc = dc * f
    return dkernel, dbias, dvectors[::-1]


def predict(p, tokens):
    words = [p["emb"][tokens[:, t]] for t in range(tokens.shape[1])]
    h_left, mem_left = read(words, p["left"], p["left_bias"])
    h_right, mem_right = read(words[::-1], p["right"], p["right_bias"])
    both = np.concatenate([h_left, h_right], axis=1)
    logits = both @ p["cls"] + p["cls_bias"]
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logp, both, mem_left, mem_right


def nll(p, tokens, mood):
    return -predict(p, tokens)[0][np.arange(len(mood)), mood].mean()


def nll_grad(p, tokens, mood):
    logp, both, mem_left, mem_right = predict(p, tokens)
    dlogits = (np.exp(logp) - np.eye(logp.shape[1])[mood]) / len(mood)
    dboth = dlogits @ p["cls"].T
    hidden = p["left_bias"].shape[1]
    g = {"cls": both.T @ dlogits, "cls_bias": dlogits.sum(axis=0), "emb": np.zeros_like(p["emb"])}
    g["left"], g["left_bias"], dwords = read_back(dboth[:, :hidden], mem_left, p["left"], p["left_bias"])
    g["right"], g["right_bias"], dwords_r = read_back(dboth[:, hidden:], mem_right, p["right"], p["right_bias"])
    for t in range(tokens.shape[1]):
        np.add.at(g["emb"], tokens[:, t], dwords[t] + dwords_r[-1 - t])
    return g


p = init_params(vocab=7, emb=4, hidden=5, classes=3, seed=3)
tokens = np.array([[1, 4, 2, 2, 6, 0], [5, 1, 1, 3, 0, 2]])
mood = np.array([2, 0])
