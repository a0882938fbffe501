"""How an update is computed, which changes its time and its rounding, and nothing else.

A cost model of four terms, fitted by benchmarks/planner.py, says how long an update takes in each of the ways there
are; the shortest is taken.
"""

from typing import TYPE_CHECKING, NamedTuple

import jax

from rnn_jax import bptt, model
from rnn_jax.cells import CELLS
from rnn_jax.spec import Spec

if TYPE_CHECKING:
    from rnn_jax import train


class Execution(NamedTuple):
    """plan: how gradients are made, see model.forward. parts: devices that the batch is split over.

    blocks: whether factors are cut into blocks, see products.in_blocks.
    """

    plan: model.Plan = "fast"
    parts: int = 1
    blocks: bool = False

    def __str__(self) -> str:
        """In words."""
        gradients = {"plain": "autodiff of the scan", "fast": "backward by hand"}[self.plan]
        split = f", the batch in {self.parts} parts on as many devices" if self.parts > 1 else ""
        return gradients + split + (", W in blocks" if self.blocks else "")


class Work(NamedTuple):
    """What the time of an update hangs on, of one device's part of it."""

    steps: float  # of all layers and directions
    products: float  # multiplications, in 10^9, forward and back
    elements: float  # of the gates at all steps, in 10^6
    parameters: float  # in 10^6


# Seconds by term: what benchmarks/planner.py fitted on two cores of an Intel Xeon with AVX-512 (2026-11-26).
COSTS = {
    Execution("plain"): Work(2e-6, 0.0096, 0.0067, 0.012),
    Execution("plain", 2): Work(2e-6, 0.021, 0.00018, 0.021),
    Execution("fast"): Work(1.3e-6, 0.0096, 0.0038, 0.0093),
    Execution("fast", 2): Work(1.8e-6, 0.017, 0.0, 0.013),
    Execution("fast", 2, True): Work(1.9e-6, 0.016, 0.0008, 0.011),
}


def work(spec: Spec, T: int, B: int, parts: int = 1) -> Work:
    """The terms of an update of B sequences of T steps."""
    gates, ways = CELLS[spec.cell].gates, len(spec.directions)
    inputs = [spec.D, *[ways * spec.H] * (spec.layers - 1)]
    wide = gates * spec.H
    recurrent = spec.layers * ways * spec.H * wide
    # An index of the first layer's input picks a row.
    fed = ways * sum(inputs[1:]) * wide
    readout = ways * spec.H * spec.K
    rows = T * B / parts
    return Work(
        float(T * spec.layers * ways),
        3e-9 * rows * (recurrent + fed + readout),
        1e-6 * rows * spec.layers * ways * wide,
        1e-6 * (recurrent + ways * sum(inputs) * wide + readout),
    )


def cost(execution: Execution, spec: Spec, T: int, B: int) -> float:
    """Seconds of an update, as the model has it; more parts than two are taken for as good as two."""
    known = COSTS[execution._replace(parts=min(execution.parts, 2))]
    return sum(each * price for each, price in zip(work(spec, T, B, execution.parts), known, strict=True))


class Choice(NamedTuple):
    """What was chosen, and what every way would cost in seconds."""

    execution: Execution
    costs: dict[Execution, float]

    def __str__(self) -> str:
        """The choice, and why, a way in a line."""
        lines = [f"{1e3 * cost:8.2f} ms  {way}" for way, cost in sorted(self.costs.items(), key=lambda each: each[1])]
        return "\n".join([f"an update by {self.execution}; as the cost model has it:", *lines])


def candidates(spec: Spec, B: int, devices: int, drawn: bool) -> list[Execution]:
    """The ways that there are. drawn: whether noise is, which the backward by hand does not know."""
    parts = [k for k in range(1, devices + 1) if B % k == 0]
    if spec.cell not in bptt.CELLS or drawn:
        return [Execution("plain", k) for k in parts]
    return [Execution("plain"), *(Execution("fast", k, blocks) for k in parts for blocks in {False, k > 1})]


def choose(spec: Spec, T: int, B: int, *, drawn: bool = False, devices: int | None = None) -> Choice:
    """The way that costs least. devices: how many there are, all that JAX has where it is not said."""
    found = candidates(spec, B, jax.local_device_count() if devices is None else devices, drawn)
    costs = {each: cost(each, spec, T, B) for each in found}
    return Choice(min(found, key=costs.__getitem__), costs)


def of(plan: "train.Plan", B: int) -> Choice:
    """The choice for a training run of B sequences side by side."""
    rates = plan.recipe.rates
    drawn = bool(rates.recurrent_dropout or rates.zoneout or rates.zoneout_cell)
    return choose(plan.spec, plan.feed.T, B, drawn=drawn)
