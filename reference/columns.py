"""The simple recurrent network in column vectors, one example at a time, as lecture notes write it.

x[t] is (D, 1), a[t] and h[t] are (H, 1), o[t] is (K, 1); matrices act from the left.
Goodfellow, Bengio, Courville, Deep Learning, equations 10.8 to 10.28.
"""

from typing import NamedTuple

import numpy as np

from reference.arrays import Inexact
from reference.checks import require, require_shape


class Params(NamedTuple):
    """What the network learns."""

    U: Inexact[np.ndarray, "H D"]
    W: Inexact[np.ndarray, "H H"]
    V: Inexact[np.ndarray, "K H"]
    b: Inexact[np.ndarray, "H 1"]
    c: Inexact[np.ndarray, "K 1"]


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass."""

    x: Inexact[np.ndarray, "T D 1"]
    h: dict[int, Inexact[np.ndarray, "H 1"]]  # h[-1] is the initial state


class Gradients(NamedTuple):
    """The gradient with respect to parameters, input and initial state."""

    params: Params
    x: Inexact[np.ndarray, "T D 1"]
    h0: Inexact[np.ndarray, "H 1"]


def check(p: Params, x: np.ndarray, h0: np.ndarray) -> None:
    """Raise InputError unless the arrays fit together."""
    H, D, K = p.W.shape[0], p.U.shape[-1], p.V.shape[0]
    require_shape("W", p.W, (H, H), "the recurrence")
    require_shape("U", p.U, (H, D), f"W {p.W.shape}")
    require_shape("V", p.V, (K, H), f"W {p.W.shape}")
    require_shape("b", p.b, (H, 1), f"W {p.W.shape}")
    require_shape("c", p.c, (K, 1), f"V {p.V.shape}")
    require_shape("h0", h0, (H, 1), f"W {p.W.shape}")
    require(len(x) > 0, f"x has shape {x.shape}, but T must be at least 1")
    require_shape("x", x, (len(x), D, 1), f"U {p.U.shape}")


def forward(
    p: Params, x: Inexact[np.ndarray, "T D 1"], h0: Inexact[np.ndarray, "H 1"]
) -> tuple[Inexact[np.ndarray, "T K 1"], Cache]:
    """The logits (T, K, 1) and the cache; raises InputError where shapes do not fit."""
    check(p, x, h0)
    h, o = {-1: h0}, []
    for t in range(len(x)):
        # C1  h[t] = tanh(U @ x[t] + W @ h[t-1] + b)
        h[t] = np.tanh(p.U @ x[t] + p.W @ h[t - 1] + p.b)
        # C2  o[t] = V @ h[t] + c
        o.append(p.V @ h[t] + p.c)
    return np.stack(o), Cache(x, h)


def backward(
    p: Params, cache: Cache, do: Inexact[np.ndarray, "T K 1"], dh_final: Inexact[np.ndarray, "H 1"]
) -> Gradients:
    """Gradients from those of the logits, do (T, K, 1), and of the final state, dh_final (H, 1)."""
    x, h = cache
    dtype = np.result_type(*p, x, do, dh_final)
    dU, dW, dV, db, dc = (np.zeros(array.shape, dtype) for array in p)
    dx = np.zeros(x.shape, dtype)
    dh_next = dh_final
    for t in reversed(range(len(x))):
        # C2  o[t] = V @ h[t] + c
        # C3  dV += do[t] @ h[t].T
        dV += do[t] @ h[t].T
        # C4  dc += do[t]
        dc += do[t]
        # C5  dh = V.T @ do[t] + dh_next
        dh = p.V.T @ do[t] + dh_next
        # C1  h[t] = tanh(U @ x[t] + W @ h[t-1] + b)
        # C6  da = dh * (1 - h[t]**2)
        da = dh * (1 - h[t] ** 2)
        # C7  dU += da @ x[t].T
        dU += da @ x[t].T
        # C8  dW += da @ h[t-1].T
        dW += da @ h[t - 1].T
        # C9  db += da
        db += da
        # C10 dx[t] = U.T @ da
        dx[t] = p.U.T @ da
        # C11 dh_next = W.T @ da
        dh_next = p.W.T @ da
    return Gradients(Params(dU, dW, dV, db, dc), dx, dh_next)


def generate(p: Params, prompt: list[int], length: int) -> list[int]:
    """The `length` most probable indices that follow `prompt`, each fed back in turn; h0 = 0.

    Every index of the prompt is fed once: the logits after the last of them choose the first new one.
    Raises InputError for an empty prompt or an index that U has no column for.
    """
    D = p.U.shape[1]
    require(len(prompt) > 0, "the prompt is empty, but at least one index is needed to start from")
    for index in prompt:
        require(0 <= index < D, f"the prompt holds the index {index}, but only 0 to {D - 1} are right")
    made: list[int] = []
    h = np.zeros_like(p.b)
    for step in range(len(prompt) + length - 1):
        index = prompt[step] if step < len(prompt) else made[-1]
        # C1  h[t] = tanh(U @ x[t] + W @ h[t-1] + b)
        h = np.tanh(p.U[:, [index]] + p.W @ h + p.b)
        if step >= len(prompt) - 1:
            # C2  o[t] = V @ h[t] + c
            made.append(int(np.argmax(p.V @ h + p.c)))
    return made
