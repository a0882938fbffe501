"""The LSTM of NVIDIA's cuDNN, through jax.experimental.rnn: all steps and layers in one call, and back in another.

Its equations are L1 to L5 with gates in the order i, f, g, o, as here; its weights are one vector, laid out as the
docstring of jax.experimental.rnn says: U.T and W.T of every layer and direction, then b and bh of every one.
The gradient of that vector comes from cuDNN; autodiff of the packing takes it apart into U, W, b and bh. It has no
gradient again: for that, and for forward mode, there are the other plans.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import rnn
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Bool, Float, Integer

from rnn_jax.arrays import Array, indices
from rnn_jax.bptt.closed_up import ClosedUp
from rnn_jax.cells import Params, State
from rnn_jax.text import NOTHING

CELL, DTYPE = "lstm", "float32"  # all that jax.experimental.rnn knows
OTHERWISE = 'plan="fast" is right'
# Where jax_default_matmul_precision asks for no more than these, XLA's products round factors to TF32 on a GPU too.
ROUNDED = (None, "default", "fastest", "bfloat16", "high", "bfloat16_3x", "tensorfloat32", "TF32_TF32_F32")

Layers = Sequence[tuple[Params, ...]]
States = tuple[tuple[State, ...], ...]
Input = Float[Array, "T B D"] | Integer[Array, "T B"]


def reachable() -> bool:
    """Whether JAX computes on an NVIDIA GPU here; what is computed elsewhere cuDNN cannot do."""
    return jax.default_backend() == "gpu" and bound()


def bound() -> bool:
    """Whether the GPU is one that CUDA drives: AMD's, which JAX calls gpu as well, have a library of their own."""
    return "cuda" in jax.devices()[0].client.platform_version


def unfit(cell: str, dtype: str, drawn: bool) -> str:
    """Why it does not apply, in one sentence; nothing where it does.

    dtype: of all numbers; bfloat16 where products are in half precision. drawn: whether anything in the recurrence is.
    """
    if cell != CELL:
        return f'plan="cudnn" is for the cell {CELL}, but the cell is {cell}: {OTHERWISE}'
    if drawn:
        return 'plan="cudnn" drops and keeps nothing in the recurrence, but something is drawn: plan="plain" is right'
    if dtype != DTYPE:
        return f'plan="cudnn" computes in {DTYPE}, but the numbers are {dtype}: {OTHERWISE}'
    if not reachable():
        return f'plan="cudnn" needs an NVIDIA GPU, but JAX computes on {jax.default_backend()} here: {OTHERWISE}'
    return ""


def together(widths: Sequence[Sequence[int]], dropped: Sequence[bool]) -> list[slice]:
    """The layers that one call can do: of one width, and with nothing dropped of what one hands on to the next.

    widths: H by layer and direction. dropped: by layer, whether something is of what it hands on.
    """
    found, first = [], 0
    for level in range(1, len(widths) + 1):
        if level == len(widths) or dropped[level - 1] or widths[level] != widths[first]:
            found.append(slice(first, level))
            first = level
    return found


def stack(
    layers: Layers, x: Input, states: States, mask: Bool[Array, "T B"] | None, reverse: bool
) -> tuple[States, Float[Array, "T B DH"]]:
    """The final states of some layers, and what the last of them hands on, directions side by side.

    reverse: whether the first of their directions is; the second, if there is one, is the other. All of one width.
    """
    p, top = layers[0][0], states[-1]
    v = vectors(x, p.U)
    # Time turned around, what runs backwards runs forwards; and the order of the directions stays.
    v, mask = (v[::-1], None if mask is None else mask[::-1]) if reverse else (v, mask)
    closed = None if mask is None else ClosedUp.of(mask)
    y, finals = call(layers, v if closed is None else closed.front(v), states, None if closed is None else closed.steps)
    if closed is not None:
        # A sequence of which no step is on ends as it began.
        some = (closed.steps > 0)[:, None]
        finals = jax.tree.map(lambda new, old: jnp.where(some, new, old), finals, states)
        parts = jnp.split(y, len(top), axis=-1)
        back = [closed.back(h, state.h, way == 1) for way, (h, state) in enumerate(zip(parts, top, strict=True))]
        y = jnp.concatenate(back, axis=-1)
    return finals, y[::-1] if reverse else y


def vectors(x: Input, U: Float[Array, "D 4H"]) -> Float[Array, "T B D"]:
    """The input as cuDNN reads it: an index as a row with a 1, -1 as one of zeros, one that has no row of U as NaN.

    A product with one-hot rows is what cuDNN can make of all steps at once, forward and for dU; rows of U that are
    picked beforehand would have to pass through a product with an identity of 4H by 4H, which costs more unless the
    vocabulary is larger than that.
    """
    if x.ndim == 3:
        return jnp.asarray(x)
    x = indices(x)
    known = (x >= NOTHING) & (x < U.shape[0])
    # I2  xU[t] = onehot(x[t], D) @ U
    return jnp.where(known[..., None], jax.nn.one_hot(x, U.shape[0], dtype=U.dtype), jnp.nan)


class Sizes(NamedTuple):
    """What cuDNN is told of the network, in the order of rnn.lstm's arguments."""

    input_size: int
    hidden_size: int
    num_layers: int
    dropout: float
    bidirectional: bool


def call(
    layers: Layers, x: Float[Array, "T B D"], states: States, count: Integer[Array, " B"] | None
) -> tuple[Float[Array, "T B DH"], States]:
    """What the last layer hands on, and all final states; of each sequence the first steps, so many as `count` says.

    Behind them it hands on zeros. cuDNN has the batch first, and takes no sequence that is empty: one of a single step
    stands for it, whose results are for the caller to leave out.
    """
    p = layers[0][0]
    T, B, D = x.shape
    sizes = Sizes(D, p.W.shape[0], len(layers), 0.0, len(layers[0]) == 2)
    lengths = jnp.full(B, T, jnp.int32) if count is None else jnp.maximum(count, 1)
    flat_states = [state for layer in states for state in layer]
    h0, s0 = (jnp.stack([getattr(state, name) for state in flat_states]) for name in ("h", "s"))
    y, h, s = lstm(x.swapaxes(0, 1), h0, s0, flat(layers), lengths, sizes)
    made = iter(map(State, h, s))
    return y.swapaxes(0, 1), tuple(tuple(next(made) for _ in layer) for layer in states)


def lstm(
    x: Float[Array, "B T D"],
    h0: Float[Array, "LD B H"],
    s0: Float[Array, "LD B H"],
    weights: Float[Array, " N"],
    lengths: Integer[Array, " B"],
    sizes: Sizes,
) -> tuple[Float[Array, "B T DH"], Float[Array, "LD B H"], Float[Array, "LD B H"]]:
    """What the last layer hands on, and the final h and s of every layer and direction."""
    return in_order(rnn.lstm(*in_order((x, h0, s0)), weights, lengths, *sizes, precision()))


def in_order(arrays: Any) -> Any:
    """The same arrays laid out in memory as their axes are in order, and so their gradients.

    JAX calls cuDNN without a word about layouts, and XLA, where a transpose comes before, then leaves the numbers where
    they are: cuDNN took steps for sequences (seen with jax 0.11.2 on an H200: no error, other gradients).
    """
    layouts = jax.tree.map(lambda array: Layout(tuple(range(array.ndim))), arrays)
    pinned: Any = with_layout_constraint  # which has no types
    return pinned(arrays, layouts)


def flat(layers: Layers) -> Float[Array, " N"]:
    """All parameters as cuDNN's vector."""
    each = [p for layer in layers for p in layer]
    matrices = [matrix.T for p in each for matrix in (p.U, p.W)]
    biases = [bias for p in each for bias in (p.b, jnp.zeros_like(p.b) if p.bh is None else p.bh)]
    return jnp.concatenate([jnp.ravel(array) for array in (*matrices, *biases)])


def precision() -> lax.Precision:
    """Full float32, or factors rounded to TF32's ten bits: as jax_default_matmul_precision has it for other products.

    Left to itself, rnn.lstm takes TF32 for every setting but one; and it knows no setting below TF32, which JAX's own
    products have not on a GPU either.
    """
    wanted = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    return lax.Precision.HIGH if wanted in ROUNDED else lax.Precision.HIGHEST
