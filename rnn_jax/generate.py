"""Text that goes on where a prompt ends: greedy, or drawn at a temperature from the likeliest characters.

A character is drawn by where a uniform number falls in the probabilities added up, so that any program that is given
the same numbers draws the same characters (reference/sampling.py does).
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float, Integer

from rnn_jax import initial, model
from rnn_jax.arrays import Array
from rnn_jax.errors import require
from rnn_jax.spec import Spec


class Sampler(NamedTuple):
    """How the next character is chosen. temperature 0: the likeliest; top_k 0 and top_p 1: among all."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def checked(self) -> "Sampler":
        """Itself; raises InputError for what cannot be."""
        require(self.temperature >= 0, f"the temperature is {self.temperature}, but 0 or more is right")
        require(self.top_k >= 0, f"top_k is {self.top_k}, but 0 for all of them, or more, is right")
        require(0 < self.top_p <= 1, f"top_p is {self.top_p}, but more than 0 and at most 1 is right")
        return self


class Stream(NamedTuple):
    """Where a text stands: the logits of the next character, the states, and how many characters have been drawn."""

    logits: Float[Array, " K"]
    hidden: model.States
    drawn: Integer[Array, ""]


def prime(spec: Spec, params: model.Params, prompt: Integer[Array, " T"]) -> Stream:
    """The stream behind a prompt, each of whose characters is fed once; raises InputError for an empty one."""
    require(len(prompt) > 0, "the prompt is empty, but one character or more is right")
    require(spec.directions == ("forward",), "only a model that reads forward alone can go on with a text")
    zeros = initial.zero_state(1, spec.H, cell=spec.cell, layers=spec.layers)
    state0 = jax.tree.map(lambda a: jnp.asarray(a, params.V.dtype), zeros)
    o, hidden = model.forward(params, jnp.asarray(prompt)[:, None], state0, cell=spec.cell)
    return Stream(o[-1, 0], hidden, jnp.zeros((), jnp.int32))


def choose(logits: Float[Array, " K"], number: Float[Array, ""], how: Sampler) -> Integer[Array, ""]:
    """The next character: the likeliest, or where the number in [0, 1) falls among the probabilities."""
    if how.temperature == 0:
        return jnp.argmax(logits)
    order = jnp.argsort(-logits, stable=True)
    p = jax.nn.softmax(logits[order] / how.temperature)
    rank = jnp.arange(len(p))
    before = jnp.cumsum(p) - p
    kept = (before < how.top_p) & ((rank < how.top_k) if how.top_k else True)
    total = jnp.cumsum(jnp.where(kept, p, 0))
    return order[jnp.minimum(jnp.sum(total <= number * total[-1]), jnp.sum(kept) - 1)]


@functools.partial(jax.jit, static_argnames=("spec", "count", "how"))
def go_on(
    spec: Spec, params: model.Params, stream: Stream, key: Array, count: int, how: Sampler
) -> tuple[Stream, Integer[Array, " count"]]:
    """So many more characters, and the stream behind them; the same for the same key, however they are cut up."""

    def step(stream: Stream, _: None) -> tuple[Stream, Array]:
        number = jax.random.uniform(jax.random.fold_in(key, stream.drawn), dtype=stream.logits.dtype)
        index = choose(stream.logits, number, how).astype(jnp.int32)
        o, hidden = model.forward(params, index[None, None], stream.hidden, cell=spec.cell)
        return Stream(o[0, 0], hidden, stream.drawn + 1), index

    return lax.scan(step, stream, length=count)
