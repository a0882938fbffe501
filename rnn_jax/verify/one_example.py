"""The derivations of `reference` that know one example only, run on each example of a batch in turn.

Each runs as many steps as the example's mask is on; gradients of shared parameters are summed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from reference import columns, conventions, parameters, rtrl, steps
from rnn_jax.verify.autodiff import Values, outputs_by_name
from rnn_jax.verify.objective import logit_gradient, penalty_gradient, total_loss
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


# Without the gradients of the logits (T, K) and the final state (H,), the forward alone.
Run = Callable[[Example, np.ndarray | None, np.ndarray], Result]


def fits(point: Point) -> bool:
    """Whether the point is one forward layer with one bias, its sequences at most padded."""
    shape = point.shape
    plain = shape.layers == 1 and shape.directions == ("forward",) and not shape.second_bias
    return plain and point.padded


def run_columns(example: Example, do: np.ndarray | None, dh: np.ndarray) -> Result:
    """One example through columns.py."""
    params = columns.Params(**conventions.to("columns", "rnn", example.params))
    x = rtrl.as_rows(example.x, params.U.shape[1], params.U.dtype)
    o, cache = columns.forward(params, x[..., None], example.h0[:, None])
    h = cache.h[len(x) - 1][:, 0]
    if do is None:
        return Result(o[..., 0], h, {})
    g = columns.backward(params, cache, do[..., None], dh[:, None])
    gradients = conventions.back("columns", "rnn", g.params._asdict())
    return Result(o[..., 0], h, gradients | {"x": g.x[..., 0], "h0": g.h0[:, 0]})


def run_steps(example: Example, do: np.ndarray | None, dh: np.ndarray) -> Result:
    """One example through steps.py, which has no gradient of its inputs."""
    params = conventions.to("steps", "rnn", example.params)
    X: list[steps.Input] = (
        [None if index < 0 else int(index) for index in example.x]
        if example.x.ndim == 1
        else [x_t[:, None] for x_t in example.x]
    )
    y, a, x = steps.forward(params, X, example.h0[:, None])
    o, h = np.stack(y)[..., 0], a[len(X) - 1][:, 0]
    if do is None:
        return Result(o, h, {})
    g, da = steps.backward(params, [do_t[:, None] for do_t in do], a, x, dh[:, None])
    gradients = conventions.back("steps", "rnn", {name[1:]: array for name, array in g.items()})
    return Result(o, h, gradients | {"h0": da[:, 0]})


def run_rtrl(example: Example, do: np.ndarray | None, dh: np.ndarray) -> Result:
    """One example through rtrl.py, which has no gradient of its inputs."""
    params = rtrl.Params(**example.params)
    o, h = rtrl.forward(params, example.x, example.h0)
    if do is None:
        return Result(o, h, {})
    o, g, dh0 = rtrl.gradient(params, example.x, example.h0, lambda t, _: do[t], dh)
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


def forward(run: Run, point: Point) -> tuple[np.ndarray, Any]:
    """Logits and final states of the batch."""
    dh = np.asarray(point.dfinal[0][0].h)
    return join(point, [run(example, None, dh[b]) for b, example in enumerate(split(point))])


def loss(run: Run, point: Point) -> Any:
    """The loss of the forward alone."""
    return total_loss(point, *forward(run, point))


def differentiate(run: Run, point: Point) -> Values:
    """Loss, outputs and gradients by hand."""
    o, final = forward(run, point)
    do, dh = logit_gradient(point, o), np.asarray(point.dfinal[0][0].h)
    examples = split(point)
    results = [run(e, do[: len(e.x), b], dh[b]) for b, e in enumerate(examples)]
    gradients: dict[str, Any] = {
        name: sum(result.gradients[name] for result in results) for name in ("U", "W", "b", "V", "c")
    }
    gradients["V"] = gradients["V"] + penalty_gradient(point)
    gradients["h0"] = np.stack([result.gradients["h0"] for result in results])
    if "x" in results[0].gradients and not point.shape.indices:
        gradients["x"] = np.zeros_like(point.x)
        for b, result in enumerate(results):
            gradients["x"][: len(examples[b].x), b] = result.gradients["x"]
    return Values(total_loss(point, o, final), outputs_by_name(point, o, final), gradients)
