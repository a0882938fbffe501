"""A long sequence in segments: what the way back needs is stored of one segment at a time, and computed again for it.

With segments of about √T steps memory grows no faster than √T: the states between the segments, and
what one of them stores. Chen, Xu, Zhang, Guestrin, Training Deep Nets with Sublinear Memory Cost (2016), section 4.
"""

import math
from collections.abc import Callable

import jax
from jax import lax
from jaxtyping import Float

from rnn_jax import feeds, model
from rnn_jax.arrays import Array


def length(T: int) -> int:
    """The steps of a segment: the fewest that are stored at once, states between segments counted like steps."""
    return math.ceil(math.sqrt(T))


Sums = tuple[Float[Array, ""], Float[Array, ""], model.States]
Part = Callable[[feeds.Batch, model.States], Sums]


def summed(part: Part, batch: feeds.Batch, state0: model.States, steps: int) -> Sums:
    """What `part` gives for all segments of so many steps, and what is over, its first two results added up.

    part: a segment and the states before it to two sums over its steps, and the states behind it.
    """
    T = batch.mask.shape[0]
    whole = T // steps * steps

    def cut(array: Array) -> Array:
        return array[:whole].reshape(whole // steps, steps, *array.shape[1:])

    def step(states: model.States, piece: tuple[Array, Array, Array]) -> tuple[model.States, tuple[Array, Array]]:
        total, count, final = part(feeds.Batch(*piece, batch.fresh), states)
        return final, (total, count)

    pieces = cut(batch.x), cut(batch.y), cut(batch.mask)
    # In a scan nothing can be merged with what was computed before, so that XLA need not be kept from it.
    final, (totals, counts) = lax.scan(jax.checkpoint(step, prevent_cse=False), state0, pieces)
    total, count = totals.sum(), counts.sum()
    if whole < T:
        rest = feeds.Batch(batch.x[whole:], batch.y[whole:], batch.mask[whole:], batch.fresh)
        more, counted, final = jax.checkpoint(part)(rest, final)
        total, count = total + more, count + counted
    return total, count, final
