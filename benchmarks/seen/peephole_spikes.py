"""When did it spike?  LSTM with peepholes (Gers, Schraudolph & Schmidhuber): the gates look at the cell."""
import numpy as np


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


class PeepholeLSTM(object):
    NAMES = ('Wz', 'Wi', 'Wf', 'Wo', 'Rz', 'Ri', 'Rf', 'Ro', 'pi', 'pf', 'po', 'bz', 'bi', 'bf', 'bo', 'Wy', 'by')

    def __init__(self, n_in, n_cell, n_out, seed):
        r = np.random.RandomState(seed)
        for g in 'zifo':
            setattr(self, 'W' + g, 0.8 * r.randn(n_in, n_cell))
            setattr(self, 'R' + g, 0.5 * r.randn(n_cell, n_cell))
            setattr(self, 'b' + g, 0.1 * r.randn(n_cell))
        for g in 'ifo':
            setattr(self, 'p' + g, 0.5 * r.randn(n_cell))
        self.Wy = 0.8 * r.randn(n_cell, n_out)
        self.by = np.zeros(n_out)

    def run(self, x):
        n_batch, n_cell = x.shape[1], self.bz.shape[0]
        y, c = np.zeros((n_batch, n_cell)), np.zeros((n_batch, n_cell))
        self.tape = []
        for xt in x:
            y_old, c_old = y, c
            z = np.tanh(xt.dot(self.Wz) + y_old.dot(self.Rz) + self.bz)
            i = sig(xt.dot(self.Wi) + y_old.dot(self.Ri) + self.pi * c_old + self.bi)
            f = sig(xt.dot(self.Wf) + y_old.dot(self.Rf) + self.pf * c_old + self.bf)
            c = z * i + c_old * f
            o = sig(xt.dot(self.Wo) + y_old.dot(self.Ro) + self.po * c + self.bo)
            y = np.tanh(c) * o
            out = sig(y.dot(self.Wy) + self.by)
            self.tape.append((xt, y_old, c_old, z, i, f, c, o, y, out))
        return [step[-1] for step in self.tape]

    def bce(self, x, spikes):
        out = np.array(self.run(x))
        return -np.mean(spikes * np.log(out) + (1 - spikes) * np.log(1 - out))

    def train_step(self, x, spikes, lr):
        self.run(x)
        g = dict((name, np.zeros_like(getattr(self, name))) for name in self.NAMES)
        dy_rec, dc_rec = 0.0, 0.0
        for step, s in zip(self.tape[::-1], spikes[::-1]):
            xt, y_old, c_old, z, i, f, c, o, y, out = step
            dout = (out - s) / spikes.size
            g['Wy'] += y.T.dot(dout)
            g['by'] += dout.sum(0)
            dy = dout.dot(self.Wy.T) + dy_rec
            tc = np.tanh(c)
            delta_o = dy * tc * o * (1 - o)
            dc = dy * o * (1 - tc ** 2) + self.po * delta_o + dc_rec
            delta_f = dc * c_old * f * (1 - f)
            delta_i = dc * z * i * (1 - i)
            delta_z = dc * i * (1 - z ** 2)
            for k, delta in zip('zifo', (delta_z, delta_i, delta_f, delta_o)):
                g['W' + k] += xt.T.dot(delta)
                g['R' + k] += y_old.T.dot(delta)
                g['b' + k] += delta.sum(0)
            g['pi'] += (delta_i * c_old).sum(0)
            g['pf'] += (delta_f * c_old).sum(0)
            g['po'] += (delta_o * c).sum(0)
            dc_rec = dc * f + self.pi * delta_i + self.pf * delta_f
            dy_rec = (delta_z.dot(self.Rz.T) + delta_i.dot(self.Ri.T)
                      + delta_f.dot(self.Rf.T) + delta_o.dot(self.Ro.T))
        for name in self.NAMES:
            setattr(self, name, getattr(self, name) - lr * g[name])


def recording(T, n_batch, n_in, n_out, seed=1):
    r = np.random.RandomState(seed)
    volts = r.randn(T, n_batch, n_in).cumsum(axis=0)
    return volts, (volts.sum(axis=2, keepdims=True) + r.randn(T, n_batch, n_out) > 0).astype(float)


lstm = PeepholeLSTM(3, 4, 1, seed=0)
volts, spikes = recording(5, 2, 3, 1)

if __name__ == '__main__':
    for n in range(300):
        lstm.train_step(volts, spikes, lr=0.5)
    print(lstm.bce(volts, spikes))
