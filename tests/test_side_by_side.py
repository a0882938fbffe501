"""Derivatives that are carried forward for all entries of the parameters at once, as the score of a filter is."""

import numpy as np
import pytest
from small_programs import mended_there

from rnn_jax.verify.of_file import Expressions

FILTER = """import numpy as np

rng = np.random.RandomState(8)
A, q, y = rng.randn(2, 2) * 0.6, rng.rand(2) + 0.5, rng.randn(5)


def loss(A, q):
    m, P, total = np.ones(2), np.eye(2), 0.0
    for yt in y:
        m = A @ m
        P = A @ P @ A.T + np.diag(q)
        s, e = P[0, 0] + 1.0, yt - m[0]
        total += 0.5 * (np.log(s) + e**2 / s)
        k = P[:, 0] / s
        m = m + k * e
        P = P - np.outer(k, k) * s
    return total


def score(A, q):
    unit = np.eye(6)
    dA, dq = unit[:, :4].reshape(6, 2, 2), unit[:, 4:]
    m, P = np.ones(2), np.eye(2)
    dm, dP, g = np.zeros((6, 2)), np.zeros((6, 2, 2)), np.zeros(6)
    for yt in y:
        dm = dA @ m + dm @ A.T
        m = A @ m
        half = dA @ P @ A.T
        dP = half + half.transpose(0, 2, 1) + A @ dP @ A.T + dq[:, :, None] * np.eye(2)
        P = A @ P @ A.T + np.diag(q)
        s, e = P[0, 0] + 1.0, yt - m[0]
        ds, de = dP[:, 0, 0], -dm[:, 0]
        g += 0.5 * ds / s + e * de / s - 0.5 * e**2 * ds / s**2
        k = P[:, 0] / s
        dk = dP[:, :, 0] / s - ds[:, None] * P[:, 0] / s**2
        dm = dm + dk * e + de[:, None] * k
        m = m + k * e
        dkk = dk[:, :, None] * k + k[:, None] * dk[:, None, :]
        dP = dP - dkk * s - ds[:, None, None] * np.outer(k, k)
        P = P - np.outer(k, k) * s
    return g[:4].reshape(2, 2), g[4:]
"""


@pytest.mark.parametrize("left_out", [" - dkk * s", " + half.transpose(0, 2, 1)"])
def test_a_term_that_no_adjoint_tells_of(tmp_path, left_out):
    assert FILTER.count(left_out) == 1
    wrong = FILTER.replace(left_out, "")
    place = next(n for n, (a, b) in enumerate(zip(FILTER.split("\n"), wrong.split("\n"), strict=True)) if a != b)
    line = FILTER.split("\n")[place].strip()
    call = Expressions("A,q", "loss(A, q)", "score(A, q)")
    mended_there(tmp_path / "mine.py", FILTER, line, line.replace(left_out, ""), call)


def test_the_right_one_is_right():
    space: dict[str, object] = {}
    exec(FILTER, space)
    A, q, h = space["A"], space["q"], 1e-6
    found = np.concatenate([np.ravel(g) for g in space["score"](A, q)])
    theta = np.concatenate([A.ravel(), q])
    for k in range(6):
        ends = [theta + s * h * np.eye(6)[k] for s in (1, -1)]
        one, two = (space["loss"](t[:4].reshape(2, 2), t[4:]) for t in ends)
        assert abs((one - two) / (2 * h) - found[k]) < 1e-7  # h² and eps / h, times values of about 10
