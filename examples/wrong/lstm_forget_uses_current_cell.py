"""LSTM sequence classifier; the last hidden state goes through a softmax. Row vectors, batches."""
import numpy as np

T, B, D, H, K = 6, 3, 2, 5, 4
rng = np.random.RandomState(90)


def uniform(rows, cols):
    s = np.sqrt(3.0 / rows)
    return rng.uniform(-s, s, (rows, cols))


weights = {"hidden_to_class": uniform(H, K)}
for gate in ("input", "forget", "output", "candidate"):
    weights[gate + "_x"] = uniform(D, H)
    weights[gate + "_h"] = uniform(H, H)
    weights[gate + "_b"] = rng.uniform(-0.2, 0.2, (1, H))

x = rng.randn(T, B, D)
y = rng.randint(K, size=B)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def forward(w, x):
    h = [np.zeros((B, H))]
    c = [np.zeros((B, H))]
    gate = {name: [] for name in ("input", "forget", "output", "candidate")}
    for t in range(T):
        for name in gate:
            z = x[t] @ w[name + "_x"] + h[t] @ w[name + "_h"] + w[name + "_b"]
            gate[name].append(np.tanh(z) if name == "candidate" else logistic(z))
        c.append(gate["forget"][t] * c[t] + gate["input"][t] * gate["candidate"][t])
        h.append(gate["output"][t] * np.tanh(c[t + 1]))
    scores = h[-1] @ w["hidden_to_class"]
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return h, c, gate, e / e.sum(axis=1, keepdims=True)


def loss(w, x, y):
    p = forward(w, x)[-1]
    return -np.log(p[range(B), y]).sum()


def backward(w, x, y):
    h, c, gate, p = forward(w, x)
    d = {name: np.zeros_like(v) for name, v in w.items()}
    p[range(B), y] -= 1
    d["hidden_to_class"] = h[-1].T @ p
    dh, dc = p @ w["hidden_to_class"].T, np.zeros((B, H))
    for t in reversed(range(T)):
        i, f, o, g = (gate[n][t] for n in ("input", "forget", "output", "candidate"))
        dc = dc + dh * o * (1 - np.tanh(c[t + 1]) ** 2)
        dz = {
            "input": dc * g * i * (1 - i),
            "forget": dc * c[t + 1] * f * (1 - f),
            "output": dh * np.tanh(c[t + 1]) * o * (1 - o),
            "candidate": dc * i * (1 - g ** 2),
        }
        dh = np.zeros((B, H))
        for name, v in dz.items():
            d[name + "_x"] += x[t].T @ v
            d[name + "_h"] += h[t].T @ v
            d[name + "_b"] += v.sum(axis=0, keepdims=True)
            dh += v @ w[name + "_h"].T
        dc = dc * f
    return d


if __name__ == "__main__":
    for k in range(100):
        d = backward(weights, x, y)
        for name in weights:
            weights[name] -= 0.05 * d[name]
    print("loss", loss(weights, x, y))
