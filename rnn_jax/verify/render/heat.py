"""The error over time as a heat map in plain data: a level for each cell, and the number in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from rnn_jax.verify.check_report import CheckReport, Curve, Finding
from rnn_jax.verify.render.scale import bottom_of, buckets, floor_of, level, worst_of

COLUMNS = 60  # of time


@dataclass(frozen=True)
class Cell:
    """One square: its class in the style sheet, and what it says."""

    style: str
    title: str


@dataclass(frozen=True)
class Row:
    """One quantity at every step; None where it has no value."""

    name: str
    cells: tuple[Cell | None, ...]
    worst: str


@dataclass(frozen=True)
class TimeMap:
    """Quantities x time, with the numbers at both ends of the scale."""

    steps: tuple[str, ...]  # the first of each column
    rows: tuple[Row, ...]
    right: str
    least: str
    most: str
    worst: str


def over_time(report: CheckReport, finding: Finding) -> TimeMap | None:
    """The error of every parameter at every step; None where nothing was measured over time."""
    curves = finding.curves[1:] or finding.curves
    steps = sorted({step for curve in curves for step in curve.steps})
    if not steps:
        return None
    floors = [floor_of(report, [curve.name]) for curve in curves]
    wrong = [e for curve, floor in zip(curves, floors, strict=True) for e in curve.errors if not e <= floor]
    bottom, worst = bottom_of(wrong, min(floors)), worst_of(wrong, min(floors))
    groups = buckets(steps, COLUMNS)
    rows = tuple(row(curve, groups, floor, bottom, worst) for curve, floor in zip(curves, floors, strict=True))
    ends = f"{max(floors):.0e}", f"{bottom:.0e}", f"{worst:.0e}"
    return TimeMap(tuple(str(group[0]) for group in groups), rows, *ends, worst_row(curves, rows))


def worst_row(curves: Sequence[Curve], rows: Sequence[Row]) -> str:
    """The quantity that is off most, in words."""
    tops = [max((error if error == error else inf for error in curve.errors), default=0.0) for curve in curves]
    row = rows[tops.index(max(tops))]
    return f"{row.name}, {row.worst}"


def row(curve: Curve, groups: list[Sequence[int]], floor: float, bottom: float, worst: float) -> Row:
    """A curve in cells, the worst step of each group."""
    errors = dict(zip(curve.steps, curve.errors, strict=True))
    cells: list[Cell | None] = []
    for group in groups:
        present = [step for step in group if step in errors]
        top = max(present, key=lambda step: level(errors[step], floor, bottom, worst), default=None)
        cells.append(
            None if top is None else cell(curve.name, top, level(errors[top], floor, bottom, worst), errors[top])
        )
    return Row(curve.name, tuple(cells), in_words(curve, floor))


def cell(name: str, step: int, height: int, error: float) -> Cell:
    """A step in a colour and in words."""
    return Cell(f"l{height}", f"{name}, t={step}: {error:.1e}")


def in_words(curve: Curve, floor: float) -> str:
    """The worst step of a curve."""
    if not curve.errors or all(error <= floor for error in curve.errors):
        return "right at every step"
    error, step = max(zip(curve.errors, curve.steps, strict=True), key=lambda pair: (pair[0] != pair[0], pair[0]))
    return f"{error:.1e} at t={step}"
