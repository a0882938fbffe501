"""Many-to-one RNN: classify a short sequence from its last state."""
import numpy as np

SIZES = dict(time=6, batch=5, features=2, units=4, labels=3)
rng = np.random.default_rng(55)


class Classifier:
    def __init__(self, features, units, labels):
        self.params = {
            "kernel": rng.normal(size=(features, units)) * 0.8,
            "recurrent": rng.normal(size=(units, units)) * 0.5,
            "bias": rng.normal(size=units) * 0.3,
            "dense": rng.normal(size=(units, labels)) * 0.8,
            "dense_bias": np.zeros(labels),
        }
        self.grads = {}

    def _states(self, x):
        p = self.params
        states = [np.zeros((x.shape[1], p["bias"].size))]
        for frame in x:
            states.append(np.tanh(frame @ p["kernel"] + states[-1] @ p["recurrent"] + p["bias"]))
        return states

    def _probabilities(self, last):
        z = last @ self.params["dense"] + self.params["dense_bias"]
        z = z - z.max(axis=1, keepdims=True)
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    def loss(self, x, label):
        q = self._probabilities(self._states(x)[-1])
        return -np.mean(np.log(q[np.arange(label.size), label]))

    def backward(self, x, label):
        p = self.params
        self.grads = {name: np.zeros_like(value) for name, value in p.items()}
        g = self.grads
        states = self._states(x)
        dz = self._probabilities(states[-1])
        dz[np.arange(label.size), label] -= 1
        dz /= label.size

        g["dense"] += states[-1].T @ dz
        g["dense_bias"] += dz.sum(axis=0)
        dstate = dz @ p["dense"].T
        for t in range(len(x), 0, -1):
            dpre = dstate * (1 - states[t] ** 2)
            g["kernel"] += x[t - 1].T @ dpre
            g["recurrent"] += states[t - 1].T @ dpre
            g["bias"] + dpre.sum(axis=0)
            dstate = dpre @ p["recurrent"].T


x = rng.normal(size=(SIZES["time"], SIZES["batch"], SIZES["features"]))
label = rng.integers(0, SIZES["labels"], size=SIZES["batch"])
net = Classifier(SIZES["features"], SIZES["units"], SIZES["labels"])

if __name__ == "__main__":
    for i in range(100):
        net.backward(x, label)
        for name in net.params:
            net.params[name] -= 0.2 * net.grads[name]
    print("loss", net.loss(x, label))
