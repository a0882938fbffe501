"""No edit that is tried gives a module another value: np.inf would be another one for all that runs later."""

import ast

import numpy as np
import pytest

from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program
from rnn_jax.verify.repair.gap_places import places
from rnn_jax.verify.repair.healing import Reach
from rnn_jax.verify.repair.live import LiveCode, outer_targets
from rnn_jax.verify.repair.probe import instrumented, watching
from rnn_jax.verify.subject import Setting

# The largest of all that lies below a number: what is not on the way is -np.inf.
CHAIN = """import numpy as np
from math import exp

rng = np.random.RandomState(15)
e, A = rng.randn(5, 3), rng.randn(3, 3)


def run(e, A):
    a = np.full((len(e), 3), -np.inf)
    a[0] = e[0]
    for t in range(1, len(e)):
        for k in range(3):
            s = a[t - 1] + A[:, k]
            a[t, k] = e[t, k] + s.max() + np.log(np.sum(np.exp(s - s.max())))
    return a


def loss(e, A):
    return float(np.log(np.sum(np.exp(run(e, A)[-1]))))


def gradient(e, A):
    a = run(e, A)
    de, dA = np.zeros_like(e), np.zeros_like(A)
    later = np.exp(a[-1] - loss(e, A))
    for t in range(len(e) - 1, -1, -1):
        de[t] += later
        if t > 0:
            share = np.exp(a[t - 1][:, None] + A - (a[t] - e[t])) * later
            dA += share
            later = share.sum(axis=1)
    return de, dA
"""
CALL = Expressions("e, A", "loss(e, A)", "gradient(e, A)")


@pytest.fixture
def live(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CHAIN)
    program = Program(path)
    program.load()
    return LiveCode(FileSubject(program, CALL))


def function(live, name):
    (spot,) = (spot for spot in live.spots if getattr(live.statement(spot), "name", "") == name)
    return spot, ast.unparse(live.statement(spot))


@pytest.mark.parametrize("statement", ["np.inf = np.inf - np.inf", "for np.inf in [1.0]: pass", "exp.x, dA[0] = 1, 2"])
def test_such_an_edit_is_no_edit(live, statement):
    spot, text = function(live, "gradient")
    changed = ast.parse(text.replace("    de[t] += later", f"    {statement}")).body[0]
    with pytest.raises(ValueError, match="module"), live.changed({spot: ast.copy_location(changed, changed)}):
        pass
    assert np.isneginf(-np.inf)


def test_what_a_module_holds_lacks_no_statement(live):
    """Wherever a name of the program could have to hold something else, np.inf is none."""
    made, sites = instrumented(live, live.spots)
    with watching(sites, live) as trace, live.changed(made):
        live.subject.prepare(Setting())
        live.subject.evaluate_gradients(live.subject.parameters())
    reach = {site: Reach(frozenset({"e"}), False, False, False) for site in trace.seen}
    found = {text for _, _, text, _ in places(live, trace, reach, frozenset({"e"}), lambda _: False)}
    assert "later" in found
    assert not any(text.startswith("np.") for text in found)


def test_what_is_the_programs_own_may_change(live):
    spot, text = function(live, "gradient")
    with live.changed({spot: ast.parse(text.replace("de[t] += later", "de[t] = later")).body[0]}):
        pass


def test_what_is_changed_from_outside():
    (statement,) = ast.parse("if a:\n    x, b.c[0] = 1, 2\nelse:\n    for d.e in f: g[1] += h.i").body
    found = {(ast.unparse(target), root) for target, root in outer_targets(statement)}
    assert found == {("b.c[0]", "b"), ("d.e", "d"), ("g[1]", "g")}
