'''
Who wins?  A recurrent additive network (Lee, Levy & Zettlemoyer 2017) watches a game of chess move by move
and says white / draw / black after every move. Late moves count more.

build() returns the parameters and two functions of them, so that any optimiser can be plugged in.
'''
import numpy as np

OUTCOMES = {"1-0": 0, "1/2": 1, "0-1": 2}


def build(n_feat, n_hid, seed, patience=0.8):
    rng = np.random.default_rng(seed)

    def m(*shape):
        return rng.standard_normal(shape) / np.sqrt(shape[-1])

    params = [m(n_hid, n_feat), m(n_hid, n_feat), m(n_hid, n_hid), 0.3 * m(n_hid),
              m(n_hid, n_feat), m(n_hid, n_hid), 0.3 * m(n_hid), m(3, n_hid), 0.3 * m(3)]

    def gate(Wx, Wh, b, x, h):
        return 1 / (1 + np.exp(-(Wx @ x + Wh @ h + b)))

    def follow(params, moves):
        K, Ix, Ih, bi, Fx, Fh, bf, S, bs = params
        c = h = np.zeros(n_hid)
        for x in moves:
            k = K @ x
            i, f = gate(Ix, Ih, bi, x, h), gate(Fx, Fh, bf, x, h)
            c_new = i * k + f * c
            h_new = np.tanh(c_new)
            scores = S @ h_new + bs
            logz = np.log(np.sum(np.exp(scores - scores.max()))) + scores.max()
            yield x, h, c, k, i, f, h_new, scores - logz
            h, c = h_new, c_new

    def emphasis(n):
        w = patience ** np.arange(n)[::-1]
        return w / w.sum()

    def loss(params, games):
        total = 0.0
        for moves, result in games:
            for w, stage in zip(emphasis(len(moves)), follow(params, moves)):
                total -= w * stage[-1][OUTCOMES[result]]
        return total / len(games)

    def grad(params, games):
        K, Ix, Ih, bi, Fx, Fh, bf, S, bs = params
        out = [np.zeros_like(p) for p in params]
        for moves, result in games:
            stages = list(follow(params, moves))
            weights = emphasis(len(moves)) / len(games)
            dh = np.zeros(n_hid)
            dc = np.zeros(n_hid)
            while stages:
                x, h, c, k, i, f, h_new, logp = stages.pop()
                ds = np.exp(logp)
                ds[OUTCOMES[result]] -= 1
                ds *= weights[len(stages)]
                dh = dh + S.T @ ds
                dc = dc + dh * (1 - h_new ** 2)
                dk = dc * i
                di = dc * k * i * (1 - i)
                df = dc * c * f * (1 - f)
                for place, delta in ((0, np.outer(dk, x)), (1, np.outer(di, x)), (2, np.outer(di, h)), (3, di),
                                     (4, np.outer(df, x)), (5, np.outer(df, h)), (6, df),
                                     (7, np.outer(ds, h_new)), (8, ds)):
                    out[place] += delta
                dh = Ih.T @ di + Fh.T @ df
                dc = dc * f
        return out

    return params, loss, grad


def club_evening(lengths, n_feat, seed):
    rng = np.random.default_rng(seed)
    results = list(OUTCOMES)
    return [(rng.standard_normal((n, n_feat)), results[rng.integers(3)]) for n in lengths]


params, loss, grad = build(3, 4, seed=941)
games = club_evening([6, 4, 5], 3, seed=942)
