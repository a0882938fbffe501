"""The canonical model of `reference` at a point: rows, batches, layers, directions and masks."""

from typing import Any

import numpy as np

from reference import model, noise, parameters
from rnn_jax.verify.autodiff import Values, outputs_by_name
from rnn_jax.verify.objective import logit_gradient, penalty_gradient, total_loss
from rnn_jax.verify.points import Point, by_name


def translate(point: Point) -> tuple[model.Params, model.States, model.States]:
    """Parameters, initial states and the final states' gradients in the classes of `reference`, by field name."""

    def states(tree: Any) -> model.States:
        return tuple(tuple(parameters.State(**state._asdict()) for state in layer) for layer in tree)

    def params_of(q: Any) -> parameters.Params:
        return parameters.Params(q.U, q.W, q.b, q.bh, parameters.Norm(**q.norm._asdict()))

    layers = tuple(tuple(map(params_of, layer)) for layer in point.params.layers)
    params = model.Params(layers, np.asarray(point.params.V), np.asarray(point.params.c))
    return params, states(point.state0), states(point.dfinal)


def noise_of(point: Point) -> model.Noise | None:
    """What was drawn by chance, in the classes of `reference`."""
    drawn: Any = point.noise
    if drawn is None:
        return None
    return model.Noise(drawn.kx, tuple(tuple(noise.Noise(**each._asdict()) for each in row) for row in drawn.layers))


def forward(point: Point) -> tuple[np.ndarray, model.States, model.Cache]:
    """Logits, final states and cache."""
    params, state0, _ = translate(point)
    shape = point.shape
    options: Any = {"cell": shape.cell, "directions": shape.directions, "noise": noise_of(point), "head": shape.head}
    return model.forward(params, point.x, state0, point.mask, **options)


def loss(point: Point) -> Any:
    """The loss of the forward alone."""
    o, final, _ = forward(point)
    return total_loss(point, o, final)


def differentiate(point: Point) -> Values:
    """Loss, outputs and gradients by hand."""
    shape = point.shape
    params, _, dfinal = translate(point)
    o, final, cache = forward(point)
    do = logit_gradient(point, o)
    g = model.backward(params, cache, do, dfinal, cell=shape.cell, directions=shape.directions)
    dparams = g.params._replace(V=g.params.V + penalty_gradient(point))
    gradients = by_name(dparams, g.x, g.state, shape.directions)
    return Values(total_loss(point, o, final), outputs_by_name(point, o, final), gradients)


def kinks(point: Point) -> tuple[str, ...]:
    """A rectifier has no slope at 0; all that is compared here takes it as 0 there, which deserves to be said."""
    _, _, cache = forward(point)
    runs: Any = [run for layer in cache.layers for run in layer]
    count = sum(int(np.sum((run.a == 0) & run.mask[..., None])) for run in runs)
    return (f"{count} pre-activations are exactly 0, where relu has no slope: it is taken as 0",) if count else ()
