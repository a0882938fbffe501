"""Where training starts: parameters and states as NumPy arrays, so that any seed gives the same on any device."""

from collections.abc import Callable

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

    def draw(fan_in: int, *shape: int) -> np.ndarray:
        bound = scale / np.sqrt(fan_in)
        return rng.uniform(-bound, bound, shape)

    return made(draw, D, H, K, cell, layers, directions, second_bias)


def shaped(
    D: int, H: int, K: int, *, cell: str = "rnn", layers: int = 1, directions: int = 1, second_bias: bool = False
) -> model.Params:
    """Parameters of the shapes that `uniform` gives, without a number drawn or stored; float64."""
    return made(lambda _, *shape: np.broadcast_to(0.0, shape), D, H, K, cell, layers, directions, second_bias)


def made(
    draw: Callable[..., np.ndarray], D: int, H: int, K: int, cell: str, layers: int, directions: int, second_bias: bool
) -> model.Params:
    """Parameters of what `draw` gives for a fan-in and a shape."""
    G = cells.CELLS[cell].gates
    started = {"gx": np.ones(G * H), "gh": np.ones(G * H), "gs": np.ones(H), "bs": np.zeros(H)}
    norm = cells.Norm(**{name: started[name] for name in cells.CELLS[cell].gains})

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


def orthogonal(rng: np.random.RandomState | np.random.Generator, params: model.Params) -> model.Params:
    """The parameters with each gate's recurrent matrix orthogonal and biases of 0.

    Saxe, McClelland, Ganguli, Exact Solutions to the Nonlinear Dynamics of Learning (2014), section 3.
    """

    def layer(p: cells.Params) -> cells.Params:
        H = p.W.shape[0]
        blocks = [np.linalg.qr(rng.normal(size=(H, H))) for _ in range(p.W.shape[1] // H)]
        W = np.concatenate([q * np.sign(np.diag(r)) for q, r in blocks], axis=1)
        return p._replace(W=W, b=np.zeros(p.b.shape), bh=None if p.bh is None else np.zeros(p.bh.shape))

    return params._replace(layers=tuple(tuple(map(layer, each)) for each in params.layers), c=np.zeros(params.c.shape))


def with_forget_bias(params: model.Params, bias: float) -> model.Params:
    """An LSTM's parameters with so much added to the bias of the forget gate.

    Jozefowicz, Zaremba, Sutskever, An Empirical Exploration of Recurrent Network Architectures (2015), section 2.2.
    """

    def layer(p: cells.Params) -> cells.Params:
        H, b = p.W.shape[0], np.array(p.b)
        b[H : 2 * H] += bias  # the gates stand in the order i, f, g, o
        return p._replace(b=b)

    return params._replace(layers=tuple(tuple(map(layer, each)) for each in params.layers))
