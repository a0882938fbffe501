"""The verdict on two gradients: when it passes, when it fails, when it refuses, and whom the third opinion backs."""

import math
from dataclasses import replace

import jax
import numpy as np
import pytest

import reference.rnn
import rnn_jax.cells
from reference import differences
from rnn_jax import bptt, initial
from rnn_jax.verify import autodiff, canonical, noise, run, shaken, sources
from rnn_jax.verify.compare import BLIND, TOLERANCE, compare, third_opinion
from rnn_jax.verify.gallery import IMPLEMENTATIONS
from rnn_jax.verify.points import DRAWN, Shape, cast, with_arrays
from rnn_jax.verify.render import text
from rnn_jax.verify.report import Opinion, Verdict

EPS = float(np.finfo(np.float64).eps)
RIGHT = np.random.default_rng(0).normal(size=(100, 100))
NOISE = EPS * float(np.linalg.norm(RIGHT))


def verdict(manual, right=RIGHT, level=NOISE, **keywords):
    return compare("W", manual, right, level, "float64", **keywords)


def one_entry(change):
    wrong = RIGHT.copy()
    wrong[3, 4] = change(wrong[3, 4])
    return wrong


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT.astype(np.float32).astype(np.float64),  # accumulated in float32
        one_entry(lambda entry: 1.05 * entry),  # one entry of 10,000 off by 5%
        one_entry(lambda entry: -entry),
        RIGHT * (1 + 1e-4),
        RIGHT + 5e-11 * np.linalg.norm(RIGHT) / 100,  # truncated at 40 steps
        np.zeros_like(RIGHT),
        RIGHT.T.copy(),
    ],
)
def test_small_faults_fail(wrong):
    c = verdict(wrong)
    assert c.verdict is Verdict.FAIL
    assert c.error == pytest.approx(np.linalg.norm(wrong - RIGHT) / np.linalg.norm(RIGHT))


def test_it_names_the_worst_entry():
    c = verdict(one_entry(lambda entry: 1.05 * entry))
    assert c.worst == (3, 4)
    assert c.autodiff == RIGHT[3, 4]
    assert c.manual == 1.05 * RIGHT[3, 4]


def test_tiny_gradients_have_a_sign_too():
    assert verdict(-1e-7 * RIGHT, 1e-7 * RIGHT, 1e-7 * NOISE).verdict is Verdict.FAIL


@pytest.mark.parametrize(("multiples", "expected"), [(0.9, Verdict.PASS), (1.1, Verdict.FAIL)])
def test_the_tolerance_is_in_units_of_noise(multiples, expected):
    off = RIGHT + multiples * TOLERANCE * NOISE / 100  # 100 = the square root of the number of entries
    c = verdict(off)
    assert c.verdict is expected
    assert c.multiple == pytest.approx(multiples * TOLERANCE, rel=1e-2)


@pytest.mark.parametrize("factor", [-1.0, 0.2, 2.0, 1e-3])
def test_a_factor_is_told_apart(factor):
    c = verdict(factor * RIGHT)
    assert c.verdict is Verdict.FAIL
    assert c.factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("wrong", [RIGHT.T.copy(), np.zeros_like(RIGHT), one_entry(lambda entry: 2 * entry)])
def test_no_factor_is_claimed_where_there_is_none(wrong):
    assert verdict(wrong).factor is None


def test_zero_truth():
    zero = np.zeros(3)
    assert verdict(zero, zero, 0.0).verdict is Verdict.PASS
    c = verdict(np.array([0, 1e-300, 0]), zero, 0.0)
    assert c.verdict is Verdict.FAIL
    assert c.multiple == math.inf


def test_zero_to_rounding_is_not_drowned_in_noise():
    tiny = np.array([1e-17, -2e-17])
    assert verdict(-tiny, tiny, 3e-17, reach=1.0).verdict is Verdict.PASS
    assert verdict(-1e25 * tiny, 1e25 * tiny, 3e8, reach=1e9).verdict is Verdict.UNDECIDED


def test_what_noise_could_hide_is_undecided():
    assert verdict(RIGHT, level=BLIND["float64"] * np.linalg.norm(RIGHT)).verdict is Verdict.UNDECIDED
    assert compare("W", RIGHT, RIGHT, 1e-3 * np.linalg.norm(RIGHT), "float32").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (RIGHT[:-1], "shape (99, 100)"),
        (RIGHT.astype(np.float32), "dtype float32"),
        (one_entry(lambda _: np.nan), "nan by hand at (3, 4)"),
        (one_entry(lambda _: np.inf), "inf by hand at (3, 4)"),
    ],
)
def test_what_cannot_be_subtracted_fails(wrong, said):
    c = verdict(wrong)
    assert c.verdict is Verdict.FAIL
    assert said in c.note


def test_the_norm_neither_overflows_nor_vanishes():
    assert noise.norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert noise.norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200)
    assert noise.norm(np.zeros((2, 0))) == 0


@pytest.fixture
def point():
    shape = sources.random_shapes("rnn", 1, np.random.default_rng(1))[0]
    return sources.random_point("random 0", shape, "none", np.random.default_rng(2))


def test_jitter_moves_every_number_by_one_eps_and_nothing_else(point):
    moved = noise.jitter(point, EPS, np.random.default_rng(0))
    for name, array in point.differentiable.items():
        change = np.abs(moved.differentiable[name] / array - 1)
        assert np.all((change > 0.4 * EPS) & (change < 1.6 * EPS))
    assert np.array_equal(moved.mask, point.mask)
    assert np.array_equal(moved.weights, point.weights)


def test_points_keep_all_they_hold(point):
    again = with_arrays(point, point.differentiable)
    assert jax.tree.all(jax.tree.map(np.array_equal, again.params, point.params))
    narrow = cast(point, "float32")
    assert {a.dtype for a in narrow.differentiable.values()} == {np.dtype("float32")}
    assert narrow.shape.dtype == "float32"


def gradients(point):
    manual, right = canonical.differentiate(point), autodiff.differentiate(point)
    level = noise.measure(canonical.differentiate, point, manual, np.random.default_rng(0), 4)
    return manual.gradients["W"], right.gradients["W"], level["W"]


@pytest.mark.parametrize(
    ("manual_off", "autodiff_off", "expected"),
    [(0, 0, Opinion.BOTH), (1e-6, 0, Opinion.AUTODIFF), (0, 1e-6, Opinion.MANUAL), (1e-6, -2e-6, Opinion.NEITHER)],
)
def test_whom_the_complex_step_backs(point, manual_off, autodiff_off, expected):
    manual, right, level = gradients(point)
    fault = np.random.default_rng(3).normal(size=right.shape)
    opinion = third_opinion(
        *(canonical.loss, point, "W", manual + manual_off * fault, right + autodiff_off * fault, level, 1.0),
        np.random.default_rng(4),
    )
    assert opinion is expected


def test_where_autodiff_is_wrong_nobody_is_accused(monkeypatch):
    def detached(p, xU, state, kh):
        return rnn_jax.cells.tanh_step(p, xU, rnn_jax.cells.State(jax.lax.stop_gradient(state.h)), kh)

    cells = rnn_jax.cells.CELLS
    monkeypatch.setitem(cells, "rnn", cells["rnn"]._replace(step=detached))
    autodiff.gradient_function.cache_clear()
    report = run.verify(only=["rnn"], configs=2)
    autodiff.gradient_function.cache_clear()
    assert report.verdict is Verdict.FAIL
    doubted = {c.symbol: c.opinion for case in report.cases for c in case.gradients if c.opinion is not Opinion.BOTH}
    assert set(doubted) == {"U", "W", "b", "x", "h0"}
    assert set(doubted.values()) == {Opinion.MANUAL}
    said = " ".join(text.plain(report).split())
    assert "rnn: dW differs from autodiff's" in said
    assert "against autodiff: neither is accused" in said
    assert "is wrong" not in said


def test_a_third_opinion_against_both_is_told(monkeypatch):
    monkeypatch.setattr(differences, "COMPLEX_STEP", 0.3)  # far too long a step: its slopes are wrong
    report = run.verify(only=["gru"], configs=0)
    assert report.verdict is Verdict.FAIL
    assert Opinion.NEITHER in {c.opinion for case in report.cases for c in case.gradients}
    assert "is doubted by the complex step" in text.plain(report)


def test_an_implementation_that_crashes_is_a_finding(monkeypatch):
    def crash(point):
        raise ZeroDivisionError("division by zero")

    broken = tuple(i._replace(differentiate=crash) if i.name == "lstm" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["lstm", "gru"], configs=0)
    verdicts = {case.implementation: case.verdict for case in report.cases}
    assert verdicts == {"lstm": Verdict.FAIL, "gru": Verdict.PASS}
    assert "lstm at learn stopped with ZeroDivisionError: division by zero" in text.plain(report)


def test_a_gradient_that_is_missing_is_wrong(monkeypatch):
    def without_W(point):  # noqa: N802
        values = canonical.differentiate(point)
        return values._replace(gradients={k: v for k, v in values.gradients.items() if k != "W"})

    broken = tuple(i._replace(differentiate=without_W) if i.name == "lstm" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["lstm"], configs=0)
    wrong = {(c.name, c.note) for case in report.cases for c in case.gradients if c.verdict is Verdict.FAIL}
    assert wrong == {("W", "is missing")}


def test_another_forward_is_told_before_any_gradient(monkeypatch):
    def shifted(point):
        values = canonical.differentiate(point)
        return values._replace(loss=values.loss * (1 + 1e-12))

    broken = tuple(i._replace(differentiate=shifted) if i.name == "gru" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["gru"], configs=0)
    assert report.verdict is Verdict.FAIL
    assert all(not case.gradients for case in report.cases)
    assert "gru: forward loss is wrong" in text.plain(report)


def cases_at(point, *names):
    """The point judged by the implementations of these names."""
    chosen = [i for i in IMPLEMENTATIONS if i.name in names]
    return run.judge_all([(cast(point, "float64"), chosen)], 0, run.Clock(), lambda done, total: None)


def one_layer(cell, loss="linear", **changes):
    """A random point of one layer, some of its arrays changed by functions."""
    shape = Shape(cell, 6, 2, 3, 4, 5, loss=loss)
    made = sources.random_point("random 0", shape, "none", np.random.default_rng(0))
    return with_arrays(made, {name: change(made.differentiable[name]) for name, change in changes.items()})


def forget_nothing(b):
    """Biases (4H) of an LSTM whose forget gates are shut."""
    b = b.copy()
    b[4:8] = -38
    return b


def keep_all(b):
    """Biases (3H) of a GRU whose update gates are open."""
    b = b.copy()
    b[4:8] = 30
    return b


SATURATED = {
    "tanh at its end": ("rnn", "linear", {"b": lambda b: b + 14}),
    "sure of itself": ("rnn", "cross_entropy", {"c": lambda c: c + 28 * np.eye(5)[0]}),
    "sure and wrong": ("gru", "cross_entropy", {"c": lambda c: c + 28 * np.eye(5)[1]}),
    "forget gates shut": ("lstm", "linear", {"b": forget_nothing}),
    "update gates open": ("gru", "linear", {"b": keep_all}),
    "large inputs": ("rnn", "linear", {"x": lambda x: 30 * x}),
    "huge inputs": ("gru-before", "linear", {"x": lambda x: 1000 * x}),
    "huge weights": ("lstm", "linear", {"W": lambda W: 1e3 * W}),
    "vanishing": ("rnn", "linear", {"W": lambda W: 1e-60 * W}),
    "out of sight": ("rnn", "linear", {"V": lambda V: 1e-200 * V}),
    "beyond float32": ("rnn", "linear", {"V": lambda V: 1e39 * V}),
}


@pytest.mark.parametrize("name", SATURATED)
def test_right_code_is_not_accused_at_the_ends(name):
    cell, loss, changes = SATURATED[name]
    names = ("rnn", "columns", "steps", "rtrl") if cell == "rnn" else (cell,)
    for case in cases_at(one_layer(cell, loss, **changes), *names):
        assert case.verdict is not Verdict.FAIL, case


@pytest.mark.parametrize(("inputs", "weights"), [(10, 3), (100, 3), (1000, 1), (1, 10), (1, 30), (1, 100)])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-before"])
def test_right_code_is_not_accused_for_large_numbers(cell, inputs, weights):
    for seed in range(8):
        shape = Shape(cell, 6, 2, 3, 4, 5)
        made = sources.random_point("random 0", shape, "none", np.random.default_rng(seed))
        large = {name: weights * made.differentiable[name] for name in ("U", "W", "b")}
        (case,) = cases_at(with_arrays(made, large | {"x": inputs * made.x}), cell)
        assert case.verdict is not Verdict.FAIL, (seed, case)


def test_shaken_functions_are_off_by_one_eps_and_then_no_more(point):
    before = canonical.differentiate(point)
    with shaken.shaken(np.random.default_rng(0)):
        during = canonical.differentiate(point)
    after = canonical.differentiate(point)
    assert np.array_equal(before.gradients["W"], after.gradients["W"])
    change = noise.norm(during.gradients["W"] - before.gradients["W"]) / noise.norm(before.gradients["W"])
    assert 0 < change < 100 * EPS
    with pytest.raises(ZeroDivisionError), shaken.shaken(np.random.default_rng(0)):
        raise ZeroDivisionError
    assert reference.rnn.np is np


def test_who_changes_the_arguments_accuses_only_himself(monkeypatch):
    def careless(point):
        point.dfinal[0][0].h[:] += 1
        return canonical.differentiate(point)

    broken = tuple(i._replace(differentiate=careless) if i.name == "rnn" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["rnn", "columns", "steps", "rtrl"], configs=3)
    accused = {case.implementation for case in report.cases if case.verdict is not Verdict.PASS}
    assert accused == {"rnn"}
    assert "read-only" in report.cases[0].error


@pytest.mark.parametrize("size", [1e-2, 1e-5])
def test_what_changes_from_call_to_call_is_wrong(monkeypatch, size):
    chance = np.random.default_rng(0)

    def forgetful(point):
        values = canonical.differentiate(point)
        W = values.gradients["W"]
        return values._replace(gradients=values.gradients | {"W": W * (1 + size * chance.normal(size=W.shape))})

    broken = tuple(i._replace(differentiate=forgetful) if i.name == "lstm" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["lstm"], configs=0)
    assert report.verdict is Verdict.FAIL
    wrong = {(c.name, c.note) for case in report.cases for c in case.gradients if c.verdict is Verdict.FAIL}
    assert wrong == {("W", "differs from one call to the next")}


def test_state_that_leaks_into_the_next_call_is_wrong(monkeypatch):
    total = {}

    def leaking(point):
        values = canonical.differentiate(point)
        b = total[point.name] = values.gradients["b"] + total.get(point.name, 0)
        return values._replace(gradients=values.gradients | {"b": b})

    broken = tuple(i._replace(differentiate=leaking) if i.name == "gru" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["gru"], configs=0)
    wrong = {(c.name, c.note) for case in report.cases for c in case.gradients if c.verdict is Verdict.FAIL}
    assert wrong == {("b", "differs from one call to the next")}


def test_what_nobody_asked_for_is_wrong(monkeypatch):
    def generous(point):
        values = canonical.differentiate(point)
        return values._replace(gradients=values.gradients | {"s0": np.ones(3)})

    broken = tuple(i._replace(differentiate=generous) if i.name == "gru" else i for i in IMPLEMENTATIONS)
    monkeypatch.setattr(run, "IMPLEMENTATIONS", broken)
    report = run.verify(only=["gru"], configs=0)
    wrong = {(c.name, c.note) for case in report.cases for c in case.gradients if c.verdict is Verdict.FAIL}
    assert wrong == {("s0", "is not expected")}


@pytest.mark.parametrize("cell", rnn_jax.cells.CELLS)
def test_the_sweep_leaves_nothing_out(cell):
    """With 2000 configurations, 400 a cell: each array in each depth and direction, under each kind of mask."""
    seen = set()
    for made in sources.sweep(cell, 400, seed=0):
        kind = "none" if made.mask.all() else "padding" if made.padded else "gaps"
        symbols = {name.split("[")[0] for name in made.differentiable}
        seen |= {(symbol, made.shape.layers, made.shape.directions, kind) for symbol in symbols}
        sizes = [made.shape.T, made.shape.B, made.shape.D, made.shape.H, made.shape.K]
        assert len(set(sizes)) == 5
    expected = {"U", "W", "b", "bh", "V", "c", "x", "h0", *rnn_jax.cells.CELLS[cell].gains}
    expected |= {"s0"} if rnn_jax.cells.CELLS[cell].has_cell_state else set()
    directions = (("forward",), ("reverse",), ("forward", "reverse"))
    for symbol in expected:
        for layers in (1, 2, 3):
            for way in directions:
                kinds = {kind for *key, kind in seen if tuple(key) == (symbol, layers, way)}
                assert kinds >= {"none", "gaps", "padding"} or (layers, way) == (1, directions[2]), (
                    symbol,
                    layers,
                    way,
                )


def test_the_default_sweep_holds_every_loss_depth_direction_and_mask():
    made = [p for cell in rnn_jax.cells.CELLS for p in sources.sweep(cell, run.EACH, 0)]
    for cell in rnn_jax.cells.CELLS:
        ours = [p for p in made if p.shape.cell == cell]
        assert {p.shape.loss for p in ours} == {"linear", "cross_entropy", "squared_error"}
        assert {p.shape.reduction for p in ours} == {"sum", "mean"}
        assert {p.shape.layers for p in ours} == {1, 2, 3}
        assert {way for p in ours for way in p.shape.directions} == {"forward", "reverse"}
        assert {p.shape.second_bias for p in ours} == {True, False}
        assert {1, 100} < {p.shape.T for p in ours}
        assert any(not p.mask.all() for p in ours)
        assert all(np.abs(state.h).min() > 0 for p in ours for layer in p.state0 for state in layer)


@pytest.mark.parametrize("kind", DRAWN)
def test_the_default_sweep_of_noise_holds_every_cell_loss_depth_direction_and_mask(kind):
    made = sources.sweep(kind, run.EACH, 0)
    assert {p.shape.cell for p in made} == set(rnn_jax.cells.CELLS)
    assert {p.shape.noise for p in made} == {(kind,)}
    assert {p.shape.loss for p in made} == {"linear", "cross_entropy", "squared_error"}
    assert {p.shape.layers for p in made} == {1, 2, 3}
    assert {p.shape.directions for p in made} == {("forward",), ("reverse",), ("forward", "reverse")}
    assert {p.mask.all() for p in made} == {True, False}


def test_in_chaos_nothing_is_claimed():
    rng = np.random.default_rng(0)
    shape = Shape("rnn", 500, 2, 3, 32, 5, loss="linear")
    chaotic = sources.random_point("random 0", shape, "none", rng)
    params = initial.uniform(rng, 3, 32, 5, scale=3.0)  # a spectral radius of 1.7, and no input that would tame it
    chaotic = replace(chaotic, params=params, x=0.1 * chaotic.x, mask=np.ones((500, 2), bool))
    clock = run.Clock()
    (case,) = run.judge_all([(chaotic, [IMPLEMENTATIONS[0]])], 0, clock, lambda done, total: None)
    assert case.verdict is Verdict.UNDECIDED
    assert Verdict.FAIL not in {c.verdict for c in case.gradients}


def test_a_kink_is_named():
    report = run.verify(only=["rnn-relu"], configs=0)
    assert report.ok
    zeroed = sources.random_point(
        "random 0", Shape("rnn-relu", 3, 2, 4, 5, 6, loss="linear"), "none", np.random.default_rng(0)
    )
    zeroed = replace(zeroed, mask=np.ones((3, 2), bool))
    zeroed = with_arrays(zeroed, {name: 0 * zeroed.differentiable[name] for name in ("U", "W", "b")})
    assert canonical.kinks(zeroed) == ("30 pre-activations are exactly 0, where relu has no slope: it is taken as 0",)


def test_a_fault_of_the_fast_path_is_found(monkeypatch):
    """A billionth too much, in what is no part of the NumPy program that the rounding is told by."""
    right = bptt.lstm.weight_gradient
    monkeypatch.setattr(bptt.lstm, "weight_gradient", lambda h, da, half: right(h, da, half) * (1 + 1e-9))
    autodiff.gradient_function.cache_clear()
    report = run.verify(only=["fast-lstm"], configs=2)
    autodiff.gradient_function.cache_clear()
    wrong = {c.symbol for case in report.cases for c in case.gradients if c.verdict is Verdict.FAIL}
    assert wrong == {"W"}
    assert {c.opinion for case in report.cases for c in case.gradients if c.symbol == "W"} == {Opinion.AUTODIFF}
