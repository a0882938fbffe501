"""Problems of long memory, whose sequences are made on the spot: copy, adding, parity."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Integer

from rnn_jax.arrays import Array

SYMBOLS, LENGTH = 8, 10  # of what is to be copied


def copy(
    key: Array, delay: int, B: int
) -> tuple[Integer[Array, "T B"], Integer[Array, "T B"]]:  # T = delay + 2 * LENGTH
    """Ten symbols out of eight, a wait of so many steps, a mark at its end; then the ten are asked for.

    Hochreiter, Schmidhuber (1997), experiment 5.4, as Arjovsky, Shah, Bengio, Unitary Evolution Recurrent Neural
    Networks (2016), section 5.1, have it, but that nothing is asked for before.
    """
    symbols = jax.random.randint(key, (LENGTH, B), 0, SYMBOLS, jnp.int32)
    blank = jnp.full((delay + LENGTH, B), SYMBOLS, jnp.int32).at[delay - 1].set(SYMBOLS + 1)
    return jnp.concatenate([symbols, blank]), jnp.concatenate([jnp.full_like(blank, -1), symbols])


def adding(key: Array, T: int, B: int) -> tuple[Float[Array, "T B 2"], Float[Array, "1 B 1"]]:
    """Numbers in [0, 1), two of them marked, one in each half of the time: their sum.

    Hochreiter, Schmidhuber (1997), experiment 5.4; Le, Jaitly, Hinton, A Simple Way to Initialize Recurrent Networks of
    Rectified Linear Units (2015), section 4.1.
    """
    numbers, first, second = jax.random.split(key, 3)
    x = jax.random.uniform(numbers, (T, B), jnp.float32)
    marks = [jax.random.randint(first, (B,), 0, T // 2), jax.random.randint(second, (B,), T // 2, T)]
    marked = sum(jax.nn.one_hot(place, T, axis=0, dtype=jnp.float32) for place in marks)
    return jnp.stack([x, marked], axis=-1), jnp.sum(x * marked, axis=0)[None, :, None]


def parity(key: Array, T: int, B: int) -> tuple[Integer[Array, "T B"], Integer[Array, "T B"]]:
    """Bits, and at every step whether an odd number of them was 1 so far."""
    bits = jax.random.bernoulli(key, 0.5, (T, B)).astype(jnp.int32)
    return bits, jnp.cumsum(bits, axis=0) % 2


class Kind(NamedTuple):
    """How sequences are made, from a key, a size and how many side by side; and how many steps they have."""

    make: Callable[[Array, int, int], tuple[Array, Array]]
    steps: Callable[[int], int]


KINDS = {
    "copy": Kind(copy, lambda delay: delay + 2 * LENGTH),
    "adding": Kind(adding, lambda T: T),
    "parity": Kind(parity, lambda T: T),
}
