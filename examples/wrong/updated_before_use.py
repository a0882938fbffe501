"""RNN for a toy control task; the weights are adapted inside of backprop, as soon as their gradient is known."""
import numpy as np

rng = np.random.RandomState(4)


class OnlineRNN:
    def __init__(self, n_in, n_hid, n_out):
        self.w_ih = rng.randn(n_in, n_hid) * 0.6
        self.w_hh = rng.randn(n_hid, n_hid) * 0.5
        self.w_ho = rng.randn(n_hid, n_out) * 0.6

    def activate(self, frames):
        self.hid = [np.zeros(self.w_hh.shape[0])]
        for frame in frames:
            self.hid.append(np.tanh(frame @ self.w_ih + self.hid[-1] @ self.w_hh))
        return np.array(self.hid[1:]) @ self.w_ho

    def error(self, frames, goals):
        return 0.5 * np.sum((self.activate(frames) - goals) ** 2)

    def backprop(self, frames, goals, eta):
        diff = self.activate(frames) - goals
        states = np.array(self.hid)
        self.w_ho -= eta * states[1:].T @ diff

        delta_next = np.zeros(self.w_hh.shape[0])
        d_ih, d_hh = np.zeros_like(self.w_ih), np.zeros_like(self.w_hh)
        for t in range(len(frames) - 1, -1, -1):
            delta = (self.w_ho @ diff[t] + self.w_hh @ delta_next) * (1 - states[t + 1] ** 2)
            d_ih += np.outer(frames[t], delta)
            d_hh += np.outer(states[t], delta)
            delta_next = delta
        self.w_ih -= eta * d_ih
        self.w_hh -= eta * d_hh


frames = rng.randn(6, 2)
goals = rng.randn(6, 3)
net = OnlineRNN(n_in=2, n_hid=5, n_out=3)

if __name__ == "__main__":
    for epoch in range(200):
        net.backprop(frames, goals, eta=0.01)
    print("error", net.error(frames, goals))
