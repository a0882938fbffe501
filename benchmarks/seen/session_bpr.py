# Session-based recommendation after Hidasi et al., "Session-based recommendations with recurrent neural networks"
# (GRU4Rec): session-parallel mini-batches -- when a session in a lane ends, the next one starts there and the
# state of the lane is set to zero -- one-hot items in, sampled negatives, BPR loss.
import numpy as np

expit = lambda u: 1.0 / (1.0 + np.exp(-u))


class SessionGRU(object):
    def __init__(self, n_items, n_hidden, reg=0.0, rng=None):
        rng = rng or np.random.RandomState(0)
        H = self.H = n_hidden
        self.reg = reg
        self.Wx = rng.randn(n_items, 3 * H) * .6        # a row of update, reset, new for each item
        self.Wh = rng.randn(H, 3 * H) * .5
        self.bx = rng.randn(3 * H) * .1
        self.bn = rng.randn(H) * .1                     # inside the reset, cuDNN
        self.Ey = rng.randn(n_items, H) * .8
        self.by = rng.randn(n_items) * .1

    def forward(self, items, fresh, pos, neg):
        """items, pos: (T, lanes) ints; neg: (T, lanes, S) ints; fresh: (T, lanes), 1 where a session starts"""
        self.args = items, fresh, pos, neg
        self.cache = []
        H = self.H
        h = np.zeros((items.shape[1], H))
        loss = 0
        for t in range(len(items)):
            h0 = h * (1 - fresh[t])[:, None]
            gx = self.Wx[items[t]] + self.bx
            gh = h0.dot(self.Wh)
            u = expit(gx[:, :H] + gh[:, :H])
            r = expit(gx[:, H:2*H] + gh[:, H:2*H])
            hn = gh[:, 2*H:] + self.bn
            n = np.tanh(gx[:, 2*H:] + r * hn)
            h = (1 - u) * h0 + u * n
            s_pos = (h * self.Ey[pos[t]]).sum(1) + self.by[pos[t]]
            s_neg = (self.Ey[neg[t]] * h[:, None, :]).sum(2) + self.by[neg[t]]
            gap = s_pos[:, None] - s_neg
            loss = loss - np.log(expit(gap)).mean() + self.reg * (s_neg ** 2).mean()
            self.cache.append((h0, u, r, hn, n, h, s_neg, gap))
        return loss / len(items)

    def backward(self):
        items, fresh, pos, neg = self.args
        H = self.H
        T, lanes, S = neg.shape
        g = dict((k, np.zeros_like(getattr(self, k))) for k in ('Wx', 'Wh', 'bx', 'bn', 'Ey', 'by'))
        dh = np.zeros((lanes, H))
        for t in range(T)[::-1]:
            h0, u, r, hn, n, h, s_neg, gap = self.cache[t]
            dgap = -expit(-gap) / (T * lanes * S)
            dneg = -dgap + 2 * self.reg * s_neg / (T * lanes * S)
            dpos = dgap.sum(1)
            np.add.at(g['Ey'], pos[t], dpos[:, None] * h)
            np.add.at(g['by'], pos[t], dpos)
            np.add.at(g['Ey'], neg[t], dneg[:, :, None] * h[:, None, :])
            np.add.at(g['by'], neg[t], dneg)
            dh = dh + dpos[:, None] * self.Ey[pos[t]] + (dneg[:, :, None] * self.Ey[neg[t]]).sum(1)
            dn = dh * u * (1 - n ** 2)
            du = dh * (n - h0) * u * (1 - u)
            dhn = dn * r
            dr = dn * hn * r * (1 - r)
            dgx = np.concatenate((du, dr, dn), 1)
            dgh = np.concatenate((du, dr, dhn), 1)
            np.add.at(g['Wx'], items[t], dgx)
            g['bx'] += dgx.sum(0)
            g['bn'] += dhn.sum(0)
            g['Wh'] += h0.T.dot(dgh)
            dh0 = dh * (1 - u) + dgh.dot(self.Wh.T)
            dh = dh0 * (1 - fresh[t])[:, None]
        return g

    def adagrad_step(self, g, acc, lr):
        for k in g:
            acc[k] = acc.get(k, 1e-6) + g[k] ** 2
            setattr(self, k, getattr(self, k) - lr * g[k] / np.sqrt(acc[k]))


def clicks(n_items, T, lanes, n_neg, seed):
    rng = np.random.RandomState(seed)
    seq = rng.randint(n_items, size=(T + 1, lanes))
    fresh = (rng.rand(T, lanes) < .3) * 1.
    return seq[:-1], fresh, seq[1:], rng.randint(n_items, size=(T, lanes, n_neg))


rec = SessionGRU(8, 4, reg=.1, rng=np.random.RandomState(130))
items, fresh, pos, neg = clicks(8, 6, 3, 2, seed=131)
