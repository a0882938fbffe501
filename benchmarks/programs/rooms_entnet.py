# Recurrent entity network (Henaff et al. 2017): one memory per entity, all updated in parallel by every sentence.
# Where is everybody? Stories are lists of sentences, sentences are lists of words.
import numpy as np

rng = np.random.RandomState(1281)
words, dim, places = 7, 3, 4


def matrix(*shape):
    return 0.7 * rng.randn(*shape)


theta = dict(
    emb=matrix(words, dim), keys=matrix(3, dim),
    U=matrix(dim, dim), V=matrix(dim, dim), W=matrix(dim, dim),
    H=matrix(dim, dim), R=matrix(places, dim),
)


def encode(th, sentence):
    return th['emb'][sentence].mean(axis=0)


def read_story(th, story):
    mem = th['keys'].copy()         # memories start at their keys
    log = []
    for sentence in story:
        s = encode(th, sentence)
        gate = 1 / (1 + np.exp(-(mem @ s + th['keys'] @ s)))
        cand = np.tanh(mem @ th['U'].T + th['keys'] @ th['V'].T + th['W'] @ s)
        raw = mem + gate[:, None] * cand
        norm = np.sqrt((raw ** 2).sum(axis=1) + 1e-3)
        new = raw / norm[:, None]
        log.append((sentence, s, mem, gate, cand, norm, new))
        mem = new
    return mem, log


def answer(th, mem, question):
    q = encode(th, question)
    a = mem @ q
    p = np.exp(a - a.max())
    p /= p.sum()
    u = p @ mem
    z = np.tanh(q + th['H'] @ u)
    scores = th['R'] @ z
    out = np.exp(scores - scores.max())
    return out / out.sum(), (q, p, u, z)


def nll(th, examples):
    tot = 0.
    for story, question, place in examples:
        mem, _ = read_story(th, story)
        out, _ = answer(th, mem, question)
        tot -= np.log(out[place])
    return tot / len(examples)


def nll_grad(th, examples):
    g = {k: np.zeros_like(v) for k, v in th.items()}

    def embed_back(sentence, ds):
        for w in sentence:
            g['emb'][w] += ds / len(sentence)

    for story, question, place in examples:
        mem, log = read_story(th, story)
        out, (q, p, u, z) = answer(th, mem, question)
        dscores = out / len(examples)
        dscores[place] -= 1 / len(examples)
        g['R'] += np.outer(dscores, z)
        dpre = (th['R'].T @ dscores) * (1 - z ** 2)
        g['H'] += np.outer(dpre, u)
        du = th['H'].T @ dpre
        dp = mem @ du
        da = p * (dp - p @ dp)
        dq = dpre + mem.T @ da
        dmem = np.outer(p, du) + np.outer(da, q)
        embed_back(question, dq)
        for sentence, s, old, gate, cand, norm, new in log[::-1]:
            draw = (dmem - new * (dmem * new).sum(axis=1, keepdims=True)) / norm[:, None]
            dz = (draw * cand).sum(axis=1) * gate * (1 - gate)
            dc = draw * gate[:, None] * (1 - cand ** 2)
            g['U'] += dc.T @ old
            g['V'] += dc.T @ th['keys']
            g['W'] += np.outer(dc.sum(axis=0), s)
            g['keys'] += dc @ th['V'] + np.outer(dz, s)
            embed_back(sentence, th['W'].T @ dc.sum(axis=0) + dz @ (old + th['keys']))
            dmem = draw + dc @ th['U'] + np.outer(dz, s)
        g['keys'] += dmem
    return g


def stories(n, sentences, length, seed):
    r = np.random.RandomState(seed)
    return [([[r.randint(words) for _ in range(length)] for _ in range(sentences)],
             [r.randint(words), r.randint(words)], r.randint(places)) for _ in range(n)]


examples = stories(3, 4, 3, 1282)
