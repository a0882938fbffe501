"""rnn_jax, as `rnn-jax train` trains: many updates in one compiled call, in the way that the planner chooses."""

from __future__ import annotations

from typing import Any

import characters
import jax
import jax.numpy as jnp
from versus import THREADS, Prepared

from rnn_jax import feeds, parts, planner, train
from rnn_jax.cells import Params as Layer
from rnn_jax.model import Params
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec

jax.config.update("jax_num_cpu_devices", THREADS)


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates of a character model."""
    w = characters.work(case)
    spec = Spec(len(w.U), len(w.W), w.V.shape[1], w.cell, second_bias=w.cell == "gru")
    bh = jnp.zeros_like(w.b) if spec.second_bias else None
    params = Params(((Layer(jnp.array(w.U), jnp.array(w.W), jnp.array(w.b), bh),),), jnp.array(w.V), jnp.array(w.c))
    feed = feeds.Windows(case["T"], 1, whole=True)
    plan = train.Plan(spec, Recipe(10**9, rate=characters.RATE), feed)
    how = planner.Execution(*case["execution"]) if "execution" in case else planner.of(plan, case["B"]).execution
    data = feeds.on_device(feeds.Data(w.x, w.y, w.x >= 0))
    data = parts.everywhere(data, how.parts)
    state = train.placed(train.begin(plan, params, case["B"]), how)
    size, first = train.chunk(plan, case["B"]), None

    def work(units: int) -> None:
        nonlocal state, first
        for _ in range(units):
            state, losses = train.advance(plan, data, state, size, how)
            first = losses if first is None else first
        jax.block_until_ready(state)

    return Prepared(lambda: float(first[0]), work, size)
