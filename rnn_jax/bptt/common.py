"""What the recurrences with a backward pass by hand have in common."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from rnn_jax.arrays import Array
from rnn_jax.cells import Params
from rnn_jax.products import blocking, halving, product

Steps = Float[Array, "T B H"]
ENTRIES = 65_536  # of a block: 256 KiB in float32, of which a core's cache holds this and a packed copy
MULTIPLE = 32  # of columns, which the kernels take so many at once


class How(NamedTuple):
    """What is known when a computation is written down: the direction of time, and how products are computed."""

    reverse: bool
    half: bool = False
    blocks: bool = False

    @classmethod
    def now(cls, reverse: bool) -> "How":
        """As `products.in_half` and `products.in_blocks` say here."""
        return cls(reverse, halving(), blocking())


class Factor(NamedTuple):
    """The right factor of the product of each step, in blocks of columns."""

    blocks: tuple[Float[Array, "I _"], ...]
    half: bool

    @classmethod
    def of(cls, W: Float[Array, "I J"], how: How) -> "Factor":
        """Cut where `how` says so."""
        count = math.ceil(W.size / ENTRIES) if how.blocks else 1
        width = math.ceil(W.shape[1] / count / MULTIPLE) * MULTIPLE if count > 1 else W.shape[1]
        return cls(tuple(W[:, k : k + width] for k in range(0, W.shape[1], width)), how.half)

    def after(self, a: Float[Array, "B I"]) -> Float[Array, "B J"]:
        """The product a @ W."""
        made = [product(a, W, self.half) for W in self.blocks]
        return jnp.concatenate(made, axis=-1) if len(made) > 1 else made[0]


def total_bias(p: Params) -> Float[Array, " GH"]:
    """What both biases add up to."""
    return p.b if p.bh is None else p.b + p.bh


def kept(mask: Array | None, new: Array, old: Array) -> Array:
    """Where the mask is off the old one (M1, M4, and back M3, M5)."""
    return new if mask is None else jnp.where(mask[:, None], new, old)


def silent(mask: Array | None, da: Array) -> Array:
    """Where the mask is off nothing (M2, M6)."""
    return da if mask is None else jnp.where(mask[:, None], da, 0)


def before(h: Steps, h0: Float[Array, "B H"], reverse: bool) -> Steps:
    """The state before each step: h[t-1]."""
    return jnp.concatenate([h[1:], h0[None]] if reverse else [h0[None], h[:-1]])


def weight_gradient(h: Steps, da: Float[Array, "T B GH"], half: bool) -> Float[Array, "H GH"]:
    """The sum over all steps of h[t-1].T @ da[t], in one product."""
    T, B, H = h.shape
    return product(h.reshape(T * B, H).T, da.reshape(T * B, -1), half)
