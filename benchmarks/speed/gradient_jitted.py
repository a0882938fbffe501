"""What both gradients in JAX share: the model, compiled ahead, and what XLA says that it stores."""

from __future__ import annotations

from typing import Any

import characters
import jax
import jax.numpy as jnp
from versus import Prepared

from rnn_jax import feeds, model, train
from rnn_jax.cells import Params as Layer
from rnn_jax.planner import Execution
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec


def prepared(case: dict[str, Any], how: model.Plan) -> Prepared:
    """Gradients of the mean loss of a character model, by this plan."""
    w = characters.work(case)
    spec = Spec(len(w.U), len(w.W), w.V.shape[1], w.cell, second_bias=w.cell == "gru")
    bh = jnp.zeros_like(w.b) if spec.second_bias else None
    params = model.Params(
        ((Layer(jnp.array(w.U), jnp.array(w.W), jnp.array(w.b), bh),),), jnp.array(w.V), jnp.array(w.c)
    )
    plan = train.Plan(spec, Recipe(1), feeds.Windows(case["T"], 1, whole=True))
    batch, start = feeds.Batch(w.x, w.y, w.x >= 0, jnp.array(True)), train.zero_state(plan, case["B"])

    def loss(p: model.Params) -> jax.Array:
        return train.loss(plan, p, batch, start, None, Execution(how))[0]

    gradient = jax.jit(jax.value_and_grad(loss)).lower(params).compile()
    made = gradient.memory_analysis()

    def work(units: int) -> None:
        for _ in range(units):
            jax.block_until_ready(gradient(params))

    stored = made.temp_size_in_bytes + made.output_size_in_bytes
    return Prepared(float(gradient(params)[0]), work, stored=stored)
