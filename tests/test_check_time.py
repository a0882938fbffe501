"""What a tape says of time: truncation, the lengths a gradient is wrong from, and which cell a forward is."""

import numpy as np
import pytest

from rnn_jax.errors import InputError
from rnn_jax.verify import standard, truncation, truth
from rnn_jax.verify.command import Intent, check_file
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.subject import Setting, record


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Cell:
    """A recurrence over T steps with a readout at every step; `step` is what each test changes."""

    def __init__(self, gates, T=7, B=2, D=3, H=4, seed=0):
        rng = np.random.default_rng(seed)
        self.x, self.y = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
        self.U, self.W = rng.normal(size=(D, gates * H)), 0.6 * rng.normal(size=(H, gates * H))
        self.b = 0.3 * rng.normal(size=gates * H)

    def run(self, step):
        h, c = np.full((2, 4), 0.3), np.full((2, 4), -0.2)
        total = 0.0
        for x, y in zip(self.x, self.y, strict=True):
            h, c = step(x @ self.U + h @ self.W + self.b, h, c, self)
            total = total + np.sum(h * y)
        return total

    def recorded(self, step):
        subject = CallableSubject(lambda: self.run(step), lambda: 0, {"U": self.U, "W": self.W, "b": self.b})
        return record(subject, Setting())


def rnn(z, h, c, net):
    return np.tanh(z), c


def lstm(z, h, c, net):
    i, f, g, o = np.split(z, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(z, h, c, net):
    r, u = sigmoid(z[:, :4]), sigmoid(z[:, 4:8])
    n = np.tanh(z[:, 8:] + r * h)
    return (1 - u) * n + u * h, c


@pytest.mark.parametrize(("step", "gates"), [(rnn, 1), (lstm, 4), (gru, 3)])
def test_parts_by_age_add_up_and_windows_are_stop_gradients(step, gates):
    """The same windows by brute force: the state replaced by a constant K cells before each step's loss."""
    net = Cell(gates)
    made = net.recorded(step)
    whole = truth.differentiate(made)
    parts = truncation.by_age(made, 7)
    assert truncation.prepared(made)[0].cells == 7
    for name, gradient in whole.items():
        # The same sums in another order: a few rounding errors of their largest term.
        np.testing.assert_allclose(sum(part[name] for part in parts), gradient, rtol=0, atol=1e-13)
    for cells in (1, 3):
        found = truncation.truncated(made, cells)
        expected = windowed(net, step, cells)
        for name in whole:
            np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-13)


def windowed(net, step, cells):
    """Every step's loss differentiated alone, from a state that was computed before and is held fixed."""
    states = [(np.full((2, 4), 0.3), np.full((2, 4), -0.2))]
    for x in net.x:
        h, c = states[-1]
        states.append(step(x @ net.U + h @ net.W + net.b, h, c, net))
    total = {"U": 0.0, "W": 0.0, "b": 0.0}
    for t in range(len(net.x)):
        first = max(0, t - cells + 1)

        def loss(first=first, t=t):
            h, c = states[first]
            for k in range(first, t + 1):
                h, c = step(net.x[k] @ net.U + h @ net.W + net.b, h, c, net)
            return np.sum(h * net.y[t])

        made = record(CallableSubject(loss, lambda: 0, {"U": net.U, "W": net.W, "b": net.b}), Setting())
        total = {name: total[name] + g for name, g in truth.differentiate(made).items()}
    return total


def test_chunks_pass_nothing_on():
    net = Cell(1, T=6)
    found = truncation.chunked(net.recorded(rnn), 3)

    def loss():
        value, h = 0.0, np.full((2, 4), 0.3)
        for t in range(6):
            if t == 3:
                h = np.array(np.asarray(h).tolist()) if not hasattr(h, "plain") else np.array(h.plain)
            h = np.tanh(net.x[t] @ net.U + h @ net.W + net.b)
            value = value + np.sum(h * net.y[t])
        return value

    made = record(CallableSubject(loss, lambda: 0, {"U": net.U, "W": net.W, "b": net.b}), Setting())
    for name, gradient in truth.differentiate(made).items():
        np.testing.assert_allclose(found[name], gradient, rtol=0, atol=1e-13)


def without_tanh(z, h, c, net):
    i, f, g, o = np.split(z, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * c, c


def forgets(z, h, c, net):
    i, _, g, o = np.split(z, 4, axis=1)
    c = sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def sigmoid_candidate(z, h, c, net):
    i, f, g, o = np.split(z, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * sigmoid(g)
    return sigmoid(o) * np.tanh(c), c


def wrong_sign(z, h, c, net):
    i, f, g, o = np.split(z, 4, axis=1)
    c = sigmoid(-f) * c + 1 / (1 + np.exp(i)) * np.tanh(g)
    return 1 / (1 + np.exp(o)) * np.tanh(c), c


def no_reset(z, h, c, net):
    u, n = sigmoid(z[:, :4]), np.tanh(z[:, 4:])
    return (1 - u) * n + u * h, c


def exchanged(z, h, c, net):
    r, u = sigmoid(z[:, :4]), sigmoid(z[:, 4:8])
    n = np.tanh(z[:, 8:] + r * h)
    return u * n + (1 - u) * h, c


@pytest.mark.parametrize(
    ("cell", "step", "gates", "words"),
    [
        ("standard-rnn", rnn, 1, "is the standard tanh RNN"),
        ("standard-lstm", lstm, 4, "is the standard LSTM"),
        ("standard-gru", gru, 3, "is the standard GRU"),
        ("standard-gru", exchanged, 3, "is the standard GRU"),
        ("standard-lstm", without_tanh, 4, "without the tanh"),
        ("standard-lstm", forgets, 4, "it forgets f ⊙ c[t-1]"),
        ("standard-lstm", sigmoid_candidate, 4, "a sigmoid where tanh is due"),
        ("standard-lstm", wrong_sign, 4, "the sigmoid of -z"),
        ("standard-lstm", rnn, 1, "no value of a step is the sigmoid"),
        ("standard-gru", no_reset, 2, "no reset gate"),
        ("standard-rnn", lstm, 4, "a gated cell"),
        ("standard-rnn", lambda z, h, c, net: (np.maximum(z, 0), c), 1, "no value of a step is the tanh"),
    ],
)
def test_the_forward_against_the_standard_cell(cell, step, gates, words):
    said = standard.compare(Cell(gates).recorded(step), cell)
    assert words in said
    assert ("is the standard" in said) == ("is the standard" in words)


def test_an_unknown_cell_is_said():
    with pytest.raises(InputError, match="'lstm' is none of standard-rnn, standard-lstm, standard-gru"):
        standard.compare(Cell(1).recorded(rnn), "lstm")


PROGRAM = """
import numpy as np
rng = np.random.default_rng(0)
D, H = 3, 4
U, W = rng.normal(size=(D, H)), 0.5 * rng.normal(size=(H, H))
X, Y, h0 = rng.normal(size=(2, 6, D)), rng.normal(size=(2, 6, H)), np.zeros(H)

def forward(X, Y, h0):
    loss, hs = 0.0, []
    for x, y in zip(X, Y):
        h = h0
        hs.append([h])
        for t in range(len(x)):
            h = np.tanh(x[t] @ U + h @ W)
            hs[-1].append(h)
            loss += np.sum(h * y[t])
    return loss, hs

def backward(X, Y, h0):
    hs = forward(X, Y, h0)[1]
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    for x, y, h in zip(X, Y, hs):
        dh = np.zeros(H)
        for t in reversed(range(len(x))):
            da = (y[t] + dh) * (1 - h[t + 1] ** 2)
            dU += np.outer(x[t], da)
            dW += np.outer(h[t], da)
            dh = W @ da
    return dU, dW
"""


def run(tmp_path, text, **options):
    path = tmp_path / "mine.py"
    path.write_text(text)
    said = Expressions("U,W", "forward(X, Y, h0)[0]", "backward(X, Y, h0)")
    return check_file(path, said, Intent(**options))


def test_vary_says_which_axis_is_time(tmp_path):
    damaged = PROGRAM.replace("dh = W @ da", "dh = 0 * da")
    details = run(tmp_path, damaged, vary="X=1,Y=1").findings[0].details
    assert details == (
        "if that is meant: --truncate 1",
        "U: right at T=1, wrong from T=2",
        "W: right at T=2, wrong from T=3",
        "T was varied by cutting X (axis 1), Y (axis 1) short",
    )
    assert run(tmp_path, PROGRAM, vary="X=1,Y=1").ok
    assert run(tmp_path, PROGRAM).ok


def test_an_initial_state_of_zero_is_random_at_the_random_points(tmp_path):
    damaged = PROGRAM.replace("dW += np.outer(h[t], da)", "dW += np.outer(h[t], da) * (t > 0)")
    report = run(tmp_path, damaged)
    by_point = {point: str(c.verdict) for point, c in report.parameters[1].comparisons}
    assert by_point == {"own values": "pass", "random 1": "fail", "random 2": "fail"}
    assert any("h0: 0 in the program, random at the random points" in note for note in report.notes)


INPUT_TOO = """import numpy as np

rng = np.random.RandomState(0)
x, y, w = rng.randn(5, 1), rng.randn(5), np.array([0.7])


def loss(x, y):
    return 0.5 * np.sum((x[:, 0] * w - y) ** 2)


def gradients(x, y):
    d = x[:, 0] * w - y
    return np.outer(d, w), np.array([d @ x[:, 0]])
"""


def test_beside_an_input_whose_gradient_is_asked_for_nothing_is_cut(tmp_path):
    """y cut to one step beside the whole x would be another program, and accuse right code."""
    path = tmp_path / "mine.py"
    path.write_text(INPUT_TOO)
    said = Expressions("x,w", "loss(x, y)", "gradients(x, y)", None, None, None, 1.0)
    assert check_file(path, said).ok
    with pytest.raises(InputError, match="the gradient of x is asked for"):
        check_file(path, said, Intent(vary="x=0,y=0"))
