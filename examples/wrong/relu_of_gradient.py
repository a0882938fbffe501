"""ReLU RNN that adds up numbers. The output is read after the last step only."""
import numpy as np

rng = np.random.default_rng(17)
T, B, D, H = 6, 4, 2, 8

U = rng.normal(0, 0.5, (D, H))
W = 0.7 * np.eye(H) + rng.normal(0, 0.15, (H, H))
b = rng.uniform(0.1, 0.5, H)
v = rng.normal(0, 0.5, (H, 1))

numbers = rng.normal(size=(T, B, D))
total = numbers[:, :, :1].sum(axis=0)


def relu(z):
    return np.maximum(z, 0.0)


def predict(numbers):
    hidden = [np.zeros((B, H))]
    for x in numbers:
        hidden.append(relu(x @ U + hidden[-1] @ W + b))
    return hidden, hidden[-1] @ v


def loss_fn(numbers, total):
    _, guess = predict(numbers)
    return np.mean((guess - total) ** 2)


def grad_fn(numbers, total):
    hidden, guess = predict(numbers)
    gU, gW, gb = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
    d_guess = 2.0 * (guess - total) / guess.size
    gv = hidden[-1].T @ d_guess
    d_hidden = d_guess @ v.T
    for t in reversed(range(T)):
        d_act = d_hidden * (d_hidden > 0)
        gU += numbers[t].T @ d_act
        gW += hidden[t].T @ d_act
        gb += d_act.sum(0)
        d_hidden = d_act @ W.T
    return {"U": gU, "W": gW, "b": gb, "v": gv}


if __name__ == "__main__":
    print("loss", loss_fn(numbers, total))
    for name, g in grad_fn(numbers, total).items():
        print(f"{name:>2}  |grad| = {np.abs(g).max():.4f}")
