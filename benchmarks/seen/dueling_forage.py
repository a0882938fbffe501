"""Recurrent dueling Q-network for a foraging mouse.  LSTM on what the mouse smells and what it did last;
Q(s, a) = V + A(a) - mean of A.  Replay: episodes with targets from the frozen network and importance weights.
"""
import numpy as np


class Module:
    """Weights in .w, gradients in .g, both lists."""

    def __init__(self, *arrays):
        self.w = list(arrays)
        self.zero()

    def zero(self):
        self.g = [np.zeros_like(a) for a in self.w]


class Affine(Module):
    def __init__(self, n_in, n_out, rng):
        super().__init__(rng.normal(0, n_in ** -0.5, (n_out, n_in)), rng.normal(0, 0.1, n_out))

    def __call__(self, x):
        return self.w[0] @ x + self.w[1]

    def back(self, x, dy):
        self.g[0] += np.outer(dy, x)
        self.g[1] += dy
        return dy @ self.w[0]


class Memory(Module):
    """LSTM; forget, input, output, candidate have a matrix each, on (x, h, 1)."""

    def __init__(self, n_in, n, rng):
        super().__init__(*[rng.normal(0, (n_in + n) ** -0.5, (n, n_in + n + 1)) for _ in range(4)])
        self.n_in, self.n = n_in, n

    def __call__(self, x, state):
        h, c = state
        xh1 = np.concatenate([x, h, [1.0]])
        f, i, o = [1 / (1 + np.exp(-(m @ xh1))) for m in self.w[:3]]
        k = np.tanh(self.w[3] @ xh1)
        c_new = f * c + i * k
        return (o * np.tanh(c_new), c_new), (xh1, f, i, o, k, c, c_new)

    def back(self, kept, dh, dc):
        xh1, f, i, o, k, c, c_new = kept
        tc = np.tanh(c_new)
        dc = dc + dh * o * (1 - tc ** 2)
        slopes = [dc * c * f * (1 - f), dc * k * i * (1 - i), dh * tc * o * (1 - o), dc * i * (1 - k ** 2)]
        dxh1 = np.zeros_like(xh1)
        for j, d in enumerate(slopes):
            self.g[j] += np.outer(d, xh1)
            dxh1 += d @ self.w[j]
        return dxh1[self.n_in:-1], dc * f


class Mouse:
    def __init__(self, n_smell, n_units, n_actions, seed):
        rng = np.random.default_rng(seed)
        self.n_actions = n_actions
        self.memory = Memory(n_smell + n_actions, n_units, rng)
        self.value = Affine(n_units, 1, rng)
        self.advantage = Affine(n_units, n_actions, rng)

    @property
    def modules(self):
        return [self.memory, self.value, self.advantage]

    @property
    def weights(self):
        return [m.w for m in self.modules]

    def live(self, episode):
        state = (np.zeros(self.memory.n), np.zeros(self.memory.n))
        before = np.zeros(self.n_actions)
        for smell, action, target, weight in episode:
            state, kept = self.memory(np.concatenate([smell, before]), state)
            v, adv = self.value(state[0]), self.advantage(state[0])
            q = v + adv - adv.mean()
            yield q, state[0], kept, action, target, weight
            before = np.eye(self.n_actions)[action]

    def td_loss(self, replay):
        steps = sum(len(episode) for episode in replay)
        return sum(
            0.5 * weight * (q[action] - target) ** 2
            for episode in replay
            for q, _, _, action, target, weight in self.live(episode)
        ) / steps

    def td_grads(self, replay):
        for m in self.modules:
            m.zero()
        steps = sum(len(episode) for episode in replay)
        for episode in replay:
            dh, dc = np.zeros(self.memory.n), np.zeros(self.memory.n)
            for q, h, kept, action, target, weight in list(self.live(episode))[::-1]:
                error = weight * (q[action] - target) / steps
                dadv = np.full(self.n_actions, -error / self.n_actions)
                dadv[action] += error
                dh = dh + self.value.back(h, np.array([error])) + self.advantage.back(h, dadv)
                dh, dc = self.memory.back(kept, dh, dc)
        return [m.g for m in self.modules]


def replay_buffer(lengths, n_smell, n_actions, seed):
    rng = np.random.default_rng(seed)
    return [
        [(rng.standard_normal(n_smell), int(rng.integers(n_actions)), rng.normal(1.0, 1.0), rng.uniform(0.3, 1.0))
         for _ in range(n)]
        for n in lengths
    ]


mouse = Mouse(n_smell=2, n_units=3, n_actions=3, seed=70)
replay = replay_buffer([5, 3], 2, 3, seed=71)
