"""Every hand-written implementation in `reference/`, ready to be run at a point."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import reference.model
from reference import columns, conventions, losses, parameters, rtrl, steps
from rnn_jax.verify.autodiff import Values, outputs_by_name
from rnn_jax.verify.points import Point, by_name


class Implementation(NamedTuple):
    """One hand-written gradient: what it is judged on, and how it is run."""

    name: str
    source: str
    cell: str  # the cell of rnn_jax whose gradient is the truth
    fits: Callable[[Point], bool]
    loss: Callable[[Point], Any]  # its own forward alone: complex numbers pass through it
    differentiate: Callable[[Point], Values]
    notes: Callable[[Point], tuple[str, ...]] = lambda point: ()


def total_loss(point: Point, o: np.ndarray, final: Any) -> Any:
    """The point's loss from the logits and the final states."""
    shape = point.shape
    if shape.loss == "linear":
        value = np.sum(point.y * o)
    else:
        value = getattr(losses, shape.loss)(o, point.y, point.weights, shape.reduction)
    value = value + losses.l2(point.params.V, shape.l2)
    for states, cotangents in zip(final, point.dfinal, strict=True):
        for state, cotangent in zip(states, cotangents, strict=True):
            value = value + sum(np.sum(df * f) for f, df in zip(state, cotangent, strict=True) if f is not None)
    return value


def logit_gradient(point: Point, o: np.ndarray) -> np.ndarray:
    """The gradient of the point's loss with respect to the logits (T, B, K)."""
    if point.shape.loss == "linear":
        return point.y
    return getattr(losses, point.shape.loss + "_gradient")(o, point.y, point.weights, point.shape.reduction)


# ---- the canonical model: rows, batches, layers, directions, masks ----


def canonical_point(point: Point) -> tuple[Any, Any, Any]:
    """Parameters, initial states and final cotangents in the classes of `reference`, by field name."""

    def states(tree: Any) -> Any:
        return tuple(tuple(parameters.State(**state._asdict()) for state in layer) for layer in tree)

    layers = tuple(tuple(parameters.Params(**q._asdict()) for q in layer) for layer in point.params.layers)
    params = reference.model.Params(layers, point.params.V, point.params.c)
    return params, states(point.state0), states(point.dfinal)


def canonical_forward(point: Point) -> tuple[np.ndarray, Any, Any]:
    """Logits, final states and cache."""
    params, state0, _ = canonical_point(point)
    options = {"cell": point.shape.cell, "directions": point.shape.directions}
    return reference.model.forward(params, point.x, state0, point.mask, **options)


def canonical_loss(point: Point) -> Any:
    """The loss of the canonical forward."""
    o, final, _ = canonical_forward(point)
    return total_loss(point, o, final)


def canonical_differentiate(point: Point) -> Values:
    """The canonical backward."""
    directions = point.shape.directions
    params, _, dfinal = canonical_point(point)
    o, final, cache = canonical_forward(point)
    do = logit_gradient(point, o)
    g = reference.model.backward(params, cache, do, dfinal, cell=point.shape.cell, directions=directions)
    dV = g.params.V + losses.l2_gradient(params.V, point.shape.l2)
    gradients = by_name(g.params._replace(V=dV), g.x, g.state, directions)
    return Values(total_loss(point, o, final), outputs_by_name(point, o, final), gradients)


def kinks(point: Point) -> tuple[str, ...]:
    """A rectifier has no slope at 0; all that is compared here takes it as 0 there, which deserves to be said."""
    _, _, cache = canonical_forward(point)
    count = sum(int(np.sum((run.a == 0) & run.mask[..., None])) for layer in cache.layers for run in layer)
    return (f"{count} pre-activations are exactly 0, where relu has no slope: it is taken as 0",) if count else ()


# ---- the derivations for one example: run on each column of the batch, as long as its mask is on ----


class Example(NamedTuple):
    """What one example of a batch gives: logits (T, K) and final state (H,), and the gradients by name."""

    o: np.ndarray
    h: np.ndarray
    gradients: dict[str, np.ndarray]


def one_example(point: Point) -> bool:
    """Whether the point is one forward layer with one bias, its sequences at most padded."""
    plain = point.shape.layers == 1 and point.shape.directions == ("forward",) and not point.shape.second_bias
    return plain and point.padded


def arrays(point: Point) -> dict[str, np.ndarray]:
    """The canonical parameters of a point with one layer."""
    q = point.params.layers[0][0]
    return {"U": q.U, "W": q.W, "b": q.b, "V": point.params.V, "c": point.params.c}


def as_vectors(point: Point, b: int, T: int) -> np.ndarray:
    """The first T inputs of example b as rows (T, D)."""
    p = point.params.layers[0][0].U
    return rtrl.as_rows(point.x[:T, b], len(p), p.dtype)


def columns_forward(point: Point, b: int, T: int) -> Any:
    """Parameters in column form, the logits (T, K, 1) and the cache of example b."""
    params = columns.Params(**conventions.to("columns", "rnn", arrays(point)))
    h0 = point.state0[0][0].h[b][:, None]
    return params, *columns.forward(params, as_vectors(point, b, T)[..., None], h0)


def columns_example(point: Point, b: int, T: int, do: np.ndarray | None) -> Example:
    """Example b through columns.py; without `do` (T, K) its forward alone."""
    params, o, cache = columns_forward(point, b, T)
    h = cache.h[T - 1][:, 0]
    if do is None:
        return Example(o[..., 0], h, {})
    g = columns.backward(params, cache, do[..., None], point.dfinal[0][0].h[b][:, None])
    gradients = conventions.back("columns", "rnn", g.params._asdict())
    return Example(o[..., 0], h, gradients | {"x": g.x[..., 0], "h0": g.h0[:, 0]})


def steps_example(point: Point, b: int, T: int, do: np.ndarray | None) -> Example:
    """Example b through steps.py; without `do` (T, K) its forward alone."""
    params = conventions.to("steps", "rnn", arrays(point))
    if point.shape.indices:
        X = [None if index < 0 else int(index) for index in point.x[:T, b]]
    else:
        X = [x_t[:, None] for x_t in point.x[:T, b]]
    y, a, x = steps.forward(params, X, point.state0[0][0].h[b][:, None])
    o, h = np.stack(y)[..., 0], a[T - 1][:, 0]
    if do is None:
        return Example(o, h, {})
    g, da = steps.backward(params, [d[:, None] for d in do], a, x, point.dfinal[0][0].h[b][:, None])
    gradients = conventions.back("steps", "rnn", {name[1:]: array for name, array in g.items()})
    return Example(o, h, gradients | {"h0": da[:, 0]})


def rtrl_example(point: Point, b: int, T: int, do: np.ndarray | None) -> Example:
    """Example b through rtrl.py; without `do` (T, K) its forward alone."""
    params = rtrl.Params(**arrays(point))
    x, h0 = point.x[:T, b], point.state0[0][0].h[b]
    o, h = rtrl.forward(params, x, h0)
    if do is None:
        return Example(o, h, {})
    o, g, dh0 = rtrl.gradient(params, x, h0, lambda t, o: do[t], point.dfinal[0][0].h[b])
    return Example(o, h, g._asdict() | {"h0": dh0})


def assemble(point: Point, examples: list[Example]) -> tuple[np.ndarray, Any]:
    """The examples' logits (T, B, K), zero in the padding, and their final states."""
    dtype = np.result_type(*(example.o for example in examples))
    o = np.zeros((point.shape.T, point.shape.B, point.shape.K), dtype)
    for b, example in enumerate(examples):
        o[: len(example.o), b] = example.o
    return o, ((parameters.State(np.stack([example.h for example in examples])),),)


Run = Callable[[Point, int, int, np.ndarray | None], Example]


def batched_loss(run: Run, point: Point) -> Any:
    """The loss of one-example code over the batch."""
    return total_loss(point, *assemble(point, [run(point, b, T, None) for b, T in lengths(point)]))


def lengths(point: Point) -> list[tuple[int, int]]:
    """The place and the length of each example."""
    return [(b, int(T)) for b, T in enumerate(point.mask.sum(0))]


def batched_differentiate(run: Run, point: Point) -> Values:
    """The gradients of one-example code, summed over the batch, or side by side for inputs and states."""
    o, final = assemble(point, [run(point, b, T, None) for b, T in lengths(point)])
    do = logit_gradient(point, o)
    examples = [run(point, b, T, do[:T, b]) for b, T in lengths(point)]
    shared = ("U", "W", "b", "V", "c")
    gradients = {name: sum(example.gradients[name] for example in examples) for name in shared}
    gradients["V"] = gradients["V"] + losses.l2_gradient(point.params.V, point.shape.l2)
    gradients["h0"] = np.stack([example.gradients["h0"] for example in examples])
    if "x" in examples[0].gradients and not point.shape.indices:
        gradients["x"] = np.zeros_like(point.x)
        for (b, T), example in zip(lengths(point), examples, strict=True):
            gradients["x"][:T, b] = example.gradients["x"]
    return Values(total_loss(point, o, final), outputs_by_name(point, o, final), gradients)


def canonical(name: str, source: str) -> Implementation:
    """A cell of the canonical model."""
    return Implementation(name, source, name, lambda _: True, canonical_loss, canonical_differentiate)


def single(name: str, run: Run) -> Implementation:
    """A tanh network written for one example."""
    return Implementation(
        *(name, f"reference/{name}.py", "rnn", one_example),
        lambda point: batched_loss(run, point),
        lambda point: batched_differentiate(run, point),
    )


IMPLEMENTATIONS = (
    canonical("rnn", "reference/rnn.py"),
    canonical("rnn-relu", "reference/rnn.py")._replace(notes=kinks),
    single("columns", columns_example),
    single("steps", steps_example),
    single("rtrl", rtrl_example),
    canonical("lstm", "reference/lstm.py"),
    canonical("gru", "reference/gru.py"),
    canonical("gru-before", "reference/gru_before.py"),
)
