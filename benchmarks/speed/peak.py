"""The greatest rate of this machine: a product of two large float32 matrices; a unit of work is one operation."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from versus import Prepared

N = 2048


def prepare(case: dict[str, Any]) -> Prepared:
    """Products of N x N matrices, 2 N³ operations each; N as the case has it, or else this module."""
    n = case.get("N", N)
    a = jax.random.normal(jax.random.key(0), (n, n))
    product = jax.jit(jnp.matmul)

    def work(units: int) -> None:
        for _ in range(units):
            product(a, a).block_until_ready()

    return Prepared(0.0, work, 2 * n**3)
