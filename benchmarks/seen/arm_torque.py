#!/usr/bin/env python3
# Inverse dynamics of a 2-joint arm: joint angles/velocities -> torques.
# Two LSTM layers "with skips" as in Graves 2013: the input goes to both layers, both layers go to the output.
# Huber loss because the torque sensor has outliers.
#
# time x batch x features everywhere

import numpy as np


def sig(x):
    return 1.0 / (1.0 + np.exp(-x))


class LSTMLayer:
    def __init__(self, nin, nh, rs):
        self.nh = nh
        self.Wx = rs.uniform(-1, 1, (nin, 4 * nh)) / np.sqrt(nin)
        self.Wh = rs.uniform(-1, 1, (nh, 4 * nh)) / np.sqrt(nh)
        self.b = rs.uniform(-0.2, 0.2, 4 * nh)

    def forward(self, x):
        T, B, _ = x.shape
        n = self.nh
        self.x = x
        self.h = np.zeros((T + 1, B, n))     # [0] is the start, all zero
        self.c = np.zeros((T + 1, B, n))
        self.gates = np.zeros((T, B, 4 * n))
        for t in range(T):
            a = np.dot(x[t], self.Wx) + np.dot(self.h[t], self.Wh) + self.b
            self.gates[t, :, :3 * n] = sig(a[:, :3 * n])         # in, forget, out
            self.gates[t, :, 3 * n:] = np.tanh(a[:, 3 * n:])     # new memory
            i, f, o, g = np.split(self.gates[t], 4, axis=1)
            self.c[t + 1] = f * self.c[t] + i * g
            self.h[t + 1] = o * np.tanh(self.c[t + 1])
        return self.h[1:]

    def backward(self, dout):
        T, B, n = dout.shape
        self.dWx, self.dWh, self.db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dx = np.zeros_like(self.x)
        dhnext = np.zeros((B, n))
        dcnext = np.zeros((B, n))
        for t in reversed(range(T)):
            i, f, o, g = np.split(self.gates[t], 4, axis=1)
            dh = dout[t] + dhnext
            tc = np.tanh(self.c[t + 1])
            dc = dcnext + dh * o * (1 - tc * tc)
            da = np.empty((B, 4 * n))
            da[:, :n] = dc * g * i * (1 - i)
            da[:, n:2 * n] = dc * self.c[t] * f * (1 - f)
            da[:, 2 * n:3 * n] = dh * tc * o * (1 - o)
            da[:, 3 * n:] = dc * i * (1 - g * g)
            self.dWx += np.dot(self.x[t].T, da)
            self.dWh += np.dot(self.h[t].T, da)
            self.db += np.sum(da, axis=0)
            dx[t] = np.dot(da, self.Wx.T)
            dhnext = np.dot(da, self.Wh.T)
            dcnext = dc * f
        return dx


class ArmNet:
    def __init__(self, nin, nh1, nh2, nout, delta=0.4, seed=0):
        rs = np.random.RandomState(seed)
        self.delta = delta
        self.low = LSTMLayer(nin, nh1, rs)
        self.high = LSTMLayer(nh1 + nin, nh2, rs)
        self.Wy = rs.uniform(-1, 1, (nh1 + nh2, nout))
        self.by = np.zeros(nout)

    def predict(self, x):
        h1 = self.low.forward(x)
        h2 = self.high.forward(np.concatenate([h1, x], axis=2))
        self.top = np.concatenate([h1, h2], axis=2)
        return np.dot(self.top, self.Wy) + self.by

    def huber(self, x, torque):
        e = self.predict(x) - torque
        small = np.abs(e) <= self.delta
        per = np.where(small, 0.5 * e ** 2, self.delta * (np.abs(e) - 0.5 * self.delta))
        return np.sum(per) / (x.shape[0] * x.shape[1])

    def backprop(self, x, torque):
        e = self.predict(x) - torque
        dy = np.clip(e, -self.delta, self.delta) / (x.shape[0] * x.shape[1])
        n1, n2 = self.low.nh, self.high.nh
        self.dWy = np.dot(self.top.reshape(-1, n1 + n2).T, dy.reshape(-1, dy.shape[2]))
        self.dby = dy.sum(axis=(0, 1))
        dtop = np.dot(dy, self.Wy.T)
        din = self.high.backward(dtop[:, :, n1:])
        self.low.backward(dtop[:, :, :n1] + din[:, :, :n1])

    def grads(self):
        return [self.low.dWx, self.low.dWh, self.low.db, self.high.dWx, self.high.dWh, self.high.db, self.dWy, self.dby]


def swing(T, B, nin, nout, seed):
    rs = np.random.RandomState(seed)
    x = rs.randn(T, B, nin)
    torque = np.sin(x[..., :nout]) + 0.3 * rs.randn(T, B, nout)
    return x, torque


net = ArmNet(nin=4, nh1=3, nh2=3, nout=2, seed=77)
x, torque = swing(5, 3, 4, 2, seed=78)
