"""Clockwork RNN (Koutnik, Greff, Gomez, Schmidhuber 2014) for the rain of the next hour.

The hidden units stand in groups.  Group g moves only when its clock ticks (t divisible by period[g]) and hears only
the groups that are as slow or slower, so the recurrent matrix is block upper triangular.
"""
import numpy as np


class ClockworkRNN:
    def __init__(self, n_in, per_group, periods, n_out, seed=0):
        rs = np.random.RandomState(seed)
        self.periods = np.repeat(periods, per_group)           # one clock per unit
        n = len(self.periods)
        self.allowed = (self.periods[None, :] >= self.periods[:, None]).astype(float)
        self.W_in = rs.standard_normal((n, n_in)) / np.sqrt(n_in)
        self.W_rec = rs.standard_normal((n, n)) / np.sqrt(n)
        self.bias = 0.1 * rs.standard_normal(n)
        self.W_out = rs.standard_normal((n_out, n)) / np.sqrt(n)
        self.b_out = 0.1 * rs.standard_normal(n_out)

    def ticks(self, t):
        return (t % self.periods == 0).astype(float)

    def run(self, X):
        """X: (hours, n_in) -> states (hours + 1, n), predictions (hours, n_out)"""
        states = [np.zeros(len(self.bias))]
        predictions = []
        R = self.W_rec * self.allowed
        for t, x in enumerate(X):
            on = self.ticks(t)
            fresh = np.tanh(self.W_in @ x + R @ states[-1] + self.bias)
            states.append(on * fresh + (1 - on) * states[-1])
            predictions.append(self.W_out @ states[-1] + self.b_out)
        return np.array(states), np.array(predictions)

    def rmse(self, X, Y):
        _, predictions = self.run(X)
        return np.sqrt(np.mean((predictions - Y) ** 2))

    def rmse_gradients(self, X, Y):
        states, predictions = self.run(X)
        error = predictions - Y
        d_pred = error / (error.size * np.sqrt(np.mean(error ** 2)))

        g = {name: np.zeros_like(getattr(self, name)) for name in ("W_in", "W_rec", "bias", "W_out", "b_out")}
        g["W_out"] = d_pred.T @ states[1:]
        g["b_out"] = d_pred.sum(axis=0)

        R = self.W_rec * self.allowed
        from_later = np.zeros(len(self.bias))
        for t in range(len(X) - 1, -1, -1):
            d_state = d_pred[t] @ self.W_out + from_later
            on = self.ticks(t)
            # where the clock ticked, the state after the step is tanh; elsewhere it was only carried over
            d_net = on * d_state * (1 - states[t + 1] ** 2)
            g["W_in"] += np.outer(d_net, X[t])
            g["W_rec"] += np.outer(d_net, states[t]) * self.allowed
            g["bias"] += d_net
            from_later = R.T @ d_net + (1 - on) * d_state
        return g

    def fit(self, X, Y, epochs=300, rate=0.05):
        for epoch in range(epochs):
            for name, grad in self.rmse_gradients(X, Y).items():
                setattr(self, name, getattr(self, name) - rate * grad)
            if epoch % 50 == 0:
                print("epoch %4d   rmse %.4f" % (epoch, self.rmse(X, Y)))


def hourly(hours, seed):
    """pressure, humidity, time of day -> rain"""
    rs = np.random.RandomState(seed)
    clock = np.arange(hours)
    pressure = np.cumsum(rs.standard_normal(hours)) * 0.4
    humidity = 0.5 * np.sin(2 * np.pi * clock / 24 + 1) + 0.3 * rs.standard_normal(hours)
    X = np.column_stack([pressure, humidity, np.cos(2 * np.pi * clock / 24)])
    Y = (humidity - 0.5 * pressure + 0.3 * rs.standard_normal(hours))[:, None]
    return X, Y


crnn = ClockworkRNN(n_in=3, per_group=2, periods=[1, 2, 4], n_out=1, seed=5)
X, Y = hourly(9, seed=2)

if __name__ == "__main__":
    crnn.fit(*hourly(96, seed=3))
