"""The functions over pytrees: what they learn, what they take, and what they tell of what they do not."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnn_jax import library
from rnn_jax.errors import InputError
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec


@pytest.fixture(autouse=True)
def promotion():
    """Optax mixes dtypes."""
    jax.config.update("jax_numpy_dtype_promotion", "standard")


def echoed():
    x = np.random.default_rng(0).integers(0, 3, (6, 40)).astype(np.int32)
    return Spec(3, 12, 3, "gru", second_bias=True, predicts="classes"), x, np.concatenate([x[:1] * 0 - 1, x[:-1]])


def test_the_library_learns_and_goes_on():
    spec, x, y = echoed()
    recipe = Recipe(300, rate=0.02)
    params, losses = library.train(spec, recipe, x, y, batch=20)
    assert len(losses) == 300
    assert losses[-1] < 0.05 < 0.9 < losses[0]
    before = jax.tree.map(np.array, params)
    more, _ = library.train(spec, recipe, x, y, params=params)
    assert float(library.loss(spec, more, x, y)) < float(library.loss(spec, params, x, y))
    for ours, theirs in zip(jax.tree.leaves(params), jax.tree.leaves(before), strict=True):
        np.testing.assert_array_equal(ours, theirs)  # what was given is not used up
    said = library.generate(spec, params, np.array([2, 1]), 3, library.Sampler(0.0))
    assert said.tolist() == [2, 1, 2]


SPEC, X, Y = Spec(3, 4, 3, predicts="classes"), np.zeros((2, 5), np.int32), np.zeros((2, 5), np.int32)
NOT_UNDERSTOOD = {
    "a list": (lambda: library.train(SPEC, Recipe(1), [[0, 1]], Y), "x is a list, but an array is right"),
    "no targets": (lambda: library.train(SPEC, Recipe(1), X, None), "y is a NoneType, but an array is right"),
    "one axis": (lambda: library.train(SPEC, Recipe(1), X[0], Y), "x has shape (5,), but (T, N, D), or (T, N)"),
    "no steps": (lambda: library.train(SPEC, Recipe(1), X[:0], Y[:0]), "x has shape (0, 5), but T and N must be at"),
    "no spec": (lambda: library.train("lstm", Recipe(1), X, Y), "the spec is a str, but Spec(...) is right"),
    "no recipe": (lambda: library.train(SPEC, 5, X, Y), "the recipe is a int, but Recipe(...) is right"),
    "a plan": (lambda: library.train(SPEC, Recipe(1), X, Y, plan="fast"), "the plan is 'fast', but Execution(...) is"),
    "such a plan": (
        lambda: library.train(SPEC, Recipe(1), X, Y, plan=library.Execution("zzz")),
        "the plan is 'zzz', but one of plain, fast, cudnn is right",
    ),
    "parts of a batch": (
        lambda: library.train(SPEC, Recipe(1), X, Y, plan=library.Execution(parts=2)),
        "parts is 2, but a number that divides the batch of 5 is right",
    ),
    "segments of both directions": (
        lambda: library.train(
            Spec(3, 4, 3, directions=("forward", "reverse")), Recipe(1), X, Y, plan=library.Execution(segment=1)
        ),
        "segment is 1, but 0 is right: what is read backward needs the end of the sequence first",
    ),
    "a loss in parts": (
        lambda: library.loss(SPEC, None, X[:, :4], Y[:, :4], plan=library.Execution(parts=2)),
        "parts is 2, but a loss is of one part",
    ),
    "a batch": (lambda: library.train(SPEC, Recipe(1), X, Y, batch=6), "the batch is 6, but 5 or less is right"),
    "half a batch": (lambda: library.train(SPEC, Recipe(1), X, Y, batch=2.5), "the batch is 2.5, but a whole number"),
    "a mask": (lambda: library.loss(SPEC, None, X, Y, X / 2), "the mask has dtype float64, but bool is right"),
    "nothing": (lambda: library.train(SPEC, Recipe(1), X, Y, X > 0), "the mask is off everywhere, but some steps"),
    "a word for a size": (lambda: Spec("6", 4, 3), "D is '6', but a whole number is right"),
    "a list of directions": (lambda: Spec(3, 4, 3, directions=["forward"]), "the directions are ['forward'], but one"),
    "a direction twice": (lambda: Spec(3, 4, 3, directions=("forward", "forward")), "the directions are ('forward', "),
    "yes": (lambda: Spec(3, 4, 3, second_bias="yes"), "second_bias is 'yes', but True or False is right"),
    "a word for a count": (lambda: Recipe("5"), "updates is '5', but a whole number is right"),
    "a word for a rate": (lambda: Recipe(5, rate="fast"), "rate is 'fast', but a number is right"),
    "a reduction": (lambda: Recipe(5, reduction="median"), "the reduction 'median' is unknown; one of sum, mean is"),
    "rates": (lambda: Recipe(5, rates=0.5), "rates is 0.5, but Rates(...) is right"),
    "a word for a seed": (lambda: Recipe(5, seed="x"), "the seed is 'x', but a whole number is right"),
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_what_the_library_does_not_understand_is_told(name):
    ask, words = NOT_UNDERSTOOD[name]
    with pytest.raises(InputError, match=re.escape(words)):
        ask()


def test_a_network_that_is_lost_is_not_given_back():
    spec, x, y = echoed()
    with pytest.raises(
        InputError, match=r"the loss after [1-4] updates is (inf|nan): a smaller rate, or clip_norm, is"
    ):
        library.train(spec, Recipe(5, "sgd", 1e38, l2=1.0), x, y)
    with pytest.raises(InputError, match="not all weights are finite after 1 updates: a smaller rate"):
        library.train(spec, Recipe(1, "sgd", 3e38, l2=1e3), x, y)


def test_indices_of_any_integer_type_are_the_same():
    """Where 255 is the largest number of a type it is an index like any other, and -1 is never one."""
    x = np.array([[0], [127], [255], [3]])
    spec = Spec(300, 2, 300, "rnn", predicts="classes")
    params = library.init(spec)
    right = library.loss(spec, params, x, x)
    assert np.isfinite(right)
    for kind in (np.uint8, np.uint32):
        assert library.loss(spec, params, jnp.asarray(x.astype(kind)), jnp.asarray(x.astype(kind))) == right
    small = np.array([[0], [-1], [100], [3]])
    some = library.loss(spec, params, small, small)
    assert library.loss(spec, params, jnp.asarray(small, jnp.int8), jnp.asarray(small, jnp.int8)) == some
    beyond = jnp.asarray(x, jnp.uint32).at[0].set(2**32 - 1)
    assert np.isnan(library.loss(spec, params, x, beyond)), "no class, and not -1"


def test_what_does_not_fit_the_library_is_told():
    spec, x, y = echoed()
    with pytest.raises(InputError, match=r"y has shape \(6, 1\), but \(6, 40\) for classes"):
        library.train(spec, Recipe(1), x, y[:, :1])
    with pytest.raises(InputError, match=r"the mask has shape \(6, 3\), but \(6, 40\) is right"):
        library.loss(spec, library.init(spec), x, y, np.ones((6, 3), bool))
    with pytest.raises(InputError, match="x holds 7, but -1 to 2 are right"):
        library.train(spec, Recipe(1), np.where(x == 1, 7, x), y)
    mask = np.arange(6)[:, None] < np.arange(40) % 6 + 1
    with pytest.raises(InputError, match="y holds -100, but -1 to 2 are right"):
        library.train(spec, Recipe(1), x, np.where(y == 1, -100, y), mask)
    losses = [library.train(spec, Recipe(1), x, np.where(mask, y, there), mask)[1] for there in (-1, -100)]
    assert losses[0] == losses[1], "in the padding nothing is looked at"
    with pytest.raises(InputError, match="indices from 0 to 2 are right"):
        library.generate(spec, library.init(spec), np.array([99]), 3)
    with pytest.raises(InputError, match="the head is 'lasst', but one of each, last is right"):
        Spec(3, 4, 3, head="lasst")


def test_a_loss_has_forward_mode_by_the_plain_plan():
    spec = Spec(3, 4, 3, "gru")
    params = library.init(spec)
    there = jax.tree.map(jnp.ones_like, params)
    x, y = np.array([[0, 1], [2, 0]], np.int32), np.array([[1, 2], [0, 1]], np.int32)

    def value(params, plan):
        return library.loss(spec, params, x, y, plan=library.Execution(plan))

    slope = jax.jvp(lambda p: value(p, "plain"), (params,), (there,))[1]
    by_hand = sum(jnp.sum(g) for g in jax.tree.leaves(jax.grad(value)(params, "fast")))
    np.testing.assert_allclose(slope, by_hand, rtol=1e-5)  # some hundred terms of float32
    with pytest.raises(TypeError, match="forward mode"):
        jax.jvp(lambda p: value(p, "fast"), (params,), (there,))
