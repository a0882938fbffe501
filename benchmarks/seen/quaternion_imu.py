"""Attitude from an inertial sensor with a quaternion recurrent network (Parcollet et al. 2019).

Inputs, states and weights are quaternions; a weight acts by the Hamilton product, which is a constant tensor here:
    (p q)_k = HAM[k, i, j] p_i q_j
The output is made a unit quaternion. q and -q are the same attitude, so the loss is 1 - <q, truth>^2.
Index letters: t time, b batch, o/n units, m inputs, i j k components.
"""
import numpy as np

HAM = np.zeros((4, 4, 4))
for _a, _b, _k, _s in [
    (0, 0, 0, 1), (1, 1, 0, -1), (2, 2, 0, -1), (3, 3, 0, -1),
    (0, 1, 1, 1), (1, 0, 1, 1), (2, 3, 1, 1), (3, 2, 1, -1),
    (0, 2, 2, 1), (2, 0, 2, 1), (3, 1, 2, 1), (1, 3, 2, -1),
    (0, 3, 3, 1), (3, 0, 3, 1), (1, 2, 3, 1), (2, 1, 3, -1),
]:
    HAM[_k, _a, _b] = _s


class QuaternionLinear:
    def __init__(self, n_in, n_out, rng, scale=0.5):
        self.weight = rng.normal(0, scale, (n_out, n_in, 4))

    def __call__(self, x):
        return np.einsum("kij,omi,bmj->bok", HAM, self.weight, x)

    def back(self, x, dout):
        """gradients with respect to the weight and to x"""
        return (np.einsum("kij,bok,bmj->omi", HAM, dout, x),
                np.einsum("kij,omi,bok->bmj", HAM, self.weight, dout))


class AttitudeNet:
    def __init__(self, sensors, units, seed):
        rng = np.random.default_rng(seed)
        self.inp = QuaternionLinear(sensors, units, rng)
        self.rec = QuaternionLinear(units, units, rng, 0.4)
        self.bias = rng.normal(0, 0.2, (units, 4))
        self.out = QuaternionLinear(units, 1, rng)
        self.rest = np.array([1.0, 0.1, -0.2, 0.3])

    def params(self):
        return [self.inp.weight, self.rec.weight, self.bias, self.out.weight, self.rest]

    def forward(self, xs):
        h = [np.zeros((xs.shape[1],) + self.bias.shape)]
        raw = []
        for x in xs:
            h.append(np.tanh(self.inp(x) + self.rec(h[-1]) + self.bias))
            raw.append(self.out(h[-1])[:, 0] + self.rest)
        return h, raw

    def loss(self, xs, truth):
        _, raw = self.forward(xs)
        dots = [np.sum(r * y, axis=1) ** 2 / np.sum(r * r, axis=1) for r, y in zip(raw, truth)]
        return 1 - np.mean(dots)

    def gradients(self, xs, truth):
        h, raw = self.forward(xs)
        T, B = xs.shape[:2]
        g_inp, g_rec, g_bias, g_out, g_rest = [np.zeros_like(p) for p in self.params()]
        dh = np.zeros_like(h[0])
        for t in reversed(range(T)):
            r, y = raw[t], truth[t]
            length2 = np.sum(r * r, axis=1, keepdims=True)
            dot = np.sum(r * y, axis=1, keepdims=True)
            dr = -2 / (T * B) * (dot / length2 * y - dot ** 2 / length2 ** 2 * r)
            g_rest += dr.sum(axis=0)
            gw, dh_out = self.out.back(h[t + 1], dr[:, None])
            g_out += gw
            da = (dh + dh_out) * (1 - h[t + 1] ** 2)
            g_bias += da.sum(axis=0)
            gw, _ = self.inp.back(xs[t], da)
            g_inp += gw
            gw, dh = self.rec.back(h[t], da)
            g_rec += gw
        return [g_inp, g_rec, g_bias, g_out, g_rest]


def flight(T, B, sensors, seed):
    """pure quaternions (no real part) from gyroscope, accelerometer, ...; true attitudes"""
    rng = np.random.default_rng(seed)
    xs = rng.normal(size=(T, B, sensors, 4))
    xs[..., 0] = 0
    q = rng.normal(size=(T, B, 4))
    return xs, q / np.linalg.norm(q, axis=-1, keepdims=True)


net = AttitudeNet(2, 3, seed=611)
xs, truth = flight(5, 2, 2, seed=612)
