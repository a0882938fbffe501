"""Flax: nnx.RNN over the cell that is fastest there, nnx.Linear, optax; an update is a jitted call, buffers donated."""

from __future__ import annotations

from typing import Any

import characters
import jax
import jax.numpy as jnp
import optax
from flax import nnx
from optax_updates import prepared
from versus import Prepared


class Model(nnx.Module):
    """A character model."""

    def __init__(self, cell: str, K: int, H: int, rngs: nnx.Rngs) -> None:
        """Make it; the weights are overwritten."""
        kind = {"rnn": nnx.SimpleCell, "lstm": nnx.OptimizedLSTMCell, "gru": nnx.GRUCell}[cell]
        self.layer = nnx.RNN(kind(K, H, rngs=rngs), time_major=True)
        self.readout = nnx.Linear(H, K, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The logits (T, B, K) of one-hot rows."""
        zero = jnp.zeros((x.shape[1], self.layer.cell.hidden_features))
        start = (zero, zero) if isinstance(self.layer.cell, nnx.OptimizedLSTMCell) else zero
        return self.readout(self.layer(x, initial_carry=start))


def fill(model: Model, w: characters.Work) -> None:
    """The weights that all have; OptimizedLSTMCell orders its gates i, f, g, o as we do, its bias on the way of h."""
    cell = model.layer.cell
    for linear, kernel in ((cell.dense_i, w.U), (cell.dense_h, w.W)):
        assert linear.kernel.shape == kernel.shape
        linear.kernel[...] = jnp.array(kernel)
    biased = cell.dense_h if cell.dense_i.bias is None else cell.dense_i
    biased.bias[...] = jnp.array(w.b)
    model.readout.kernel[...] = jnp.array(w.V)
    model.readout.bias[...] = jnp.array(w.c)


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates of a character model."""
    w = characters.work(case)
    K = w.V.shape[1]
    model = Model(w.cell, K, len(w.W), nnx.Rngs(0))
    fill(model, w)
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    x, y = jnp.array(w.x), jnp.array(w.y)

    def loss(params: Any) -> jax.Array:
        logits = nnx.merge(graph, params, rest)(jax.nn.one_hot(x, K))
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    return prepared(loss, params)
