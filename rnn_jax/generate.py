"""Text that goes on where a prompt ends: greedy, or drawn at a temperature from the likeliest characters.

A character is drawn by where a uniform number falls in the probabilities added up, so that any program that is given
the same numbers draws the same characters (reference/sampling.py does).
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float, Integer

from rnn_jax import initial, model, noise
from rnn_jax.arrays import Array
from rnn_jax.errors import require, require_whole
from rnn_jax.noise import NO_NOISE, Rates
from rnn_jax.spec import Spec
from rnn_jax.text import NOTHING

LEAST = 1e-3  # of the temperature, below which float32 makes infinities of differences of logits
MOST = 1e6  # of it, far below which all characters are as likely


class Sampler(NamedTuple):
    """How the next character is chosen. temperature 0: the likeliest; top_k 0 and top_p 1: among all."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def checked(self) -> "Sampler":
        """Itself; raises InputError for what cannot be."""
        fits = self.temperature == 0 or LEAST <= self.temperature <= MOST
        require(fits, f"the temperature is {self.temperature}, but 0, or {LEAST} to {MOST}, is right")
        require_whole("top_k", self.top_k, least=0)
        require(0 < self.top_p <= 1, f"top_p is {self.top_p}, but more than 0 and at most 1 is right")
        return self


class Stream(NamedTuple):
    """Where a text stands: the logits of the next character, the states, and how many characters have been drawn."""

    logits: Float[Array, " K"]
    hidden: model.States
    drawn: Integer[Array, ""]


def prime(spec: Spec, params: model.Params, prompt: Integer[Array, " T"], rates: Rates = NO_NOISE) -> Stream:
    """The stream behind a prompt, each of whose characters is fed once.

    rates: those that the model was trained with; zoneout goes on in the mean (noise.expected). Raises InputError for a
    prompt that is empty, or holds an index that has no character.
    """
    require(len(prompt) > 0, "the prompt is empty, but one character or more is right")
    known = isinstance(prompt, jax.core.Tracer) or bool(
        np.all((np.asarray(prompt) >= -1) & (np.asarray(prompt) < spec.D))
    )
    require(known, f"the prompt is {prompt}, but indices from 0 to {spec.D - 1} are right")
    require(spec.directions == ("forward",), "only a model that reads forward alone can go on with a text")
    zeros = initial.zero_state(1, spec.H, cell=spec.cell, layers=spec.layers)
    state0 = jax.tree.map(lambda a: jnp.asarray(a, params.V.dtype), zeros)
    o, hidden = forward(spec, params, jnp.asarray(prompt)[:, None], state0, rates)
    return Stream(o[-1, 0], hidden, jnp.zeros((), jnp.int32))


def forward(
    spec: Spec, params: model.Params, x: Integer[Array, "T B"], state0: model.States, rates: Rates
) -> tuple[Float[Array, "T B K"], model.States]:
    """The logits and the final states of a network that has learned."""
    drawn = None if rates == NO_NOISE else noise.expected(spec, rates, params.V.dtype)
    return model.forward(params, x, state0, cell=spec.cell, noise=drawn)


def choose(logits: Float[Array, " K"], number: Float[Array, ""], how: Sampler) -> Integer[Array, ""]:
    """The next character: the likeliest, or where the number in [0, 1) falls among the probabilities."""
    if how.temperature == 0:
        return jnp.argmax(logits)
    p = jax.nn.softmax((logits - jnp.max(logits)) / how.temperature)
    if how.top_k or how.top_p < 1:
        order = jnp.argsort(-logits, stable=True)
        ranked, rank = p[order], jnp.arange(len(p))
        left = (jnp.cumsum(ranked) - ranked < how.top_p) & ((rank < how.top_k) if how.top_k else True)
        p = jnp.where(jnp.zeros_like(left).at[order].set(left), p, 0)
    total = jnp.cumsum(p)
    # The last with a share is where rounding would go beyond all.
    return jnp.minimum(jnp.sum(total <= number * total[-1]), jnp.sum(total < total[-1]))


@functools.partial(jax.jit, static_argnames=("spec", "count", "how", "rates"))
def go_on(
    spec: Spec,
    params: model.Params,
    stream: Stream,
    key: Array,
    count: int,
    how: Sampler,
    rates: Rates = NO_NOISE,
) -> tuple[Stream, Integer[Array, " count"]]:
    """So many more characters, and the stream behind them; the same for the same key, however they are cut up."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, stream.drawn + jnp.arange(count, dtype=jnp.int32))
    numbers = jax.vmap(lambda each: jax.random.uniform(each, dtype=stream.logits.dtype))(keys)

    def step(stream: Stream, number: Array) -> tuple[Stream, Array]:
        index = choose(stream.logits, number, how).astype(jnp.int32)
        o, hidden = forward(spec, params, index[None, None], stream.hidden, rates)
        return Stream(o[0, 0], hidden, stream.drawn + 1), index

    return lax.scan(step, stream, numbers)


class Beam(NamedTuple):
    """The continuations that are kept, the likeliest first when all is done."""

    logits: Float[Array, "W K"]
    hidden: model.States
    scores: Float[Array, " W"]  # the logarithm of each one's probability
    indices: Integer[Array, "W length"]


@functools.partial(jax.jit, static_argnames=("spec", "length", "width", "end", "rates"))
def beam(
    spec: Spec,
    params: model.Params,
    stream: Stream,
    length: int,
    width: int,
    end: int = NOTHING,
    rates: Rates = NO_NOISE,
) -> tuple[Integer[Array, " length"], Float[Array, ""]]:
    """The likeliest continuation of so many characters that a beam search of that width finds, and log p of it.

    end: the index of what ends a text, if anything does: it is repeated behind that, at no cost.

    Graves, Sequence Transduction with Recurrent Neural Networks (2012), section 3, without its pruning.
    """
    K = len(stream.logits)

    def step(kept: Beam, t: Array) -> tuple[Beam, None]:
        ended = (t > 0) & (kept.indices[:, t - 1] == end) & (end != NOTHING)
        stays = jnp.where(jnp.arange(K) == end, 0.0, -jnp.inf)
        total = kept.scores[:, None] + jnp.where(ended[:, None], stays, jax.nn.log_softmax(kept.logits))
        scores, place = lax.top_k(total.ravel(), width)
        parent, index = place // total.shape[1], (place % total.shape[1]).astype(jnp.int32)
        hidden = jax.tree.map(lambda h: h[parent], kept.hidden)
        o, hidden = forward(spec, params, index[None], hidden, rates)
        return Beam(o[0], hidden, scores, kept.indices[parent].at[:, t].set(index)), None

    start = Beam(
        jnp.broadcast_to(stream.logits, (width, K)),
        jax.tree.map(lambda h: jnp.broadcast_to(h, (width, h.shape[1])), stream.hidden),
        jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf).astype(stream.logits.dtype),  # all begin as one
        jnp.zeros((width, length), jnp.int32),
    )
    found, _ = lax.scan(step, start, jnp.arange(length))
    return found.indices[0], found.scores[0]
