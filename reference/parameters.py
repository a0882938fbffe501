"""What a recurrent layer learns, carries and gives back, and how its weights may start."""

from typing import NamedTuple

import numpy as np

from reference.arrays import Inexact
from reference.checks import require, require_sequence, require_shape


class Norm(NamedTuple):
    """The gains of a layer-normalised cell; all None in any other."""

    gx: Inexact[np.ndarray, " GH"] | None = None  # of what the input adds to the pre-activations
    gh: Inexact[np.ndarray, " GH"] | None = None  # of what the old state adds
    gs: Inexact[np.ndarray, " H"] | None = None  # of the LSTM's cell state, and its shift
    bs: Inexact[np.ndarray, " H"] | None = None


class Params(NamedTuple):
    """One recurrent layer in one direction; G gates stand side by side in the columns."""

    U: Inexact[np.ndarray, "D GH"]  # input to hidden
    W: Inexact[np.ndarray, "H GH"]  # hidden to hidden
    b: Inexact[np.ndarray, " GH"]
    bh: Inexact[np.ndarray, " GH"] | None = None  # a second bias, beside the recurrent product
    norm: Norm = Norm()


class State(NamedTuple):
    """What a layer carries from one step to the next; only the LSTM has a cell state s."""

    h: Inexact[np.ndarray, "B H"]
    s: Inexact[np.ndarray, "B H"] | None = None


class Gradients(NamedTuple):
    """The gradient of a loss with respect to a layer's parameters, input and initial state."""

    params: Params
    x: Inexact[np.ndarray, "T B D"] | None  # None where the input is indices
    state: State


def check_layer(p: Params, x: np.ndarray, state0: State, mask: np.ndarray, gates: int) -> None:
    """Raise InputError unless the arrays of one layer fit together."""
    require(p.W.ndim == 2, f"W has shape {p.W.shape}, but (H, {gates}·H) is right")
    H = p.W.shape[0]
    require_shape("W", p.W, (H, gates * H), f"a cell with {gates} gate(s) and H = {H}")
    require(p.U.ndim == 2, f"U has shape {p.U.shape}, but (D, {gates * H}) is right")
    require_shape("U", p.U, (p.U.shape[0], gates * H), f"W {p.W.shape}")
    require_sequence("x", x, p.U)
    T, B = x.shape[:2]
    for name, bias in (("b", p.b), ("bh", p.bh)):
        if bias is not None:
            require_shape(name, bias, (gates * H,), f"W {p.W.shape}")
    for name, gain in p.norm._asdict().items():
        if gain is not None:
            require_shape(name, gain, (gates * H if name in ("gx", "gh") else H,), f"W {p.W.shape}")
    for name, part in (("h0", state0.h), ("s0", state0.s)):
        if part is not None:
            require_shape(name, part, (B, H), f"x {x.shape} with W {p.W.shape}")
    require_shape("mask", mask, (T, B), f"x {x.shape}")


def check_gradients(h: np.ndarray, dh_out: np.ndarray, dfinal: State) -> None:
    """Raise InputError unless the gradients that a backward pass starts from fit the states h (T+1, B, H)."""
    T, B, H = h.shape[0] - 1, *h.shape[1:]
    require_shape("dh_out", dh_out, (T, B, H), "the forward pass")
    for name, part in (("dfinal.h", dfinal.h), ("dfinal.s", dfinal.s)):
        if part is not None:
            require_shape(name, part, (B, H), "the forward pass")


def uniform(
    rng: np.random.Generator | np.random.RandomState, D: int, H: int, gates: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """U and W uniform within ±1/sqrt(fan-in): D for U (D, G·H), H for W (H, G·H)."""
    U = rng.uniform(-np.sqrt(1 / D), np.sqrt(1 / D), (D, gates * H))
    W = rng.uniform(-np.sqrt(1 / H), np.sqrt(1 / H), (H, gates * H))
    return U, W


def scaled_normal(
    rng: np.random.RandomState, D: int, H: int, gates: int = 1, scale: float = 0.01
) -> tuple[np.ndarray, np.ndarray]:
    """U (D, G·H) and W (H, G·H) normal with standard deviation `scale`."""
    return rng.randn(D, gates * H) * scale, rng.randn(H, gates * H) * scale


def total_bias(p: Params) -> np.ndarray:
    """The sum b + bh (G·H,), where both biases are added in the same place."""
    return p.b if p.bh is None else p.b + p.bh


def result_type(p: Params, x: np.ndarray, state0: State) -> np.dtype:
    """The dtype of a layer's buffers: complex or float32 input must survive in them."""
    floating = [a for a in (*p[:4], *p.norm, x, *state0) if a is not None and np.issubdtype(a.dtype, np.inexact)]
    return np.result_type(*floating)
