"""Where points come from: the founding problems and random configurations."""

import itertools
import math
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from rnn_jax import cells, initial, model
from rnn_jax.losses import Reduction
from rnn_jax.problems import Problem
from rnn_jax.verify.points import LAST, OF_ALL_CELLS, Loss, Point, Shape


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
    loss: Loss
    reduction: Reduction = "sum"
    l2: float = 0.0
    second_bias: bool = True
    indices: bool = False
    T: int | None = None


FORWARD: tuple[model.Direction, ...] = ("forward",)
REVERSE: tuple[model.Direction, ...] = ("reverse",)
BOTH: tuple[model.Direction, ...] = ("forward", "reverse")

# Every layer count in every direction with every parameter, and three of the one-example kind: one long enough for a
# truncation at 40 steps to show, one with indices, one of a single step. In this order, so that even the first five
# hold every loss, reduction, parameter, layer count and direction.
PLANS = (
    Plan(1, FORWARD, "linear", second_bias=False, T=100),
    Plan(2, BOTH, "squared_error", "mean", l2=0.1),
    Plan(3, REVERSE, "cross_entropy", "mean"),
    Plan(1, FORWARD, "cross_entropy", second_bias=False, indices=True, l2=0.1),
    Plan(1, FORWARD, "squared_error", second_bias=False, T=1),
    Plan(1, FORWARD, "cross_entropy", "mean", l2=0.1),
    Plan(1, REVERSE, "linear"),
    Plan(1, BOTH, "cross_entropy", T=2),
    Plan(2, FORWARD, "squared_error"),
    Plan(2, REVERSE, "linear", l2=0.1),
    Plan(3, FORWARD, "cross_entropy"),
    Plan(3, BOTH, "linear"),
)

# Uniform weights of scale s have a spectral radius of about s/√3: from contracting to mildly chaotic. Over a long
# sequence the first would forget all but the last steps, and the last would drown the gradient in rounding.
SCALES = (0.5, 1.0, 2.0, 3.0)
LONG = 25
LONG_SCALES = (1.0, 1.5, 2.0)


def random_shapes(cell: str, count: int, rng: np.random.Generator) -> list[Shape]:
    """The first `count` plans, at most all of them."""
    return [random_sizes(cell, plan, rng) for plan in PLANS[:count]]


def shapes_of_all(family: str, count: int, rng: np.random.Generator) -> list[Shape]:
    """Every cell with a kind of noise, or read out at the end, each with another plan, and then with more of them."""
    more: dict[str, Any] = {"head": "last"} if family == LAST else {"noise": (family,)}
    most = math.lcm(len(cells.CELLS), len(PLANS))
    plans = PLANS[7:] + PLANS[:7]  # so that those with both biases come first
    dealt = zip(itertools.cycle(cells.CELLS), itertools.cycle(plans), range(min(max(count, len(cells.CELLS)), most)))
    return [replace(random_sizes(cell, plan, rng), **more) for cell, plan, _ in dealt]


def random_sizes(cell: str, plan: Plan, rng: np.random.Generator) -> Shape:
    """A plan with sizes that all differ, so that no mixed-up axis can hide."""
    sizes = rng.permutation([size for size in range(2, 9) if size != plan.T])
    T, B, D, H, K = (int(size) for size in sizes[:5])
    if cells.CELLS[cell].normalised:  # of two features nothing is left but their order
        H, K = max(H, K), min(H, K)
    return Shape(**plan._asdict() | {"cell": cell, "T": plan.T or T, "B": B, "D": D, "H": H, "K": K})


MASKS = ("padding", "gaps", "none")


def random_mask(shape: Shape, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A mask (T, B) and weights (T, B) of the loss: none, gaps anywhere, or padding that counts nothing."""
    weights = rng.uniform(0.5, 2.0, (shape.outputs, shape.B))
    mask = np.ones((shape.T, shape.B), bool)
    if kind == "gaps":
        mask = rng.random(mask.shape) < 0.7
        mask[0, 0] = True  # a point at which nothing happens would test nothing
    if kind == "padding":
        mask = np.arange(shape.T)[:, None] < rng.integers(1, shape.T + 1, shape.B)
        weights = weights * (mask if shape.head == "each" else 1)
    return mask, weights


def random_target(shape: Shape, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Real numbers; for cross-entropy classes beside indices and distributions beside vectors, both with gaps."""
    y = rng.normal(size=(shape.outputs, shape.B, shape.K))
    if shape.loss == "linear":
        return y * (weights > 0)[..., None]  # what lies in the padding counts nothing
    if shape.loss == "squared_error":
        return y
    classes = rng.integers(-1, shape.K, (shape.outputs, shape.B)).astype(np.int32)
    classes[0, 0] = 0  # a mean needs one step that counts
    return classes if shape.indices else (classes >= 0)[..., None] * rng.dirichlet(np.ones(shape.K), classes.shape)


def random_states(shape: Shape, rng: np.random.Generator) -> model.States:
    """A state for every layer and direction, normal."""

    def state() -> cells.State:
        h, s = rng.normal(size=(2, shape.B, shape.H))
        return cells.State(h, s if cells.CELLS[shape.cell].has_cell_state else None)

    return tuple(tuple(state() for _ in shape.directions) for _ in range(shape.layers))


def random_point(name: str, shape: Shape, mask_kind: str, rng: np.random.Generator) -> Point:
    """Random numbers for a shape: no zero state, random cotangents, one of several weight scales."""
    params = initial.uniform(
        *(rng, shape.D, shape.H, shape.K),
        cell=shape.cell,
        layers=shape.layers,
        directions=len(shape.directions),
        second_bias=shape.second_bias,
        scale=rng.choice(LONG_SCALES if shape.T > LONG else SCALES),
    )
    params = with_gains(params, 0.5 if shape.T > LONG else 1.0, rng)
    x: np.ndarray = rng.normal(size=(shape.T, shape.B, shape.D))
    if shape.indices:
        x = rng.integers(-1, shape.D, (shape.T, shape.B)).astype(np.int32)
        x[0, 0] = 0
    mask, weights = random_mask(shape, mask_kind, rng)
    y = random_target(shape, weights, rng)
    state0, dfinal = random_states(shape, rng), random_states(shape, rng)
    noise = random_noise(shape, rng) if shape.noise else None
    return Point(name, shape, params, x, state0, mask, y, weights, dfinal, noise)


def with_gains(params: model.Params, scale: float, rng: np.random.Generator) -> model.Params:
    """The gains of normalisation at random: the scale is theirs, whatever that of the weights."""

    def layer(q: cells.Params) -> cells.Params:
        return q._replace(norm=jax.tree.map(lambda gain: scale * (gain + rng.uniform(-0.5, 0.5, gain.shape)), q.norm))

    return params._replace(layers=tuple(tuple(map(layer, row)) for row in params.layers))


def random_noise(shape: Shape, rng: np.random.Generator) -> model.Noise:
    """What the shape says is drawn by chance, each kind in both of its ways."""
    width = shape.H * len(shape.directions)

    def drop(steps: int, *rest: int) -> np.ndarray:
        kept = rng.random((rng.choice([steps, 1]), *rest)) < rng.uniform(0.4, 0.8)
        kept[..., rng.integers(rest[-1])] = True  # where nothing is left, nothing is tested
        return np.broadcast_to(kept, (steps, *rest)) / kept.mean()

    def zone() -> np.ndarray:
        share = rng.uniform(0.1, 0.5)
        kept = rng.random((shape.T, shape.B, shape.H)) < share
        return kept.astype(float) if rng.random() < 0.5 else np.full(kept.shape, share)

    def layer() -> cells.Noise:
        kh = drop(1, shape.B, shape.H)[0] if "variational" in shape.noise else None
        zh = zone() if "zoneout" in shape.noise else None
        lstm = cells.CELLS[shape.cell].has_cell_state
        return cells.Noise(kh, zh, zone() if "zoneout" in shape.noise and lstm else None)

    kx = tuple(drop(shape.T, shape.B, width) if "dropout" in shape.noise else None for _ in range(shape.layers))
    return model.Noise(kx, tuple(tuple(layer() for _ in shape.directions) for _ in range(shape.layers)))


def sweep(family: str, count: int, seed: int) -> list[Point]:
    """Random points of a cell, or of another family, dealt out to some shapes, each with every mask in turn."""
    rng = np.random.default_rng([seed, *family.encode()])  # the same points whatever others are asked for
    make = random_shapes if family in cells.CELLS else shapes_of_all
    shapes = make(family, -(-count // len(MASKS)), rng)
    masks = range(len(shapes)) if family in OF_ALL_CELLS else [0] * len(shapes)
    return [
        random_point(f"random {n}", shape, MASKS[(n // len(shapes) + first) % len(MASKS)], rng)
        for n, (shape, first) in zip(range(count), itertools.cycle(zip(shapes, masks, strict=True)), strict=False)
    ]
