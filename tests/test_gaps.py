"""Statements that are missing where no expression is wrong: the name, the place, and what is to be written there."""

import pytest
from small_programs import ROWS, line_of, mended, report_of, said

from rnn_jax.verify.repair.write import spliced

PEEPHOLE = """import numpy as np

rng = np.random.RandomState(6)
T, D, H = 5, 2, 3
x, y = rng.randn(T, D), rng.randn(T, H)
P = {name: rng.randn(D + H, H) * 0.6 for name in ("Wi", "Wf", "Wo", "Wg")}
P["pi"], P["pf"] = rng.randn(H), rng.randn(H)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forward():
    h, c, loss, kept = np.zeros(H), np.zeros(H), 0.0, []
    for t in range(T):
        v = np.concatenate([x[t], h])
        i, f = sigmoid(v @ P["Wi"] + c * P["pi"]), sigmoid(v @ P["Wf"] + c * P["pf"])
        o, g = sigmoid(v @ P["Wo"]), np.tanh(v @ P["Wg"])
        before, c = c, f * c + i * g
        tc = np.tanh(c)
        h = o * tc
        loss += 0.5 * np.sum((h - y[t]) ** 2)
        kept.append((v, before, i, f, g, o, tc, h))
    return loss, kept


def backward():
    _, kept = forward()
    G = {name: np.zeros_like(value) for name, value in P.items()}
    dh_next, dc_next = 0.0, 0.0
    for t in reversed(range(T)):
        v, before, i, f, g, o, tc, h = kept[t]
        dh = h - y[t] + dh_next
        dc = dh * o * (1 - tc**2)
        dc = dc + dc_next
        do = dh * tc * o * (1 - o)
        di = dc * g * i * (1 - i)
        df = dc * before * f * (1 - f)
        dg = dc * i * (1 - g**2)
        for name, d in (("Wi", di), ("Wf", df), ("Wo", do), ("Wg", dg)):
            G[name] += np.outer(v, d)
        G["pi"] += di * before
        G["pf"] += df * before
        dv = di @ P["Wi"].T + df @ P["Wf"].T + do @ P["Wo"].T + dg @ P["Wg"].T
        dh_next = dv[D:]
        dc_next = dc * f + di * P["pi"] + df * P["pf"]
    return G
"""
ASKED = said("P", "forward()[0]", "backward()")

# The statement that is left out, the name that it gives a value, the terms that have to come back, and whether they
# have to in a statement of their own.
MISSING = {
    "one of two statements": ("        dc = dc + dc_next\n", "dc", {"dc_next"}, False),
    "what is carried": ("        dc_next = dc * f + di * P[\"pi\"] + df * P[\"pf\"]\n", "dc_next",
                        {"dc", "f", "di", "df"}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_name_that_several_lines_use(tmp_path, name):
    statement, target, terms, alone = MISSING[name]
    assert PEEPHOLE.count(statement) == 1
    wrong = PEEPHOLE.replace(statement, "")
    path = tmp_path / "mine.py"
    path.write_text(wrong)
    (finding,) = report_of(path, ASKED, points=0, seconds=40.0).findings
    fix = finding.fix
    assert fix is not None, finding
    (added,) = fix.after
    assert added.split("=")[0].strip(" +") == target
    assert all(term in added for term in terms)
    assert finding.suspects[0].missing == alone
    assert finding.kind in ("dropped-path", "missing-term")
    path.write_text(spliced(wrong, fix))
    assert report_of(path, ASKED, quick=True).ok


def test_a_statement_that_does_nothing_was_meant_to(tmp_path):
    wrong = PEEPHOLE.replace("        dc = dc + dc_next\n", "        dc = dc\n")
    finding = mended(tmp_path / "mine.py", wrong, ASKED)
    assert finding.line == line_of(wrong, "dc = dc")


def test_the_right_program_is_right(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PEEPHOLE)
    assert report_of(path, ASKED, quick=True).ok


STEP = (
    ROWS
    + """

def step(X, Y, rate):
    global U, W, V, b, c
    dU, dW, dV, db, dc = backward(X, Y)
    U -= rate * dU
    W += rate * dW
    V -= rate * dV
    b -= rate * db
    c -= rate * dc
"""
)


def test_of_two_signs_the_one_unlike_its_neighbours_is_wrong(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(STEP)
    asked = said("U,W,V,b,c", "forward(X, Y)[0]", update="step(X, Y, 1.0)")
    (finding,) = report_of(path, asked, points=0).findings
    assert finding.line == line_of(STEP, "W += rate * dW")
    assert finding.kind == "sign"
