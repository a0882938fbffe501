"""The fast path: the backward pass by hand as custom_vjp is autodiff's of the plain scan, and NumPy's of reference/."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reference import model as by_hand
from reference import parameters
from rnn_jax import bptt, initial, model, products
from rnn_jax.cells import CELLS

T, B, D, H, K = 7, 3, 4, 5, 6
DIRECTIONS = [("forward",), ("reverse",), ("forward", "reverse")]
# Sums of some dozen terms of about the same size, in another order: some eps each, and a few layers of them.
NOISE = {"float64": 3e-14, "float32": 1.5e-5}


def point(cell, directions, second_bias, masked, dtype, seed=0):
    """A model of two layers, its input, states and mask, and cotangents of logits and final states."""
    rng = np.random.default_rng(seed)
    options = {"cell": cell, "layers": 2, "directions": len(directions)}
    params = initial.uniform(rng, D, H, K, second_bias=second_bias, scale=2.0, **options)
    state0 = jax.tree.map(lambda a: rng.normal(size=a.shape), initial.zero_state(B, H, **options))
    dfinal = jax.tree.map(lambda a: rng.normal(size=a.shape), state0)
    x, do = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, K))
    mask = rng.random((T, B)) < 0.7 if masked else None
    made = jax.tree.map(lambda a: jnp.asarray(a, dtype), (params, x, state0, do, dfinal))
    return (*made, mask)


def total(plan, cell, directions, do, dfinal, mask, params, x, state0):
    o, final = model.forward(params, x, state0, mask, cell=cell, directions=directions, plan=plan)
    return (o * do).sum() + sum(jax.tree.leaves(jax.tree.map(lambda f, df: (f * df).sum(), final, dfinal)))


def off(ours, theirs):
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    # What is 0 on one side, as the second derivative by V where the loss is linear in it, has to be so on the other.
    return max(float(np.linalg.norm(a - b) / (np.linalg.norm(b) or 1e-300)) for a, b in pairs if np.any(a) or np.any(b))


# Both biases and a mask in each direction, and once without either; each is a computation to be compiled twice.
CASES = [
    *((directions, True, True, "float64") for directions in DIRECTIONS),
    (("forward",), False, False, "float64"),
    (("forward", "reverse"), True, True, "float32"),
]


@pytest.mark.parametrize(("directions", "second_bias", "masked", "dtype"), CASES)
@pytest.mark.parametrize("cell", bptt.CELLS)
def test_it_is_autodiffs_of_the_plain_scan(cell, directions, second_bias, masked, dtype):
    with jax.enable_x64(dtype == "float64"):
        params, x, state0, do, dfinal, mask = point(cell, directions, second_bias, masked, dtype)
        plain, fast = (
            jax.jit(jax.value_and_grad(partial(total, plan, cell, directions, do, dfinal, mask), (0, 1, 2)))
            for plan in ("plain", "fast")
        )
        assert off(fast(params, x, state0), plain(params, x, state0)) < NOISE[dtype]


@pytest.mark.parametrize("cell", bptt.CELLS)
def test_in_blocks_it_is_the_same(cell, monkeypatch):
    """W (5, 5 to 20) and its transpose, cut into blocks of two or more columns, the last of them narrower."""
    monkeypatch.setattr(bptt.common, "ENTRIES", 12)
    monkeypatch.setattr(bptt.common, "MULTIPLE", 2)
    with jax.enable_x64(True):
        params, x, state0, do, dfinal, mask = point(cell, ("forward",), True, True, "float64")
        value = jax.value_and_grad(partial(total, "fast", cell, ("forward",), do, dfinal, mask), (0, 1, 2))
        whole = value(params, x, state0)
        with products.in_blocks():
            assert len(bptt.common.Factor.of(params.layers[0][0].W, bptt.How.now(False)).blocks) > 1
            assert off(value(params, x, state0), whole) < NOISE["float64"]


@pytest.mark.parametrize("cell", bptt.CELLS)
def test_it_is_numpys_by_hand(cell):
    directions = ("forward", "reverse")
    with jax.enable_x64(True):
        params, x, state0, do, dfinal, mask = point(cell, directions, True, True, "float64")
        ours = jax.grad(partial(total, "fast", cell, directions, do, dfinal, mask), (0, 1, 2))(params, x, state0)
    layers = tuple(tuple(parameters.Params(*(np.asarray(a) for a in q[:4])) for q in layer) for layer in params.layers)
    theirs = by_hand.Params(layers, np.asarray(params.V), np.asarray(params.c))

    def states(tree):
        return tuple(
            tuple(parameters.State(*(None if a is None else np.asarray(a) for a in s)) for s in layer) for layer in tree
        )

    _, _, cache = by_hand.forward(theirs, np.asarray(x), states(state0), mask, cell=cell, directions=directions)
    g = by_hand.backward(theirs, cache, np.asarray(do), states(dfinal), cell=cell, directions=directions)
    for layer, other in zip(ours[0].layers, g.params.layers, strict=True):
        for a, b in zip(layer, other, strict=True):
            assert off((a.U, a.W, a.b, a.bh), (b.U, b.W, b.b, b.bh)) < NOISE["float64"]
    assert off((ours[0].V, ours[0].c, ours[1], ours[2]), (g.params.V, g.params.c, g.x, g.state)) < NOISE["float64"]


@pytest.mark.parametrize("cell", bptt.CELLS)
def test_the_gradient_has_a_gradient(cell):
    """The Hessian along a direction, by reverse mode of the backward by hand and by autodiff's own."""
    with jax.enable_x64(True):
        params, x, state0, do, dfinal, mask = point(cell, ("forward",), True, True, "float64")
        along = jax.tree.map(lambda a: jnp.asarray(np.random.default_rng(1).normal(size=a.shape)), params)

        def slope(plan, params):
            g = jax.grad(partial(total, plan, cell, ("forward",), do, dfinal, mask))(params, x, state0)
            return sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), g, along)))

        assert off(*(jax.jit(jax.grad(partial(slope, plan)))(params) for plan in ("fast", "plain"))) < NOISE["float64"]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", bptt.CELLS)
def test_one_step_of_one_sequence_in_one_unit(cell, masked):
    """And no step at all, where the mask is off."""
    rng = np.random.default_rng(2)
    with jax.enable_x64(True):
        params = initial.uniform(rng, 1, 1, 1, cell=cell, scale=2.0)
        state0 = jax.tree.map(lambda a: rng.normal(size=a.shape), initial.zero_state(1, 1, cell=cell))
        x, mask = rng.normal(size=(1, 1, 1)), np.zeros((1, 1), bool) if masked else None
        slopes = [
            jax.grad(partial(total, plan, cell, ("forward",), x, state0, mask), (0, 1, 2))(params, x, state0)
            for plan in ("fast", "plain")
        ]
        assert off(*slopes) < NOISE["float64"]


@pytest.mark.parametrize("cell", bptt.CELLS)
def test_for_each_of_several_at_once(cell):
    """jit of vmap of grad, with masks of its own for each."""
    with jax.enable_x64(True):
        params, x, state0, do, dfinal, _ = point(cell, ("forward",), True, True, "float64")
        masks = np.random.default_rng(3).random((4, T, B)) < 0.7

        def slope(plan, mask):
            return jax.grad(partial(total, plan, cell, ("forward",), do, dfinal, mask))(params, x, state0)

        found = [jax.jit(jax.vmap(partial(slope, plan)))(masks) for plan in ("fast", "plain")]
        assert off(*found) < NOISE["float64"]


@pytest.mark.slow
def test_the_hessian():
    with jax.enable_x64(True):
        params, x, state0, do, dfinal, mask = point("gru", ("forward",), True, True, "float64")
        c = params.layers[0][0].b

        def value(plan, b):
            first = params.layers[0][0]._replace(b=b)
            moved = params._replace(layers=((first,), *params.layers[1:]))
            return total(plan, "gru", ("forward",), do, dfinal, mask, moved, x, state0)

        ours = jax.jacrev(jax.jacrev(partial(value, "fast")))(c)
        assert off(ours, jax.hessian(partial(value, "plain"))(c)) < NOISE["float64"]


def test_forward_mode_is_told_where_it_is():
    params, x, state0, do, dfinal, mask = point("lstm", ("forward",), True, True, "float64")
    value = partial(total, "fast", "lstm", ("forward",), do, dfinal, mask, params)
    with pytest.raises(TypeError, match=r'plan="plain" of rnn_jax\.model\.forward has forward mode'):
        jax.jvp(value, (x, state0), (x, state0))


def test_where_there_is_no_fast_way_the_plain_one_is_taken():
    """A layer that is dropped from, and a cell without a backward of its own, give the very same numbers."""
    rng = np.random.default_rng(0)
    params, state0 = initial.uniform(rng, D, H, K, cell="lstm"), initial.zero_state(B, H, cell="lstm")
    x, keeps = rng.normal(size=(T, B, D)), model.silence(params)
    keeps = keeps._replace(layers=((keeps.layers[0][0]._replace(zh=rng.random((T, B, H))),),))
    ours, theirs = (
        model.forward(params, x, state0, cell="lstm", noise=keeps, plan=plan)[0] for plan in ("fast", "plain")
    )
    np.testing.assert_array_equal(ours, theirs)
    for cell in set(CELLS) - set(bptt.CELLS):
        rng = np.random.default_rng(0)
        params = initial.uniform(rng, D, H, K, cell=cell)
        state0, x = initial.zero_state(B, H, cell=cell), rng.normal(size=(T, B, D))
        ours, theirs = (model.forward(params, x, state0, cell=cell, plan=plan)[0] for plan in ("fast", "plain"))
        np.testing.assert_array_equal(ours, theirs)


FAULTS = {
    "the gradient of W one step late": ("before", lambda h, h0, reverse: h),
    "a mask that is not looked at": ("kept", lambda mask, new, old: new),
    "a weight gradient that is a thousandth too large": (
        "weight_gradient",
        lambda h, da, W: jnp.einsum("tbh,tbg->hg", h, da) * 1.001,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_it_is_seen(fault, monkeypatch):
    """The comparison above can fail."""
    monkeypatch.setattr(bptt.gru, *FAULTS[fault])
    with jax.enable_x64(True):
        params, x, state0, do, dfinal, mask = point("gru", ("forward",), True, True, "float64")
        plain, fast = (
            jax.grad(partial(total, plan, "gru", ("forward",), do, dfinal, mask))(params, x, state0)
            for plan in ("plain", "fast")
        )
        assert off(fast, plain) > 1e-4
