"""A fix that takes one number of the file for another has to hold with other numbers, where the program does."""

import ast
from types import SimpleNamespace

import pytest
from small_programs import report_of

from rnn_jax.verify import blame
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair import elsewhere
from rnn_jax.verify.repair.constants import numbers, with_others
from rnn_jax.verify.repair.ranking import ranked
from rnn_jax.verify.repair.write import spliced

# Five masses; their distance times their number is the length.
ROPE = """import numpy as np

h, LENGTH = 0.04, 0.2
rng = np.random.RandomState(16)
goal, x0 = rng.randn(5, 2), rng.randn(5, 2)
wind, stiff = rng.randn(6, 2), rng.randn(5) * 0.5


def run(wind, stiff):
    xs = [x0]
    for push in wind:
        xs.append(np.tanh(xs[-1] * stiff[:, None] + h * push) + LENGTH)
    return xs


def loss(wind, stiff):
    return 0.5 * np.sum((run(wind, stiff)[-1] - goal) ** 2)


def gradient(wind, stiff):
    xs = run(wind, stiff)
    dwind, dstiff, dx = np.zeros_like(wind), np.zeros_like(stiff), xs[-1] - goal
    for t in range(len(wind) - 1, -1, -1):
        da = dx * (1 - (xs[t + 1] - LENGTH) ** 2)
        dwind[t] += h * da.sum(axis=0)
        dstiff += np.sum(da * xs[t], axis=1)
        dx = da * stiff[:, None]
    return dwind, dstiff
"""
CALL = Expressions("wind, stiff", "loss(wind, stiff)", "gradient(wind, stiff)")
FITS = "LENGTH * da.mean(axis=0)"


def mended(tmp_path):
    wrong = ROPE.replace("h * da.sum(axis=0)", "h * da.mean(axis=0)")
    path = tmp_path / "mine.py"
    path.write_text(wrong)
    (finding,) = report_of(path, CALL).findings
    return spliced(wrong, finding.fix)


def test_what_fits_by_the_value_of_a_number_is_no_fix(tmp_path, monkeypatch):
    path = tmp_path / "right.py"
    path.write_text(ROPE)
    assert report_of(path, CALL).ok
    order = lambda search: sorted(ranked(search), key=lambda edit: "LENGTH" not in ast.unparse(edit.new))  # noqa: E731
    monkeypatch.setattr(blame, "ranked", order)
    assert FITS not in mended(tmp_path)
    monkeypatch.setattr(elsewhere, "taken", lambda *_: set())
    assert FITS in mended(tmp_path)


def test_a_program_that_hangs_on_its_numbers_keeps_its_fix(tmp_path):
    """Here the backward has 0.2 written out where it means LENGTH: other numbers would tell nothing of the fix."""
    program = ROPE.replace("(xs[t + 1] - LENGTH)", "(xs[t + 1] - 0.2)").replace("h * da.sum", "LENGTH * da.sum")
    path = tmp_path / "mine.py"
    path.write_text(program.replace("h * push", "LENGTH * push").replace("LENGTH * da.sum", "h * da.sum"))
    (finding,) = report_of(path, CALL).findings
    assert "LENGTH * da.sum" in spliced(path.read_text(), finding.fix)


def test_the_numbers_of_a_file():
    body = ast.parse("h, N = 0.5, 5\nDT = 0.1\nname = 'x'\na.b = 2.0").body
    assert [sorted(numbers(statement)) for statement in body] == [["h"], ["DT"], [], []]
    found = with_others(body, {"h", "N", "x"})
    assert {name: ast.unparse(other[0]) for name, other in found.items()} == {"h": "h, N = (0.625, 5)"}
    assert ast.unparse(body[0]) == "h, N = (0.5, 5)"


# Right where n is twice as large as half; elsewhere it runs and is wrong.
HALVES = """import numpy as np


def make(n, half):
    return np.random.RandomState(3).randn(n), half


w, half = make(n=4, half=2)
u = np.array(0.7)


def run(w, u):
    hs = [np.ones(half)]
    for t in range(3):
        hs.append(np.tanh(hs[-1] * u + w[-half:]))
    return hs


def loss(w, u):
    return 0.5 * np.sum(run(w, u)[-1] ** 2)


def gradient(w, u):
    hs, dw, du = run(w, u), np.zeros_like(w), 0.0
    dh = hs[-1]
    for t in range(2, -1, -1):
        da = dh * (1 - hs[t + 1] ** 2)
        dw[half : 2 * half] += da
        du += np.sum(da * hs[t])
        dh = da * u
    return dw, du
"""


def test_sizes_at_which_what_was_right_is_not_say_nothing(tmp_path, monkeypatch):
    path, asked = tmp_path / "mine.py", Expressions("w, u", "loss(w, u)", "gradient(w, u)")
    path.write_text(HALVES.replace("du += ", "du -= "))
    (finding,) = report_of(path, asked).findings
    assert spliced(path.read_text(), finding.fix) == HALVES
    monkeypatch.setattr(elsewhere, "still_right", lambda *_: True)
    assert report_of(path, asked).findings[0].fix is None


@pytest.mark.slow
def test_sizes_at_which_nothing_hangs_on_an_entry_say_nothing(tmp_path, monkeypatch):
    """With n = 5 the middle one of w is of no use, and what is right for four of them is wrong; both were before."""
    both = HALVES.replace("+ w[-half:]", "+ w[:half] * w[-half:]").replace(
        "        dw[half : 2 * half] += da\n",
        "        dw[:half] += da * w[-half:]\n        dw[half : 2 * half] += da * w[:half]\n",
    )
    path, asked = tmp_path / "mine.py", Expressions("w, u", "loss(w, u)", "gradient(w, u)")
    path.write_text(both.replace("dh = hs[-1]", "dh = -hs[-1]"))
    (finding,) = report_of(path, asked).findings
    assert spliced(path.read_text(), finding.fix) == both
    monkeypatch.setattr(elsewhere, "idle_there", lambda *_: False)
    assert report_of(path, asked).findings[0].fix is None


# Two sequences of 4 and 8 steps.
MEAN = """import numpy as np


def make(lengths):
    rng = np.random.RandomState(17)
    return [rng.randn(n) for n in lengths]


w, days = np.ones(6) * 0.3, make([4, 8])


def course(w, x):
    s = [w[2]]
    for each in x:
        s.append(np.tanh(w[0] * s[-1] + w[1] * each + w[4] * w[5]))
    return s


def loss(w):
    total = 0.0
    for x in days:
        total += np.sum(np.exp(w[3]) * (np.array(course(w, x)[1:]) - x) ** 2) - len(x) * w[3]
    return total


def gradient(w):
    k, g = np.exp(w[3]), np.zeros_like(w)
    for x in days:
        s = course(w, x)
        off = np.array(s[1:]) - x
        g[3] += np.sum(k * off**2) - len(x)
        d = 0.0
        for t in range(len(x) - 1, -1, -1):
            d = (d + 2 * k * off[t]) * (1 - s[t + 1] ** 2)
            g[0] += d * s[t]
            g[1] += d * x[t]
            g[4] += d * w[5]
            g[5] += d * w[4]
            d = d * w[0]
        g[2] += d
    return g
"""


@pytest.mark.slow
def test_the_lengths_of_several_sequences_are_sizes(tmp_path, monkeypatch):
    """That 6 is the mean of them makes no fix of it."""
    path, asked = tmp_path / "mine.py", Expressions("w", "loss(w)", "gradient(w)")
    path.write_text(MEAN.replace("np.sum(k * off**2) - len(x)", "np.sum(k * off**2) - 5"))
    assert report_of(path, asked).findings[0].fix is None
    monkeypatch.setattr(elsewhere, "in_lists", lambda _: set())
    assert "- 6" in str(report_of(path, asked).findings[0].fix.after)


def test_whole_numbers_in_lists():
    subject = SimpleNamespace(
        program=SimpleNamespace(tree=ast.parse("a = make([6, 8], 4)\nb = [1, 2]\nc = f(k=[3.0, 4])\nd = f(k=[5])")),
        said=SimpleNamespace(setup=None),
    )
    assert {(spot.line, spot.column) for spot in elsewhere.in_lists(subject)} == {(1, 10), (1, 13), (4, 9)}


# Labels and weights have to agree on how many classes there are; one function gives the loss and the gradient.
CLASSES = """import numpy as np


def weights(n, classes, seed=3):
    return np.random.RandomState(seed).randn(classes, n)


def season(steps, n, classes, seed=4):
    rng = np.random.RandomState(seed)
    return rng.randn(steps, n), np.arange(steps) % classes


W, (x, y) = weights(n=2, classes=3), season(steps=9, n=2, classes=3)


def objective(W):
    z = W @ x.T
    e = np.exp(z - z.max(axis=0))
    p = e / e.sum(axis=0)
    hot = 1.0 * (np.arange(len(W))[:, None] == y)
    return -np.sum(hot * np.log(p)), (p - hot) @ x
"""


def test_counts_of_one_name_need_not_be_told_apart(tmp_path):
    """With a fourth class of labels alone the right program runs and is wrong; with four of both it is right."""
    path = tmp_path / "mine.py"
    path.write_text(CLASSES.replace("(p - hot) @ x", "(p + hot) @ x"))
    (finding,) = report_of(path, Expressions("W", "objective(W)[0]", "objective(W)[1]")).findings
    assert spliced(path.read_text(), finding.fix) == CLASSES
