"""Tag each word of a toy sentence as noun, verb or other. All parameters live in one dictionary, P."""

import numpy as np

SENTENCES = [
    ("the dog sees a bird", "O N V O N"),
    ("a bird sings", "O N V"),
    ("dogs chase the old bird now", "N V O O N O"),
]
WORDS = sorted({w for s, _ in SENTENCES for w in s.split()})
TAGS = "NVO"

E, H = 3, 5  # size of an embedding, size of the state

rng = np.random.default_rng(42)
P = {
    "emb": rng.normal(size=(len(WORDS), E)),
    "Wx": rng.normal(size=(E, H)) * 0.6,
    "Wh": rng.normal(size=(H, H)) * 0.4,
    "bh": rng.normal(size=H) * 0.1,
    "Wo": rng.normal(size=(H, len(TAGS))),
    "bo": np.zeros(len(TAGS)),
}
data = [([WORDS.index(w) for w in s.split()], [TAGS.index(t) for t in tags.split()]) for s, tags in SENTENCES]


def log_softmax(v):
    v = v - v.max()
    return v - np.log(np.exp(v).sum())


def forward(P, words):
    h = np.zeros_like(P["bh"])
    trace = []
    for w in words:
        prev, e = h, P["emb"][w]
        h = np.tanh(e @ P["Wx"] + prev @ P["Wh"] + P["bh"])
        logp = log_softmax(h @ P["Wo"] + P["bo"])
        trace.append({"w": w, "e": e, "prev": prev, "h": h, "logp": logp})
    return trace


def corpus_loss(P, data):
    n = sum(len(tags) for _, tags in data)
    return -sum(step["logp"][t] for words, tags in data for step, t in zip(forward(P, words), tags)) / n


def corpus_grads(P, data):
    G = {k: np.zeros_like(v) for k, v in P.items()}
    for words, tags in data:
        back = np.zeros_like(P["bh"])
        for step, t in zip(reversed(forward(P, words)), reversed(tags)):
            dlogit = np.exp(step["logp"])
            dlogit[t] -= 1
            G["Wo"] += np.outer(step["h"], dlogit)
            G["bo"] += dlogit
            pre = (P["Wo"] @ dlogit + back) * (1 - step["h"] ** 2)
            G["Wx"] += np.outer(step["e"], pre)
            G["Wh"] += np.outer(step["prev"], pre)
            G["bh"] += pre
            G["emb"][step["w"]] += P["Wx"] @ pre
            back = P["Wh"] @ pre
    n = sum(len(tags) for _, tags in data)
    return {k: g / n for k, g in G.items()}


def main():
    for epoch in range(200):
        if epoch % 40 == 0:
            print(epoch, corpus_loss(P, data))
        for k, g in corpus_grads(P, data).items():
            P[k] -= 0.5 * g


if __name__ == "__main__":
    main()
