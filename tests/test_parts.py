"""A batch in parts on several devices: the same updates as on one, but for rounding."""

import jax
import numpy as np
import pytest

from rnn_jax import begin, feeds, parts, train
from rnn_jax.errors import InputError
from rnn_jax.noise import Rates
from rnn_jax.planner import Execution
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec

# What is dropped in the recurrence is autodiff's, and comes with the sum.
SPLIT = [(Execution("fast", 2), "mean"), (Execution("fast", 2, True), "mean"), (Execution("plain", 2), "sum")]
# Sums over the batch in another order, some eps each, through five updates of Adam whose steps are of the rate's size.
NOISE = 1e-11


def material(spec, T=6, N=8, seed=0):
    """Sequences of different lengths, some of no step at all, and a plan that trains on them."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, spec.D, (T, N)), rng.integers(0, spec.K, (T, N))
    mask = np.arange(T)[:, None] < np.where(np.arange(N) < 4, 0, rng.integers(1, T + 1, N))
    return feeds.Shuffled(T, N, N, seed), feeds.on_device(feeds.Data(x, np.where(mask, y, -1), mask))


@pytest.mark.skipif(jax.device_count() < 2, reason="there are no two devices")
@pytest.mark.parametrize(("how", "reduction"), SPLIT, ids=str)
def test_the_updates_are_those_of_one_device(how, reduction):
    spec = Spec(5, 6, 5, "lstm")
    rates = Rates(dropout=0.3) if reduction == "mean" else Rates(0.2, 0.3, 0.1, 0.2)
    feed, data = material(spec)
    plan = train.Plan(spec, Recipe(5, dtype="float64", reduction=reduction, l2=0.1, rates=rates), feed)
    params = begin.start(plan)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):  # optax mixes dtypes
        ends = [
            train.advance(plan, parts.everywhere(data, each.parts), train.begin(plan, params, 8), 5, each)
            for each in (train.ALONE, how)
        ]
    for one, other in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_allclose(one, other, rtol=NOISE, atol=NOISE)


def test_more_parts_than_devices():
    with pytest.raises(InputError, match=r"64 parts need a device each, but there are \d+"):
        parts.mesh(64)


@pytest.mark.parametrize("count", [1, 2])
def test_a_second_call_is_not_compiled_anew(count):
    """The state is where updates leave it before the first of them."""
    if count > len(jax.devices()):
        pytest.skip("one device")
    plan = train.Plan(Spec(5, 3, 5, "gru"), Recipe(10), feeds.Windows(4, 1, whole=True))
    how, text = Execution("fast", count), np.random.default_rng(0).integers(0, 5, (40, 2)).astype(np.int32)
    data = parts.everywhere(feeds.on_device(feeds.Data(text, text, text >= 0)), count)
    params = begin.start(plan)
    state = train.placed(train.begin(plan, params, 2), how)
    known = train.advance._cache_size()
    with jax.numpy_dtype_promotion("standard"):  # optax mixes dtypes
        for _ in range(3):
            state, _ = train.advance(plan, data, state, 2, how)
    assert train.advance._cache_size() == known + 1
