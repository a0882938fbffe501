"""Precipitation nowcasting on one ring of a weather radar with a convolutional LSTM (Shi et al., 2015).

A frame is (channels, azimuths).  The ring closes, hence circular convolution, written with np.roll.
Loss: binary cross entropy of "rain / no rain" in the next frame, for every azimuth.
"""
import numpy as np

REACH = (-1, 0, 1)


def unroll_ring(x):
    """(C, W) -> (3 C, W): each azimuth with its neighbours"""
    return np.concatenate([np.roll(x, s, axis=1) for s in REACH])


def fold_ring(d):
    """adjoint of unroll_ring"""
    parts = np.split(d, len(REACH))
    return sum(np.roll(part, -s, axis=1) for part, s in zip(parts, REACH))


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


class ConvLSTM:
    def __init__(self, channels, hidden, seed):
        rng = np.random.default_rng(seed)
        self.hidden = hidden
        fan = len(REACH) * (channels + hidden)
        self.kernel = rng.normal(0, 1 / np.sqrt(fan), (4 * hidden, fan))
        self.bias = rng.normal(0, 0.2, (4 * hidden, 1))
        self.head = rng.normal(0, 1 / np.sqrt(len(REACH) * hidden), (1, len(REACH) * hidden))
        self.offset = np.array([-0.3])

    def forward(self, frames):
        W = frames[0].shape[1]
        h = np.zeros((self.hidden, W))
        c = np.zeros((self.hidden, W))
        self.stack = []
        logits = []
        for frame in frames:
            patch = unroll_ring(np.concatenate([frame, h]))
            i, f, o, g = np.split(self.kernel @ patch + self.bias, 4)
            i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
            c_old, c = c, f * c + i * g
            h = o * np.tanh(c)
            out_patch = unroll_ring(h)
            logits.append((self.head @ out_patch)[0] + self.offset)
            self.stack.append((patch, i, f, o, g, c_old, c, out_patch))
        return np.array(logits)

    def loss(self, frames, rain):
        logits = self.forward(frames)
        # softplus written so that it cannot overflow
        cost = np.maximum(logits, 0) - logits * rain + np.log1p(np.exp(-np.abs(logits)))
        return cost.mean()

    def backward(self, frames, rain):
        logits = self.forward(frames)
        dlogits = (sigmoid(logits) - rain) / rain.size
        channels = frames[0].shape[0]
        self.dkernel = np.zeros_like(self.kernel)
        self.dbias = np.zeros_like(self.bias)
        self.dhead = np.zeros_like(self.head)
        self.doffset = np.array([dlogits.sum()])
        dh = np.zeros((self.hidden, frames[0].shape[1]))
        dc = np.zeros_like(dh)
        for t in range(len(frames) - 1, -1, -1):
            patch, i, f, o, g, c_old, c, out_patch = self.stack.pop()
            self.dhead += dlogits[t][None] @ out_patch.T
            dh += fold_ring(self.head.T @ dlogits[t][None])
            squashed = np.tanh(c)
            dc += dh * o * (1 - squashed ** 2)
            pre = np.concatenate([
                dc * g * i * (1 - i),
                dc * c_old * f * (1 - f),
                dh * squashed * o * (1 - o),
                dc * i * (1 - g ** 2),
            ])
            self.dkernel += pre @ patch.T
            self.dbias += pre.sum(axis=1, keepdims=True)
            dh = fold_ring(self.kernel.T @ pre)[channels:]
            dc = dc * f

    def step(self, frames, rain, eta=0.5):
        self.backward(frames, rain)
        self.kernel -= eta * self.dkernel
        self.bias -= eta * self.dbias
        self.head -= eta * self.dhead
        self.offset -= eta * self.doffset


def drifting_cells(T, channels, W, seed):
    """rain cells that turn with the wind; channel 0 is reflectivity, the rest is noise from other elevations"""
    rng = np.random.default_rng(seed)
    ring = rng.normal(size=W)
    frames = [np.vstack([np.roll(ring, t)[None], rng.normal(size=(channels - 1, W))]) for t in range(T + 1)]
    rain = np.array([(frame[0] > 0.2).astype(float) for frame in frames[1:]])
    return frames[:-1], rain


radar = ConvLSTM(channels=2, hidden=3, seed=13)
frames, rain = drifting_cells(4, 2, 6, seed=14)

if __name__ == "__main__":
    for k in range(500):
        radar.step(frames, rain)
        if k % 100 == 0:
            print(k, radar.loss(frames, rain))
