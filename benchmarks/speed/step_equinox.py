"""Equinox: its cells in a lax.scan, as its documentation writes it, for a batch by vmap; jitted, buffers donated."""

from __future__ import annotations

from typing import Any

import characters
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax_updates import prepared
from versus import Prepared


class Simple(eqx.Module):
    """The tanh cell, which Equinox leaves to its users."""

    inward: eqx.nn.Linear
    inner: eqx.nn.Linear

    def __call__(self, x: jax.Array, h: jax.Array) -> jax.Array:
        """The next state."""
        return jnp.tanh(self.inward(x) + self.inner(h))


class Model(eqx.Module):
    """A character model."""

    cell: Any
    readout: eqx.nn.Linear
    H: int = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The logits (T, K) of the one-hot rows of one sequence."""
        zero = jnp.zeros(self.H)
        start = (zero, zero) if isinstance(self.cell, eqx.nn.LSTMCell) else zero

        def step(state: Any, x: jax.Array) -> tuple[Any, jax.Array]:
            state = self.cell(x, state)
            return state, state[0] if isinstance(state, tuple) else state

        return jax.vmap(self.readout)(jax.lax.scan(step, start, x)[1])


def filled(w: characters.Work) -> Model:
    """With the weights that all have; the order of the gates is ours."""
    key, K, H = jax.random.key(0), w.V.shape[1], len(w.W)
    if w.cell == "rnn":
        cell: Any = Simple(eqx.nn.Linear(K, H, key=key), eqx.nn.Linear(H, H, use_bias=False, key=key))
        places = [lambda m: m.cell.inward.weight, lambda m: m.cell.inner.weight, lambda m: m.cell.inward.bias]
    else:
        cell = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}[w.cell](K, H, key=key)
        places = [lambda m: m.cell.weight_ih, lambda m: m.cell.weight_hh, lambda m: m.cell.bias]
    places += [lambda m: m.readout.weight, lambda m: m.readout.bias]
    arrays = [w.U.T, w.W.T, w.b, w.V.T, w.c]
    if w.cell == "gru":
        places, arrays = [*places, lambda m: m.cell.bias_n], [*arrays, np.zeros(H, np.float32)]
    model = Model(cell, eqx.nn.Linear(H, K, key=key), H)
    return eqx.tree_at(lambda m: [place(m) for place in places], model, [jnp.array(a) for a in arrays])


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates of a character model."""
    w = characters.work(case)
    K = w.V.shape[1]
    params, static = eqx.partition(filled(w), eqx.is_array)
    x, y = jnp.array(w.x), jnp.array(w.y)

    def loss(params: Any) -> jax.Array:
        logits = jax.vmap(eqx.combine(params, static), in_axes=1, out_axes=1)(jax.nn.one_hot(x, K))
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    return prepared(loss, params)
