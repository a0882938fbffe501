"""What is missing of arrays with a batch, time and features, and of gates side by side in one array."""

import pytest
from small_programs import line_of, mended, of_right_programs, report_of

from rnn_jax.verify.check import UNSET
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.report import Verdict

# An LSTM whose input, state and gates are parts of larger arrays; each step's output also costs something.
PACKED = """import numpy as np

rng = np.random.RandomState(2)
N, T, D, H, K = 2, 3, 3, 4, 3
x, h0, c0 = rng.randn(N, T, D), rng.randn(N, H) * 0.3, rng.randn(N, H) * 0.3
y = rng.randint(K, size=(N, T))
M, V = rng.randn(D + H, 4 * H) * 0.6, rng.randn(H, K)
I, F, O, G = (slice(k * H, (k + 1) * H) for k in range(4))


def forward(M, V):
    both, gates = np.zeros((N, T, D + H)), np.zeros((N, T, 4 * H))
    cells, states = np.zeros((N, T, H)), np.zeros((N, T, H))
    h, c = h0, c0
    for t in range(T):
        both[:, t, :D] = x[:, t]
        both[:, t, D:] = h
        a = both[:, t] @ M
        gates[:, t, : 3 * H] = 1 / (1 + np.exp(-a[:, : 3 * H]))
        gates[:, t, G] = np.tanh(a[:, G])
        c = gates[:, t, F] * c + gates[:, t, I] * gates[:, t, G]
        h = gates[:, t, O] * np.tanh(c)
        cells[:, t], states[:, t] = c, h
    return both, gates, cells, states, states @ V


def loss(M, V):
    _, _, _, states, scores = forward(M, V)
    picked = np.exp(scores)[np.arange(N)[:, None], np.arange(T), y]
    return np.mean(np.log(np.exp(scores).sum(axis=2)) - np.log(picked)) + 0.05 * np.sum(states**2)


def backward(M, V):
    both, gates, cells, states, scores = forward(M, V)
    p = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    p[np.arange(N)[:, None], np.arange(T), y] -= 1
    dscores = p / (N * T)
    dV = np.einsum("nth,ntk->hk", states, dscores)
    dstates = dscores @ V.T + 0.1 * states
    dM = np.zeros_like(M)
    dh, dc = np.zeros((N, H)), np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        g, squashed = gates[:, t], np.tanh(cells[:, t])
        before = cells[:, t - 1] if t else c0
        dh = dh + dstates[:, t]
        dc = dc + dh * g[:, O] * (1 - squashed**2)
        da = np.zeros((N, 4 * H))
        da[:, I] = dc * g[:, G]
        da[:, F] = dc * before
        da[:, O] = dh * squashed
        da[:, : 3 * H] *= g[:, : 3 * H] * (1 - g[:, : 3 * H])
        da[:, G] = dc * g[:, I] * (1 - g[:, G] ** 2)
        dM += both[:, t].T @ da
        dboth = da @ M.T
        dh = dboth[:, D:]
        dc = dc * g[:, F]
    return dM, dV, dh, dc
"""

ROWS = """import numpy as np

rng = np.random.RandomState(5)
x, y = rng.randn(4, 3, 2), np.array([1, 0, 2])
U, W, V = rng.randn(2, 3), rng.randn(3, 3) * 0.6, rng.randn(3, 3)


def forward():
    h = [np.zeros((3, 3))]
    for t in range(4):
        h.append(np.tanh(x[t] @ U + h[-1] @ W))
    return h, h[-1] @ V


def loss():
    scores = forward()[1]
    return np.sum(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(3), y])


def backward():
    h, scores = forward()
    d = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    d[np.arange(3), y] -= 1
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), h[-1].T @ d
    dh = d @ V.T
    for t in reversed(range(4)):
        da = dh * (1 - h[t + 1] ** 2)
        dU += x[t].T @ da
        dW += h[t].T @ da
        dh = da @ W.T
    return dU, dW, dV
"""

CALLS = {
    PACKED: Expressions(wrt="M,V,h0,c0", loss="loss(M, V)", grads="backward(M, V)"),
    ROWS: Expressions(wrt="U,W,V", loss="loss()", grads="backward()"),
}

DAMAGES = {
    "a part of the gates": (PACKED, "        da[:, F] = dc * before\n", ""),
    "a part that is carried": (PACKED, "        dh = dboth[:, D:]\n", ""),
    "the slope of a part": (PACKED, "        da[:, : 3 * H] *= g[:, : 3 * H] * (1 - g[:, : 3 * H])\n", ""),
    "a term of three axes": (PACKED, "dscores @ V.T + 0.1 * states", "dscores @ V.T"),
    "a product of three axes": (PACKED, "dscores @ V.T + 0.1 * states", "0.1 * states"),
    "the ones": (ROWS, "    d[np.arange(3), y] -= 1\n", ""),
}


test_the_right_programs_are_right = of_right_programs(CALLS)
LONG = {"the slope of a part", "a term of three axes", "a part that is carried"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in DAMAGES])
def test_it_is_mended_where_it_was_damaged(tmp_path, name):
    program, old, new = DAMAGES[name]
    finding = mended(tmp_path / "mine.py", program.replace(old, new), CALLS[program])
    # What is missing may stand anywhere beside the others of its block, a term of all steps in the loop over them.
    assert abs(finding.line - line_of(program, old.strip())) <= (6 if new else 3), finding.fix


UNSET_IN_LOSS = """import numpy as np

rng = np.random.RandomState(0)
W, x = rng.randn(3, 3), rng.randn(4, 3)


def loss():
    a = np.empty_like(x)
    a[1:] = x[1:] @ W
    return 0.5 * np.sum(a**2)


def gradient():
    return -x[1:].T @ (x[1:] @ W)
"""


def test_a_loss_that_reads_unset_memory_is_judged_all_the_same_and_no_fix_is_made_of_it(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(UNSET_IN_LOSS)
    call = Expressions(wrt="W", loss="loss()", grads="gradient()")
    report = report_of(path, call, points=1)
    assert report.verdict is Verdict.FAIL
    assert UNSET in report.notes
    assert report.findings
    assert all(finding.fix is None for finding in report.findings)
    path.write_text(UNSET_IN_LOSS.replace("np.empty_like(x)", "np.zeros_like(x)"))
    report = report_of(path, call, points=1)
    assert UNSET not in report.notes
    assert any(finding.fix is not None for finding in report.findings)
