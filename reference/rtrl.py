"""Real-time recurrent learning: the gradient carried forward with the state, with no backward pass.

Williams, Zipser, A Learning Algorithm for Continually Running Fully Recurrent Neural Networks (1989).
One example, row vectors: x[t] is (D,), h[t] is (H,). For a parameter P, the sensitivity S_P[k, ...] is
the derivative of h[t][k] with respect to the entries of P; each is carried from step to step.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer

from reference.arrays import Inexact
from reference.checks import require, require_indices, require_shape


class Params(NamedTuple):
    """What the network learns."""

    U: Inexact[np.ndarray, "D H"]
    W: Inexact[np.ndarray, "H H"]
    V: Inexact[np.ndarray, "H K"]
    b: Inexact[np.ndarray, " H"]
    c: Inexact[np.ndarray, " K"]


class Sensitivity(NamedTuple):
    """The derivative of h[t] (first axis) with respect to each parameter and to the initial state."""

    U: Inexact[np.ndarray, "H D H"]
    W: Inexact[np.ndarray, "H H H"]
    b: Inexact[np.ndarray, "H H"]
    h0: Inexact[np.ndarray, "H H"]


In = Inexact[np.ndarray, " D"]
Hidden = Inexact[np.ndarray, " H"]
Logits = Inexact[np.ndarray, " K"]
Input = Inexact[np.ndarray, "T D"] | Integer[np.ndarray, " T"]


def check(p: Params, x: np.ndarray, h0: np.ndarray) -> None:
    """Raise InputError unless the arrays fit together."""
    H, D = p.W.shape[0], p.U.shape[0]
    require_shape("W", p.W, (H, H), "the recurrence")
    require_shape("U", p.U, (D, H), f"W {p.W.shape}")
    require_shape("V", p.V, (H, p.V.shape[-1]), f"W {p.W.shape}")
    require_shape("b", p.b, (H,), f"W {p.W.shape}")
    require_shape("c", p.c, (p.V.shape[-1],), f"V {p.V.shape}")
    require_shape("h0", h0, (H,), f"W {p.W.shape}")
    require(len(x) > 0, f"x has shape {x.shape}, but T must be at least 1")
    if x.ndim == 1:
        require_indices("x", x, D)
    else:
        require_shape("x", x, (len(x), D), f"U {p.U.shape}")


def initial(p: Params) -> Sensitivity:
    """Before the first step the state depends on nothing but itself."""
    D, H = p.U.shape
    dtype = np.result_type(*p)
    return Sensitivity(
        np.zeros((H, D, H), dtype),
        np.zeros((H, H, H), dtype),
        np.zeros((H, H), dtype),
        np.eye(H, dtype=dtype),
    )


def advance(p: Params, S: Sensitivity, x_t: In, h_prev: Hidden, h_t: Hidden) -> Sensitivity:
    """The sensitivities after one step: through the old state, and directly; δ[k, j] is the identity."""
    slope = 1 - h_t**2
    delta = np.eye(len(h_t), dtype=h_t.dtype)
    # F1  a[t] = x[t] @ U + h[t-1] @ W + b
    # F2  h[t] = tanh(a[t])
    # F3  S_U = einsum("k,kij->kij", 1 - h[t]**2, einsum("mk,mij->kij", W, S_U) + einsum("kj,i->kij", delta, x[t]))
    S_U = np.einsum("mk,mij->kij", p.W, S.U) + np.einsum("kj,i->kij", delta, x_t)
    # F4  S_W = einsum("k,kij->kij", 1 - h[t]**2, einsum("mk,mij->kij", W, S_W) + einsum("kj,i->kij", delta, h[t-1]))
    S_W = np.einsum("mk,mij->kij", p.W, S.W) + np.einsum("kj,i->kij", delta, h_prev)
    # F5  S_b = einsum("k,kj->kj", 1 - h[t]**2, einsum("mk,mj->kj", W, S_b) + delta)
    S_b = np.einsum("mk,mj->kj", p.W, S.b) + delta
    # F6  S_h0 = einsum("k,kj->kj", 1 - h[t]**2, einsum("mk,mj->kj", W, S_h0))
    S_h0 = np.einsum("mk,mj->kj", p.W, S.h0)
    return Sensitivity(
        np.einsum("k,kij->kij", slope, S_U),
        np.einsum("k,kij->kij", slope, S_W),
        np.einsum("k,kj->kj", slope, S_b),
        np.einsum("k,kj->kj", slope, S_h0),
    )


def step(p: Params, x_t: In, h_prev: Hidden) -> Hidden:
    """The next hidden state (H,)."""
    # F1  a[t] = x[t] @ U + h[t-1] @ W + b
    # F2  h[t] = tanh(a[t])
    return np.tanh(x_t @ p.U + h_prev @ p.W + p.b)


def as_rows(x: Input, D: int, dtype: np.dtype) -> Inexact[np.ndarray, "T D"]:
    """Indices (T,) as one-hot rows, -1 as a row of zeros; vectors (T, D) as they are."""
    return np.where((x >= 0)[:, None], np.eye(D, dtype=dtype)[x], 0) if x.ndim == 1 else x


def forward(p: Params, x: Input, h0: Hidden) -> tuple[Inexact[np.ndarray, "T K"], Hidden]:
    """The logits (T, K) and the final state (H,), without a gradient; raises InputError as `gradient` does."""
    check(p, x, h0)
    h, logits = h0, []
    for x_t in as_rows(x, len(p.U), p.U.dtype):
        h = step(p, x_t, h)
        # F7  o[t] = h[t] @ V + c
        logits.append(h @ p.V + p.c)
    return np.stack(logits), h


def gradient(
    p: Params,
    x: Input,
    h0: Hidden,
    output_gradient: Callable[[int, Logits], Logits],
    dh_final: Hidden,
) -> tuple[Inexact[np.ndarray, "T K"], Hidden, Params, Hidden]:
    """Logits (T, K), the final state (H,), the gradients of the parameters and of h0 (H,), in one pass forward.

    `output_gradient(t, o)` gives the gradient (K,) of the loss with respect to the logits o (K,) of step t:
    the loss of a step must not depend on later ones. `dh_final` (H,) is the gradient of the final state.
    Raises InputError where shapes or indices do not fit.
    """
    check(p, x, h0)
    x = as_rows(x, len(p.U), p.U.dtype)
    h, S, logits = h0, initial(p), []
    dtype = np.result_type(*p, x, h0)
    dU, dW, dV, db, dc = (np.zeros(array.shape, dtype) for array in p)
    dh0 = np.zeros(h0.shape, dtype)
    for t in range(len(x)):
        h_prev = h
        h = step(p, x[t], h_prev)
        S = advance(p, S, x[t], h_prev, h)
        # F7  o[t] = h[t] @ V + c
        logits.append(h @ p.V + p.c)
        do = output_gradient(t, logits[-1])
        # F8  dV += outer(h[t], do[t])
        dV += np.outer(h, do)
        # F9  dc += do[t]
        dc += do
        # F10 dh = V @ do[t] + where(t == T-1, dh_final, 0)
        dh = p.V @ do + (dh_final if t == len(x) - 1 else 0)
        # F11 dU += einsum("k,kij->ij", dh, S_U)
        dU += np.einsum("k,kij->ij", dh, S.U)
        # F12 dW += einsum("k,kij->ij", dh, S_W)
        dW += np.einsum("k,kij->ij", dh, S.W)
        # F13 db += einsum("k,kj->j", dh, S_b)
        db += np.einsum("k,kj->j", dh, S.b)
        # F14 dh0 += einsum("k,kj->j", dh, S_h0)
        dh0 += np.einsum("k,kj->j", dh, S.h0)
    return np.stack(logits), h, Params(dU, dW, dV, db, dc), dh0
