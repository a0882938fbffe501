import numpy as np


class KeystrokeNet:
    """Tells the owner of a keyboard from others by the rhythm of typing (hold and flight times).

    A plain RNN reads one phrase; the last state is projected next to a fixed centre for the owner and away
    from it for everybody else.
    """

    MARGIN = 1.5

    def __init__(self, n_in, n_hidden, n_embed, seed):
        rng = np.random.RandomState(seed)
        self.Win = rng.normal(0, 0.6, (n_in, n_hidden))
        self.Wrec = rng.normal(0, 0.5, (n_hidden, n_hidden))
        self.bias = rng.normal(0, 0.1, n_hidden)
        self.proj = rng.normal(0, 0.7, (n_hidden, n_embed))
        self.centre = rng.normal(0, 0.5, n_embed)  # not learned

    def states(self, phrase):
        hs = np.zeros((len(phrase) + 1, self.bias.size))
        for t, keys in enumerate(phrase):
            hs[t + 1] = np.tanh(keys @ self.Win + hs[t] @ self.Wrec + self.bias)
        return hs

    def offset(self, hs):
        return hs[-1] @ self.proj - self.centre

    def loss(self, phrases, owner):
        out = 0.0
        for phrase, mine in zip(phrases, owner):
            d2 = np.sum(self.offset(self.states(phrase)) ** 2)
            if mine:
                out += np.log1p(d2)
            else:
                out += np.logaddexp(0.0, self.MARGIN - d2)
        return out / len(phrases)

    def partial_fit(self, phrases, owner, lr):
        gWin = np.zeros_like(self.Win)
        gWrec = np.zeros_like(self.Wrec)
        gbias = np.zeros_like(self.bias)
        gproj = np.zeros_like(self.proj)
        for phrase, mine in zip(phrases, owner):
            hs = self.states(phrase)
            off = self.offset(hs)
            d2 = off @ off
            if mine:
                slope = 1.0 / (1.0 + d2)
            else:
                slope = -1.0 / (1.0 + np.exp(d2 - self.MARGIN))
            doff = 2 * slope * off / len(phrases)

            gproj += np.outer(hs[-1], doff)
            dh = self.proj @ doff
            for t in reversed(range(len(phrase))):
                da = dh * (1 - hs[t + 1] ** 2)
                gWin += np.outer(phrase[t], da)
                gWrec += np.outer(hs[t], da)
                gbias += da
                dh = self.Wrec @ da
        self.Win -= lr * gWin
        self.Wrec -= lr * gWrec
        self.bias -= lr * gbias
        self.proj -= lr * gproj
        return self


def typing(lengths, n_in, seed):
    rng = np.random.RandomState(seed)
    phrases = [rng.gamma(3.0, 0.4, size=(n, n_in)) - 1.2 for n in lengths]
    owner = [k % 2 == 0 for k in range(len(lengths))]
    return phrases, owner


net = KeystrokeNet(n_in=2, n_hidden=5, n_embed=4, seed=301)
phrases, owner = typing([7, 6, 7], 2, seed=302)
