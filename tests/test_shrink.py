"""The smallest case: the fault shows in it, in nothing smaller, and its numbers are those of the program."""

import time

import numpy as np
import pytest
from wrong_programs import COMMANDS, WRONG, judged, of_file

from rnn_jax.verify.fresh import fresh_values
from rnn_jax.verify.judge import failing, judge
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.program import Program, modules_kept
from rnn_jax.verify.smallest import shrink
from rnn_jax.verify.smallest.search import steps
from rnn_jax.verify.smallest.sizes import rebuilt, sizes
from rnn_jax.verify.subject import Setting


def smallest(path, command, seconds=5.0):
    with modules_kept():
        return shrink.smallest(*of_file(path, command), seconds=seconds)


def example(name):
    return smallest(WRONG / name, COMMANDS[name])


# What the mistakes themselves say: a path from t+1 shows in W from T=3 on where h0 is zero, for W's gradient at T=2 is
# zero; a transpose needs H=2; a penalty or a copied gate needs nothing.
SIZES = {
    "dropped_path.py": {"T": 3, "D": 1, "H": 1, "K": 2},
    "missing_transpose.py": {"T": 3, "B": 1, "D": 1, "H": 2},
    "lstm_dropped_cell_path.py": {"T": 2, "B": 1, "D": 1, "H": 1},
    "penalty_as_gradient.py": {"T": 1, "d": 1, "h": 1, "k": 1},
    "rtrl_missing_delta.py": {"T": 1, "D": 1, "H": 2, "K": 1},
    "gru_copy_paste.py": {"T": 1, "D": 1, "H": 1},
    "never_zeroed.py": {"T": 2, "B": 1, "n_in": 1, "n_hidden": 1, "n_out": 1},
    "truncated_40.py": {"T": 3, "D": 1, "H": 1, "K": 1, "BPTT_STEPS": 1},
    "updated_before_use.py": {"T": 2, "n_in": 1, "n_hid": 1, "n_out": 1},
    "wrong_variable.py": {"T": 1, "n_hidden": 1},
    "overwritten_delta.ipynb": {"T": 3, "n_hidden": 1},
    "inline_cells.ipynb": {"T": 2, "D": 1, "H": 1, "K": 1},
    "assign_not_add.py": {"T": 6, "H_SIZE": 1},  # the first word that comes again is the fifth; the last is a target
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_of_examples(name):
    case = example(name)
    assert case.smallest.sizes == SIZES[name]
    assert set(failing(case.judgement)) == set(case.names)
    for parameter, gradient in case.smallest.autodiff.items():
        off = np.linalg.norm(case.smallest.manual[parameter] - gradient)
        assert (off > 1e-3 * np.linalg.norm(gradient)) == (parameter in case.names)


@pytest.mark.parametrize("name", ["dropped_path.py", "missing_transpose.py", "lstm_dropped_cell_path.py"])
def test_one_smaller_does_not_show_it(name):
    case = example(name)
    sized = {size.name: (size, value) for size, value in case.edits.items()}
    tried = 0
    for size, value in sized.values():
        if value == 1:
            continue
        edits = {other.spot: kept for other, kept in case.edits.items()} | {size.spot: value - 1}
        with modules_kept():
            subject = rebuilt(case.bench.subject, edits, 5.0)
            for seed in range(3):
                own = {name: np.array(array) for name, array in subject.parameters().items()}
                setting = Setting(fresh_values(own, np.random.default_rng(seed), seed))
                bench = shrink.Bench(subject, "float64", case.bench.loss_first, case.bench.declared, case.bench.rng)
                assert set(failing(judge(bench, "smaller", setting, own))) != set(case.names)
                tried += 1
    assert tried


def test_words_are_one_line_with_the_entry_that_is_furthest_off():
    case = example("previous_state_index.py")
    manual, autodiff = case.smallest.manual["W"][0, 0], case.smallest.autodiff["W"][0, 0]
    assert case.smallest.words == f"T=1, H=1: dW[0, 0] is {manual:+.6g}, should be {autodiff:+.6g}"


def test_numbers_are_few_and_easy_to_read():
    case = example("missing_transpose.py")
    values = case.smallest.values
    assert set(values) == {"P.U", "P.W", "P.b", "P.V", "P.c", "x", "y"}
    for value in values.values():
        np.testing.assert_array_equal(value, np.round(value, 1))
    assert sum(np.count_nonzero(values[name]) for name in case.judgement.values) <= 4


def test_errors_of_float32_are_shown_with_digits_enough():
    ours, right = example("float32_accumulators.py").smallest.words.split(" is ")[1].split(", should be ")
    assert float(ours) != float(right)


CLASS = """
import numpy as np
class RNN:
    def __init__(self, inputs, hidden=7, seed=9):
        rng = np.random.default_rng(seed)
        self.U, self.W = rng.normal(size=(hidden, inputs)), rng.normal(size=(hidden, hidden))
    def states(self, x):
        h = [np.zeros(len(self.W))]
        for row in x:
            h.append(np.tanh(self.U @ row + self.W @ h[-1]))
        return h
    def loss(self, x):
        return np.sum(self.states(x)[-1] ** 2)
    def grads(self, x):
        h, dU, dW = self.states(x), np.zeros_like(self.U), np.zeros_like(self.W)
        dh = 2 * h[-1]
        for t in range(len(x) - 1, -1, -1):
            da = dh * (1 - h[t + 1] ** 2)
            dU += np.outer(da, x[t])
            dW += np.outer(da, h[t])
            dh = self.W @ da
        return dU, dW
"""
COMMAND = '--wrt net.U,net.W --loss "net.loss(x)" --grads "net.grads(x)"'


def test_sizes_in_the_setup_and_in_defaults(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CLASS + "x = np.random.default_rng(3).normal(size=(8, 4))\n")
    case = smallest(path, COMMAND + ' --setup "net = RNN(4)"')
    assert case.smallest.sizes == {"T": 3, "inputs": 1, "hidden": 2}
    assert [size.spot.setup for size in case.edits if size.name == "inputs"] == [True]
    assert case.smallest.values["x"].shape == (3, 1)


def test_literal_data_are_cut(tmp_path):
    path = tmp_path / "mine.py"
    rows = np.random.default_rng(0).normal(size=(9, 2)).round(2).tolist()
    path.write_text(CLASS + f"x = np.array({rows})\nnet = RNN(2)\n")
    case = smallest(path, COMMAND)
    assert case.smallest.sizes == {"T": 3, "hidden": 2}
    assert case.smallest.values["x"].shape == (3, 2)


def test_what_makes_nothing_smaller_stays(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CLASS + "T, epochs, K = 8, 50, 4\nx = np.random.default_rng(3).normal(size=(T, K))\nnet = RNN(K)\n")
    case = smallest(path, COMMAND)
    assert case.smallest.sizes == {"T": 3, "K": 1, "hidden": 2}
    assert {size.name for size in case.edits} == {"T", "K", "hidden"}


def test_the_program_and_its_file_are_as_they_were(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CLASS + "x = np.random.default_rng(3).normal(size=(8, 4))\nnet = RNN(4)\n")
    with modules_kept():
        bench, made, names, over = of_file(path, COMMAND)
        before, text = {n: v.copy() for n, v in bench.subject.parameters().items()}, path.read_text()
        assert shrink.smallest(bench, made, names, over).subject is not bench.subject
        assert path.read_text() == text
        for name, value in bench.subject.parameters().items():
            np.testing.assert_array_equal(value, before[name])


def test_a_slow_program_takes_no_longer_than_it_may(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        CLASS + "import time\ntime.sleep(0.5)\nx = np.random.default_rng(3).normal(size=(8, 4))\nnet = RNN(4)\n"
    )
    with modules_kept():
        known = of_file(path, COMMAND)
        start = time.perf_counter()
        case = shrink.smallest(*known, seconds=1.0)
        assert time.perf_counter() - start < 4
    assert case.smallest.sizes == {"T": 3}  # cut short, for which nothing has to be run again


def test_without_time_there_is_the_case_itself_or_none(tmp_path):
    path = tmp_path / "mine.py"
    for rows, is_small in ((8, True), (60, False)):
        path.write_text(CLASS + f"x = np.random.default_rng(3).normal(size=({rows}, 4))\nnet = RNN(4)\n")
        case = smallest(path, COMMAND, seconds=0.0)
        assert (case is not None) == is_small
        assert case is None or (case.edits, case.smallest.sizes) == ({}, {})


@pytest.mark.parametrize(("size", "found"), [(3, True), (20, False)])
def test_functions_are_taken_as_they_are(size, found):
    W = np.random.default_rng(0).normal(size=(size, size))
    subject = CallableSubject(lambda: np.sum(np.tanh(W) ** 2), lambda: 2 * np.tanh(W), {"W": W})
    case = shrink.smallest(*judged(subject))
    assert (case is not None) == found
    if found:
        assert case.smallest.sizes == {}
        assert case.smallest.words.startswith("dW[")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("T, B = 6, 3", [("T", 6), ("B", 3)]),
        ("hidden_size: int = 100", [("hidden_size", 100)]),
        ("S = dict(time=6, units=4)", [("time", 6), ("units", 4)]),
        ('S = {"time": 6}', [("time", 6)]),
        ("x = rng.normal(size=(6, 3))", [("", 6), ("", 3)]),
        ("def f(x, hidden=10, seed=3): pass", [("hidden", 10)]),
        ("class A:\n    def __init__(self, n, m): pass\na = A(5, m=4)", [("n", 5), ("m", 4)]),
        ("rng = np.random.default_rng(7); np.random.seed(5)", []),
        ("seed = 12; a = f(x, axis=2); b = x ** 2; c = 4 * x; d = x > 3", []),
        ("ids = [3, 5, 7, 2, 4, 6, 8]; y = np.array([2, 3])", []),
        ("for k in range(300): pass", []),
        ("x = 1; y = True; z = 2.0; s = 'abc'", []),
    ],
)
def test_what_may_be_a_size(tmp_path, text, found):
    path = tmp_path / "mine.py"
    path.write_text(text)
    assert [(size.name, size.value) for size in sizes(Program(path))] == found


def test_steps_grow_and_end_below_the_size():
    assert steps(1) == []
    assert steps(5) == [1, 2, 3, 4]
    assert steps(60) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]


READOUT = """
import numpy as np
def net(hidden, outputs):
    return {"W": np.full((hidden, hidden), 0.3), "V": np.full((outputs, hidden), 0.7)}
def loss(P, x, y):
    h = np.zeros(len(P["W"]))
    for number in x:
        h = np.tanh(P["W"] @ h + number)
    return np.sum((P["V"] @ h - y) ** 2)
def grads(P, x, y):
    h = [np.zeros(len(P["W"]))]
    for number in x:
        h.append(np.tanh(P["W"] @ h[-1] + number))
    e = 2 * (P["V"] @ h[-1] - y)
    return {"dV": np.outer(e, h[1]) if len(y) > 0 else 0, "dW": np.zeros_like(P["W"])}
x, y = [0.5, -0.4, 0.2, 0.1], np.array([0.3, -0.6, 0.9])
P = net(4, outputs=3)
"""


def test_a_size_that_only_numpy_would_spread_out_stays(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(READOUT)
    case = smallest(path, '--wrt P --loss "loss(P, x, y)" --grads "grads(P, x, y)"')
    assert case.smallest.sizes["hidden"] == 1
    assert "outputs" not in case.smallest.sizes
    assert case.smallest.values["P.V"].shape == (3, 1)


ALIAS = """
import numpy as np
n = 4
W = np.random.default_rng(0).normal(size=(n, n))
P = {"W": W}
h0 = 0.2 * np.ones(n)
X, Y = [0.5, -0.5, 0.3, 0.2], [0.1, 0.3, -0.4, 0.2]
def states(X, h0):
    h = [h0]
    for x in X:
        h.append(np.tanh(W @ h[-1] + x))
    return h
def loss(X, Y, h0):
    return sum(np.sum((h - y) ** 2) for h, y in zip(states(X, h0)[1:], Y))
def grads(X, Y, h0):
    h, dW, dh = states(X, h0), np.zeros_like(W), np.zeros(n)
    for t in reversed(range(len(X))):
        da = (2 * (h[t + 1] - Y[t]) + dh) * (1 - h[t + 1] ** 2)
        dW += np.outer(da, h[t])
        dh = W @ da
    return {"W": dW}
"""


def test_what_a_state_and_a_sequence_have_in_common_is_chance(tmp_path):
    """h0 is as long as X and Y; and the parameter has a second name, under which it must not be set."""
    path = tmp_path / "mine.py"
    path.write_text(ALIAS)
    case = smallest(path, '--wrt P --loss "loss(X, Y, h0)" --grads "grads(X, Y, h0)"')
    assert case.smallest.sizes == {"T": 2, "n": 2}
    assert set(case.smallest.values) == {"P.W", "X", "Y", "h0"}
    assert case.smallest.values["h0"].shape == (2,)
