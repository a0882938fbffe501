# Bus delays at the next stop, GRU. I followed the notation of the deeplearning course (a<t>, Gamma_u, Gamma_r),
# x has shape (n_x, m, T_x). Buses make trips of different length, hence the mask (m, T_x).
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru_cell_forward(xt, a_prev, parameters):
    Wu, bu = parameters["Wu"], parameters["bu"]
    Wr, br = parameters["Wr"], parameters["br"]
    Wc, bc = parameters["Wc"], parameters["bc"]

    concat = np.concatenate((a_prev, xt), axis=0)
    gamma_u = sigmoid(np.dot(Wu, concat) + bu)
    gamma_r = sigmoid(np.dot(Wr, concat) + br)
    concat_r = np.concatenate((gamma_r * a_prev, xt), axis=0)
    cct = np.tanh(np.dot(Wc, concat_r) + bc)
    a_next = gamma_u * cct + (1 - gamma_u) * a_prev

    cache = (a_prev, concat, concat_r, gamma_u, gamma_r, cct)
    return a_next, cache


def gru_forward(x, a0, parameters):
    n_x, m, T_x = x.shape
    n_y, n_a = parameters["Wy"].shape
    a = np.zeros((n_a, m, T_x))
    y_pred = np.zeros((n_y, m, T_x))
    caches = []
    a_next = a0
    for t in range(T_x):
        a_next, cache = gru_cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t] = a_next
        y_pred[:, :, t] = np.dot(parameters["Wy"], a_next) + parameters["by"]
        caches.append(cache)
    return a, y_pred, caches


def compute_cost(x, y, mask, a0, parameters):
    _, y_pred, _ = gru_forward(x, a0, parameters)
    return np.sum(mask * (y_pred - y) ** 2) / (2 * np.sum(mask))


def gru_cell_backward(da_next, cache, parameters):
    (a_prev, concat, concat_r, gamma_u, gamma_r, cct) = cache
    n_a = a_prev.shape[0]

    dcct = da_next * gamma_u * (1 - cct ** 2)
    dgamma_u = da_next * (cct - a_prev) * gamma_u * (1 - gamma_u)
    dconcat_r = np.dot(parameters["Wc"].T, dcct)
    dra = dconcat_r[:n_a, :]
    dgamma_r = dra * a_prev * gamma_r * (1 - gamma_r)

    dconcat = np.dot(parameters["Wu"].T, dgamma_u) + np.dot(parameters["Wr"].T, dgamma_r)
    da_prev = dconcat[:n_a, :] + dra * gamma_r + da_next * (1 - gamma_u)

    return {
        "da_prev": da_prev,
        "dWu": np.dot(dgamma_u, concat.T), "dbu": np.sum(dgamma_u, axis=1, keepdims=True),
        "dWr": np.dot(dgamma_r, concat.T), "dbr": np.sum(dgamma_r, axis=1, keepdims=True),
        "dWc": np.dot(dcct, concat_r.T), "dbc": np.sum(dcct, axis=1, keepdims=True),
    }


def gru_backward(x, y, mask, a0, parameters):
    a, y_pred, caches = gru_forward(x, a0, parameters)
    dy = mask * (y_pred - y) / np.sum(mask)

    gradients = {"d" + key: np.zeros_like(parameters[key]) for key in parameters}
    da_prevt = np.zeros(a0.shape)
    for t in reversed(range(x.shape[2])):
        gradients["dWy"] += np.dot(dy[:, :, t], a[:, :, t].T)
        gradients["dby"] += np.sum(dy[:, :, t], axis=1, keepdims=True)
        da = np.dot(parameters["Wy"].T, dy[:, :, t]) + da_prevt
        step = gru_cell_backward(da, caches[t], parameters)
        da_prevt = step["da_prev"]
        for key in ["dWu", "dbu", "dWr", "dbr", "dWc", "dbc"]:
            gradients[key] += step[key]
    return gradients


def initialize_parameters(n_x, n_a, n_y, seed):
    np.random.seed(seed)
    parameters = {}
    for gate in "urc":
        parameters["W" + gate] = np.random.randn(n_a, n_a + n_x) * 0.5
        parameters["b" + gate] = np.random.randn(n_a, 1) * 0.1
    parameters["Wy"] = np.random.randn(n_y, n_a)
    parameters["by"] = np.zeros((n_y, 1))
    return parameters


def trips(n_x, n_y, lengths, seed):
    np.random.seed(seed)
    m, T_x = len(lengths), max(lengths)
    x = np.random.randn(n_x, m, T_x)
    y = np.random.randn(n_y, m, T_x) + x[:n_y]
    mask = np.array([[float(t < n) for t in range(T_x)] for n in lengths])
    return x, y, mask


parameters = initialize_parameters(n_x=3, n_a=5, n_y=1, seed=110)
x, y, mask = trips(3, 1, [6, 4, 5], seed=111)
a0 = np.zeros((5, 3))
