"""One layer in one direction, as a framework has it, and back: entries move, and no bit of them changes."""

from collections.abc import Mapping

import numpy as np

from rnn_jax.cells import Params
from rnn_jax.errors import require
from rnn_jax.interchange.layouts import ORDER, Layout, Part

Arrays = dict[str, np.ndarray]


def columns(cell: str, gates: str, H: int) -> np.ndarray:
    """Where these gates, in their order, stand among the columns of U, W, b and bh."""
    return np.concatenate([ORDER[cell].index(gate) * H + np.arange(H) for gate in gates])


def written(parts: Layout, cell: str, p: Params) -> Arrays:
    """The layer under the names of a layout; p has been `fitted` to it."""
    H = p.W.shape[0]
    rows: dict[str, list[np.ndarray]] = {}
    for part in parts:
        held = np.asarray(getattr(p, part.field))[..., columns(cell, part.gates, H)]
        rows.setdefault(part.name, []).append(held.T if part.transposed else held)
    return {name: np.array(held[0] if len(held) == 1 else held, order="C") for name, held in rows.items()}


def read(parts: Layout, cell: str, arrays: Mapping[str, np.ndarray], D: int, H: int) -> Params:
    """The layer that was written so; arrays of the `shapes` below. Gates of bh without a place in theirs are 0."""
    GH = len(ORDER[cell]) * H
    dtype = next(iter(arrays.values())).dtype
    fields = {"U": np.zeros((D, GH), dtype), "W": np.zeros((H, GH), dtype), "b": np.zeros(GH, dtype)}
    if any(part.field == "bh" for part in parts):
        fields["bh"] = np.zeros(GH, dtype)
    taken: dict[str, int] = {}
    for part in parts:
        array = arrays[part.name]
        if two_rows(parts, part):
            array = array[taken.setdefault(part.name, 0)]
            taken[part.name] += 1
        fields[part.field][..., columns(cell, part.gates, H)] = array.T if part.transposed else array
    return Params(fields["U"], fields["W"], fields["b"], fields.get("bh"))


def two_rows(parts: Layout, part: Part) -> bool:
    """Whether the array holds both biases."""
    return sum(other.name == part.name for other in parts) == 2


def shapes(parts: Layout, D: int, H: int) -> dict[str, tuple[int, ...]]:
    """The right shape of each array of a layer."""
    right: dict[str, tuple[int, ...]] = {}
    for part in parts:
        wide = len(part.gates) * H
        shape = {"U": (D, wide), "W": (H, wide)}.get(part.field, (wide,))
        shape = shape[::-1] if part.transposed else shape
        right[part.name] = (2, *shape) if two_rows(parts, part) else shape
    return right


def fitted(parts: Layout, cell: str, p: Params, where: str) -> tuple[Params, bool]:
    """The layer with the biases that a layout has a place for, and whether two have been added up.

    An absent bh becomes zeros where theirs is never absent. Where theirs has one bias for a gate, it is b + bh, which
    is the same function up to rounding; but for bh_n of the GRU that resets after the product, which r multiplies (G4):
    unless it is 0, InputError. A bh of 0 changes no bit of b, a -0.0 included.
    """
    held = "".join(part.gates for part in parts if part.field == "bh")
    if p.bh is None:
        return p._replace(bh=np.zeros_like(p.b) if held else None), False
    H, b, bh = p.W.shape[0], np.asarray(p.b), np.array(p.bh)
    alone = columns(cell, "n", H) if cell == "gru" and "n" not in held else np.arange(0)
    most = np.abs(bh[alone]).max(initial=0)
    require(
        not most,
        f"{where} has a second bias for n, up to {most:.3g}, which r multiplies, but this GRU has no place for it: "
        "one of torch, keras, flax is right",
    )
    homeless = np.ones(len(bh), bool)
    if held:
        homeless[columns(cell, held, H)] = False
    added = np.add(b, bh, where=homeless & (bh != 0), out=b.copy())
    kept = np.where(homeless, np.zeros_like(bh), bh) if held else None
    return p._replace(b=added, bh=kept), bool(np.any(bh[homeless]))
