"""A forward that takes another thing from another step on than its backward: two edits of one `if` tell which."""

import pytest
from small_programs import line_of, report_of

from rnn_jax.verify import blame
from rnn_jax.verify.blamed import Blamed
from rnn_jax.verify.of_file import Expressions

RIGHT = """import numpy as np

rng = np.random.RandomState(11)
x, y = rng.randn(6, 2), rng.randn(6, 3)
U, W = rng.randn(3, 2), rng.randn(3, 3) * 0.5


def states(U, W):
    z, h = np.zeros((len(x), 3)), np.zeros((len(x), 3))
    for t in range(len(x)):
        z[t] = U @ x[t]
        if t > 0:
            z[t] += W @ h[t - 1]
        h[t] = np.tanh(z[t])
    return h


def loss(U, W):
    return 0.5 * np.sum((states(U, W) - y) ** 2)


def gradient(U, W):
    h = states(U, W)
    dU, dW, dh = np.zeros_like(U), np.zeros_like(W), h - y
    for t in range(len(x) - 1, -1, -1):
        dz = (1 - h[t] ** 2) * dh[t]
        dU += np.outer(dz, x[t])
        if t > 0:
            dW += np.outer(dz, h[t - 1])
            dh[t - 1] += W.T @ dz
    return dU, dW
"""
CALL = Expressions("U, W", "loss(U, W)", "gradient(U, W)")
OTHER = (("if t > 0:\n            z", "if t > 1:\n            z"), ("z[t] += W @ h[t - 1]", "z[t] += W @ z[t]"))


@pytest.fixture
def alone(monkeypatch):
    """Nothing else is looked for."""
    monkeypatch.setattr(blame, "one_by_one", lambda *_: [Blamed(("U", "W"), ())])
    monkeypatch.setattr(blame, "both", lambda *_: [])


def reported(tmp_path, program):
    path = tmp_path / "mine.py"
    path.write_text(program)
    return report_of(path, CALL)


@pytest.mark.usefixtures("alone")
def test_both_edits_are_told(tmp_path):
    wrong = RIGHT
    for old, new in OTHER:
        assert old in wrong
        wrong = wrong.replace(old, new)
    assert reported(tmp_path, RIGHT).ok
    (finding,) = reported(tmp_path, wrong).findings
    line = line_of(wrong, "z[t] += W @ z[t]")
    assert (finding.kind, finding.line, finding.fix) == ("other-forward", line, None)
    (said,) = (detail for detail in finding.details if "the forward may be what is wrong" in detail)
    assert f"`t >= 1` for `t > 1` in its line {line - 1}" in said
    assert f"`h[t - 1]` for `z[t]` in its line {line}" in said


@pytest.mark.usefixtures("alone")
def test_a_backward_that_fits_no_such_forward_is_not_excused(tmp_path):
    (finding,) = reported(tmp_path, RIGHT.replace("(1 - h[t] ** 2)", "(1 - h[t])")).findings
    assert finding.kind != "other-forward"
    assert not any("the forward may be" in detail for detail in finding.details)
