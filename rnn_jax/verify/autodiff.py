"""The truth to compare with: jax.grad of the lax.scan forward, compiled once for each shape."""

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnn_jax import losses, model
from rnn_jax.verify.points import Point, Shape, by_name

# Small programs, run a few times: what XLA's optimiser costs here it never earns back (measured on a CPU: less than
# half the time to compile, and the same numbers to rounding; for a GPU XLA has no code that is not optimised, but
# kernels need not be tried out against each other). Each option is XLA's own and may go with a version.
WISHED: dict[str, dict[str, Any]] = {
    "cpu": {
        "xla_backend_optimization_level": 0,
        "xla_cpu_use_fusion_emitters": False,
        "xla_cpu_parallel_codegen_split_count": 1,
    },
    "gpu": {"xla_gpu_autotune_level": 0},
}


@cache
def compiler_options(backend: str = "cpu") -> dict[str, Any]:
    """Those of the options wished for what JAX computes on that this version of XLA knows."""

    def known(name: str, value: Any) -> bool:
        try:
            jax.jit(lambda x: x, compiler_options={name: value}).lower(0.0).compile()
        except Exception:  # which one is raised for an unknown option is not documented
            return False
        return True

    return {name: value for name, value in WISHED.get(backend, {}).items() if known(name, value)}


@contextlib.contextmanager
def on_cpu() -> Iterator[str]:
    """Within it JAX computes on the CPU; where it was told of nothing but a GPU, on that. Gives which it is."""
    where = jax.default_backend()
    with contextlib.ExitStack() as stack:
        if where != "cpu":
            with contextlib.suppress(RuntimeError):
                stack.enter_context(jax.default_device(jax.local_devices(backend="cpu")[0]))
                where = "cpu"
        yield where


class Values(NamedTuple):
    """What an implementation says of a point: the loss, the logits and final states, and the gradients by name."""

    loss: np.ndarray
    outputs: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]


def total_loss(
    shape: Shape, plan: model.Plan, params: Any, x: Any, state0: Any, rest: dict[str, Any]
) -> tuple[Any, Any]:
    """The point's loss, and the logits and final states beside it."""
    cell, directions = shape.cell, shape.directions
    options: dict[str, Any] = {"cell": cell, "directions": directions, "head": shape.head, "plan": plan}
    o, final = model.forward(params, x, state0, rest["mask"], noise=rest["noise"], **options)
    if shape.loss == "linear":
        value: Any = jnp.sum(rest["y"] * o)
    elif shape.loss == "cross_entropy":
        value = losses.cross_entropy(o, rest["y"], rest["weights"], shape.reduction)
    else:
        value = losses.squared_error(o, rest["y"], rest["weights"], shape.reduction)
    cotangents = jax.tree.map(lambda df, f: jnp.sum(df * f), rest["dfinal"], final)
    value += losses.l2(params.V, shape.l2) + sum(jax.tree.leaves(cotangents))
    return value, (o, final)


@cache
def gradient_function(shape: Shape, plan: model.Plan, backend: str) -> Any:
    """The jitted value and gradient for a shape; jax compiles it at the first call."""

    def evaluate(params: Any, x: Any, state0: Any, rest: dict[str, Any]) -> Any:
        def loss(params: Any, x: Any, state0: Any) -> tuple[Any, Any]:
            return total_loss(shape, plan, params, x, state0, rest)

        argnums = (0, 2) if shape.indices else (0, 2, 1)
        return jax.value_and_grad(loss, argnums, has_aux=True)(params, x, state0)

    return jax.jit(evaluate, compiler_options=compiler_options(backend))


def differentiate(point: Point, plan: model.Plan = "plain") -> Values:
    """The loss, outputs and gradients that JAX computes, in the dtype of the point.

    plan: by autodiff of the scan, which is the truth, or one of those that training takes, "fast" and "cudnn".
    Those are computed where training is, and the truth on the CPU, so that two compilers have to agree.
    """
    rest = {name: getattr(point, name) for name in ("mask", "y", "weights", "dfinal", "noise")}
    # Thread by thread, and back as it was: the caller's JAX stays in the precision they chose.
    # GPUs round float32 products to ten bits unless they are told not to.
    with (
        jax.enable_x64(point.shape.dtype == "float64"),
        jax.default_matmul_precision("highest"),
        on_cpu() if plan == "plain" else contextlib.nullcontext(jax.default_backend()) as where,
    ):
        result = gradient_function(point.shape, plan, where)(point.params, point.x, point.state0, rest)
        (loss, (o, final)), (dparams, dstate, *dx) = jax.tree.map(np.asarray, result)
    return Values(
        loss,
        outputs_by_name(point, o, final),
        by_name(dparams, dx[0] if dx else None, dstate, point.shape.directions),
    )


def outputs_by_name(point: Point, o: np.ndarray, final: Any) -> dict[str, np.ndarray]:
    """The logits of the steps that the mask leaves on, and each final state as h[0,forward] or s[0,forward]."""
    states = {
        f"{name}[{level},{direction}]": array
        for level, layer in enumerate(final)
        for state, direction in zip(layer, point.shape.directions, strict=True)
        for name, array in state._asdict().items()
        if array is not None
    }
    return {"o": o[point.mask] if point.shape.head == "each" else o} | states
