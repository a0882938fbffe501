"""A sequence in segments: the same loss and gradient as at once, with less of it stored."""

import jax
import numpy as np
import pytest

from rnn_jax import begin, feeds, planner, segments, train
from rnn_jax.planner import Execution
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec

T, B = 23, 3
# Some dozen sums of as many terms, in another order: some eps each.
NOISE = 1e-14


def value(cell, how, reduction="mean", predicts="characters"):
    spec = Spec(5, 6, 4, cell, layers=2, second_bias=cell == "gru", predicts=predicts)
    rng = np.random.default_rng(0)
    plan = train.Plan(spec, Recipe(1, dtype="float64", reduction=reduction, l2=0.1), feeds.Windows(T, 1))
    mask = rng.random((T, B)) < 0.8
    y = rng.normal(size=(T, B, 4)) if predicts == "numbers" else np.where(mask, rng.integers(0, 4, (T, B)), -1)
    batch = feeds.Batch(rng.integers(0, 5, (T, B)), y, mask, np.array(True))
    with jax.enable_x64(True):
        state0 = jax.tree.map(lambda h: rng.normal(size=h.shape), train.zero_state(plan, B))
        params = jax.tree.map(jax.numpy.asarray, begin.start(plan))
        return jax.value_and_grad(train.loss, 1, has_aux=True)(plan, params, batch, state0, None, how)


@pytest.mark.parametrize(
    ("cell", "plan", "steps"),
    [("lstm", "fast", 1), ("lstm", "fast", 5), ("gru", "fast", 22), ("gru", "fast", 23), ("rnn-relu", "plain", 5)],
)
def test_it_is_the_same_as_at_once(cell, plan, steps):
    """Of lengths that divide T and that do not, the states behind it and the gradient by each parameter."""
    whole, cut = (jax.tree.leaves(value(cell, Execution(plan, segment=each))) for each in (0, steps))
    for a, b in zip(whole, cut, strict=True):
        assert np.linalg.norm(a - b) <= NOISE * max(1.0, float(np.linalg.norm(a)))


def test_sums_and_numbers_too():
    for options in ({"reduction": "sum"}, {"predicts": "numbers"}):
        whole, cut = (jax.tree.leaves(value("lstm", Execution(segment=each), **options)) for each in (0, 5))
        for a, b in zip(whole, cut, strict=True):
            assert np.linalg.norm(a - b) <= 10 * NOISE * max(1.0, float(np.linalg.norm(a)))


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="XLA accounts for a GPU's memory otherwise")
def test_an_eighth_of_the_memory_is_enough():
    """By XLA's own account of what a gradient needs beside its arguments; at once it grows as the length does."""
    spec = Spec(5, 16, 4, "lstm")

    def needed(T, how):
        plan = train.Plan(spec, Recipe(1), feeds.Windows(T, 1))
        data = jax.eval_shape(
            lambda: feeds.Batch(*(np.zeros((T, 1), kind) for kind in (np.int32, np.int32, bool)), True)
        )
        params = jax.eval_shape(lambda: train.begin(plan, begin.start(plan), 1).params)
        grad = jax.jit(jax.grad(lambda p, b: train.loss(plan, p, b, train.zero_state(plan, 1), None, how)[0]))
        return grad.lower(params, data).compile().memory_analysis().temp_size_in_bytes

    at_once = needed(16_384, train.ALONE) / needed(1_024, train.ALONE)
    assert at_once > 14
    assert needed(16_384, Execution(segment=segments.length(16_384))) < needed(16_384, train.ALONE) / 8


def test_the_planner_cuts_what_does_not_fit():
    spec = Spec(65, 64, 65, "lstm")
    assert planner.choose(spec, 100_000, 1, devices=1, room=2.0**40).execution.segment == 0
    assert planner.choose(spec, 100_000, 1, devices=1, room=2.0**28).execution.segment == 317
    assert planner.choose(spec, 100_000, 1, noisy=True, devices=1, room=2.0**28).execution.segment == 0
