"""What a step of lax.scan takes here, with next to nothing in it, or with what no recurrence can do without.

A unit of work is a step.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from versus import Prepared

STEPS = 4096


def prepare(case: dict[str, Any]) -> Prepared:
    """STEPS steps of (B, H): an addition of the input, or where the case has gates the forward step of an LSTM."""
    B, H = case["B"], case["H"]
    W = jax.random.normal(jax.random.key(0), (H, 4 * H)) / H**0.5

    def addition(h: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
        return h + x, None

    def gated(h: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
        i, f, g, o = jnp.split(jnp.tanh(h @ W + x), 4, axis=-1)
        return o * jnp.tanh(f * h + i * g), None

    run = jax.jit(lambda h, x: lax.scan(gated if case["gates"] else addition, h, x)[0])
    h, x = jnp.zeros((B, H)), jnp.full((STEPS, B, 1), 1e-3)

    def work(units: int) -> None:
        for _ in range(units):
            run(h, x).block_until_ready()

    return Prepared(0.0, work, STEPS)
