"""A model from another framework's weights: sizes, layers, directions and, where it shows, the cell are read off."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnn_jax import cells, model
from rnn_jax.errors import require
from rnn_jax.interchange import names
from rnn_jax.interchange.files import About
from rnn_jax.interchange.layer import read, shapes
from rnn_jax.interchange.layouts import LAYOUTS, ORDER, READOUTS, Layout, Part, require_framework
from rnn_jax.spec import Spec

WITHOUT_BIAS = ("torch", "keras")  # bias=False, use_bias=False; the cells of Flax always have theirs
Given = Mapping[str, np.ndarray]


class Imported(NamedTuple):
    """The model, and whether its layers and its readout came without biases, which are 0 then."""

    spec: Spec
    params: model.Params
    bare_layers: bool
    bare_readout: bool


def imported(arrays: Given, framework: str, cell: str | None = None, about: About | None = None) -> Imported:
    """The model that these arrays of one dtype are; each keeps its bits.

    cell: which of those that the arrays could be; else what `about` says, else the one with tanh. Raises InputError,
    with the name, for an array that is missing, over or of the wrong shape.
    """
    require_framework(framework)
    about = about or About()
    layers, readout = names.sorted_out(framework, tuple(arrays))
    require_directions(layers)
    cell = which_cell(framework, layers[0][False], arrays, cell, about)
    parts = LAYOUTS[framework][cell]
    biases = {part.name for part in parts if part.field in ("b", "bh")}
    bare = framework in WITHOUT_BIAS and not any(biases & leaves.keys() for ways in layers for leaves in ways.values())
    if bare:
        parts = tuple(part for part in parts if part.name not in biases)
    for ways in layers:
        for leaves in ways.values():
            require_names(parts, leaves)
    D, H = size(parts, "U", layers[0][False], arrays), size(parts, "W", layers[0][False], arrays)
    made, width = [], D
    for ways in layers:
        made.append(tuple(layer(parts, cell, ways[way], arrays, width, H) for way in sorted(ways)))
        width = len(ways) * H
    V, c = affine(framework, readout, arrays, width)
    params = without_zeros(model.Params(tuple(made), V, c), about)
    directions: tuple[model.Direction, ...] = ("forward", "reverse") if len(layers[0]) == 2 else ("forward",)
    spec = Spec(D, H, len(c), cell, len(made), directions, params.layers[0][0].bh is not None)
    if about.spec is not None:  # no array tells what a model is for
        spec = replace(spec, head=about.spec.head, predicts=about.spec.predicts)
    require_agreement(spec, about)
    return Imported(spec, params, bare, "bias" not in readout)


def require_directions(layers: list[names.Ways]) -> None:
    """Raise InputError unless all layers read forward, or all of them in both directions."""
    for level, ways in enumerate(layers):
        said = " and ".join("reverse" if way else "forward" for way in sorted(ways))
        first = next(iter(ways[max(ways)].values()))
        require(False in ways, f"layer {level} reads in {said} alone ({first}), but forward, or both, is right")
        require(
            ways.keys() == layers[0].keys(),
            f"layer {level} reads {said} ({first}) and layer 0 does not, but the same directions in all are right",
        )


def which_cell(framework: str, leaves: names.Leaves, arrays: Given, said: str | None, about: About) -> str:
    """The cell whose arrays these are, by their names and shapes; by what is said where several have the same."""
    require(said is None or said in ORDER, f"the cell {said!r} is unknown; one of {', '.join(ORDER)} is right")
    able = gated(framework, leaves, arrays)
    # Keras's reset_after shows in the bias alone, which has two rows then.
    able = [cell for cell in able if same_axes(LAYOUTS[framework][cell], leaves, arrays)] or able
    them = " or ".join(able)
    require(said is None or said in able, f"the cell is said to be {said!r}, but the weights are those of {them}")
    if said is None and about.spec is not None:
        said = about.spec.cell
        require(said in able, f"the file says that its cell is {said!r}, but the weights are those of {them}")
    require(
        said is not None or len(able) == 1 or "rnn" in able,
        f"the weights could be those of {them}, which no array tells: say which cell is right",
    )
    return said or able[0]


def gated(framework: str, leaves: names.Leaves, arrays: Given) -> list[str]:
    """The cells whose number of gates a matrix beside h has; raises InputError where that is no cell's."""
    beside = {
        cell: part
        for cell, parts in LAYOUTS[framework].items()
        for part in parts
        if part.field == "W" and part.name in leaves
    }
    require(bool(beside), f"beside {next(iter(leaves.values()))} there is no {names.ends(framework)}, but one is right")
    found = {cell: arrays[leaves[part.name]].shape for cell, part in beside.items()}
    able = [cell for cell, part in beside.items() if is_square(part, found[cell])]
    first = next(iter(beside.values())).name
    right = dict.fromkeys(lettered(part) for part in beside.values())
    shape = next(iter(found.values()))
    require(bool(able), f"{leaves[first]} has shape {shape}, but {' or '.join(right)} is right")
    return able


def is_square(part: Part, shape: tuple[int, ...]) -> bool:
    """Whether a matrix beside h is as wide as its gates and its height ask for."""
    return len(shape) == 2 and shapes((part,), 0, shape[1 if part.transposed else 0])[part.name] == shape


def lettered(part: Part) -> str:
    """The shape of a matrix beside h, in letters."""
    letters = ["H", f"{len(part.gates)}·H".removeprefix("1·")]
    return f"({', '.join(reversed(letters) if part.transposed else letters)})"


def same_axes(parts: Layout, leaves: names.Leaves, arrays: Given) -> bool:
    """Whether each array has as many axes as in this layout."""
    right = shapes(parts, 1, 1)
    return all(arrays[leaves[name]].ndim == len(right[name]) for name in right if name in leaves)


def require_names(parts: Layout, leaves: names.Leaves) -> None:
    """Raise InputError unless a layer has just the arrays of its cell."""
    needed, beside = dict.fromkeys(part.name for part in parts), next(iter(leaves.values()))
    for name in needed:
        require(name in leaves, f"beside {beside} there is no {name}, but one is right")
    for name, given in leaves.items():
        require(name in needed, f"{given} has no place here: {', '.join(needed)} are right")


def size(parts: Layout, field: str, leaves: names.Leaves, arrays: Given) -> int:
    """D by a matrix beside x, H by one beside h; whether the rest of their shapes is right is asked later."""
    part = next(part for part in parts if part.field == field)
    shape = arrays[leaves[part.name]].shape
    require(len(shape) == 2, f"{leaves[part.name]} has shape {shape}, but a matrix is right")
    return shape[1 if part.transposed else 0]


def layer(parts: Layout, cell: str, leaves: names.Leaves, arrays: Given, D: int, H: int) -> cells.Params:
    """One layer in one direction; raises InputError for an array of the wrong shape."""
    for name, right in shapes(parts, D, H).items():
        require_shape(leaves[name], arrays, right)
    return read(parts, cell, {name: arrays[leaves[name]] for name in leaves}, D, H)


def require_shape(name: str, arrays: Given, right: tuple[int, ...]) -> None:
    """Raise InputError for an array of the wrong shape."""
    require(arrays[name].shape == right, f"{name} has shape {arrays[name].shape}, but {right} is right")


def affine(framework: str, leaves: names.Leaves, arrays: Given, width: int) -> tuple[np.ndarray, np.ndarray]:
    """V (H, K) and c (K), which is 0 where there is none."""
    turned = READOUTS[framework].transposed
    weight = arrays[leaves["weight"]]
    right = f"(K, {width})" if turned else f"({width}, K)"
    V = weight.T if turned else weight
    require(V.ndim == 2 and V.shape[0] == width, f"{leaves['weight']} has shape {weight.shape}, but {right} is right")
    if "bias" in leaves:
        require_shape(leaves["bias"], arrays, V.shape[1:])
    c = arrays[leaves["bias"]] if "bias" in leaves else np.zeros(V.shape[1], V.dtype)
    return np.array(V, order="C"), np.array(c)


def without_zeros(params: model.Params, about: About) -> model.Params:
    """The model without second biases, where the file says that it had none and they are what stands for that."""
    zero = all(p.bh is None or not np.asarray(p.bh).tobytes().strip(b"\0") for ways in params.layers for p in ways)
    if about.spec is None or about.spec.second_bias or not zero:
        return params
    return params._replace(layers=tuple(tuple(p._replace(bh=None) for p in ways) for ways in params.layers))


def require_agreement(spec: Spec, about: About) -> None:
    """Raise InputError where the sizes are others than the file says."""
    for name in ("D", "H", "K", "layers", "directions") if about.spec else ():
        said, found = getattr(about.spec, name), getattr(spec, name)
        require(said == found, f"the file says that {name} is {said}, but its arrays have {found}")
