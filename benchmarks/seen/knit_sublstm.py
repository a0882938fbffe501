# Next stitch in a knitting chart, subtractive LSTM (Costa et al. 2017):
#   i, f, z, o = sigmoid(E[stitch] + h R + b)
#   c <- f*c + z - i
#   h <- sigmoid(c) - o
# A chart is a list of rows. The state goes on from row to row, every row counts the same however long it is.
import numpy as np

CHART = ["kkpkkp", "pkkpk", "kyokkp", "ppk"]
STITCHES = "kpyo"


def sig(a):
    return 1.0 / (1.0 + np.exp(-a))


def encode(chart, stitches):
    return [[stitches.index(s) for s in row] for row in chart]


class SubLSTM:
    def __init__(self, stitches, units, seed):
        rng = np.random.default_rng(seed)
        self.units = units
        self.p = {
            "E": rng.normal(0, 0.7, (stitches + 1, 4 * units)),  # last line: start of a row
            "R": rng.normal(0, 0.5, (units, 4 * units)),
            "b": rng.normal(0, 0.3, 4 * units),
            "V": rng.normal(0, 0.9, (units, stitches)),
            "v": np.zeros(stitches),
        }
        self.g = {}

    def cell(self, token, h, c):
        a = sig(self.p["E"][token] + h @ self.p["R"] + self.p["b"])
        i, f, z, o = np.split(a, 4)
        c_new = f * c + z - i
        s = sig(c_new)
        return s - o, c_new, (token, h, c, a, s)

    def run(self, rows):
        """probabilities and memos by row"""
        h, c = np.zeros(self.units), np.zeros(self.units)
        probs, memos, tops = [], [], []
        for row in rows:
            tokens = [len(self.p["E"]) - 1] + list(row[:-1])
            row_probs, row_memos, row_tops = [], [], []
            for token in tokens:
                h, c, memo = self.cell(token, h, c)
                y = h @ self.p["V"] + self.p["v"]
                e = np.exp(y - y.max())
                row_probs.append(e / e.sum())
                row_memos.append(memo)
                row_tops.append(h)
            probs.append(row_probs)
            memos.append(row_memos)
            tops.append(row_tops)
        return probs, memos, tops

    def surprise(self, rows):
        probs, _, _ = self.run(rows)
        each = [-np.mean([np.log(q[s]) for q, s in zip(qs, row)]) for qs, row in zip(probs, rows)]
        return sum(each) / len(rows)

    def unravel(self, rows):
        """fills self.g"""
        probs, memos, tops = self.run(rows)
        self.g = {name: np.zeros_like(value) for name, value in self.p.items()}
        dh, dc = np.zeros(self.units), np.zeros(self.units)
        for r in reversed(range(len(rows))):
            share = 1.0 / (len(rows) * len(rows[r]))
            for t in reversed(range(len(rows[r]))):
                dy = probs[r][t].copy()
                dy[rows[r][t]] -= 1
                dy *= share
                self.g["V"] += np.outer(tops[r][t], dy)
                self.g["v"] += dy
                dh = dh + self.p["V"] @ dy
                token, h_old, c_old, a, s = memos[r][t]
                dc = dc + dh * s * (1 - s)
                da = np.concatenate([-dc, dc * c_old, dc, -dh]) * a * (1 - a)
                self.g["E"][token] += da
                self.g["R"] += np.outer(h_old, da)
                self.g["b"] += da
                dh = self.p["R"] @ da
                dc = dc * a[self.units:2 * self.units]


rows = encode(CHART, STITCHES)
net = SubLSTM(len(STITCHES), 4, seed=911)
