"""One time step at a time over dictionaries: step forward, step backward, accumulate, update.

The names Wax, Waa, Wya, b, by are those of many courses; a is the hidden state, columns are examples of
one. An input is a column (n_x, 1), an index, or None, which stands for the zero vector that starts a word.
"""

import numpy as np

from reference.arrays import Inexact
from reference.checks import require

X = Inexact[np.ndarray, "n_x 1"]
A = Inexact[np.ndarray, "n_a 1"]
Y = Inexact[np.ndarray, "n_y 1"]
Arrays = dict[str, np.ndarray]
Input = X | int | None

NAMES = ("Wax", "Waa", "Wya", "b", "by")


def as_column(x: Input, parameters: Arrays) -> X:
    """The input as a column (n_x, 1); raises InputError where it does not fit Wax."""
    Wax = parameters["Wax"]
    if isinstance(x, np.ndarray):
        require(x.shape == (Wax.shape[1], 1), f"x has shape {x.shape}, but ({Wax.shape[1]}, 1) is right")
        return x
    column = np.zeros((Wax.shape[1], 1), Wax.dtype)
    if x is not None:
        require(0 <= x < len(column), f"x is the index {x}, but only 0 to {len(column) - 1} are right")
        column[x] = 1
    return column


def step_forward(parameters: Arrays, a_prev: A, x: X) -> tuple[A, Y]:
    """The next hidden state (n_a, 1) and the logits (n_y, 1)."""
    Wax, Waa, Wya, b, by = (parameters[name] for name in NAMES)
    # S1  a[t] = tanh(Wax @ x[t] + Waa @ a[t-1] + b)
    a = np.tanh(Wax @ x + Waa @ a_prev + b)
    # S2  y[t] = Wya @ a[t] + by
    return a, Wya @ a + by


def step_backward(parameters: Arrays, dy: Y, da_next: A, x: X, a: A, a_prev: A) -> tuple[Arrays, A]:
    """One step's share of each gradient, and what flows back to a_prev, (n_a, 1)."""
    # S2  y[t] = Wya @ a[t] + by
    # S3  da = Wya.T @ dy[t] + da_next
    da = parameters["Wya"].T @ dy + da_next
    # S1  a[t] = tanh(Wax @ x[t] + Waa @ a[t-1] + b)
    # S4  daraw = da * (1 - a[t]**2)
    daraw = da * (1 - a * a)
    share = {
        # S5  dWax += daraw @ x[t].T
        "dWax": daraw @ x.T,
        # S6  dWaa += daraw @ a[t-1].T
        "dWaa": daraw @ a_prev.T,
        # S7  dWya += dy[t] @ a[t].T
        "dWya": dy @ a.T,
        # S8  db += daraw
        "db": daraw,
        # S9  dby += dy[t]
        "dby": dy,
    }
    # S10 da_next = Waa.T @ daraw
    return share, parameters["Waa"].T @ daraw


def accumulate(gradients: Arrays, share: Arrays) -> Arrays:
    """The gradients with one more step's share added."""
    return {name: gradients[name] + share[name] for name in gradients}


def update(parameters: Arrays, gradients: Arrays, learning_rate: float) -> Arrays:
    """Parameters after one step of gradient descent."""
    return {name: parameters[name] - learning_rate * gradients["d" + name] for name in NAMES}


def forward(parameters: Arrays, inputs: list[Input], a0: A) -> tuple[list[Y], dict[int, A], list[X]]:
    """The logits of every step, the hidden states (a[-1] is the initial one), and the inputs as columns.

    Raises InputError for an empty sequence or an input that does not fit.
    """
    require(len(inputs) > 0, "the sequence is empty, but it must hold at least one step")
    x = [as_column(entry, parameters) for entry in inputs]
    a, y = {-1: a0}, []
    for t in range(len(x)):
        a[t], logits = step_forward(parameters, a[t - 1], x[t])
        y.append(logits)
    return y, a, x


def backward(parameters: Arrays, dY: list[Y], a: dict[int, A], x: list[X], da_final: A) -> tuple[Arrays, A]:
    """The gradients dWax, dWaa, dWya, db, dby, and the initial state's, from those of the logits."""
    gradients = {"d" + name: np.zeros(parameters[name].shape, da_final.dtype) for name in NAMES}
    da_next = da_final
    for t in reversed(range(len(x))):
        share, da_next = step_backward(parameters, dY[t], da_next, x[t], a[t], a[t - 1])
        gradients = accumulate(gradients, share)
    return gradients, da_next
