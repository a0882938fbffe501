"""What a mended mistake is called: a sign beside a slope, a sign within it, a sum that stays 0 in a longer gradient."""

import ast
from types import SimpleNamespace

import pytest
from small_programs import damaged, report_of

from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.kinds import of_statement
from rnn_jax.verify.repair.live import Site

# All weights in one vector, whose gradient is put together of two sums.
ONE_VECTOR = """import numpy as np

rng = np.random.RandomState(5)
x, y = rng.randn(6), rng.randn(6)
theta = rng.randn(3) * 0.7


def states(theta, x):
    h = [0.0]
    for value in x:
        h.append(np.tanh(theta[0] * value + theta[1] * h[-1]))
    return h


def loss(theta, x, y):
    return sum((theta[2] * h - t) ** 2 for h, t in zip(states(theta, x)[1:], y))


def gradient(theta, x, y):
    h = states(theta, x)
    inner, outer, carry = np.zeros(2), np.zeros(1), 0.0
    for t in range(len(x), 0, -1):
        d = 2 * (theta[2] * h[t] - y[t - 1])
        outer += d * h[t]
        da = (carry + d * theta[2]) * (1 - h[t] ** 2)
        inner += da * np.array([x[t - 1], h[t - 1]])
        carry = theta[1] * da
    return np.concatenate([inner, outer])
"""
CALL = Expressions("theta", "loss(theta, x, y)", "gradient(theta, x, y)")
FIRST = "    path[0] = first\n"
SLOPE = "ds * (before - c) * f * (1 - f)"


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        pytest.param("ds * (before + c) * f * (1 - f)", "sign", id="beside the slope"),
        pytest.param("ds * (before - c) * f * (1 + f)", "derivative-function", id="within the slope"),
    ],
)
def test_a_sign_is_called_by_where_it_stands(wrong, kind, tmp_path):
    _, program, call = damaged("gated", (SLOPE, wrong))
    path = tmp_path / "mine.py"
    path.write_text(program)
    (finding,) = report_of(path, call).findings
    assert (finding.kind, finding.fix is not None) == (kind, True)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        pytest.param("        outer += d * h[t]\n", "never-computed", id="read behind the loop"),
        pytest.param("        carry = theta[1] * da\n", "dropped-path", id="read in the loop"),
    ],
)
def test_a_sum_that_stays_0_is_never_computed(statement, kind, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(ONE_VECTOR)
    assert report_of(path, CALL).ok
    path.write_text(ONE_VECTOR.replace(statement, ""))
    (finding,) = report_of(path, CALL).findings
    assert (finding.kind, finding.fix is not None) == (kind, True)


@pytest.mark.parametrize(
    ("behind", "kind"),
    [
        pytest.param("for t in range(3):\n        path[t + 1] = f(path[t])", "initial-state", id="before its loop"),
        pytest.param("for t in range(3):\n        other[t + 1] = f(path[t])", "dropped-path", id="before another"),
        pytest.param("path[1] = f(path[0])", "dropped-path", id="before no loop"),
    ],
)
def test_a_first_item_is_a_state_only_before_its_loop(behind, kind):
    block = ast.parse(f"def run(path, first):\n{FIRST}    {behind}").body[0]
    live = SimpleNamespace(node=lambda site: ast.FunctionDef(body=block.body[1:]))
    edit = Edit(Site("", 0, ()), block, "missing-statement", 0.0, 1, missing=True)
    assert of_statement(live, edit) == kind
