"""A point from a person's own arrays."""

import zipfile
from pathlib import Path

import jax
import numpy as np

from rnn_jax import cells, initial, model
from rnn_jax.errors import InputError, require
from rnn_jax.verify.points import Loss, Point, Shape, cast

REQUIRED = ("x", "U", "W", "b", "V", "c")
GAINS = cells.Norm._fields
OPTIONAL = ("bh", *GAINS, "h0", "s0", "y", "mask", "weights")


def from_file(path: Path, seed: int = 0) -> list[Point]:
    """A person's own numbers, one layer, in an .npz: a point for every cell whose gates fit W.

    The arrays are x (T, B, D) or indices (T, B), U, W, b, V, c, and where wanted bh, h0, s0, y, mask, weights; with the
    gains gx, gh, and the LSTM's gs and bs, they are those of a layer-normalised cell.
    Integer y asks for cross-entropy, real y for squared error, no y for a linear loss drawn from `seed`. Weights are
    those of each step's loss, 1 where the mask is on if not given. Raises InputError for whatever does not fit.
    """
    require(path.is_file(), f"there is no file {path}, but the name of an .npz file is right")
    require(zipfile.is_zipfile(path), f"{path} is not an .npz file, but one made by numpy.savez is right")
    try:
        with np.load(path, allow_pickle=False) as archive:
            given = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read ({error}), but an .npz file of plain numbers is right") from error
    for name in given:
        require(
            name in REQUIRED + OPTIONAL, f"{path} holds {name!r}, but only {', '.join(REQUIRED + OPTIONAL)} are known"
        )
    for name in REQUIRED:
        require(name in given, f"{path} lacks {name!r}, but it must hold {', '.join(REQUIRED)}")
    for name, array in given.items():
        check_numbers(name, array)
    for name in ("U", "W", "V"):
        shape = given[name].shape
        require(
            len(shape) == 2 and min(shape) > 0, f"{name} has shape {shape}, but a matrix that is not empty is right"
        )
    W = given["W"]
    fitting = [cell for cell in cells.CELLS if W.shape[1] == cells.CELLS[cell].gates * W.shape[0]]
    require(bool(fitting), f"W has shape {W.shape}, but (H, H), (H, 3H) or (H, 4H) fit a cell")
    gains = tuple(name for name in GAINS if name in given)
    known = [cells.CELLS[cell].gains for cell in fitting]
    right = " or ".join(", ".join(names) or "none" for names in dict.fromkeys(known))
    require(gains in known, f"of the gains {', '.join(gains)} are given, but with W {W.shape} {right} are right")
    fitting = [cell for cell, names in zip(fitting, known, strict=True) if names == gains]
    lstm = any(cells.CELLS[cell].has_cell_state for cell in fitting)
    require("s0" not in given or lstm, f"s0 is given, but W {W.shape} is that of a cell without a cell state")
    return [own_point(path.stem, given, cell, seed) for cell in fitting]


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


def own_point(name: str, given: dict[str, np.ndarray], cell: str, seed: int) -> Point:
    """The point of one cell with a person's arrays; raises InputError where shapes or indices do not fit."""
    x, H, K = given["x"], given["W"].shape[0], given["V"].shape[-1]
    require(x.ndim in (2, 3), f"x has shape {x.shape}, but (T, B, D), or (T, B) for indices, is right")
    T, B = x.shape[:2]
    require(T > 0 and B > 0, f"x has shape {x.shape}, but T and B must be at least 1")
    D = given["U"].shape[0]
    y = given.get("y")
    loss: Loss = "linear" if y is None else "squared_error" if y.dtype.kind == "f" else "cross_entropy"
    for label, indices, size in (("x", x, D), ("y", y, K)):
        if indices is not None and indices.dtype.kind in "iu":
            outside = indices[(indices < -1) | (indices >= size)]
            first = outside.flat[0] if outside.size else None
            require(
                first is None, f"{label} holds the index {first}, but only 0 to {size - 1}, and -1 for nothing, fit"
            )
    state = initial.zero_state(B, H, cell=cell)[0][0]
    state = cells.State(given.get("h0", state.h), None if state.s is None else given.get("s0", state.s))
    norm = cells.Norm(**{gain: given[gain] for gain in GAINS if gain in given})
    layer = cells.Params(given["U"], given["W"], given["b"], given.get("bh"), norm)
    params = model.Params(((layer,),), given["V"], given["c"])
    shape = Shape(cell, T, B, D, H, K, indices=x.ndim == 2, second_bias="bh" in given, loss=loss)
    mask = given.get("mask", np.ones((T, B), bool))
    require(mask.shape == (T, B), f"mask has shape {mask.shape}, but x {x.shape} asks for {(T, B)}")
    weights = given.get("weights", mask.astype(float))
    require(weights.shape == (T, B), f"weights have shape {weights.shape}, but x {x.shape} asks for {(T, B)}")
    if y is None:
        y = np.random.default_rng(seed).normal(size=(T, B, K)) * weights[..., None]
    model.check(params, x, ((state,),), mask, cell=cell, directions=("forward",))
    expected = (T, B) if loss == "cross_entropy" else (T, B, K)
    require(y.shape == expected, f"y has shape {y.shape}, but the logits {(T, B, K)} ask for {expected}")
    zero = jax.tree.map(np.zeros_like, ((state,),))
    return cast(Point(name, shape, params, x, ((state,),), mask, y, weights, zero), "float64")
