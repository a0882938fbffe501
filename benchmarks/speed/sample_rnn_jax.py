"""Characters drawn at a temperature of 1, as `rnn-jax sample` draws them: many in one compiled call."""

from __future__ import annotations

from typing import Any

import characters
import jax
import jax.numpy as jnp
from versus import Prepared

from rnn_jax import generate
from rnn_jax.cells import Params as Layer
from rnn_jax.model import Params
from rnn_jax.spec import Spec

MANY = 2000


def prepare(case: dict[str, Any]) -> Prepared:
    """One stream of a character model."""
    w = characters.work(case)
    spec = Spec(len(w.U), len(w.W), w.V.shape[1], w.cell, second_bias=w.cell == "gru")
    bh = jnp.zeros_like(w.b) if spec.second_bias else None
    params = Params(((Layer(jnp.array(w.U), jnp.array(w.W), jnp.array(w.b), bh),),), jnp.array(w.V), jnp.array(w.c))
    stream = generate.prime(spec, params, jnp.array(w.x[:, 0]))
    first = float(jax.nn.logsumexp(stream.logits))
    key = jax.random.key(0)

    def work(units: int) -> None:
        nonlocal stream
        for _ in range(units):
            stream, drawn = generate.go_on(spec, params, stream, key, MANY, generate.Sampler())
            drawn.block_until_ready()

    return Prepared(first, work, MANY)
