"""Forward-mode gradient of the recurrent matrix of a small RNN that spells a word, one letter after another."""
import numpy as np

word = "learn"
letters = sorted(set(word))
n = len(letters)
m = 3

state = np.random.RandomState(42)
U = state.randn(m, n) * 0.6
W = state.randn(m, m) * 0.5
V = state.randn(n, m) * 0.6

one_hot = np.eye(n)[[letters.index(ch) for ch in word]]
inputs, targets = one_hot[:-1], one_hot[1:]


def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def losses(inputs, targets):
    h = np.full(m, 0.2)
    values = []
    for x, y in zip(inputs, targets):
        h = np.tanh(U @ x + W @ h)
        values.append(-np.sum(y * np.log(softmax(V @ h))))
    return values


def gradient_of_W(inputs, targets):
    """dh[i, j] holds the derivative of the whole state with respect to W[i, j]."""
    h = np.full(m, 0.2)
    dh = np.zeros((m, m, m))
    dW = np.zeros((m, m))
    for x, y in zip(inputs, targets):
        h_old, h = h, np.tanh(U @ x + W @ h)
        dh_old = dh
        dh = np.zeros((m, m, m))
        for i in range(m):
            for j in range(m):
                direct = np.zeros(m)
                direct[i] = h_old[j]
                dh[i, j] = (1 - h ** 2) * direct + W @ dh_old[i, j]
        error = softmax(V @ h) - x
        dW += dh @ (V.T @ error)
    return dW


if __name__ == "__main__":
    print("losses", np.round(losses(inputs, targets), 4))
    print("gradient of W")
    print(np.round(gradient_of_W(inputs, targets), 4))
