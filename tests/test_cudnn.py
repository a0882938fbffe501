"""cuDNN's LSTM: what comes out of it is autodiff's of the plain scan, and where it does not apply is told."""

from functools import partial

import cudnn_by_jax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import rnn
from test_bptt import NOISE, off, total

from rnn_jax import begin, feeds, initial, library, model, planner, products, train
from rnn_jax.bptt import cudnn
from rnn_jax.cells import Noise as LayerNoise
from rnn_jax.errors import InputError
from rnn_jax.noise import Rates
from rnn_jax.planner import Execution
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec
from rnn_jax.verify import autodiff, run
from rnn_jax.verify.report import Verdict

T, B, D, H, K = 7, 4, 3, 5, 6
ALONE, BOTH = ("forward",), ("forward", "reverse")
on_a_gpu = pytest.mark.skipif(not cudnn.reachable(), reason="there is no NVIDIA GPU")


def mask_of(kind, rng):
    """None, steps at the end, or anywhere; a sequence of no step at all among them, and a whole one."""
    if kind == "none":
        return None
    mask = np.arange(T)[:, None] < np.array([T, 0, 1, 4]) if kind == "padding" else rng.random((T, B)) < 0.6
    return mask & (np.arange(B) != 1)


def point(ways, masked, dtype, *, layers=2, second_bias=True, indices=False, seed=0):
    """A model, its input, states and mask, and cotangents of logits and final states."""
    rng = np.random.default_rng(seed)
    options = {"cell": "lstm", "layers": layers, "directions": len(ways)}
    params = initial.uniform(rng, D, H, K, second_bias=second_bias, scale=2.0, **options)
    state0 = jax.tree.map(lambda a: rng.normal(size=a.shape), initial.zero_state(B, H, **options))
    dfinal = jax.tree.map(lambda a: rng.normal(size=a.shape), state0)
    mask = mask_of(masked, rng)
    x = rng.integers(-1, D, (T, B)) if indices else rng.normal(size=(T, B, D))
    do = rng.normal(size=(T, B, K))
    made = jax.tree.map(lambda a: jnp.asarray(a, dtype), (params, state0, do, dfinal))
    return (made[0], x if indices else jnp.asarray(x, dtype), *made[1:], mask)


def gradients(plan, at, ways):
    """The value, and the gradients of parameters, initial states and, where it has one, input."""
    params, x, state0, do, dfinal, mask = at
    value = partial(total, plan, "lstm", ways, do, dfinal, mask)
    return jax.jit(jax.value_and_grad(value, (0, 2) if x.ndim == 2 else (0, 1, 2)))(params, x, state0)


FEWER = {"second_bias": False, "indices": True, "layers": 1}
# Every order of directions with gaps, every kind of mask, and both kinds of input; each is two programs to compile.
CASES = [
    (("forward",), "gaps", FEWER),
    (("reverse",), "gaps", {}),
    (("forward", "reverse"), "gaps", {}),
    (("reverse", "forward"), "gaps", FEWER),
    (("forward", "reverse"), "padding", FEWER),
    (("forward", "reverse"), "none", {}),
]


@pytest.mark.parametrize(("ways", "masked", "options"), CASES)
def test_packed_and_unpacked_it_is_autodiffs_of_the_plain_scan(ways, masked, options, monkeypatch):
    """Of JAX's own reference, which takes the vector apart as cuDNN's layout is documented; in float64."""
    cudnn_by_jax.pretend(monkeypatch, "float64")
    at = point(ways, masked, "float64", **options)
    assert off(gradients("cudnn", at, ways), gradients("plain", at, ways)) < NOISE["float64"]


def test_it_is_the_fast_ones_in_float32_too(monkeypatch):
    cudnn_by_jax.pretend(monkeypatch)
    with jax.enable_x64(False):
        at = point(BOTH, "gaps", "float32")
        assert off(gradients("cudnn", at, BOTH), gradients("fast", at, BOTH)) < NOISE["float32"]


@on_a_gpu
@pytest.mark.parametrize(("ways", "masked", "options"), CASES)
def test_on_a_gpu_it_is_autodiffs_of_the_plain_scan(ways, masked, options):
    with jax.enable_x64(False), jax.default_matmul_precision("highest"):
        at = point(ways, masked, "float32", **options)
        assert off(gradients("cudnn", at, ways), gradients("plain", at, ways)) < NOISE["float32"]


@on_a_gpu
def test_on_a_gpu_the_products_are_as_precise_as_is_asked_for():
    """TF32 keeps ten bits of a factor, and float32 23: a thousandth against a millionth, and both can be had."""
    with jax.enable_x64(False):
        at, found = point(ALONE, "none", "float32"), {}
        with jax.default_matmul_precision("highest"):
            right = gradients("plain", at, ALONE)
        for precision in ("highest", "tensorfloat32"):
            with jax.default_matmul_precision(precision):
                found[precision] = off(gradients("cudnn", at, ALONE), right)
    assert found["highest"] < NOISE["float32"] < found["tensorfloat32"] < 0.1


@on_a_gpu
@pytest.mark.parametrize(("dropout", "segment"), [(0.1, 0), (0.0, 7)])
def test_on_a_gpu_updates_are_those_of_the_scan(dropout, segment):
    """The same losses through twenty updates of Adam, with something dropped between layers, and in segments."""
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"), jax.default_matmul_precision("highest"):
        spec, recipe = Spec(5, 16, 5, "lstm", layers=2), Recipe(20, rates=Rates(dropout=dropout))
        x = np.random.default_rng(0).integers(0, 5, (30, 8)).astype(np.int32)
        ways = (Execution("plain"), Execution("cudnn", segment=segment))
        plain, ours = (library.train(spec, recipe, x[:-1], x[1:], plan=way)[1] for way in ways)
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-5)
    np.testing.assert_allclose(ours, plain, rtol=1e-3)


def test_what_it_is_handed_lies_in_order(monkeypatch):
    """A transpose may not be left to cuDNN, which knows of none: layouts are pinned, and those of gradients."""
    monkeypatch.setattr(rnn, "lstm", lambda x, h0, s0, weights, lengths, *more: (2 * x, h0, s0))

    def total(x):
        y, _, _ = cudnn.lstm(x.swapaxes(0, 1), x, x, x[0, 0], x[0, 0], cudnn.Sizes(5, 5, 1, 0.0, False))
        return jnp.sum(jnp.sin(y.swapaxes(0, 1)))

    for function in (total, jax.grad(total)):
        text = jax.jit(function).lower(jnp.ones((3, 4, 5))).as_text()
        pinned = [line for line in text.splitlines() if "@LayoutConstraint" in line]
        assert len(pinned) >= 2
        assert all("dense<[2, 1, 0]>" in line for line in pinned), pinned


@on_a_gpu
def test_on_a_gpu_the_planner_knows_it():
    choice = planner.of(train.Plan(Spec(5, 16, 5, "lstm"), Recipe(1), feeds.InOrder(29, 8, 8)), 8)
    assert Execution("cudnn") in choice.costs
    assert choice.measured or choice.execution == Execution("cudnn")


def test_the_vector_is_laid_out_as_documented():
    """W_ih and W_hh of each layer and direction, then its two biases: unpacked by JAX, they are ours transposed."""
    params = point(BOTH, "none", "float64")[0]
    each = [p for layer in params.layers for p in layer]
    vector = cudnn.flat(params.layers)
    assert vector.size == rnn.get_num_params_in_lstm(D, H, 2, True)
    for ours, theirs in zip(("U", "W", "b", "bh"), rnn.unpack_lstm_weights(vector, D, H, 2, True), strict=True):
        for k, p in enumerate(each):
            np.testing.assert_array_equal(theirs[k], getattr(p, ours).T)


def test_layers_are_done_together_where_nothing_comes_between():
    two = [[5], [5], [5]]
    assert cudnn.together(two, [False, False, True]) == [slice(0, 3)]
    assert cudnn.together(two, [True, False, False]) == [slice(0, 1), slice(1, 3)]
    assert cudnn.together([[5, 5], [4, 4], [4, 4]], [False] * 3) == [slice(0, 1), slice(1, 3)]


def test_what_is_dropped_between_layers_is_dropped(monkeypatch):
    cudnn_by_jax.pretend(monkeypatch, "float64")
    params, x, state0, *_, mask = point(BOTH, "gaps", "float64", layers=3)
    kx = jnp.asarray(2.0 * (np.random.default_rng(1).random((3, T, B, 2 * H)) < 0.5))
    for head in ("each", "last"):
        noise = model.silence(params)._replace(kx=(kx[0], None, kx[2]))
        options = {"cell": "lstm", "directions": BOTH, "noise": noise, "head": head}
        ours, theirs = (model.forward(params, x, state0, mask, plan=plan, **options) for plan in ("cudnn", "fast"))
        assert off(ours, theirs) < NOISE["float64"]


def test_an_index_without_a_row_does_not_pass(monkeypatch):
    cudnn_by_jax.pretend(monkeypatch, "float64")
    params, x, state0, *_ = point(ALONE, "none", "float64", indices=True)
    for wrong in (D, -2):
        o, _ = model.forward(params, np.where(np.arange(B) == 2, wrong, x), state0, cell="lstm", plan="cudnn")
        assert np.isnan(o[:, 2]).all()
        assert np.isfinite(np.delete(o, 2, axis=1)).all()


PRECISIONS = {
    "HIGH": (None, "default", "bfloat16", "tensorfloat32", "high", "TF32_TF32_F32"),
    "HIGHEST": ("highest", "float32", "F32_F32_F32"),
}


@pytest.mark.parametrize(("meant", "asked"), [(meant, each) for meant, known in PRECISIONS.items() for each in known])
def test_products_are_as_precise_as_jaxs_others(meant, asked):
    with jax.default_matmul_precision(asked):
        assert cudnn.precision().name == meant


NOT_THERE = {
    "no GPU": ({}, 'needs an NVIDIA GPU, but JAX computes on cpu here: plan="fast" is right'),
    "a GRU": ({"cell": "gru"}, 'is for the cell lstm, but the cell is gru: plan="fast" is right'),
    "normalised": ({"cell": "lstm-norm"}, 'is for the cell lstm, but the cell is lstm-norm: plan="fast" is right'),
    "float64": ({"dtype": "float64"}, 'computes in float32, but the numbers are float64: plan="fast" is right'),
    "bfloat16": ({"dtype": "bfloat16"}, 'computes in float32, but the numbers are bfloat16: plan="fast" is right'),
    "zoneout": ({"rates": Rates(zoneout=0.1)}, 'but something is drawn: plan="plain" is right'),
}


@pytest.mark.parametrize("name", NOT_THERE)
def test_where_it_does_not_apply_one_sentence_says_so(name, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    asked, words = {"cell": "lstm", "dtype": "float32", "rates": Rates()} | NOT_THERE[name][0], NOT_THERE[name][1]
    spec = Spec(3, 4, 3, asked["cell"])
    x = np.zeros((5, 2), np.int32)
    recipe = Recipe(1, dtype=asked["dtype"], rates=asked["rates"])
    with jax.numpy_dtype_promotion("standard"), pytest.raises(InputError) as told:
        library.train(spec, recipe, x, x, plan=Execution("cudnn"))
    assert str(told.value).startswith('plan="cudnn" ')
    assert str(told.value).endswith(words)


def test_dtypes_and_products_are_looked_at_one_by_one(monkeypatch):
    cudnn_by_jax.pretend(monkeypatch)
    params, x, state0, *_ = point(ALONE, "none", "float32")
    forward = partial(model.forward, params, cell="lstm", plan="cudnn")
    with pytest.raises(InputError, match="but the numbers are float64"):
        forward(x.astype("float64"), state0)
    with pytest.raises(InputError, match="but the numbers are bfloat16"), products.in_half():
        forward(x, state0)
    zoned = model.silence(params)._replace(layers=((LayerNoise(zh=jnp.zeros((T, B, H))),), (LayerNoise(),)))
    with pytest.raises(InputError, match="something is drawn"):
        forward(x, state0, noise=zoned)


def test_both_directions_are_of_one_width(monkeypatch):
    cudnn_by_jax.pretend(monkeypatch, "float64")
    rng = np.random.default_rng(0)
    wide, narrow = (initial.uniform(rng, D, size, K, cell="lstm").layers[0][0] for size in (4, 2))
    params = model.Params(((wide, narrow),), jnp.zeros((6, K)), jnp.zeros(K))
    states = ((initial.zero_state(B, 4, cell="lstm")[0][0], initial.zero_state(B, 2, cell="lstm")[0][0]),)
    with pytest.raises(InputError, match=r"one H for both directions, not \[\[4, 2\]\]"):
        model.forward(params, np.zeros((T, B, D)), states, cell="lstm", directions=BOTH, plan="cudnn")


def test_verify_judges_it_in_float32_beside_the_others(monkeypatch):
    """By the reference in cuDNN's place, right, and with a fault of a thousandth of the gradients of all parameters."""
    cudnn_by_jax.pretend(monkeypatch)
    only = ["lstm", "cudnn-lstm"]
    report = run.verify(only=only, configs=3)
    assert report.ok, str(report)
    cases = [case for case in report.cases if case.implementation == "cudnn-lstm"]
    assert len(cases) == 8
    assert all(1e-10 < c.noise < 1e-4 for case in cases for c in case.gradients if not c.zero), "it is in float32"
    assert "cudnn-lstm: in float32, which is all that it has" in str(report)
    packed = cudnn.flat

    def faulty(layers):
        weights = packed(layers)
        return jax.lax.stop_gradient(weights) + 1.001 * (weights - jax.lax.stop_gradient(weights))

    monkeypatch.setattr(cudnn, "flat", faulty)
    autodiff.gradient_function.cache_clear()
    report = run.verify(only=only, configs=0)
    autodiff.gradient_function.cache_clear()
    wrong = {case.implementation for case in report.cases if case.verdict is Verdict.FAIL}
    assert wrong == {"cudnn-lstm"}


def test_verify_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(cudnn, "reachable", lambda: False)
    assert not [each for each in run.choose(None) if each.name == "cudnn-lstm"]
    with pytest.raises(InputError, match=r"cudnn-lstm needs an NVIDIA GPU, but JAX computes on \w+ here; some of rnn,"):
        run.verify(only=["cudnn-lstm"])


def test_segments_and_training_go_through_it(monkeypatch):
    """Updates of a run that is cut into segments, by the reference, are those by hand."""
    cudnn_by_jax.pretend(monkeypatch)
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        spec, recipe = Spec(3, 6, 3, "lstm", layers=2), Recipe(3, dtype="float32")
        rng = np.random.default_rng(0)
        x, mask = rng.integers(0, 3, (9, 4)), rng.random((9, 4)) < 0.8
        start = begin.start(train.Plan(spec, recipe, feeds.InOrder(9, 4, 4)))
        ends = [
            library.train(spec, recipe, x, x, mask, params=start, plan=Execution(plan, segment=segment))[1]
            for plan, segment in (("fast", 0), ("cudnn", 0), ("cudnn", 4))
        ]
    np.testing.assert_allclose(ends[1:], [ends[0]] * 2, rtol=1e-5)
