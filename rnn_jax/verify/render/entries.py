"""The entries of a wrong gradient as heat maps in plain data."""

from dataclasses import dataclass

import numpy as np

from rnn_jax.verify.check_report import CheckReport, Parameter
from rnn_jax.verify.render.heat import Cell
from rnn_jax.verify.render.scale import LEVELS, bottom_of, floor_of, level, worst_of

ENTRIES = 40  # rows and columns shown at most
SIGNED = 4  # levels on each side of 0


@dataclass(frozen=True)
class Grid:
    """The entries of one matrix."""

    caption: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class EntryMap:
    """A wrong gradient, the right one and the difference, entry by entry."""

    name: str
    shape: str
    note: str
    grids: tuple[Grid, ...]


def of_entries(report: CheckReport, parameter: Parameter) -> EntryMap | None:
    """The entries of a parameter's gradients; None where they were not kept or have no common shape."""
    manual, autodiff = parameter.manual, parameter.autodiff
    if manual is None or autodiff is None or manual.shape != autodiff.shape or not manual.size:
        return None
    flat = [as_matrix(np.asarray(array, float)) for array in (manual, autodiff)]
    cut = [array[:ENTRIES, :ENTRIES] for array in flat]
    rows, columns = cut[0].shape
    titles = [[entry_title(parameter, i * flat[0].shape[1] + j, flat) for j in range(columns)] for i in range(rows)]
    floor = floor_of(report, [parameter.name])
    grids = (signed("by hand", cut[0], titles), signed("by autodiff", cut[1], titles), apart(cut, floor, titles))
    shape = " x ".join(map(str, parameter.shape)) or "a number"
    return EntryMap(parameter.name, shape, shown_of(cut[0].shape, flat[0].shape), grids)


def shown_of(cut: tuple[int, ...], whole: tuple[int, ...]) -> str:
    """How much of a matrix is shown, where it is not all of it."""
    return "" if cut == whole else f"the first {cut[0]} x {cut[1]} of {whole[0]} x {whole[1]} entries"


def as_matrix(array: np.ndarray) -> np.ndarray:
    """The array with its last axis as columns."""
    return array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)


def entry_title(parameter: Parameter, position: int, flat: list[np.ndarray]) -> str:
    """An entry in words."""
    index = [int(i) for i in np.unravel_index(position, parameter.shape)] if parameter.shape else ""
    manual, autodiff = (array.ravel()[position] for array in flat)
    return f"{index}: {manual:+.6g} by hand, {autodiff:+.6g} by autodiff".removeprefix(": ")


def signed(caption: str, array: np.ndarray, titles: list[list[str]]) -> Grid:
    """Values from blue through nothing to red, on a scale of their own."""
    top = float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array))) or 1.0
    rows = tuple(
        tuple(Cell(sign_level(value / top), title) for value, title in zip(values, said, strict=True))
        for values, said in zip(array, titles, strict=True)
    )
    return Grid(f"{caption}, up to ±{top:.1e}", rows)


def sign_level(share: float) -> str:
    """The class of a value between -1 and 1; what is no number is the worst."""
    if not np.isfinite(share):
        return f"l{LEVELS}"
    size = round(SIGNED * abs(share))
    return "z" if not size else f"{'p' if share > 0 else 'n'}{size}"


def apart(arrays: list[np.ndarray], floor: float, titles: list[list[str]]) -> Grid:
    """How far each entry is off, in units of the largest right one."""
    top = float(np.max(np.abs(arrays[1]), initial=0.0, where=np.isfinite(arrays[1]))) or 1.0
    with np.errstate(invalid="ignore"):
        error = np.abs(arrays[0] - arrays[1]) / top
    bottom, worst = bottom_of(error.ravel().tolist(), floor), worst_of(error.ravel().tolist(), floor)
    rows = tuple(
        tuple(Cell(f"l{level(e, floor, bottom, worst)}", title) for e, title in zip(values, said, strict=True))
        for values, said in zip(error.tolist(), titles, strict=True)
    )
    return Grid(f"difference / largest by autodiff, up to {worst:.1e}", rows)
