"""A point's loss as `reference` computes it: value and gradient with respect to the logits."""

from collections.abc import Callable
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


def step_gradient(point: Point) -> Callable[[int, int, np.ndarray], np.ndarray]:
    """The same for programs that go step by step: (t, b, logits (K,) of that step) to their gradient (K,)."""
    shape = point.shape
    if shape.loss == "linear":
        return lambda t, b, o: point.y[t, b]
    like = np.zeros((shape.T, shape.B, shape.K), shape.dtype)
    has_target = np.ones(point.mask.shape, bool)
    if shape.loss == "cross_entropy":
        has_target = losses.rows(point.y, like).sum(-1) > 0
    weights = losses.step_weights(like, has_target, point.weights, shape.reduction)
    gradient = getattr(losses, shape.loss + "_gradient")

    def at(t: int, b: int, o: np.ndarray) -> np.ndarray:
        here = np.s_[t : t + 1, b : b + 1]
        return gradient(o[None, None], point.y[here], weights[here])[0, 0]

    return at


def penalty_gradient(point: Point) -> np.ndarray:
    """The penalty's share of dV (H, K)."""
    return losses.l2_gradient(np.asarray(point.params.V), point.shape.l2)
