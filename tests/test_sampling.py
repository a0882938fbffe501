"""Text that goes on: JAX and NumPy choose the same characters, and only among those that are asked for."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reference import model as by_hand
from reference import noise as noise_by_hand
from reference import parameters, sampling
from rnn_jax import generate, initial, model, noise
from rnn_jax.cells import CELLS
from rnn_jax.errors import InputError
from rnn_jax.generate import Sampler
from rnn_jax.initial import zero_state
from rnn_jax.noise import Rates
from rnn_jax.spec import Spec

HOWS = [Sampler(0.0), Sampler(1.0), Sampler(0.7, top_k=3), Sampler(1.3, top_p=0.6), Sampler(2.0, 4, 0.9)]


def made(cell, H=6, K=7):
    spec = Spec(K, H, K, cell, layers=2, second_bias=cell == "gru")
    rng = np.random.default_rng(3)
    params = initial.uniform(
        rng, K, H, K, cell=cell, layers=2, second_bias=spec.second_bias, scale=1.0 if cell == "rnn-relu" else 3.0
    )
    layers = tuple(tuple(parameters.Params(**q._asdict()) for q in layer) for layer in params.layers)
    return spec, params, by_hand.Params(layers, params.V, params.c)


# Every cell, and every way of choosing with one of them: each pair is a computation of its own to be compiled.
PAIRS = [*((cell, HOWS[2]) for cell in CELLS), *(("lstm", how) for how in HOWS if how != HOWS[2])]


@pytest.mark.parametrize(("cell", "how"), PAIRS, ids=str)
def test_jax_and_numpy_choose_the_same(cell, how):
    spec, params, theirs = made(cell)
    prompt, count, key = np.array([1, 4, 2]), 40, jax.random.key(5)
    with jax.enable_x64(True):
        stream = generate.prime(spec, jax.tree.map(jnp.asarray, params), prompt)
        _, ours = generate.go_on(spec, jax.tree.map(jnp.asarray, params), stream, key, count, how)
        numbers = [float(jax.random.uniform(jax.random.fold_in(key, k), dtype=jnp.float64)) for k in range(count)]
    state0 = sampling.zero_state(theirs, CELLS[cell].has_cell_state)
    assert ours.tolist() == list(sampling.go_on(theirs, prompt.tolist(), state0, numbers, cell=cell, **how._asdict()))
    assert how.temperature == 0 or len(set(ours.tolist())) > 1


@pytest.mark.parametrize("width", [1, 3, 20])
def test_jax_and_numpy_find_the_same_likeliest_text(width):
    spec, params, theirs = made("lstm")
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), params)
        stream = generate.prime(spec, params, np.array([1, 4]))
        ours, logp = generate.beam(spec, params, stream, 6, width)
    found, theirs_logp = sampling.beam(theirs, [1, 4], sampling.zero_state(theirs, True), 6, width, cell="lstm")
    assert ours.tolist() == found
    assert float(logp) == pytest.approx(theirs_logp, rel=1e-12)  # sums of six logarithms in another order


def test_a_wide_beam_finds_what_trying_all_texts_finds():
    spec, params, _ = made("gru", K=3)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), params)
        stream = generate.prime(spec, params, np.array([1]))
        found, logp = generate.beam(spec, params, stream, 4, 81)

        texts = np.array(list(itertools.product(range(3), repeat=4)))
        fed = np.concatenate([np.full((81, 1), 1), texts[:, :-1]], axis=1).T
        o, _ = model.forward(params, jnp.asarray(fed), zero_state(81, 6, cell="gru", layers=2), cell="gru")
        worth = np.asarray(jax.nn.log_softmax(o))[np.arange(4)[:, None], np.arange(81), texts.T].sum(axis=0)
    np.testing.assert_array_equal(found, texts[np.argmax(worth)])
    assert float(logp) == pytest.approx(worth.max(), rel=1e-12)


def test_however_it_is_cut_up_it_is_the_same_text():
    spec, params, _ = made("lstm")
    params, key, how = jax.tree.map(jnp.asarray, params), jax.random.key(1), Sampler(1.0)
    start = generate.prime(spec, params, np.array([3]))
    _, whole = generate.go_on(spec, params, start, key, 12, how)
    stream, first = generate.go_on(spec, params, start, key, 5, how)
    _, rest = generate.go_on(spec, params, stream, key, 7, how)
    assert [*first.tolist(), *rest.tolist()] == whole.tolist()


def test_draws_have_the_probabilities_of_the_logits():
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    numbers = (np.arange(1000) + 0.5) / 1000
    drawn = np.bincount([sampling.choose(logits, u) for u in numbers], minlength=4)
    np.testing.assert_array_equal(drawn, [500, 300, 150, 50])
    assert {sampling.choose(logits, u, top_k=2) for u in numbers} == {0, 1}
    assert {sampling.choose(logits, u, top_p=0.6) for u in numbers} == {0, 1}
    assert {sampling.choose(logits, u, top_p=1e-9) for u in numbers} == {0}


@pytest.mark.parametrize(
    "how", [Sampler(-1.0), Sampler(1.0, -1), Sampler(1.0, 10**23), Sampler(1.0, 0, 0.0), Sampler(1.0, 0, 1.5)], ids=str
)
def test_what_cannot_be_is_told(how):
    with pytest.raises(InputError, match=r"but .* is right"):
        how.checked()


def test_an_empty_prompt_is_told():
    spec, params, _ = made("rnn")
    with pytest.raises(InputError, match="the prompt is empty"):
        generate.prime(spec, params, np.array([], int))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_network_with_zoneout_goes_on_as_it_was_measured(cell):
    """In the mean, in JAX and in NumPy, and not as a network without it would."""
    spec, params, theirs = made(cell)
    rates, key, how = Rates(zoneout=0.4, zoneout_cell=0.3 if cell == "lstm" else 0.0), jax.random.key(2), Sampler(1.0)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), params)
        stream = generate.prime(spec, params, np.array([1, 4]), rates)
        _, ours = generate.go_on(spec, params, stream, key, 30, how, rates)
        plain = generate.prime(spec, params, np.array([1, 4]))
        mean = noise.expected(spec, rates, jnp.float64)
        numbers = [float(jax.random.uniform(jax.random.fold_in(key, k), dtype=jnp.float64)) for k in range(30)]
    layers = tuple(
        tuple(noise_by_hand.Noise(*(None if z is None else np.asarray(z) for z in each)) for each in row)
        for row in mean.layers
    )
    steps = by_hand.Noise(mean.kx, layers)
    state0 = sampling.zero_state(theirs, CELLS[cell].has_cell_state)
    found = list(sampling.go_on(theirs, [1, 4], state0, numbers, cell=cell, noise=steps))
    assert ours.tolist() == found
    assert np.abs(stream.logits - plain.logits).max() > 1e-3


def test_a_word_that_has_ended_costs_no_more():
    spec, params, theirs = made("lstm", K=4)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), params)
        stream = generate.prime(spec, params, np.array([1]))
        ours, logp = generate.beam(spec, params, stream, 8, 200, end=0)
    found, theirs_logp = sampling.beam(theirs, [1], sampling.zero_state(theirs, True), 8, 200, cell="lstm", end=0)
    assert ours.tolist() == found
    assert float(logp) == pytest.approx(theirs_logp, rel=1e-12)
    assert 0 in found
    assert set(found[found.index(0) :]) == {0}


@pytest.mark.parametrize("temperature", [-1.0, 1e-38, 1e300, float("inf"), float("nan")])
def test_a_temperature_that_is_none_is_told(temperature):
    with pytest.raises(InputError, match="the temperature is"):
        Sampler(temperature).checked()
