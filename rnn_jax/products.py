"""Matrix products, with factors in half precision, or cut into blocks, where that is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
import jax.numpy as jnp
from jaxtyping import Float

from rnn_jax.arrays import Array

HALF = jnp.bfloat16
_in_half: ContextVar[bool] = ContextVar("in_half", default=False)
_in_blocks: ContextVar[bool] = ContextVar("in_blocks", default=False)


@contextmanager
def in_half(wanted: bool = True) -> Iterator[None]:
    """While a computation is written down within, products round their factors to bfloat16 and add up in float32.

    Micikevicius et al., Mixed Precision Training (2018), sections 3.1 and 3.3, with bfloat16 for its range. What is
    differentiated keeps float32: only the factors are rounded.
    """
    with within(_in_half, wanted):
        yield


@contextmanager
def in_blocks(wanted: bool = True) -> Iterator[None]:
    """While a computation is written down within, the factor of a product in a loop is cut into blocks of columns.

    A core that works alone has them all the faster: they and what it makes of them stay in its cache.
    """
    with within(_in_blocks, wanted):
        yield


@contextmanager
def within(setting: ContextVar[bool], wanted: bool) -> Iterator[None]:
    """The setting, until it is left."""
    before = setting.set(wanted)
    try:
        yield
    finally:
        setting.reset(before)


def halving() -> bool:
    """Whether products are in half precision here."""
    return _in_half.get()


def blocking() -> bool:
    """Whether factors are cut into blocks here."""
    return _in_blocks.get()


def product(a: Float[Array, "*n I"], W: Float[Array, "I J"], half: bool | None = None) -> Float[Array, "*n J"]:
    """A @ W, in half precision where `half` says so, or where it says nothing and `in_half` does."""
    return half_product(a, W) if (halving() if half is None else half) else a @ W


@jax.custom_vjp
def half_product(a: Float[Array, "*n I"], W: Float[Array, "I J"]) -> Float[Array, "*n J"]:
    """A @ W with both rounded to bfloat16; its gradients are such products too, in float32 and not rounded again."""
    return jnp.matmul(a.astype(HALF), W.astype(HALF), preferred_element_type=jnp.float32)


def half_backward(factors: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    """The gradients of both factors."""
    a, W = factors
    da = half_product(dy, W.T)
    dW = half_product(a.reshape(-1, a.shape[-1]).T, dy.reshape(-1, dy.shape[-1]))
    return da, dW


half_product.defvjp(lambda a, W: (half_product(a, W), (a, W)), half_backward)
