"""Two faults on one way: no edit alone mends a gradient, so that each has to show by what more is right with it."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest
from small_programs import damaged, line_of, report_of

from rnn_jax.verify import blame
from rnn_jax.verify.repair import of_forward
from rnn_jax.verify.repair.alternatives import VISITS, Alternative, changes_nothing, compiled, trying
from rnn_jax.verify.repair.twofold import Explained
from rnn_jax.verify.repair.write import spliced
from rnn_jax.verify.report import Verdict

SIGN_OF_SLOPE = ("ds * (before - c) * f * (1 - f)", "ds * (before - c) * f * (1 + f)")
OTHER_SLOPE = ("dc = ds * (1 - f) * (1 - c**2)", "dc = ds * (1 - f) / (1 - c**2)")
SENT_ON = ('df @ P["Uf"].T + dc', 'df @ P["Uf"].T - dc')


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param((SIGN_OF_SLOPE, OTHER_SLOPE), id="side by side"),
        pytest.param((OTHER_SLOPE, SENT_ON), id="one after the other"),
    ],
)
def test_both_are_named_and_mended(changes, tmp_path):
    _, wrong, expressions = damaged("gated", *changes)
    path = tmp_path / "program.py"
    path.write_text(wrong)
    report = report_of(path, expressions, points=0)
    assert report.verdict is Verdict.FAIL
    assert {finding.line for finding in report.findings} == {line_of(wrong, new) for _, new in changes}, str(report)
    path.write_text(spliced(wrong, report.findings[0].fix))
    assert report_of(path, expressions, quick=True).ok


def test_it_is_this_that_finds_them(tmp_path, monkeypatch):
    """Without it the two are not told apart, and nothing is offered."""
    monkeypatch.setattr(blame, "both", lambda *args: [])
    _, wrong, expressions = damaged("gated", SIGN_OF_SLOPE, OTHER_SLOPE)
    path = tmp_path / "program.py"
    path.write_text(wrong)
    assert not any(finding.fix for finding in report_of(path, expressions, points=0).findings)


TURNED = ("ds * (before - c)", "ds * (c - before)")


def test_all_small_edits_are_tried_with_the_likeliest(monkeypatch, tmp_path):
    """Also where the second of two faults makes nothing more right on the way."""
    _, wrong, expressions = damaged("gated", TURNED, OTHER_SLOPE)
    path, found, another = tmp_path / "program.py", [], blame.another
    path.write_text(wrong)
    monkeypatch.setattr(blame, "two_of", lambda *_: None)
    monkeypatch.setattr(blame, "another", lambda *given: found.append(another(*given)) or found[-1])
    report_of(path, expressions, points=0)
    assert [sorted(edit.line for edit in pair) for pair in found] == [
        sorted(line_of(wrong, new) for _, new in (TURNED, OTHER_SLOPE))
    ]


def test_a_wrong_sign_is_not_explained_by_what_is_negated(monkeypatch, tmp_path):
    """In 1 / (1 + exp(-a)) the gradient of -a is that of a with the wrong sign."""
    _, wrong, expressions = damaged("gated", TURNED, OTHER_SLOPE)
    path, seen, onward = tmp_path / "program.py", [], blame.onward
    path.write_text(wrong)
    monkeypatch.setattr(blame, "onward", lambda search: seen.append(search) or onward(search))
    report_of(path, expressions, points=0)
    explained = Explained(seen[0])
    negated = [q.value for several in seen[0].quantities.by_size.values() for q in several if q.negated]
    assert negated
    assert all(explained.explains(-value) and not explained.explains(value) for value in negated)


def test_alternatives_are_evaluated_where_the_statement_stands():
    known = [[Alternative(None, compiled(ast.parse(text, mode="eval").body)) for text in ("x", "x + y", "no", "-x")]]
    with trying(known, lambda value: int(value == 3)) as found:
        x, y = 1, 2  # noqa: F841
        for _ in range(VISITS + 2):
            __rnn_jax_tried__(0)  # noqa: F821
    assert {k: n for (_, k), n in found.items() if n} == {1: VISITS}


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("np.outer(x, d) + h.sum(axis=0)", True),
        ("slope(h) * d", True),
        ("cache.pop() * d", False),
        ("(d := d + 1)", False),
        ("net.backward(d)", False),
        ("np.add(d, 1)", True),
    ],
)
def test_what_may_change_something_is_not_evaluated(text, harmless):
    assert changes_nothing(ast.parse(text, mode="eval").body, "np") is harmless


def test_what_does_not_stand_alone_is_left_out():
    starred = ast.parse("f(*parts)", mode="eval").body.args[0]
    assert compiled(starred) is None


def test_a_loss_that_hangs_on_next_to_nothing_is_no_other_forward():
    """One vector of all weights: where a gate's part of its gradient goes, what agrees says nothing."""
    trial = SimpleNamespace(made=SimpleNamespace(wanted={"theta": np.ones(10)}))
    for left, fades in ((10, False), (9, False), (8, True)):
        judged = [SimpleNamespace(wanted={"theta": np.arange(10) < left})]
        assert of_forward.fades(trial, judged) is fades
