"""Updates as one writes them with optax: each a jitted call with donated buffers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import characters
import jax
import optax
from versus import Prepared


def prepared(loss: Callable[[Any], jax.Array], params: Any) -> Prepared:
    """Updates by Adam of the parameters of a loss."""
    optimizer = optax.adam(characters.RATE)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(params: Any, state: Any) -> tuple[Any, Any, jax.Array]:
        value, gradient = jax.value_and_grad(loss)(params)
        change, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, change), state, value

    state, first = optimizer.init(params), None

    def work(units: int) -> None:
        nonlocal params, state, first
        for _ in range(units):
            params, state, value = update(params, state)
            first = value if first is None else first
        jax.block_until_ready(params)

    return Prepared(lambda: float(first), work)
