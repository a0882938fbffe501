"""A recurrence with a mask, and a softmax shifted by its largest logit, as taggers of padded words have them."""

import numpy as np
import pytest
from small_programs import line_of, report_of

from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.write import spliced
from rnn_jax.verify.report import Verdict

PROGRAM = """import numpy as np

rng = np.random.default_rng(2)
E, W, R = rng.normal(size=(7, 3)), rng.normal(size=(3, 6)), rng.normal(size=(6, 6)) / 3
b, V = np.zeros(6), rng.normal(size=(6, 5))
words, classes = rng.integers(0, 7, (3, 6)), rng.integers(0, 5, (3, 6))
mask = np.array([[1, 1, 1, 0, 1, 1], [0, 1, 1, 1, 0, 1], [1, 0, 0, 1, 1, 1.0]])


def softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(words, classes, mask):
    count, T = words.shape
    h = np.zeros((count, 6))
    hs, pres, probs, loss = [h], [], [], 0.0
    for t in range(T):
        m = mask[:, t : t + 1]
        pre = E[words[:, t]] @ W + h @ R + b
        h = m * np.maximum(pre, 0) + (1 - m) * h
        p = softmax(h @ V)
        loss -= np.sum(mask[:, t] * np.log(p[np.arange(count), classes[:, t]]))
        hs.append(h)
        pres.append(pre)
        probs.append(p)
    return loss / mask.sum(), hs, pres, probs


def backward(words, classes, mask):
    count, T = words.shape
    hs, pres, probs = forward(words, classes, mask)[1:]
    dE, dW, dR, db, dV = (np.zeros_like(a) for a in (E, W, R, b, V))
    dh = np.zeros((count, 6))
    total = mask.sum()
    for t in range(T)[::-1]:
        m = mask[:, t : t + 1]
        do = probs[t].copy()
        do[np.arange(count), classes[:, t]] -= 1
        do *= m / total
        dV += hs[t + 1].T @ do
        dh += do @ V.T
        dpre = dh * m * (pres[t] > 0)
        dW += E[words[:, t]].T @ dpre
        dR += hs[t].T @ dpre
        db += dpre.sum(0)
        np.add.at(dE, words[:, t], dpre @ W.T)
        dh = dpre @ R.T + (1 - m) * dh
    return dE, dW, dR, db, dV
"""
ASKED = Expressions("E,W,R,b,V", "forward(words, classes, mask)[0]", "backward(words, classes, mask)")


def test_the_right_program_is_right(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PROGRAM)
    assert report_of(path, ASKED).ok


# What stands there, and what it is damaged to. Where a row is masked at first all its logits are equal, and any of them
# is the largest; but nothing hangs on that.
DAMAGES = {
    "the carry of what is masked": ("dh = dpre @ R.T + (1 - m) * dh", "dh = dpre @ R.T"),
    "the mask": ("do *= m / total", "do /= total"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_it_is_mended_where_it_was_damaged(tmp_path, name):
    old, new = DAMAGES[name]
    wrong = PROGRAM.replace(old, new)
    path = tmp_path / "mine.py"
    path.write_text(wrong)
    report = report_of(path, ASKED)
    assert report.verdict is Verdict.FAIL
    finding = report.findings[0]
    assert abs(finding.line - line_of(PROGRAM, old)) <= 1
    assert finding.kind != "other-forward"
    assert finding.fix is not None
    path.write_text(spliced(wrong, finding.fix))
    assert report_of(path, ASKED, quick=True).ok


def test_a_largest_number_that_matters_is_a_kink_where_it_is_not_alone(tmp_path):
    """The other way round: where the loss is the largest of two equal numbers, nobody is accused."""
    path = tmp_path / "mine.py"
    path.write_text("import numpy as np\n\nw = np.array([0.5, 0.5])\n")
    report = report_of(path, Expressions("w", "np.max(w)", "np.array([0.7, 0.1])"), quick=True, points=0)
    assert report.verdict is Verdict.UNDECIDED


def test_what_is_written_into_while_values_are_forced_is_a_copy(tmp_path):
    """`do -= 1` may write into what was put in its place; the recording that this came from must stay as it is."""
    path = tmp_path / "mine.py"
    path.write_text(PROGRAM.replace("do *= m / total", "do *= m / count"))
    report = report_of(path, ASKED)
    assert abs(report.findings[0].line - line_of(PROGRAM, "do *= m / total")) <= 1
    assert report.findings[0].fix is not None
    assert not any("failed" in said for finding in report.findings for said in finding.details)


def test_the_program_is_what_the_tests_are_about():
    space = {}
    exec(compile(PROGRAM, "mine.py", "exec"), space)
    probs = space["forward"](space["words"], space["classes"], space["mask"])[3]
    assert np.ptp(probs[0][1]) == 0, "a masked first step leaves all logits equal"
