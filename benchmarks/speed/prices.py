"""The planner's cost model, fitted to what was measured."""

from __future__ import annotations

from statistics import median

import numpy as np
from scipy.optimize import nnls

from rnn_jax import planner
from rnn_jax.planner import Execution, Work
from rnn_jax.spec import Spec

Point = tuple[Spec, int, int]  # T, B


def fitted(way: Execution, points: list[Point], seconds: list[float]) -> tuple[Work, float]:
    """The seconds by term that fit best, none of them negative, and how far off they are in the median: a share.

    Least squares of relative errors.
    """
    measured = np.array(seconds)
    terms = np.array([planner.work(spec, T, B, way.parts) for spec, T, B in points])
    prices, _ = nnls(terms / measured[:, None], np.ones(len(measured)))
    return Work(*(float(each) for each in prices)), float(median(np.abs(terms @ prices / measured - 1)))


def line(way: Execution, points: list[Point], seconds: list[float]) -> str:
    """What is fitted, as it stands in rnn_jax/planner.py."""
    prices, off = fitted(way, points, seconds)
    named = ", ".join([f'"{way.plan}"', *([str(way.parts)] if way.parts > 1 or way.blocks else [])])
    named += ", True" if way.blocks else ""
    return f"        Execution({named}): Work({', '.join(f'{p:.2g}' for p in prices)}),  # off by {100 * off:.0f}%"
