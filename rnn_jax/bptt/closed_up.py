"""Sequences with the steps closed up that a mask switches off, for what can leave out steps at the end alone.

Such a step leaves every state as it was, so that the others make the same states without it: they are moved to the
front, in their order, and what comes out is moved back. That is exact for any mask, padding or gaps.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Bool, Float, Integer

from rnn_jax.arrays import Array


class ClosedUp(NamedTuple):
    """Where the steps go: `order[k]` is the step that comes k-th, those that are off last."""

    on: Bool[Array, "T B"]
    order: Integer[Array, "T B"]
    steps: Integer[Array, " B"]  # how many are on

    @classmethod
    def of(cls, mask: Bool[Array, "T B"]) -> "ClosedUp":
        """The plan for a mask."""
        return cls(mask, jnp.argsort(~mask, axis=0, stable=True), jnp.sum(mask, axis=0, dtype=jnp.int32))

    def front(self, x: Float[Array, "T B D"]) -> Float[Array, "T B D"]:
        """The input with the steps that are on at the front."""
        return jnp.take_along_axis(x, self.order[..., None], axis=0)

    def back(self, h: Float[Array, "T B H"], h0: Float[Array, "B H"], reverse: bool = False) -> Float[Array, "T B H"]:
        """The states at all steps, from those of the steps that are on: a step that is off has that before it.

        reverse: whether time runs backwards for this state, which then comes from the step after it.
        """
        behind = jnp.cumsum(self.on, axis=0, dtype=jnp.int32)
        at = behind - self.on.astype(jnp.int32) if reverse else behind - 1
        there = at < self.steps if reverse else at >= 0
        found = jnp.take_along_axis(h, jnp.clip(at, 0, len(h) - 1)[..., None], axis=0)
        return jnp.where(there[..., None], found, h0)
