"""Text that goes on: JAX and NumPy choose the same characters, and only among those that are asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reference import model as by_hand
from reference import parameters, sampling
from rnn_jax import generate, initial
from rnn_jax.cells import CELLS
from rnn_jax.errors import InputError
from rnn_jax.generate import Sampler
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


@pytest.mark.parametrize("how", HOWS, ids=str)
@pytest.mark.parametrize("cell", CELLS)
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


@pytest.mark.parametrize("how", [Sampler(-1.0), Sampler(1.0, -1), Sampler(1.0, 0, 0.0), Sampler(1.0, 0, 1.5)], ids=str)
def test_what_cannot_be_is_told(how):
    with pytest.raises(InputError, match=r"but .* is right"):
        how.checked()


def test_an_empty_prompt_is_told():
    spec, params, _ = made("rnn")
    with pytest.raises(InputError, match="the prompt is empty"):
        generate.prime(spec, params, np.array([], int))
