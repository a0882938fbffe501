# Teaching a tiny RNN to subtract binary numbers, least significant bit first (borrow has to be remembered).
# In the manner of the famous "anyone can learn to code an LSTM-RNN" blog post, but with biases.
import numpy as np

np.random.seed(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_output_to_derivative(output):
    return output * (1 - output)


binary_dim = 6


def bits(n, dim):
    return np.array([(n >> k) & 1 for k in range(dim)], dtype=float)


def problem(largest, dim):
    b_int = np.random.randint(largest)
    a_int = np.random.randint(b_int, largest)
    return bits(a_int, dim), bits(b_int, dim), bits(a_int - b_int, dim)


input_dim = 2
hidden_dim = 4
output_dim = 1

synapse_0 = 2 * np.random.random((input_dim, hidden_dim)) - 1
synapse_1 = 2 * np.random.random((hidden_dim, output_dim)) - 1
synapse_h = 2 * np.random.random((hidden_dim, hidden_dim)) - 1
bias_0 = 2 * np.random.random((1, hidden_dim)) - 1
bias_1 = 2 * np.random.random((1, output_dim)) - 1


def run(a, b):
    layer_1_values = [np.zeros((1, synapse_h.shape[0]))]
    layer_2_values = []
    for position in range(len(a)):
        X = np.array([[a[position], b[position]]])
        layer_1 = sigmoid(np.dot(X, synapse_0) + np.dot(layer_1_values[-1], synapse_h) + bias_0)
        layer_2 = sigmoid(np.dot(layer_1, synapse_1) + bias_1)
        layer_1_values.append(layer_1)
        layer_2_values.append(layer_2)
    return layer_1_values, layer_2_values


def half_squared_error(a, b, c):
    overall = 0.
    for position, layer_2 in enumerate(run(a, b)[1]):
        overall += 0.5 * (c[position] - layer_2[0][0]) ** 2
    return overall


def learn(a, b, c, alpha):
    global synapse_0, synapse_1, synapse_h, bias_0, bias_1
    layer_1_values, layer_2_values = run(a, b)
    layer_2_deltas = [(c[k] - out) * sigmoid_output_to_derivative(out) for k, out in enumerate(layer_2_values)]

    synapse_0_update = np.zeros_like(synapse_0)
    synapse_1_update = np.zeros_like(synapse_1)
    synapse_h_update = np.zeros_like(synapse_h)
    bias_0_update = np.zeros_like(bias_0)
    bias_1_update = np.zeros_like(bias_1)
    future_layer_1_delta = np.zeros((1, synapse_h.shape[0]))

    for position in range(len(a)):
        k = len(a) - position - 1                       # from the most significant bit down
        X = np.array([[a[k], b[k]]])
        layer_1 = layer_1_values[k + 1]
        prev_layer_1 = layer_1_values[k]

        layer_2_delta = layer_2_deltas[k]
        layer_1_delta = (future_layer_1_delta.dot(synapse_h.T) +
                         layer_2_delta.dot(synapse_1.T)) * sigmoid_output_to_derivative(layer_1)

        synapse_1_update += np.atleast_2d(layer_1).T.dot(layer_2_delta)
        synapse_h_update += np.atleast_2d(prev_layer_1).T.dot(layer_1_delta)
        synapse_0_update += X.T.dot(layer_1_delta)
        bias_0_update += layer_1_delta
        bias_1_update += layer_2_delta

        future_layer_1_delta = layer_1_delta

    # the deltas point downhill already
    synapse_0 += synapse_0_update * alpha
    synapse_1 += synapse_1_update * alpha
    synapse_h += synapse_h_update * alpha
    bias_0 += bias_0_update * alpha
    bias_1 += bias_1_update * alpha


a, b, c = problem(2 ** binary_dim, binary_dim)
