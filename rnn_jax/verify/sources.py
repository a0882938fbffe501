"""Where points come from: the founding problems and random configurations."""

from typing import NamedTuple

import numpy as np

from rnn_jax import cells, initial, model
from rnn_jax.problems import Problem
from rnn_jax.verify.points import Loss, Point, Shape


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

# In this order, so that even the first four hold every parameter, layer count, direction and kind of input, and a
# sequence long enough for a truncation at 40 steps to show.
PLANS = (
    Plan(1, FORWARD, False, False, "linear"),
    Plan(1, FORWARD, False, False, "linear", T=100),
    Plan(2, BOTH, False, True, "linear"),
    Plan(3, REVERSE, True, False, "cross_entropy"),
    Plan(1, FORWARD, True, False, "cross_entropy", T=1),
    Plan(1, FORWARD, False, False, "squared_error"),
    Plan(3, BOTH, False, True, "squared_error"),
    Plan(1, BOTH, False, True, "linear", T=2),
    Plan(2, FORWARD, False, False, "cross_entropy"),
    Plan(1, FORWARD, True, False, "squared_error"),
    Plan(2, REVERSE, False, True, "linear"),
    Plan(1, REVERSE, True, True, "cross_entropy"),
)

# Uniform weights of scale s have a spectral radius of about s/√3: from contracting to mildly chaotic. Over a long
# sequence the first would forget all but the last steps, and the last would drown the gradient in rounding.
SCALES = (0.5, 1.0, 2.0, 3.0)
LONG = 25
LONG_SCALES = (1.0, 1.5, 2.0)


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
    """Real numbers; for cross-entropy classes beside indices and distributions beside vectors, both with gaps."""
    y = rng.normal(size=(shape.T, shape.B, shape.K))
    if shape.loss == "linear":
        return y * (weights > 0)[..., None]  # what lies in the padding counts nothing
    if shape.loss == "squared_error":
        return y
    classes = rng.integers(-1, shape.K, (shape.T, shape.B)).astype(np.int32)
    classes[0, 0] = 0  # a mean needs one step that counts
    return classes if shape.indices else (classes >= 0)[..., None] * rng.dirichlet(np.ones(shape.K), classes.shape)


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
        scale=rng.choice(LONG_SCALES if shape.T > LONG else SCALES),
    )
    x: np.ndarray = rng.normal(size=(shape.T, shape.B, shape.D))
    if shape.indices:
        x = rng.integers(-1, shape.D, (shape.T, shape.B)).astype(np.int32)
        x[0, 0] = 0
    mask, weights = random_mask(shape, rng)
    y = random_target(shape, weights, rng)
    return Point(name, shape, params, x, random_states(shape, rng), mask, y, weights, random_states(shape, rng))
