"""Losses over the logits o (T, B, K): value and gradient with respect to o, each beside the other.

Targets y are class indices (T, B), where -1 means that a step has no target and counts nothing, or rows
(T, B, K): one-hot, any distribution, or all zero, which counts nothing either. Weights (T, B) scale the
loss of each step. "mean" divides by the sum of the weights of the steps that have a target.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Integer

from reference.arrays import Inexact
from reference.checks import require, require_indices, require_known, require_shape

Logits = Inexact[np.ndarray, "T B K"]
Target = Integer[np.ndarray, "T B"] | Inexact[np.ndarray, "T B K"]
Weights = Inexact[np.ndarray, "T B"]
Reduction = Literal["sum", "mean"]


def rows(y: Target, o: Logits) -> Inexact[np.ndarray, "T B K"]:
    """Targets as rows (T, B, K); raises InputError where they do not fit the logits."""
    if y.ndim == 3:
        require_shape("y", y, o.shape, f"o {o.shape}")
        return y
    require_shape("y", y, o.shape[:2], f"o {o.shape}")
    require_indices("y", y, o.shape[-1])
    return np.where((y >= 0)[..., None], np.eye(o.shape[-1], dtype=o.real.dtype)[y], 0)


def step_weights(
    o: Logits, has_target: Bool[np.ndarray, "T B"], weights: Weights | None, reduction: Reduction
) -> Weights:
    """What each step's loss is multiplied by; raises InputError where a mean has nothing to count."""
    require_known("reduction", reduction, ("sum", "mean"))
    weights = np.ones(o.shape[:2]) if weights is None else weights
    require_shape("weights", weights, o.shape[:2], f"o {o.shape}")
    weights = weights.astype(o.real.dtype)  # float32 logits keep a float32 loss
    if reduction == "sum":
        return weights
    total = np.sum(weights * has_target)
    require(total > 0, f"the weights of the steps with a target sum to {total}, but a mean needs more than 0")
    return weights / total


def log_sum_exp(o: Inexact[np.ndarray, "*shape K"]) -> Inexact[np.ndarray, "*shape 1"]:
    """log(sum(exp(o))) over the last axis, kept; shifted by the largest real part so that nothing overflows."""
    top = o.real.max(-1, keepdims=True)
    return top + np.log(np.sum(np.exp(o - top), -1, keepdims=True))


def cross_entropy_steps(o: Logits, y: Target) -> Inexact[np.ndarray, "T B"]:
    """The cross-entropy of softmax(o) at every step, in nats."""
    # X1  l[t] = (y[t] * (logsumexp(o[t]) - o[t])).sum(-1)
    return np.sum(rows(y, o) * (log_sum_exp(o) - o), -1)


def cross_entropy(o: Logits, y: Target, weights: Weights | None = None, reduction: Reduction = "sum") -> np.inexact:
    """The weighted sum, or mean, of the cross-entropy of softmax(o) over all steps, in nats.

    Raises InputError where shapes, indices or the reduction do not fit, or a mean has nothing to count.
    """
    w = step_weights(o, rows(y, o).sum(-1) > 0, weights, reduction)
    # X2  L += (w[t] * l[t]).sum()
    return np.sum(w * cross_entropy_steps(o, y))


def cross_entropy_gradient(
    o: Logits, y: Target, weights: Weights | None = None, reduction: Reduction = "sum"
) -> Logits:
    """The gradient (T, B, K) of cross_entropy with respect to the logits; raises InputError as it does."""
    target = rows(y, o)
    mass = target.sum(-1, keepdims=True)
    w = step_weights(o, mass[..., 0] > 0, weights, reduction)[..., None]
    # X3  yhat[t] = exp(o[t] - logsumexp(o[t]))
    yhat = np.exp(o - log_sum_exp(o))
    # X1  l[t] = (y[t] * (logsumexp(o[t]) - o[t])).sum(-1)
    # X4  do[t] = w[t][:, None] * (y[t].sum(-1)[:, None] * yhat[t] - y[t])
    return w * (mass * yhat - target)


def squared_error(o: Logits, y: Logits, weights: Weights | None = None, reduction: Reduction = "sum") -> np.inexact:
    """The weighted sum, or mean over steps, of ½‖o - y‖²; raises InputError where shapes do not fit."""
    require_shape("y", y, o.shape, f"o {o.shape}")
    w = step_weights(o, np.ones(o.shape[:2], bool), weights, reduction)
    # E1  l[t] = 0.5 * ((o[t] - y[t])**2).sum(-1)
    # X2  L += (w[t] * l[t]).sum()
    return np.sum(w * (0.5 * ((o - y) ** 2).sum(-1)))


def squared_error_gradient(
    o: Logits, y: Logits, weights: Weights | None = None, reduction: Reduction = "sum"
) -> Logits:
    """The gradient (T, B, K) of squared_error with respect to o; raises InputError as it does."""
    require_shape("y", y, o.shape, f"o {o.shape}")
    w = step_weights(o, np.ones(o.shape[:2], bool), weights, reduction)[..., None]
    # E1  l[t] = 0.5 * ((o[t] - y[t])**2).sum(-1)
    # E2  do[t] = w[t][:, None] * (o[t] - y[t])
    return w * (o - y)


def l2(V: Inexact[np.ndarray, "H K"], strength: float) -> np.inexact:
    """The penalty ½ · strength · ‖V‖²."""
    # P1  L += 0.5 * strength * (V**2).sum()
    return 0.5 * strength * np.sum(V**2)


def l2_gradient(V: Inexact[np.ndarray, "H K"], strength: float) -> Inexact[np.ndarray, "H K"]:
    """The penalty's share of dV (H, K)."""
    # P1  L += 0.5 * strength * (V**2).sum()
    # P2  dV += strength * V
    return strength * V
