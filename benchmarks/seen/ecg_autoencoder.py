"""LSTM autoencoder for anomaly detection in heart beats, after Malhotra et al. (2016), no framework.

The encoder reads a beat.  The decoder starts from the encoder's last state and writes the beat backwards: it emits the
last sample first and is then fed what it has emitted itself.  A beat that is badly reconstructed is suspicious.

One beat = array (T, leads).
"""
import numpy as np


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


class LSTMAutoencoder:

    def __init__(self, leads, units, seed=0):
        rng = np.random.RandomState(seed)
        self.leads, self.units = leads, units
        fan = leads + units
        self.W_enc = rng.randn(4 * units, fan) / np.sqrt(fan)
        self.b_enc = rng.randn(4 * units) * 0.1
        self.W_dec = rng.randn(4 * units, fan) / np.sqrt(fan)
        self.b_dec = rng.randn(4 * units) * 0.1
        self.W_out = rng.randn(leads, units) / np.sqrt(units)
        self.b_out = rng.randn(leads) * 0.1
        # forget gates start open
        self.b_enc[:units] += 1.0
        self.b_dec[:units] += 1.0

    def params(self):
        return [self.W_enc, self.b_enc, self.W_dec, self.b_dec, self.W_out, self.b_out]

    # one cell, forward and back -------------------------------------------------------------------------------------

    def cell(self, W, b, x, h, c):
        n = self.units
        xh = np.concatenate([x, h])
        a = W.dot(xh) + b
        f, i, o = sigmoid(a[:n]), sigmoid(a[n:2 * n]), sigmoid(a[2 * n:3 * n])
        g = np.tanh(a[3 * n:])
        c_new = f * c + i * g
        tc = np.tanh(c_new)
        return o * tc, c_new, (xh, c, f, i, o, g, tc)

    def cell_back(self, W, dW, db, dh, dc, kept):
        xh, c, f, i, o, g, tc = kept
        dc = dc + dh * o * (1 - tc ** 2)
        da = np.concatenate([dc * c * f * (1 - f),
                             dc * g * i * (1 - i),
                             dh * tc * o * (1 - o),
                             dc * i * (1 - g ** 2)])
        dW += np.outer(da, xh)
        db += da
        dxh = W.T.dot(da)
        return dxh[:self.leads], dxh[self.leads:], dc * f

    # whole beat -----------------------------------------------------------------------------------------------------

    def reconstruct(self, beat):
        h, c = np.zeros(self.units), np.zeros(self.units)
        enc, dec, states = [], [], []
        for x in beat:
            h, c, kept = self.cell(self.W_enc, self.b_enc, x, h, c)
            enc.append(kept)
        T = len(beat)
        out = [None] * T
        for t in range(T - 1, -1, -1):
            states.append(h)
            out[t] = self.W_out.dot(h) + self.b_out
            if t > 0:
                h, c, kept = self.cell(self.W_dec, self.b_dec, out[t], h, c)
                dec.append(kept)
        return np.array(out), enc, dec, states

    def loss(self, beats):
        return sum(np.mean((self.reconstruct(b)[0] - b) ** 2) for b in beats) / len(beats)

    def gradients(self, beats):
        dW_enc, db_enc, dW_dec, db_dec, dW_out, db_out = [np.zeros_like(p) for p in self.params()]
        for beat in beats:
            out, enc, dec, states = self.reconstruct(beat)
            dout = 2 * (out - beat) / beat.size / len(beats)
            dh, dc = np.zeros(self.units), np.zeros(self.units)
            for t in range(len(beat)):                  # the decoder ran from T-1 to 0
                dy = dout[t].copy()
                if t > 0:
                    dx, dh, dc = self.cell_back(self.W_dec, dW_dec, db_dec, dh, dc, dec.pop())
                    dy += dx
                dW_out += np.outer(dy, states[-1 - t])
                db_out += dy
                dh = dh + self.W_out.T.dot(dy)
            while enc:
                _, dh, dc = self.cell_back(self.W_enc, dW_enc, db_enc, dh, dc, enc.pop())
        return [dW_enc, db_enc, dW_dec, db_dec, dW_out, db_out]


def make_beats(n, T, leads, seed):
    rng = np.random.RandomState(seed)
    t = np.linspace(-1, 1, T)[:, None]
    return [np.exp(-8 * (t - rng.uniform(-.3, .3, leads)) ** 2) - 0.3 + 0.1 * rng.randn(T, leads) for _ in range(n)]


model = LSTMAutoencoder(leads=2, units=4, seed=1)
beats = make_beats(2, 5, 2, seed=2)
