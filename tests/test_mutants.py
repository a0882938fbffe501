"""The machinery of benchmarks/mutants.py: edits, which of them are live, and how an answer is scored."""

import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from mutation import measure, peers, table
from mutation.base import Base, Computed, bases, same_gradients
from mutation.candidates import Judge, Pool, candidates
from mutation.edit import Edit, Mutant, applied
from mutation.faults import ACCEPTED
from mutation.scope import scope_of

from rnn_jax.verify.check_report import Diagnosis, Finding, Fix, Suspect
from rnn_jax.verify.damage.kinds import KINDS
from rnn_jax.verify.subject import Calls

SOURCE = """import numpy as np

r = np.random.default_rng(0)
U, W, b = r.normal(size=(3, 4)), r.normal(size=(4, 4)) * 0.5, r.normal(size=4)
X, start = r.normal(size=(5, 3)), r.normal(size=4)


def states(X):
    h = [start]
    for x in X:
        h.append(np.tanh(x @ U + h[-1] @ W + b))  # here
    return h


def loss(X):
    return 0.5 * np.sum(states(X)[-1] ** 2)


def gradients(X):
    h = states(X)
    dU, dW, db = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
    dh = h[-1]
    for t in range(len(X) - 1, -1, -1):
        da = dh * (1 - h[t + 1] ** 2)
        dU += np.outer(
            X[t],
            da,
        )
        dW += np.outer(h[t], da)
        db += da
        dh = W @ da
    return dU, dW, db
"""


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return Base(path, '--wrt U,W,b --loss "loss(X)" --grads "gradients(X)"')


@pytest.fixture
def edits(base):
    return [edit for edit, _ in candidates(base.source, scope_of(base))]


def find(edits, kind, before, after=None):
    found = [e for e in edits if (e.kind, e.before) == (kind, before) and after in (None, e.after)]
    assert found, (kind, before, after)
    return found[0]


def test_every_edit_keeps_the_lines(base, edits):
    assert len({e.kind for e in edits}) >= 12
    for edit in edits:
        made = applied(base.source, (edit,))
        lines = made.splitlines()
        assert len(lines) == len(base.source.splitlines())
        changed = [k for k, pair in enumerate(zip(lines, SOURCE.splitlines(), strict=True), 1) if pair[0] != pair[1]]
        assert changed
        assert edit.line <= changed[0] <= changed[-1] <= edit.end_line


def test_what_the_gradients_do_not_run_through_stays(edits):
    assert {e.line for e in edits} <= {9, 10, 11, 12, *range(20, 34)}


@pytest.mark.parametrize(
    ("kind", "before", "after", "mistake"),
    [
        ("sign", "+", "-", "sign"),
        ("operands swapped", "h[t], da", "da, h[t]", "missing-transpose"),
        ("index", "t", "t - 1", "index-shift"),
        ("range", "len(X) - 1", "len(X) - 2", "skips-step"),
        ("range", "-1", "0", "skips-step"),
        ("+= to =", "+", "", "assign-not-add"),
        ("term or factor dropped", "dh * (1 - h[t + 1] ** 2)", "dh", "derivative-omitted"),
        ("term or factor dropped", "1 - h[t + 1] ** 2", "1", "derivative-function"),
        ("function", "zeros_like", "ones_like", "random-start"),
        ("name", "dW", "W", "wrong-target"),
        ("name", "da", "dh", "wrong-variable"),
    ],
)
def test_the_mistake_that_an_edit_is(edits, kind, before, after, mistake):
    found = [e for e in edits if (e.kind, e.before, e.after) == (kind, before, after) and e.line > 19]
    assert mistake in {e.mistake for e in found}


def test_names_are_exchanged_only_for_the_same_shape(edits):
    others = {e.after for e in edits if e.kind == "name" and e.before == "dU"}
    assert others == {"U"}


def test_a_dropped_statement_leaves_its_lines_and_the_room_where_it_belongs(base, edits):
    long = next(e for e in edits if e.kind == "statement dropped" and e.before.startswith("dU +="))
    assert (long.missing, long.target, long.mistake) == (True, "dU", "never-computed")
    assert (long.line, long.end_line, long.low, long.high) == (25, 28, 23, 31)
    assert applied(base.source, (long,)).splitlines()[24:28] == ["        ", "", "", ""]
    carry = find(edits, "statement dropped", "dh = W @ da")
    assert (carry.low, carry.high, carry.mistake) == (24, 31, "dropped-path")
    append = next(e for e in edits if e.before.startswith("h.append"))
    assert append.new == "pass"


def test_what_is_live(base, edits):
    judge = Judge(base)
    skipped = applied(SOURCE, (find(edits, "range", "-1", "0"),))
    assert judge.live(skipped) is not None
    assert judge.live(SOURCE.replace("dh = h[-1]", "dh = da")) is None  # it fails
    assert judge.live(SOURCE.replace("x @ U + h", "x @ U - h")) is None  # another loss
    assert judge.live(SOURCE.replace("# here", "# there")) is None  # nothing changed


def test_the_same_seed_gives_the_same_mutants(base):
    drawn = []
    for seed in (3, 3, 4):
        pool = Pool([base], seed)
        singles = [mutant for mutant, _ in zip(pool.draw(), range(12), strict=False)]
        drawn.append([m.id for m in [*singles, *pool.pairs(singles, 3)]])
        assert len({m.edits[0].kind for m in singles}) >= 9
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 15


def test_two_edits_stand_at_lines_of_their_own(base):
    pool = Pool([base], 0)
    singles = [mutant for mutant, _ in zip(pool.draw(), range(12), strict=False)]
    for pair in pool.pairs(singles, 4):
        first, second = pair.edits
        assert first.end_line < second.line
        assert pair.source == applied(SOURCE, pair.edits)


def suspect(line, missing=False, expected=""):
    return Suspect("/x/mine.py", line, "", missing=missing, expected=expected)


def test_the_place_of_an_edit():
    plain = Edit("sign", 0, 1, "-", 7, 8, "+", "-")
    gone = Edit("statement dropped", 0, 1, "", 7, 7, "", "", missing=True, low=5, high=9, target="dW")
    assert measure.rank(plain, [suspect(6), suspect(8)], None, "mine.py") == 1
    assert measure.rank(plain, [suspect(k) for k in (1, 2, 3, 7)], None, "mine.py") is None
    assert measure.rank(plain, [suspect(7)], None, "other.py") is None
    assert measure.rank(gone, [suspect(5, True, "the gradient dW")], None, "mine.py") == 0
    assert measure.rank(gone, [suspect(5, False, "dW"), suspect(10, True, "dW")], None, "mine.py") is None
    assert measure.rank(gone, [suspect(9, True, "db")], None, "mine.py") is None
    fix = Fix("never-computed", "mine.py", 9, (), ("    dW += 1",), "", 1, 0.0, 1)
    assert measure.rank(gone, [suspect(9, True)], fix, "mine.py") == 0


def test_a_report_is_scored(base):
    right = base.check(base.path, 0, 0)
    edit = Edit("transpose", 0, 0, "", 31, 31, "", "", "missing-transpose")
    other = replace(edit, line=28, end_line=28)
    places = (suspect(31), suspect(28))

    def scored(edits, *findings):
        outcome = measure.Outcome("mine-0", "mine", [asdict(e) for e in edits])
        measure.score(outcome, Mutant("mine", edits, ""), replace(right, findings=findings), "mine.py")
        return outcome

    said = Diagnosis("transposed", "", True, 0.0)
    good = scored((edit,), Finding("transposed", "", suspects=places, diagnosis=said))
    assert (good.ranks, good.kind_right, good.reproduced, good.false_claim) == ([0], True, "transposed", False)
    claim = scored((edit,), Finding("sign", "", suspects=places[1:], diagnosis=replace(said, kind="sign")))
    assert (claim.ranks, claim.kind_right, claim.false_claim) == ([None], False, True)
    apart = scored((other, edit), Finding("x", "", suspects=places[:1]), Finding("x", "", suspects=places[1:]))
    assert apart.ranks == [1, 0]
    assert table.pairs([apart])[-1] == "| 1 | 0 | 100 | 100 | 100 | 0 |"
    assert table.singles([good, claim])[-1] == "| all | 2 | 0 | 50 | 50 | 50 (2) | 0 |"
    assert any("reproduced as sign" in line for line in table.remarks([claim]))


def test_a_fix_is_tried_where_it_was_not_found(base):
    wrong = SOURCE.replace("dh = W @ da", "dh = W.T @ da")
    line = 1 + SOURCE.splitlines().index("        dh = W @ da")
    fix = Fix("x", "mine.py", line, ("        dh = W.T @ da",), ("        dh = W @ da",), "", 3, 0.0, 1)
    assert measure.mended(wrong, fix) == SOURCE
    assert measure.mended(SOURCE, fix) is None
    assert measure.verdict(base, measure.mended(wrong, fix), 0) == "right"
    assert measure.verdict(base, wrong, 0) == "is fail at other points"
    assert measure.verdict(base, SOURCE.replace("0.5 *", "0.25 *"), 0) == "changes the loss"
    added = Fix("x", "mine.py", line, (), ("        dh = da",), "", 3, 0.0, 1)
    assert measure.mended(SOURCE, added).splitlines()[line - 1 : line + 1] == ["        dh = W @ da", "        dh = da"]


def test_a_mutant_is_measured_beside_its_peers(base):
    wrong = SOURCE.replace("dh = W @ da", "dh = W.T @ da")
    edit = Edit("transpose", 0, 0, "", 31, 31, "", "", "missing-transpose")
    outcome = measure.measured(base, Mutant("mine", (edit,), wrong), 0, True)
    assert (outcome.detected, outcome.error) == (True, "")
    assert outcome.seconds > 0
    assert outcome.peers
    assert all(found for found, _ in outcome.peers.values())
    for ask in peers.peers().values():
        assert peers.asked(base, SOURCE, ask)[0] is False


@pytest.mark.parametrize(
    ("each", "sizes"),
    [
        *((each, sizes) for each in bases("held") for sizes in (False, True)),
        *((each, False) for each in bases("seen")),
        *(pytest.param(each, True, marks=pytest.mark.slow) for each in bases("seen")),
    ],
    ids=lambda each: getattr(each, "name", "at other sizes" if each else "as it is"),
)
def test_the_held_out_programs_are_right(each, sizes):
    assert shlex.split(each.sizes)
    report = each.check(each.path, 5, points=1, sizes=sizes)
    assert report.ok, str(report)
    assert not report.findings


def test_a_mistake_is_called_what_a_report_may_call_it():
    assert set().union(*ACCEPTED.values()) <= set(KINDS)
    assert set(ACCEPTED) - set(KINDS) == {"wrong-target"}


@pytest.mark.parametrize(
    ("zero", "weight", "alive"),
    [
        (2e-17, 0.5, False),  # what a normalisation takes out again is 0, and so it stays, however it is rounded
        (1e-9, 0.5, True),
        (3e-17, 0.5 + 1e-6, True),
    ],
)
def test_another_rounding_of_a_gradient_of_0_is_no_mistake(zero, weight, alive):
    def computed(h0, w):
        values = {"h0": np.array([h0]), "w": np.array([w])}
        return [Computed(1.0, Calls(values, values))]

    assert same_gradients(computed(zero, weight), computed(3e-17, 0.5)) is not alive
