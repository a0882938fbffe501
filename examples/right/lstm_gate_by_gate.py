"""An LSTM that spells things out: a matrix and a bias for every gate.

The weights are attributes of one object, the gradients of another of the same kind.

Task: a sequence of heights; is the last one above the average of them all?
"""
import copy

import numpy as np


class Cell:
    pass


def new_cell(hidden, features, seed):
    rnd = np.random.RandomState(seed)
    cell = Cell()
    fan = hidden + features
    cell.W_forget = rnd.normal(0, 1 / fan ** 0.5, (hidden, fan))
    cell.W_input = rnd.normal(0, 1 / fan ** 0.5, (hidden, fan))
    cell.W_cand = rnd.normal(0, 1 / fan ** 0.5, (hidden, fan))
    cell.W_output = rnd.normal(0, 1 / fan ** 0.5, (hidden, fan))
    cell.b_forget = np.ones((hidden, 1))
    cell.b_input = np.zeros((hidden, 1))
    cell.b_cand = np.zeros((hidden, 1))
    cell.b_output = np.zeros((hidden, 1))
    cell.w_score = rnd.normal(0, 1, (1, hidden))
    return cell


def logistic(v):
    return 0.5 * (1 + np.tanh(0.5 * v))


def forward(cell, heights):
    h = np.zeros_like(cell.b_input)
    c = np.zeros_like(cell.b_input)
    memory = []
    for height in heights:
        v = np.vstack([h, height.reshape(-1, 1)])
        f = logistic(cell.W_forget @ v + cell.b_forget)
        i = logistic(cell.W_input @ v + cell.b_input)
        g = np.tanh(cell.W_cand @ v + cell.b_cand)
        o = logistic(cell.W_output @ v + cell.b_output)
        c_old, c = c, f * c + i * g
        h = o * np.tanh(c)
        memory.append((v, f, i, g, o, c_old, c))
    prob = logistic(cell.w_score @ h)
    return prob, h, memory


def loss(cell, heights, above):
    prob = forward(cell, heights)[0][0, 0]
    return -(above * np.log(prob) + (1 - above) * np.log(1 - prob))


def backward(cell, heights, above):
    prob, h, memory = forward(cell, heights)
    grad = copy.deepcopy(cell)
    for array in vars(grad).values():
        array.fill(0)

    dscore = prob - above
    grad.w_score += dscore @ h.T
    dh = cell.w_score.T @ dscore
    dc = np.zeros_like(dh)
    for v, f, i, g, o, c_old, c in memory[::-1]:
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc ** 2)
        raw_o = dh * tc * o * (1 - o)
        raw_f = dc * c_old * f * (1 - f)
        raw_i = dc * g * i * (1 - i)
        raw_g = dc * i * (1 - g ** 2)
        dv = 0
        for name, raw in [("forget", raw_f), ("input", raw_i), ("cand", raw_g), ("output", raw_o)]:
            setattr(grad, "W_" + name, getattr(grad, "W_" + name) + raw @ v.T)
            setattr(grad, "b_" + name, getattr(grad, "b_" + name) + raw)
            dv = dv + getattr(cell, "W_" + name).T @ raw
        dh = dv[: len(h)]
        dc = dc * f
    return grad


cell = new_cell(hidden=4, features=1, seed=12)
heights = np.array([[0.3], [1.1], [-0.4], [0.9], [-1.5], [0.2], [0.7]])
above = float(heights[-1, 0] > heights.mean())
