"""An LSTM node per time step, each with its own memory, all sharing one parameter object."""
import numpy as np


def sigmoid(x):
    return 1.0 / (1 + np.exp(-x))


class LstmParam:
    def __init__(self, mem_cell_ct, x_dim):
        concat_len = x_dim + mem_cell_ct
        rand = np.random.RandomState(6).uniform
        self.wg = rand(-0.7, 0.7, (mem_cell_ct, concat_len))
        self.wi = rand(-0.7, 0.7, (mem_cell_ct, concat_len))
        self.wf = rand(-0.7, 0.7, (mem_cell_ct, concat_len))
        self.wo = rand(-0.7, 0.7, (mem_cell_ct, concat_len))
        self.bg = rand(-0.3, 0.3, mem_cell_ct)
        self.bi = rand(-0.3, 0.3, mem_cell_ct)
        self.bf = rand(-0.3, 0.3, mem_cell_ct)
        self.bo = rand(-0.3, 0.3, mem_cell_ct)


class LstmNode:
    def __init__(self, param, x, s_prev, h_prev):
        self.param = param
        self.s_prev = s_prev
        self.xc = np.hstack((x, h_prev))
        self.g = np.tanh(param.wg @ self.xc + param.bg)
        self.i = sigmoid(param.wi @ self.xc + param.bi)
        self.f = sigmoid(param.wf @ self.xc + param.bf)
        self.o = sigmoid(param.wo @ self.xc + param.bo)
        self.s = self.g * self.i + s_prev * self.f
        self.h = self.o * np.tanh(self.s)

    def backward(self, top_diff_h, top_diff_s, diff):
        tanh_s = np.tanh(self.s)
        ds = self.o * top_diff_h * (1 - tanh_s ** 2) + top_diff_s
        deltas = {
            "o": self.o * (1 - self.o) * tanh_s * top_diff_h,
            "i": self.i * (1 - self.i) * self.g * ds,
            "g": (1 - self.g ** 2) * self.i * ds,
            "f": self.f * (1 - self.f) * self.s_prev * ds,
        }
        for gate, delta in deltas.items():
            diff["w" + gate] += np.outer(delta, self.xc)
            diff["b" + gate] += delta
        return ds * self.f


def unroll(param, xs):
    nodes, s, h = [], np.zeros(len(param.bg)), np.zeros(len(param.bg))
    for x in xs:
        nodes.append(LstmNode(param, x, s, h))
        s, h = nodes[-1].s, nodes[-1].h
    return nodes


def loss(param, xs, ys):
    """Squared distance of the first memory unit's output to the wanted value."""
    return sum((node.h[0] - y) ** 2 for node, y in zip(unroll(param, xs), ys))


def backprop(param, xs, ys):
    nodes = unroll(param, xs)
    diff = {name: np.zeros_like(value) for name, value in vars(param).items()}
    diff_s = np.zeros(len(param.bg))
    for node, y in zip(reversed(nodes), reversed(ys)):
        diff_h = np.zeros(len(param.bg))
        diff_h[0] = 2 * (node.h[0] - y)
        diff_s = node.backward(diff_h, diff_s, diff)
    return diff


param = LstmParam(mem_cell_ct=5, x_dim=3)
ys = [-0.5, 0.2, 0.1, -0.5]
xs = np.random.RandomState(9).uniform(-1, 1, (len(ys), 3))

if __name__ == "__main__":
    for step in range(100):
        diff = backprop(param, xs, ys)
        for name, d in diff.items():
            getattr(param, name)[...] -= 0.1 * d
    print("loss:", loss(param, xs, ys))
