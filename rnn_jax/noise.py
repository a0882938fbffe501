"""What dropout and zoneout draw by chance, as data that `model.forward` is given: drawn from a key, or in the mean."""

from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp

from rnn_jax import cells, model
from rnn_jax.arrays import Array
from rnn_jax.errors import require, require_number
from rnn_jax.spec import Spec


@dataclass(frozen=True)
class Rates:
    """How often something is dropped or kept; raises InputError for what cannot be.

    dropout: of what each layer hands on, to the next or to the readout (Zaremba, Sutskever, Vinyals 2014).
    recurrent_dropout: of the state where it enters a product with W, the same at every step (Gal, Ghahramani 2016).
    zoneout, zoneout_cell: of the hidden state and of the LSTM's cell state, the old one kept (Krueger et al. 2017).
    """

    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    zoneout_cell: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be, in one sentence."""
        for field in fields(self):
            rate = getattr(self, field.name)
            require_number(f"the rate of {field.name}", rate)
            require(0 <= rate < 1, f"the rate of {field.name} is {rate}, but 0 or more and less than 1 is right")


NO_NOISE = Rates()


def draw(key: Array, spec: Spec, rates: Rates, T: int, B: int, dtype: Any = jnp.float32) -> model.Noise:
    """Noise for T steps of B sequences; None wherever the rate is 0."""
    check(spec, rates)
    H, ways = spec.H, len(spec.directions)

    def dropout(key: Array, rate: float, *shape: int) -> Array | None:
        return jnp.where(jax.random.bernoulli(key, rate, shape), 0, 1 / (1 - rate)).astype(dtype) if rate else None

    def zoneout(key: Array, rate: float) -> Array | None:
        return jax.random.bernoulli(key, rate, (T, B, H)).astype(dtype) if rate else None

    def layer(key: Array) -> cells.Noise:
        h, zh, zs = jax.random.split(key, 3)
        kh = dropout(h, rates.recurrent_dropout, B, H)
        return cells.Noise(kh, zoneout(zh, rates.zoneout), zoneout(zs, rates.zoneout_cell))

    keys = jax.random.split(key, (spec.layers, 1 + ways))
    kx = tuple(dropout(keys[level, 0], rates.dropout, T, B, ways * H) for level in range(spec.layers))
    return model.Noise(kx, tuple(tuple(map(layer, keys[level, 1:])) for level in range(spec.layers)))


def expected(spec: Spec, rates: Rates, dtype: Any = jnp.float32) -> model.Noise:
    """What is drawn in the mean, for a network that has learned: no dropout, and zoneout keeps its rate of the old."""
    check(spec, rates)

    def share(rate: float) -> Array | None:
        return jnp.full((1, 1, 1), rate, dtype) if rate else None

    layer = cells.Noise(None, share(rates.zoneout), share(rates.zoneout_cell))
    return model.Noise((None,) * spec.layers, ((layer,) * len(spec.directions),) * spec.layers)


def check(spec: Spec, rates: Rates) -> None:
    """Raise InputError where a rate has nothing to act on."""
    kept = cells.CELLS[spec.cell].has_cell_state
    require(kept or not rates.zoneout_cell, f"zoneout_cell is {rates.zoneout_cell}, but the cell {spec.cell} has none")
