"""Where training starts: parameters and states as NumPy arrays, so that any seed gives the same on any device."""

import numpy as np

from rnn_jax import cells, model


def uniform(
    rng: np.random.RandomState | np.random.Generator,
    D: int,
    H: int,
    K: int,
    *,
    cell: str = "rnn",
    layers: int = 1,
    directions: int = 1,
    second_bias: bool = False,
    scale: float = 1.0,
) -> model.Params:
    """Parameters uniform within ±scale/sqrt(fan-in), biases within ±scale/sqrt(H), gains 1 and their shift 0; float64.

    Glorot, Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks (2010), equation 1.
    """
    G = cells.CELLS[cell].gates
    started = {"gx": np.ones(G * H), "gh": np.ones(G * H), "gs": np.ones(H), "bs": np.zeros(H)}
    norm = cells.Norm(**{name: started[name] for name in cells.CELLS[cell].gains})

    def draw(fan_in: int, *shape: int) -> np.ndarray:
        bound = scale / np.sqrt(fan_in)
        return rng.uniform(-bound, bound, shape)

    def layer(features: int) -> cells.Params:
        return cells.Params(
            draw(features, features, G * H),
            draw(H, H, G * H),
            draw(H, G * H),
            draw(H, G * H) if second_bias else None,
            norm,
        )

    widths = [D] + [directions * H] * (layers - 1)
    stack = tuple(tuple(layer(width) for _ in range(directions)) for width in widths)
    return model.Params(stack, draw(directions * H, directions * H, K), draw(directions * H, K))


def zero_state(B: int, H: int, *, cell: str = "rnn", layers: int = 1, directions: int = 1) -> model.States:
    """Initial states (B, H) of zeros for every layer and direction; float64."""
    s = np.zeros((B, H)) if cells.CELLS[cell].has_cell_state else None
    return tuple(tuple(cells.State(np.zeros((B, H)), s) for _ in range(directions)) for _ in range(layers))
