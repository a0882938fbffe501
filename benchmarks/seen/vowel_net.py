import numpy as np


class VowelNet:
    """Elman network that reads a batch of frame sequences and says, at the end, which vowel it was.

    frames : (batch, time, features)
    vowel  : (batch,) integers
    """

    def __init__(self, n_features, n_hidden, n_vowels, seed=0):
        rng = np.random.default_rng(seed)
        self.w_in = rng.normal(0, 0.8, (n_features, n_hidden))
        self.w_rec = rng.normal(0, 0.5, (n_hidden, n_hidden))
        self.b_hid = rng.normal(0, 0.2, n_hidden)
        self.w_out = rng.normal(0, 0.9, (n_hidden, n_vowels))
        self.b_out = rng.normal(0, 0.2, n_vowels)
        self.grad = {}

    def hidden_states(self, frames):
        n_batch, n_time, _ = frames.shape
        states = np.zeros((n_batch, n_time + 1, self.b_hid.size))
        for t in range(n_time):
            pre = frames[:, t] @ self.w_in + states[:, t] @ self.w_rec + self.b_hid
            states[:, t + 1] = np.tanh(pre)
        return states

    def probabilities(self, last):
        score = last @ self.w_out + self.b_out
        score = score - score.max(axis=1, keepdims=True)
        ex = np.exp(score)
        return ex / ex.sum(axis=1, keepdims=True)

    def loss(self, frames, vowel):
        states = self.hidden_states(frames)
        prob = self.probabilities(states[:, -1])
        return -np.mean(np.log(prob[np.arange(len(vowel)), vowel]))

    def compute_gradients(self, frames, vowel):
        n_batch, n_time, _ = frames.shape
        states = self.hidden_states(frames)

        delta_out = self.probabilities(states[:, -1])
        delta_out[np.arange(n_batch), vowel] -= 1.0
        delta_out /= n_batch

        self.grad = {
            "w_out": states[:, -1].T @ delta_out,
            "b_out": delta_out.sum(axis=0),
            "w_in": np.zeros_like(self.w_in),
            "w_rec": np.zeros_like(self.w_rec),
            "b_hid": np.zeros_like(self.b_hid),
        }

        # only the last state sees the label
        error = delta_out @ self.w_out.T
        for t in range(n_time, 0, -1):
            delta = error * (1 - states[:, t] ** 2)
            self.grad["w_in"] += frames[:, t - 1].T @ delta
            self.grad["w_rec"] += states[:, t - 1].T @ delta
            self.grad["b_hid"] += delta.sum(axis=0)
            error = delta @ self.w_rec.T
        return self.grad

    def step(self, eta):
        for name, g in self.grad.items():
            setattr(self, name, getattr(self, name) - eta * g)


def fake_vowels(n_batch, n_time, n_features, n_vowels, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_batch, n_time, n_features)), rng.integers(0, n_vowels, n_batch)


net = VowelNet(2, 5, 4)
frames, vowel = fake_vowels(3, 6, 2, 4)

if __name__ == "__main__":
    for k in range(101):
        net.compute_gradients(frames, vowel)
        net.step(0.5)
        if k % 20 == 0:
            print(k, net.loss(frames, vowel))
