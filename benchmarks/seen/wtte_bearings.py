"""
Time to the next failure of bearings, WTTE-RNN style (Martinsson 2016): at every hour the network gives the scale and
the shape of a Weibull distribution of the remaining life. Where no failure was seen the time is censored.

Shapes: vibration is (hours, channels, machines); remaining and seen are (hours, machines).
"""
import numpy as np


class BearingRNN(object):
    def __init__(self, channels, units, seed, weight_decay=0.02):
        rs = np.random.RandomState(seed)
        self.weight_decay = weight_decay
        self.Wx = 0.8 * rs.randn(units, channels)
        self.Wh = 0.9 * rs.randn(units, units)
        self.bh = 0.3 * rs.randn(units, 1)
        self.w_scale = 0.7 * rs.randn(1, units)
        self.b_scale = np.full((1, 1), 0.5)
        self.w_shape = rs.randn(1, units)
        self.b_shape = np.full((1, 1), 0.8)

    def hidden(self, vibration):
        hours, _, machines = vibration.shape
        self.pre = np.zeros((hours, len(self.Wh), machines))
        self.h = np.zeros((hours + 1, len(self.Wh), machines))
        for k in range(hours):
            self.pre[k] = np.dot(self.Wx, vibration[k]) + np.dot(self.Wh, self.h[k]) + self.bh
            self.h[k + 1] = self.pre[k] / (1.0 + np.abs(self.pre[k]))  # softsign

    def weibull(self, k):
        """logarithm of the scale, pre-activation of the shape, shape"""
        log_scale = np.dot(self.w_scale, self.h[k + 1]) + self.b_scale
        raw = np.dot(self.w_shape, self.h[k + 1]) + self.b_shape
        return log_scale[0], raw[0], np.log1p(np.exp(raw[0]))

    def negative_log_likelihood(self, vibration, remaining, seen):
        self.hidden(vibration)
        total = 0.0
        for k in range(len(vibration)):
            log_scale, _, shape = self.weibull(k)
            log_ratio = np.log(remaining[k]) - log_scale
            log_hazard = np.log(shape) - log_scale + (shape - 1) * log_ratio
            total += np.sum(np.exp(shape * log_ratio) - seen[k] * log_hazard)
        decay = np.sum(self.Wx ** 2) + np.sum(self.Wh ** 2)
        return total / seen.size + 0.5 * self.weight_decay * decay

    def fit_batch(self, vibration, remaining, seen, learning_rate):
        """one step of gradient descent"""
        self.hidden(vibration)
        gWx = self.weight_decay * self.Wx
        gWh = self.weight_decay * self.Wh
        gbh = np.zeros_like(self.bh)
        gw_scale = np.zeros_like(self.w_scale)
        gb_scale = np.zeros_like(self.b_scale)
        gw_shape = np.zeros_like(self.w_shape)
        gb_shape = np.zeros_like(self.b_shape)
        carry = np.zeros_like(self.h[0])
        for k in reversed(range(len(vibration))):
            log_scale, raw, shape = self.weibull(k)
            log_ratio = np.log(remaining[k]) - log_scale
            cumulative = np.exp(shape * log_ratio)
            d_scale = (shape * (seen[k] - cumulative)) / seen.size
            d_shape = (cumulative * log_ratio - seen[k] * (1 / shape + log_ratio)) / seen.size
            d_raw = d_shape / (1 + np.exp(-raw))
            gw_scale += np.dot(d_scale[None, :], self.h[k + 1].T)
            gb_scale += np.sum(d_scale)
            gw_shape += np.dot(d_raw[None, :], self.h[k + 1].T)
            gb_shape += np.sum(d_raw)

            carry = carry + np.dot(self.w_scale.T, d_scale[None, :]) + np.dot(self.w_shape.T, d_raw[None, :])
            delta = carry / (1.0 + np.abs(self.pre[k])) ** 2
            gWx += np.dot(delta, vibration[k].T)
            gWh += np.dot(delta, self.h[k].T)
            gbh += np.sum(delta, axis=1, keepdims=True)
            carry = np.dot(self.Wh.T, delta)

        self.Wx -= learning_rate * gWx
        self.Wh -= learning_rate * gWh
        self.bh -= learning_rate * gbh
        self.w_scale -= learning_rate * gw_scale
        self.b_scale -= learning_rate * gb_scale
        self.w_shape -= learning_rate * gw_shape
        self.b_shape -= learning_rate * gb_shape


def rig(hours, channels, machines, seed):
    rs = np.random.RandomState(seed)
    vibration = rs.randn(hours, channels, machines)
    remaining = 0.3 + rs.gamma(2.0, 0.6, (hours, machines))
    return vibration, remaining, (rs.rand(hours, machines) < 0.7).astype(float)


rnn = BearingRNN(channels=3, units=4, seed=33)
vibration, remaining, seen = rig(6, 3, 2, seed=34)
