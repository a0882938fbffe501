"""Losses over the logits o (T, B, K); jax.grad gives their gradients.

Targets y are class indices (T, B), where -1 means that a step has no target and counts nothing, or rows
(T, B, K): one-hot, any distribution, or all zero, which counts nothing either. Weights (T, B) scale the
loss of each step. "mean" divides by the sum of the weights of the steps that have a target.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Integer

from rnn_jax.arrays import Array, indices
from rnn_jax.errors import require
from rnn_jax.text import NOTHING

Logits = Float[Array, "T B K"]
Target = Integer[Array, "T B"] | Float[Array, "T B K"]
Weights = Float[Array, "T B"]
Reduction = Literal["sum", "mean"]


def rows(y: Target, o: Logits) -> Float[Array, "T B K"]:
    """Targets as rows (T, B, K); an index of -1 becomes a row of zeros, one that is no class a row of NaN."""
    expected = o.shape if y.ndim == 3 else o.shape[:2]
    require(y.shape == expected, f"y has shape {y.shape}, but logits {o.shape} ask for {expected}")
    if y.ndim == 3:
        return y
    y = indices(y)
    known = (y >= NOTHING) & (y < o.shape[-1])
    return jnp.where(known[..., None], jax.nn.one_hot(y, o.shape[-1], dtype=o.dtype), jnp.nan)


def reduce(
    losses: Float[Array, "T B"], has_target: Bool[Array, "T B"], weights: Weights | None, reduction: Reduction
) -> Float[Array, ""]:
    """The weighted sum of the steps' losses, or their mean over the steps that have a target: NaN if none has."""
    require(reduction in ("sum", "mean"), f"the reduction is {reduction!r}, but 'sum' or 'mean' is right")
    weights = jnp.ones_like(losses) if weights is None else weights
    require(weights.shape == losses.shape, f"weights have shape {weights.shape}, but {losses.shape} is right")
    # X2  L += (w[t] * l[t]).sum()
    total = jnp.sum(weights * losses)
    return total if reduction == "sum" else total / jnp.sum(jnp.where(has_target, weights, 0))


def cross_entropy_steps(o: Logits, y: Target) -> Float[Array, "T B"]:
    """The cross-entropy of softmax(o) at every step, in nats."""
    # X1  l[t] = (y[t] * (logsumexp(o[t]) - o[t])).sum(-1)
    return -jnp.sum(rows(y, o) * jax.nn.log_softmax(o), axis=-1)


def has_target(o: Logits, y: Target) -> Bool[Array, "T B"]:
    """Where a step has a target, and not -1 or a row of zeros."""
    return rows(y, o).sum(-1) > 0


def cross_entropy(
    o: Logits, y: Target, weights: Weights | None = None, reduction: Reduction = "sum"
) -> Float[Array, ""]:
    """The weighted sum, or mean, of the cross-entropy of softmax(o) over all steps, in nats.

    Raises InputError where shapes or the reduction do not fit.
    """
    return reduce(cross_entropy_steps(o, y), has_target(o, y), weights, reduction)


def squared_error(
    o: Logits, y: Logits, weights: Weights | None = None, reduction: Reduction = "sum"
) -> Float[Array, ""]:
    """The weighted sum, or mean over steps, of ½‖o - y‖²; raises InputError where shapes do not fit."""
    require(y.shape == o.shape, f"y has shape {y.shape}, but logits {o.shape} ask for the same")
    # E1  l[t] = 0.5 * ((o[t] - y[t])**2).sum(-1)
    losses = 0.5 * jnp.sum((o - y) ** 2, axis=-1)
    return reduce(losses, jnp.ones(losses.shape, bool), weights, reduction)


def l2(V: Float[Array, "H K"], strength: float) -> Float[Array, ""]:
    """The penalty ½ · strength · ‖V‖²."""
    # P1  L += 0.5 * strength * (V**2).sum()
    return 0.5 * strength * jnp.sum(V**2)
