"""Where points come from: the founding problems, random configurations, and a person's own file."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from rnn_jax import cells, initial, model
from rnn_jax.errors import InputError, require
from rnn_jax.problems import Problem
from rnn_jax.verify.points import Loss, Point, Shape, cast


def from_problem(problem: Problem, cell: str) -> Point:
    """A founding problem with one cell; its targets are indices, its initial state zero."""
    T, B = problem.x.shape
    D = len(problem.vocabulary)
    params = problem.parameters(cell)
    state0 = initial.zero_state(B, problem.H, cell=cell)
    shape = Shape(
        cell,
        *(T, B, D, problem.H, D),
        indices=True,
        second_bias=params.layers[0][0].bh is not None,
        reduction=problem.reduction,
        l2=problem.l2,
    )
    weights = problem.mask.astype(float)
    return Point(problem.name, shape, params, problem.x, state0, problem.mask, problem.y, weights, state0)


class Plan(NamedTuple):
    """What a random shape holds besides its sizes; T is drawn where it is None."""

    layers: int
    directions: tuple[model.Direction, ...]
    indices: bool
    second_bias: bool
    loss: Loss
    T: int | None = None


FORWARD: tuple[model.Direction, ...] = ("forward",)
REVERSE: tuple[model.Direction, ...] = ("reverse",)
BOTH: tuple[model.Direction, ...] = ("forward", "reverse")

# In this order, so that even the first three hold every parameter, mask, layer count and direction.
PLANS = (
    Plan(1, FORWARD, False, False, "linear"),
    Plan(3, REVERSE, True, False, "cross_entropy"),
    Plan(2, BOTH, False, True, "linear"),
    Plan(1, FORWARD, True, False, "cross_entropy", T=1),
    Plan(1, FORWARD, False, False, "squared_error"),
    Plan(3, BOTH, False, True, "squared_error"),
    Plan(1, BOTH, False, True, "linear", T=2),
    Plan(2, FORWARD, False, False, "cross_entropy"),
    Plan(1, FORWARD, True, False, "squared_error"),
    Plan(1, FORWARD, False, False, "linear", T=25),
    Plan(2, REVERSE, False, True, "linear"),
    Plan(1, REVERSE, True, True, "cross_entropy"),
)

# Uniform weights of scale s have a spectral radius of about s / sqrt(3): from contracting to mildly chaotic.
SCALES = (0.5, 1.0, 2.0, 3.0)


def random_shapes(cell: str, count: int, rng: np.random.Generator) -> list[Shape]:
    """The first `count` plans with sizes that all differ, so that no transpose can hide."""
    shapes = []
    for plan in PLANS[:count]:
        T, B, D, H, K = (int(size) for size in rng.permutation(np.arange(2, 9))[:5])
        reduction = "mean" if rng.random() < 0.5 else "sum"
        shapes.append(
            Shape(
                *(cell, plan.T or T, B, D, H, K, plan.layers, plan.directions, plan.indices, plan.second_bias),
                loss=plan.loss,
                reduction="sum" if plan.loss == "linear" else reduction,  # type: ignore[arg-type]
                l2=0.1 if rng.random() < 0.5 else 0.0,
            )
        )
    return shapes


def random_mask(shape: Shape, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A mask (T, B) and weights (T, B) of the loss: none, gaps anywhere, or padding that counts nothing."""
    kind = rng.choice(["none", "gaps", "padding"])
    weights = rng.uniform(0.5, 2.0, (shape.T, shape.B))
    mask = np.ones((shape.T, shape.B), bool)
    if kind == "gaps":
        mask = rng.random(mask.shape) < 0.7
        mask[0, 0] = True  # a point at which nothing happens would test nothing
    if kind == "padding":
        mask = np.arange(shape.T)[:, None] < rng.integers(1, shape.T + 1, shape.B)
        weights = weights * mask
    return mask, weights


def random_target(shape: Shape, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices with some steps left out, or rows of real numbers; the linear loss counts only weighted steps."""
    if shape.loss == "cross_entropy":
        classes = rng.integers(-1, shape.K, (shape.T, shape.B)).astype(np.int32)
        classes[0, 0] = 0  # a mean needs one step that counts
        return classes
    y = rng.normal(size=(shape.T, shape.B, shape.K))
    return y * (weights > 0)[..., None] if shape.loss == "linear" else y


def random_states(shape: Shape, rng: np.random.Generator) -> model.States:
    """A state for every layer and direction, normal."""

    def state() -> cells.State:
        h, s = rng.normal(size=(2, shape.B, shape.H))
        return cells.State(h, s if cells.CELLS[shape.cell].has_cell_state else None)

    return tuple(tuple(state() for _ in shape.directions) for _ in range(shape.layers))


def random_point(name: str, shape: Shape, rng: np.random.Generator) -> Point:
    """Random numbers for a shape: no zero state, random cotangents, one of several weight scales."""
    params = initial.uniform(
        *(rng, shape.D, shape.H, shape.K),
        cell=shape.cell,
        layers=shape.layers,
        directions=len(shape.directions),
        second_bias=shape.second_bias,
        scale=rng.choice(SCALES),
    )
    x: np.ndarray = rng.normal(size=(shape.T, shape.B, shape.D))
    if shape.indices:
        x = rng.integers(-1, shape.D, (shape.T, shape.B)).astype(np.int32)
        x[0, 0] = 0
    mask, weights = random_mask(shape, rng)
    y = random_target(shape, weights, rng)
    return Point(name, shape, params, x, random_states(shape, rng), mask, y, weights, random_states(shape, rng))


REQUIRED = ("x", "U", "W", "b", "V", "c")
OPTIONAL = ("bh", "h0", "s0", "y", "mask", "weights")


def from_file(path: Path) -> list[Point]:
    """A person's own numbers, one layer, in an .npz: a point for every cell whose gates fit W.

    The arrays are x (T, B, D) or indices (T, B), U, W, b, V, c, and where wanted bh, h0, s0, y, mask, weights.
    Integer y asks for cross-entropy, real y for squared error, no y for a random linear loss. Raises
    InputError for whatever does not fit.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            given = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}), but an .npz file of plain arrays is right") from error
    for name in given:
        require(
            name in REQUIRED + OPTIONAL, f"{path} holds {name!r}, but only {', '.join(REQUIRED + OPTIONAL)} are known"
        )
    for name in REQUIRED:
        require(name in given, f"{path} lacks {name!r}, but it must hold {', '.join(REQUIRED)}")
    for name, array in given.items():
        check_numbers(name, array)
    W = given["W"]
    require(W.ndim == 2 and W.shape[0] > 0, f"W has shape {W.shape}, but (H, G·H) with H at least 1 is right")
    fitting = [cell for cell in cells.CELLS if W.shape[1] == cells.CELLS[cell].gates * W.shape[0]]
    require(bool(fitting), f"W has shape {W.shape}, but (H, H), (H, 3H) or (H, 4H) fit a cell")
    return [own_point(path.stem, given, cell) for cell in fitting]


def check_numbers(name: str, array: np.ndarray) -> None:
    """Raise InputError unless the array holds finite numbers (or, for the mask, booleans)."""
    kinds = {"mask": "b", "y": "fiu", "x": "fiu"}.get(name, "f")
    require(
        array.dtype.kind in kinds,
        f"{name} has dtype {array.dtype}, but {'booleans' if kinds == 'b' else 'real numbers'} are right",
    )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = tuple(int(i) for i in bad[0])
        raise InputError(f"{name} holds {array[place]} at {place}, but every entry must be finite")


def own_point(name: str, given: dict[str, np.ndarray], cell: str) -> Point:
    """The point of one cell with a person's arrays; raises InputError where shapes or indices do not fit."""
    x, H, K = given["x"], given["W"].shape[0], given["V"].shape[-1]
    require(x.ndim in (2, 3), f"x has shape {x.shape}, but (T, B, D), or (T, B) for indices, is right")
    T, B = x.shape[:2]
    require(T > 0 and B > 0, f"x has shape {x.shape}, but T and B must be at least 1")
    D = given["U"].shape[0]
    y = given.get("y")
    loss: Loss = "linear" if y is None else "squared_error" if y.dtype.kind == "f" else "cross_entropy"
    rng = np.random.default_rng(0)
    y = rng.normal(size=(T, B, K)) if y is None else y
    for label, indices, size in (("x", x, D), ("y", y, K)):
        if indices.dtype.kind in "iu":
            outside = indices[(indices < -1) | (indices >= size)]
            first = outside.flat[0] if outside.size else None
            require(
                first is None, f"{label} holds the index {first}, but only 0 to {size - 1}, and -1 for nothing, fit"
            )
    state = initial.zero_state(B, H, cell=cell)[0][0]
    state = cells.State(given.get("h0", state.h), None if state.s is None else given.get("s0", state.s))
    params = model.Params(
        ((cells.Params(given["U"], given["W"], given["b"], given.get("bh")),),), given["V"], given["c"]
    )
    shape = Shape(cell, T, B, D, H, K, indices=x.ndim == 2, second_bias="bh" in given, loss=loss)
    mask = given.get("mask", np.ones((T, B), bool))
    weights = given.get("weights", mask.astype(float))
    require(weights.shape == (T, B), f"weights have shape {weights.shape}, but x {x.shape} asks for {(T, B)}")
    model.check(params, x, ((state,),), mask, cell=cell, directions=FORWARD)
    expected = (T, B) if loss == "cross_entropy" else (T, B, K)
    require(y.shape == expected, f"y has shape {y.shape}, but the logits {(T, B, K)} ask for {expected}")
    zero = jax.tree.map(np.zeros_like, ((state,),))
    return cast(Point(name, shape, params, x, ((state,),), mask, y, weights, zero), "float64")
