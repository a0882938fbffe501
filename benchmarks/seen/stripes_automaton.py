# Neural cellular automaton on a ring that should grow the stripes of a zebrafish (after Mordvintsev et al. 2020, in 1-D).
# Cells look at themselves and their two neighbours through three fixed filters; a small net says how they change;
# only some cells change in a step (masks are drawn beforehand so that a run can be repeated).
# Channel 0 is the pigment, the others are for the cells themselves.
# grids: fish x channels x cells
import numpy as np


class Perceive:
    """fixed filters: self, slope, curvature"""
    def __call__(self, s):
        l, r = np.roll(s, 1, axis=2), np.roll(s, -1, axis=2)
        return np.concatenate([s, (r - l)/2, l - 2*s + r], axis=1)

    def back(self, d):
        a, b, c = np.split(d, 3, axis=1)
        dl, dr = c - b/2, c + b/2
        return a - 2*c + np.roll(dl, -1, axis=2) + np.roll(dr, 1, axis=2)


class Pointwise:
    def __init__(self, n_in, n_out, rng):
        self.w = rng.normal(0, 1/np.sqrt(n_in), (n_out, n_in))
        self.b = rng.normal(0, .1, n_out)
        self.zero()

    def zero(self):
        self.dw, self.db = np.zeros_like(self.w), np.zeros_like(self.b)

    def __call__(self, x):
        return np.einsum('oi,nic->noc', self.w, x) + self.b[None, :, None]

    def back(self, x, d):
        self.dw += np.einsum('noc,nic->oi', d, x)
        self.db += d.sum(axis=(0, 2))
        return np.einsum('oi,noc->nic', self.w, d)


class Automaton:
    def __init__(self, channels, hidden, seed):
        rng = np.random.default_rng(seed)
        self.see = Perceive()
        self.one = Pointwise(3*channels, hidden, rng)
        self.two = Pointwise(hidden, channels, rng)
        self.egg = rng.normal(0, .5, channels)       # what is put into the middle cell

    def grow(self, awake, cells):
        steps, fish = awake.shape[:2]
        s = np.zeros((fish, len(self.egg), cells))
        s[:, :, cells//2] = self.egg
        history = []
        for t in range(steps):
            p = self.see(s)
            u = np.tanh(self.one(p))
            new = s + awake[t][:, None, :]*np.tanh(self.two(u))
            history.append((s, p, u, new))
            s = new
        return history

    def loss(self, awake, pattern, stay):
        """the pigment has to match in the end and during the `stay` steps before; channels should not run away"""
        history = self.grow(awake, len(pattern))
        last = history[-stay:]
        fit = sum(((h[3][:, 0] - pattern)**2).mean() for h in last)/len(last)
        return fit + 0.01*(history[-1][3]**4).mean()

    def backward(self, awake, pattern, stay):
        history = self.grow(awake, len(pattern))
        T = len(history)
        self.one.zero()
        self.two.zero()
        end = history[-1][3]
        ds = 0.01*4*end**3/end.size
        for t in range(T - 1, -1, -1):
            s, p, u, new = history[t]
            if t >= T - stay:
                ds[:, 0] += 2*(new[:, 0] - pattern)/new[:, 0].size/min(stay, T)
            move = np.tanh(self.two(u))
            du = self.two.back(u, ds*awake[t][:, None, :]*(1 - move**2))
            dp = self.one.back(p, du*(1 - u**2))
            ds = ds + self.see.back(dp)
        self.degg = ds[:, :, len(pattern)//2].sum(axis=0)
        return [self.one.dw, self.one.db, self.two.dw, self.two.db, self.degg]


def tank(fish, steps, cells, seed):
    rng = np.random.default_rng(seed)
    awake = (rng.random((steps, fish, cells)) < .7).astype(float)
    return awake, np.cos(2*np.pi*np.arange(cells)*2/cells)


nca = Automaton(3, 5, seed=981)
awake, pattern = tank(2, 6, 7, seed=982)
