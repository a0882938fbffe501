"""The derivations of `reference` that know one example only, run on each example of a batch in turn.

Each runs as many steps as the example's mask is on; gradients of shared parameters are summed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from reference import columns, conventions, parameters, rtrl, steps
from rnn_jax.verify.autodiff import Values, outputs_by_name
from rnn_jax.verify.objective import penalty_gradient, step_gradient, total_loss
from rnn_jax.verify.points import Point


class Example(NamedTuple):
    """One example of a batch: a tanh network with one bias, and T steps of input."""

    params: dict[str, np.ndarray]  # canonical U, W, b, V, c
    x: np.ndarray  # vectors (T, D) or indices (T,)
    h0: np.ndarray  # (H,)


class Result(NamedTuple):
    """Its logits (T, K), its final state (H,), and the gradients by canonical name."""

    o: np.ndarray
    h: np.ndarray
    gradients: dict[str, np.ndarray]


# The gradient of the loss with respect to the logits (K,) of a step: (t, logits) to (K,).
Seed = Callable[[int, np.ndarray], np.ndarray]

# Without a seed the forward alone; dh (H,) is the gradient of the final state.
Run = Callable[[Example, Seed | None, np.ndarray], Result]


def fits(point: Point) -> bool:
    """Whether the point is one forward layer with one bias, its sequences at most padded."""
    shape = point.shape
    plain = shape.layers == 1 and shape.directions == ("forward",) and not shape.second_bias
    return plain and point.padded


def run_columns(example: Example, seed: Seed | None, dh: np.ndarray) -> Result:
    """One example through columns.py."""
    params = columns.Params(**conventions.to("columns", "rnn", example.params))
    x = rtrl.as_rows(example.x, params.U.shape[1], params.U.dtype)
    o, cache = columns.forward(params, x[..., None], example.h0[:, None])
    h = cache.h[len(x) - 1][:, 0]
    if seed is None:
        return Result(o[..., 0], h, {})
    do = np.stack([seed(t, o_t[:, 0])[:, None] for t, o_t in enumerate(o)])
    g = columns.backward(params, cache, do, dh[:, None])
    gradients = conventions.back("columns", "rnn", g.params._asdict())
    return Result(o[..., 0], h, gradients | {"x": g.x[..., 0], "h0": g.h0[:, 0]})


def run_steps(example: Example, seed: Seed | None, dh: np.ndarray) -> Result:
    """One example through steps.py, which has no gradient of its inputs."""
    params = conventions.to("steps", "rnn", example.params)
    X: list[steps.Input] = (
        [None if index < 0 else int(index) for index in example.x]
        if example.x.ndim == 1
        else [x_t[:, None] for x_t in example.x]
    )
    y, a, x = steps.forward(params, X, example.h0[:, None])
    o, h = np.stack(y)[..., 0], a[len(X) - 1][:, 0]
    if seed is None:
        return Result(o, h, {})
    dy = [seed(t, o_t)[:, None] for t, o_t in enumerate(o)]
    g, da = steps.backward(params, dy, a, x, dh[:, None])
    gradients = conventions.back("steps", "rnn", {name[1:]: array for name, array in g.items()})
    return Result(o, h, gradients | {"h0": da[:, 0]})


def run_rtrl(example: Example, seed: Seed | None, dh: np.ndarray) -> Result:
    """One example through rtrl.py, which has no gradient of its inputs."""
    params = rtrl.Params(**example.params)
    if seed is None:
        return Result(*rtrl.forward(params, example.x, example.h0), {})
    o, h, g, dh0 = rtrl.gradient(params, example.x, example.h0, seed, dh)
    return Result(o, h, g._asdict() | {"h0": dh0})


def split(point: Point) -> list[Example]:
    """The examples of a point, each as long as its mask is on."""
    q: Any = point.params.layers[0][0]
    params: Any = {"U": q.U, "W": q.W, "b": q.b, "V": point.params.V, "c": point.params.c}
    h0 = np.asarray(point.state0[0][0].h)
    return [Example(params, point.x[:T, b], h0[b]) for b, T in enumerate(point.mask.sum(0))]


def join(point: Point, results: list[Result]) -> tuple[np.ndarray, Any]:
    """The examples' logits (T, B, K), zero in the padding, and their final states."""
    o = np.zeros((point.shape.T, point.shape.B, point.shape.K), np.result_type(*(r.o for r in results)))
    for b, result in enumerate(results):
        o[: len(result.o), b] = result.o
    return o, ((parameters.State(np.stack([result.h for result in results])),),)


def loss(run: Run, point: Point) -> Any:
    """The loss of the forward alone."""
    dh = np.asarray(point.dfinal[0][0].h)
    return total_loss(point, *join(point, [run(example, None, dh[b]) for b, example in enumerate(split(point))]))


def differentiate(run: Run, point: Point) -> Values:
    """Loss, outputs and gradients by hand."""
    dh, at, examples = np.asarray(point.dfinal[0][0].h), step_gradient(point), split(point)
    results = [run(e, lambda t, o, b=b: at(t, b, o), dh[b]) for b, e in enumerate(examples)]  # type: ignore[misc]
    o, final = join(point, results)
    gradients: dict[str, Any] = {
        name: sum(result.gradients[name] for result in results) for name in ("U", "W", "b", "V", "c")
    }
    gradients["V"] = gradients["V"] + penalty_gradient(point)
    gradients["h0"] = np.stack([result.gradients["h0"] for result in results])
    if "x" in results[0].gradients and not point.shape.indices:
        gradients["x"] = np.zeros(point.x.shape, results[0].gradients["x"].dtype)
        for b, result in enumerate(results):
            gradients["x"][: len(examples[b].x), b] = result.gradients["x"]
    return Values(total_loss(point, o, final), outputs_by_name(point, o, final), gradients)
