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
    def update(params: Any, state: Any) -> tuple[Any, Any]:
        change, state = optimizer.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, change), state

    first, state = float(loss(params)), optimizer.init(params)

    def work(units: int) -> None:
        nonlocal params, state
        for _ in range(units):
            params, state = update(params, state)
        jax.block_until_ready(params)

    return Prepared(first, work)
