"""One point at which gradients are compared: a model's shape, all its numbers, and the loss."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import numpy as np

from rnn_jax import cells, model
from rnn_jax.losses import Reduction

Loss = Literal["linear", "cross_entropy", "squared_error"]


@dataclass(frozen=True)
class Shape:
    """All that XLA compiles for: points of one shape share one compiled gradient."""

    cell: str
    T: int
    B: int
    D: int
    H: int
    K: int
    layers: int = 1
    directions: tuple[model.Direction, ...] = ("forward",)
    indices: bool = False  # inputs (T, B) of indices, not (T, B, D) of vectors
    second_bias: bool = False
    loss: Loss = "cross_entropy"
    reduction: Reduction = "sum"
    l2: float = 0.0
    dtype: str = "float64"
    noise: tuple[str, ...] = ()  # what is drawn by chance: some of DRAWN
    head: model.Head = "each"

    @property
    def family(self) -> str:
        """Whose points these are: a kind of noise's, those of the last state, or else a cell's."""
        return "+".join(self.noise) or (LAST if self.head == "last" else self.cell)

    @property
    def outputs(self) -> int:
        """Steps that have logits."""
        return 1 if self.head == "last" else self.T


DRAWN = ("dropout", "variational", "zoneout")
LAST = "last-state"
OF_ALL_CELLS = (*DRAWN, LAST)  # families of points of every cell


@dataclass(frozen=True)
class Point:
    """The numbers, as NumPy arrays of the shape's dtype.

    The loss is the one the shape names, on the logits, plus l2 on V, plus <dfinal, final states>.
    """

    name: str
    shape: Shape
    params: model.Params
    x: np.ndarray
    state0: model.States
    mask: np.ndarray
    y: np.ndarray  # target, or for the linear loss <y, o> the gradient of the logits
    weights: np.ndarray  # (T, B), or (1, B) of the last state, of each step's loss
    dfinal: model.States
    noise: model.Noise | None = None

    @property
    def differentiable(self) -> dict[str, np.ndarray]:
        """Everything that has a gradient, by name: U, W, ..., x, h0, s0."""
        return by_name(self.params, None if self.shape.indices else self.x, self.state0, self.shape.directions)

    @property
    def padded(self) -> bool:
        """Whether steps that the mask switches off count nothing, as if each sequence simply ended."""
        lengths = self.mask.sum(0)
        ends = np.arange(len(self.mask))[:, None] >= lengths
        counted = self.y if self.shape.loss == "linear" else self.weights
        return bool(np.all(self.mask == ~ends) and not np.any(counted[ends]) and np.all(lengths > 0))


def by_name(
    params: Any, x: np.ndarray | None, state: Any, directions: tuple[model.Direction, ...]
) -> dict[str, np.ndarray]:
    """Parameters, input and states as one dictionary, by field name; those of deeper models as U[1,reverse].

    Takes what `reference` and `rnn_jax` each have for themselves: this is where the two are joined.
    """
    named: dict[str, np.ndarray] = {}
    plain = len(params.layers) == len(directions) == 1
    for level, (layer, states) in enumerate(zip(params.layers, state, strict=True)):
        for q, carried, direction in zip(layer, states, directions, strict=True):
            place = "" if plain else f"[{level},{direction}]"
            fields = {n: a for n, a in q._asdict().items() if n != "norm"} | q.norm._asdict()
            fields |= {"h0": carried.h, "s0": carried.s}
            named |= {name + place: array for name, array in fields.items() if array is not None}
    named |= {"V": params.V, "c": params.c}
    return named if x is None else named | {"x": x}


def with_arrays(point: Point, arrays: dict[str, np.ndarray]) -> Point:
    """The point with some of its differentiable arrays exchanged for others, by name."""
    arrays = point.differentiable | arrays
    plain = point.shape.layers == len(point.shape.directions) == 1

    def layer(place: str) -> Any:
        def fields(kind: Any) -> dict[str, Any]:
            return {name: arrays.get(name + place) for name in kind._fields if name != "norm"}

        return cells.Params(**fields(cells.Params), norm=cells.Norm(**fields(cells.Norm)))

    def state(place: str) -> cells.State:
        return cells.State(arrays["h0" + place], arrays.get("s0" + place))

    places = [
        ["" if plain else f"[{level},{direction}]" for direction in point.shape.directions]
        for level in range(point.shape.layers)
    ]
    params = model.Params(tuple(tuple(map(layer, row)) for row in places), arrays["V"], arrays["c"])
    states = tuple(tuple(map(state, row)) for row in places)
    return replace(point, params=params, x=arrays.get("x", point.x), state0=states)


def cast(point: Point, dtype: str) -> Point:
    """A copy of the point with all its real numbers in another dtype, which no program can write to.

    One that changed its arguments would change what the others are judged on.
    """

    def convert(array: np.ndarray) -> np.ndarray:
        made = array.astype(dtype if np.issubdtype(array.dtype, np.inexact) else array.dtype)
        made.setflags(write=False)
        return made

    arrays = {name: convert(array) for name, array in point.differentiable.items()}
    return replace(
        with_arrays(point, arrays),
        shape=replace(point.shape, dtype=dtype),
        x=convert(point.x),
        mask=convert(point.mask),
        y=convert(point.y),
        weights=convert(point.weights),
        dfinal=jax.tree.map(convert, point.dfinal),
        noise=jax.tree.map(convert, point.noise),
    )
