"""A point's loss as `reference` computes it: value and gradient with respect to the logits."""

from typing import Any

import numpy as np

from reference import losses
from rnn_jax.verify.points import Point


def total_loss(point: Point, o: np.ndarray, final: Any) -> Any:
    """The point's loss from the logits and the final states."""
    shape = point.shape
    if shape.loss == "linear":
        value = np.sum(point.y * o)
    else:
        value = getattr(losses, shape.loss)(o, point.y, point.weights, shape.reduction)
    value = value + losses.l2(np.asarray(point.params.V), shape.l2)
    for states, cotangents in zip(final, point.dfinal, strict=True):
        for state, cotangent in zip(states, cotangents, strict=True):
            value = value + sum(np.sum(df * f) for f, df in zip(state, cotangent, strict=True) if f is not None)
    return value


def logit_gradient(point: Point, o: np.ndarray) -> np.ndarray:
    """The gradient of the point's loss with respect to the logits (T, B, K)."""
    if point.shape.loss == "linear":
        return point.y
    return getattr(losses, point.shape.loss + "_gradient")(o, point.y, point.weights, point.shape.reduction)


def penalty_gradient(point: Point) -> np.ndarray:
    """The penalty's share of dV (H, K)."""
    return losses.l2_gradient(np.asarray(point.params.V), point.shape.l2)
