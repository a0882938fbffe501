"""Dropout and zoneout as they are drawn, what they are in the mean, and that nothing drawn is nothing changed."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import reference
from reference import model as by_hand
from reference import noise as noise_by_hand
from reference import parameters
from rnn_jax import cells, initial, model, noise
from rnn_jax.cells import CELLS
from rnn_jax.errors import InputError
from rnn_jax.noise import Rates
from rnn_jax.spec import Spec
from rnn_jax.verify import run, sources
from rnn_jax.verify.gallery import whole_model
from rnn_jax.verify.points import DRAWN
from rnn_jax.verify.report import Verdict

T, B, D, H, K = 7, 4, 3, 5, 6
BOTH = ("forward", "reverse")
ALL = Rates(0.3, 0.4, 0.2, 0.1)


def spec_of(cell, layers=2):
    return Spec(D, H, K, cell, layers=layers, directions=BOTH)


def rates_of(cell):
    return ALL if CELLS[cell].has_cell_state else replace(ALL, zoneout_cell=0.0)


def made(cell, layers=2):
    rng = np.random.default_rng(0)
    p = initial.uniform(rng, D, H, K, cell=cell, layers=layers, directions=2, second_bias=True)
    zeros = initial.zero_state(B, H, cell=cell, layers=layers, directions=2)
    state = jax.tree.map(lambda a: rng.normal(size=a.shape), zeros)
    return p, rng.normal(size=(T, B, D)), state


@pytest.mark.parametrize("cell", CELLS)
def test_everything_at_once_agrees_with_autodiff(cell):
    rng = np.random.default_rng([1, *cell.encode()])
    implementation = whole_model("+".join(DRAWN))
    points = [
        sources.random_point(f"random {kind}", replace(shape, noise=DRAWN), kind, rng)
        for shape in sources.random_shapes(cell, 3, rng)
        for kind in sources.MASKS
    ]
    cases = run.judge_all([(point, [implementation]) for point in points], 0, run.Clock(), lambda done, total: None)
    assert [case.verdict for case in cases] == [Verdict.PASS] * 9, cases
    assert all(case.gradients for case in cases)


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_drawn_changes_nothing(cell):
    p, x, state = made(cell)
    plain = model.forward(p, x, state, cell=cell, directions=BOTH)
    for nothing in (
        noise.draw(jax.random.key(0), spec_of(cell), Rates(), T, B),
        noise.expected(spec_of(cell), Rates()),
        noise.expected(spec_of(cell), Rates(dropout=0.9, recurrent_dropout=0.9)),
    ):
        assert jax.tree.leaves(nothing) == []
        other = model.forward(p, x, state, cell=cell, directions=BOTH, noise=nothing)
        assert jax.tree.all(jax.tree.map(np.array_equal, plain, other))


@pytest.mark.parametrize("cell", CELLS)
def test_every_kind_changes_something(cell):
    p, x, state = made(cell)
    plain, _ = model.forward(p, x, state, cell=cell, directions=BOTH)
    for name in ("dropout", "recurrent_dropout", "zoneout", *(["zoneout_cell"] if CELLS[cell].has_cell_state else [])):
        drawn = noise.draw(jax.random.key(0), spec_of(cell), Rates(**{name: 0.5}), T, B, jnp.float64)
        other, _ = model.forward(p, x, state, cell=cell, directions=BOTH, noise=drawn)
        assert np.abs(other - plain).max() > 1e-3, name


def test_it_is_drawn_at_its_rate_and_right_in_the_mean():
    spec = Spec(D, 40, K, "lstm", layers=2, directions=BOTH)
    drawn = jax.tree.map(np.asarray, noise.draw(jax.random.key(3), spec, ALL, 100, 30, jnp.float64))
    layer = drawn.layers[1][0]
    for array, rate, kept in (
        (drawn.kx[0], ALL.dropout, 1 / (1 - ALL.dropout)),
        (layer.kh, ALL.recurrent_dropout, 1 / (1 - ALL.recurrent_dropout)),
        (layer.zh, 1 - ALL.zoneout, 1.0),
        (layer.zs, 1 - ALL.zoneout_cell, 1.0),
    ):
        np.testing.assert_allclose(np.unique(array), [0, kept])
        # the share of zeros among n draws is off by no more than 4 of its deviations
        assert abs(np.mean(array == 0) - rate) < 4 * np.sqrt(rate * (1 - rate) / array.size)
    arrays = jax.tree.leaves(drawn)
    assert len(arrays) == 2 + 4 * 3
    assert len({np.asarray(array).tobytes() for array in arrays}) == len(arrays), "each is drawn for itself"
    mean = noise.expected(spec, ALL, jnp.float64).layers[0][1]
    assert (mean.kh, float(mean.zh[0, 0, 0]), float(mean.zs[0, 0, 0])) == (None, ALL.zoneout, ALL.zoneout_cell)


def test_the_same_key_draws_the_same_and_another_another():
    def draw(seed):
        return noise.draw(jax.random.key(seed), spec_of("lstm"), ALL, T, B)

    assert jax.tree.all(jax.tree.map(np.array_equal, draw(1), draw(1)))
    assert not jax.tree.all(jax.tree.map(np.array_equal, draw(1), draw(2)))
    jitted = jax.jit(lambda key: noise.draw(key, spec_of("lstm"), ALL, T, B))(jax.random.key(1))
    assert jax.tree.all(jax.tree.map(np.array_equal, draw(1), jitted))


@pytest.mark.parametrize("cell", CELLS)
def test_a_share_for_all_steps_is_that_share_at_each(cell):
    p, x, state = made(cell)
    given = noise.expected(spec_of(cell), rates_of(cell), jnp.float64)
    spread = jax.tree.map(lambda z: jnp.tile(z, (T, B, H)), given)
    one, other = (model.forward(p, x, state, cell=cell, directions=BOTH, noise=n)[0] for n in (given, spread))
    np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)


def test_zoneout_that_keeps_all_keeps_the_first_state():
    p, x, state = made("lstm")
    ones = jnp.ones((1, 1, 1))
    keep = model.Noise((None, None), ((cells.Noise(None, ones, ones),) * 2,) * 2)
    _, final = model.forward(p, x, state, cell="lstm", directions=BOTH, noise=keep)
    assert jax.tree.all(jax.tree.map(np.array_equal, final, state))


def test_float32_stays_float32():
    p, x, state = jax.tree.map(np.float32, made("lstm"))
    for given in (
        noise.draw(jax.random.key(0), spec_of("lstm"), ALL, T, B),
        noise.expected(spec_of("lstm"), ALL),
    ):
        out = model.forward(p, x, state, cell="lstm", directions=BOTH, noise=given)
        assert {leaf.dtype for leaf in jax.tree.leaves(out)} == {np.dtype("float32")}


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout", "zoneout", "zoneout_cell"])
def test_rates_that_cannot_be(name, rate):
    with pytest.raises(InputError, match=f"the rate of {name} is {rate}, but 0 or more and less than 1 is right"):
        Rates(**{name: rate})


def test_a_cell_without_a_cell_state_cannot_keep_it():
    for make in (lambda s: noise.draw(jax.random.key(0), s, ALL, T, B), lambda s: noise.expected(s, ALL)):
        with pytest.raises(InputError, match=r"zoneout_cell is 0\.1, but the cell gru has none"):
            make(spec_of("gru"))


WRONG = {
    "kx is of 1 layers, but 2 are right": lambda n: n._replace(kx=n.kx[:1]),
    "the noise is of [2] directions by layer": lambda n: n._replace(layers=n.layers[:1]),
    "kx[0] has shape (7, 4, 9)": lambda n: n._replace(kx=(n.kx[0][..., 1:], n.kx[1])),
    "kh has shape (4, 4)": lambda n: n._replace(layers=((n.layers[0][0]._replace(kh=np.ones((4, 4))),) * 2,) * 2),
    "zh has shape (6, 4, 5)": lambda n: n._replace(layers=((n.layers[0][0]._replace(zh=np.ones((6, 4, 5))),) * 2,) * 2),
    "zs is given": lambda n: n._replace(layers=((n.layers[0][0]._replace(zs=np.ones((7, 4, 5))),) * 2,) * 2),
}


@pytest.mark.parametrize("said", WRONG)
def test_noise_that_does_not_fit_is_told_on_either_side(said):
    p, x, state = made("gru")
    rates = Rates(0.3, 0.4, 0.2)
    drawn = WRONG[said](
        jax.tree.map(np.asarray, noise.draw(jax.random.key(0), spec_of("gru"), rates, T, B, jnp.float64))
    )
    with pytest.raises(InputError) as ours:
        model.forward(p, x, state, cell="gru", directions=BOTH, noise=drawn)
    layers = tuple(tuple(noise_by_hand.Noise(*each) for each in row) for row in drawn.layers)
    theirs = by_hand.Params(tuple(tuple(parameters.Params(*q) for q in row) for row in p.layers), p.V, p.c)
    states = tuple(tuple(parameters.State(*s) for s in row) for row in state)
    with pytest.raises(reference.InputError) as by_numpy:
        by_hand.forward(theirs, x, states, cell="gru", directions=BOTH, noise=by_hand.Noise(drawn.kx, layers))
    for error in (ours, by_numpy):
        assert said in str(error.value)
