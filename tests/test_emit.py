"""The test file of a smallest case: it fails on the wrong program for the right reason, and passes on the mended."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from wrong_programs import COMMANDS, WRONG, judged, of_file, options

from rnn_jax.errors import InputError
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.program import modules_kept
from rnn_jax.verify.smallest import shrink
from rnn_jax.verify.smallest.emit import emit
from rnn_jax.verify.smallest.literal import literal, path_to

INLINE = """import numpy as np
n, T = 4, 6
rng = np.random.default_rng(0)
W = rng.normal(size=(n, n))
x = rng.normal(size=(T, n))
h = [np.zeros(n)]
for row in x:
    h.append(np.tanh(W @ h[-1] + row))
loss = np.sum(h[-1] ** 2)
dW, dh = np.zeros_like(W), 2 * h[-1]
for t in reversed(range(T)):
    da = dh * (1 - h[t + 1] ** 2)
    dW += np.outer(da, h[t])
    dh = W @ da
"""
SETUP = """import numpy as np
class Net:
    def __init__(self, n):
        self.layers = [{"W": np.eye(n) + 0.5, "grad": None}]
    def loss(self, x):
        self.h = np.tanh(x @ self.layers[0]["W"])
        return np.sum(self.h ** 2)
    def backward(self, x):
        self.layers[0]["grad"] = x.T @ (2 * self.h)
"""
SAID = (
    '--setup "net = Net(4); x = np.ones((5, 4))" --wrt "net.layers[0][\'W\']" '
    '--loss "net.loss(x)" --call "net.backward(x)" --grads "net.layers[0][\'grad\']"'
)
OWN = {
    "inline.py": (INLINE, "--wrt W --loss loss --grads dW"),
    "setup.py": (SETUP, SAID),
}

# The program, what is wrong in it, what is right, and the parameters that are wrong.
MENDED = {
    "dropped_path.py": (
        "(V.T @ do)   #", "(V.T @ do + (W.T @ da if t < len(X) - 1 else 0))   #", ["U", "W", "b"],
    ),
    "missing_transpose.py": ('da @ P["W"]', 'da @ P["W"].T', ["P['U']", "P['W']", "P['b']"]),
    "wrong_variable.py": ("dbh += dh\n", "dbh += draw\n", ["bh"]),
    "overwritten_delta.ipynb": ("da = W.T @ delta_next", "da = da + W.T @ delta_next", ["U", "W", "b"]),
    "never_zeroed.py": (
        "        dh = np.zeros_like(self.h[0])\n",
        "        dh = np.zeros_like(self.h[0])\n        for p in self.parameters:\n            p.grad[...] = 0\n",
        [f"rnn.{name}.value" for name in "UWVb"],
    ),
    "learning_rate_factor.py": ("0.1 * lr * dWhh", "lr * dWhh", ["net.Whh"]),
    "target_shift.py": ("dy[text[t]] -= 1", "dy[text[t + 1]] -= 1", ["Wxh", "Whh", "Why", "bh", "by"]),
    "inline.py": ("dh = W @ da", "dh = W.T @ da", ["W"]),
    "setup.py": ("(2 * self.h)", "(2 * self.h * (1 - self.h ** 2))", ["net.layers[0]['W']"]),
}  # fmt: skip


def small(path, command):
    with modules_kept():
        return shrink.smallest(*of_file(path, command))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Every test of every file, in one run: (wrong or mended, file, parameter) to what its report says."""
    folder = tmp_path_factory.mktemp("emitted")
    for name, (wrong, right, _) in MENDED.items():
        text, command = OWN[name] if name in OWN else ((WRONG / name).read_text(), COMMANDS[name])
        stem = name.split(".")[0]
        assert text.count(wrong) == 1
        for state, content in (("wrong", text), ("mended", text.replace(wrong, right))):
            (folder / state / "programs").mkdir(parents=True, exist_ok=True)
            (folder / state / "programs" / name).write_text(content)
        path = folder / "wrong" / f"test_{stem}.py"
        case = small(folder / "wrong" / "programs" / name, command)
        path.write_text(emit(case, path, options(command).until, f"rnn-jax check {name} {command}"))
        shutil.copy(path, folder / "mended" / path.name)
    code = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=line", "-p", "no:cacheprovider"]
    code += ["--import-mode=importlib", "--rootdir", str(folder), "-c", os.devnull, str(folder)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "400"}
    done = subprocess.run(code, capture_output=True, text=True, cwd=folder, timeout=300, env=environment)
    found = {}
    for verdict, state, stem, parameter, reason in re.findall(
        r"^(PASSED|FAILED|ERROR) (?:\S*/)?(wrong|mended)/test_(\w+)\.py::test_gradient\[(.*?\]?)\](?: - (.*))?$",
        done.stdout, re.M,
    ):  # fmt: skip
        found[state, stem, parameter] = (verdict, reason)
    assert len(found) > 2 * len(MENDED), done.stdout + done.stderr
    return folder, found


@pytest.mark.parametrize("name", MENDED)
def test_fails_until_mended(results, name):
    _, found = results
    stem, wrong = name.split(".")[0], MENDED[name][2]
    failed = {key[2]: reason for key, (verdict, reason) in found.items() if verdict != "PASSED" and key[1] == stem}
    assert sorted(failed) == sorted(wrong)
    for parameter, reason in failed.items():
        assert reason.startswith(f"AssertionError: the gradient of {parameter} is ")
    mended = [verdict for key, (verdict, _) in found.items() if key[:2] == ("mended", stem)]
    assert set(mended) == {"PASSED"}


def test_the_file_is_short_and_stands_alone(results):
    folder, _ = results
    text = (folder / "wrong" / "test_dropped_path.py").read_text()
    assert '"T, D, H, K = 6, 3, 5, 4": "T, D, H, K = 3, 1, 1, 2"' in text
    assert '(Path(__file__).parent / "programs/dropped_path.py").resolve()' in text
    assert "rnn-jax check dropped_path.py --wrt U,W,V,b,c" in text
    assert "import rnn_jax" not in text
    assert "jax." not in text.replace("jax.grad", "")
    assert len(text.splitlines()) < 130


def test_a_line_that_is_gone_is_told(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text((WRONG / "dropped_path.py").read_text())
    test = tmp_path / "test_mine.py"
    test.write_text(emit(small(path, COMMANDS["dropped_path.py"]), test))
    path.write_text(path.read_text().replace("T, D, H, K = 6, 3, 5, 4", "T, D, H, K = 6, 3, 5, 7"))
    code = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(test)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    said = subprocess.run(code, capture_output=True, text=True, cwd=tmp_path, timeout=60, env=environment).stdout
    assert "is no longer in mine.py: make this file again" in said


def test_functions_are_refused(tmp_path):
    W = np.random.default_rng(0).normal(size=(2, 2))
    subject = CallableSubject(lambda: np.sum(np.tanh(W) ** 2), lambda: 2 * np.tanh(W), {"W": W})
    with pytest.raises(InputError, match="--emit-test is for files"):
        emit(shrink.smallest(*judged(subject)), tmp_path / "test_it.py")


@pytest.mark.parametrize(
    "value",
    [
        np.array([[0.1, 1 / 3], [-0.0, 1e-300]]),
        np.array([np.nan, np.inf, -np.inf]),
        np.array([0.1, 0.2], np.float32),
        np.array([1, 2], np.int8),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.array(0.1),
    ],
)
def test_a_literal_gives_the_same_bits(value):
    again = eval(literal(value), {"np": np})
    assert (again.dtype, again.shape) == (value.dtype, value.shape)
    assert again.tobytes() == value.tobytes()


def test_a_literal_of_lists():
    value = [np.array([1.5]), (2, 3.25), [np.int64(4)]]
    assert literal(value) == "[np.array([1.5]), (2, 3.25), [4]]"
    assert literal((1,)) == "(1,)"


def test_a_path_to_a_part():
    class Net:
        def __init__(self):
            self.layers = [{"W": np.ones(1)}, {"W": np.ones(2)}]

    net = Net()
    assert path_to(net, net.layers[1]["W"]) == ".layers[1]['W']"
    assert path_to(net, net) == ""
    assert path_to(net, np.ones(1)) is None
