"""What is missing where several sequences come one after the other: what the last step of each sends on is not used."""

import pytest
from small_programs import line_of, mended, report_of, said

from rnn_jax.verify.repair.write import spliced

GAMES = """import numpy as np

rng = np.random.RandomState(11)
games = [(rng.randn(n, 3), k) for n, k in ((5, 0), (3, 1), (4, 1))]
P = {"E": rng.randn(3, 12), "R": rng.randn(3, 12) * 0.5, "b": rng.randn(12) * 0.3, "S": rng.randn(2, 3)}


def sig(a):
    return 1 / (1 + np.exp(-a))


def follow(moves):
    h = c = np.zeros(3)
    kept = []
    for x in moves:
        a = sig(x @ P["E"] + h @ P["R"] + P["b"])
        i, f, z, o = np.split(a, 4)
        new = f * c + i * z
        s = np.tanh(new)
        scores = P["S"] @ s
        q = np.exp(scores - scores.max())
        kept.append((x, h, c, a, s, o, q / q.sum()))
        h, c = s - o, new
    return kept


def loss():
    return -sum(np.log(stage[-1][k]) for moves, k in games for stage in follow(moves))


def gradient():
    g = {name: np.zeros_like(value) for name, value in P.items()}
    for moves, k in games:
        stages, dh, dc = follow(moves), np.zeros(3), np.zeros(3)
        while stages:
            x, h, c, a, s, o, q = stages.pop()
            dq = q.copy()
            dq[k] -= 1
            g["S"] += np.outer(dq, s)
            dc = dc + (dh + P["S"].T @ dq) * (1 - s**2)
            da = np.concatenate([dc * a[6:9], dc * c, dc * a[:3], -dh]) * a * (1 - a)
            g["E"] += np.outer(x, da)
            g["R"] += np.outer(h, da)
            g["b"] += da
            dh = P["R"] @ da
            dc = dc * a[3:6]
    return g
"""
ASKED = said("P", "loss()", "gradient()")


def test_the_right_program_is_right(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GAMES)
    assert report_of(path, ASKED, quick=True).ok


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        pytest.param("dc = dc * a[3:6]", "np.split(a, 4)[1]", marks=pytest.mark.slow),
        ("dh = P['R'] @ da", "dh = da @ P"),
    ],
)
def test_what_goes_on_to_the_step_before(tmp_path, statement, part):
    statement = statement.replace("'", '"')
    assert GAMES.count(f"            {statement}\n") == 1
    finding = mended(tmp_path / "mine.py", GAMES.replace(f"            {statement}\n", ""), ASKED)
    assert finding.suspects[0].missing
    assert any(part in line for line in finding.fix.after)
    assert finding.kind in ("dropped-path", "missing-term")


TWO = {
    "one is never computed": (("            dq[k] -= 1\n", ""), ('            g["b"] += da\n', "")),
    "what is left is one number": (("dq[k] -= 1\n", "dq[k] += 1\n            dq *= 2\n"),),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TWO)
def test_two_at_once(tmp_path, name):
    wrong = GAMES
    for old, new in TWO[name]:
        assert wrong.count(old) == 1
        wrong = wrong.replace(old, new)
    path = tmp_path / "mine.py"
    path.write_text(wrong)
    report = report_of(path, ASKED, points=0, seconds=9.0)
    near = [line_of(GAMES, old.strip()) for old, _ in TWO[name]]
    named = [finding.line for finding in report.findings]
    assert len(named) == 2
    assert all(min(abs(line - each) for each in named) <= 3 for line in near), str(report)
    path.write_text(spliced(wrong, report.findings[0].fix))
    assert report_of(path, ASKED, quick=True).ok
