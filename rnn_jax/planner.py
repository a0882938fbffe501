"""How an update is computed, which changes its time and its rounding, and nothing else.

A cost model of four terms, fitted by benchmarks/planner.py, says how long an update takes in each of the ways there
are; the shortest is taken.
"""

import os
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

import jax

from rnn_jax import bptt, model, segments
from rnn_jax.cells import CELLS
from rnn_jax.errors import require, require_whole
from rnn_jax.noise import NO_NOISE
from rnn_jax.spec import Spec

if TYPE_CHECKING:
    from rnn_jax import train


class Execution(NamedTuple):
    """plan: how gradients are made, see model.forward. parts: devices that the batch is split over.

    blocks: whether factors are cut into blocks, see products.in_blocks. segment: steps of which is stored at once what
    the way back needs, see segments; 0 is all.
    """

    plan: model.Plan = "fast"
    parts: int = 1
    blocks: bool = False
    segment: int = 0

    def __str__(self) -> str:
        """In words."""
        gradients = {"plain": "autodiff of the scan", "fast": "the backward pass by hand"}[self.plan]
        split = f", the batch in {self.parts} parts on as many devices" if self.parts > 1 else ""
        blocks = ", W in blocks" if self.blocks else ""
        return gradients + split + blocks + (f", in segments of {self.segment} steps" if self.segment else "")


def check(how: object) -> None:
    """Raise InputError for what is no way to compute an update."""
    require(isinstance(how, Execution), f"the plan is {how!r}, but Execution(...) is right")
    plan, parts, blocks, segment = cast(Execution, how)
    require(
        plan in get_args(model.Plan), f"the plan is {plan!r}, but one of {', '.join(get_args(model.Plan))} is right"
    )
    require(isinstance(blocks, bool), f"blocks is {blocks!r}, but True or False is right")
    require_whole("parts", parts)
    require_whole("segment", segment, least=0)


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
    known = COSTS[execution._replace(parts=min(execution.parts, 2), segment=0)]
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
    """The ways that there are. drawn: whether noise is, which the backward by hand does not know.

    Blocks are for a core's cache. The cost model is of cores; for GPUs it stands in until it is measured there.
    """
    parts = [k for k in range(1, devices + 1) if B % k == 0]
    if spec.cell not in bptt.CELLS or drawn:
        return [Execution("plain", k) for k in parts]
    on_cores = jax.default_backend() == "cpu"
    by_hand = [
        Execution("fast", k, blocks) for k in parts for blocks in (False, True) if not blocks or (on_cores and k > 1)
    ]
    return [Execution("plain"), *by_hand]


def stored(spec: Spec, T: int, B: int) -> float:
    """The bytes of what the way back needs, in float32: of each step the gates, both states, logits and gradients."""
    ways = len(spec.directions)
    features = spec.layers * ways * (2 * CELLS[spec.cell].gates + 3) * spec.H
    return 4.0 * T * B * (features + (2 * spec.K if spec.head == "each" else 0))


def memory() -> float:
    """The bytes of this machine's memory; a guess of 8 GiB where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return 8.0 * 2**30


def choose(
    spec: Spec,
    T: int,
    B: int,
    *,
    noisy: bool = False,
    drawn: bool = False,
    devices: int | None = None,
    room: float | None = None,
) -> Choice:
    """The way that costs least, and in segments where what is to be stored would fill a quarter of the memory.

    noisy: whether anything is drawn by chance. drawn: whether that is in the recurrence. devices: how many there are,
    all that JAX has where it is not said. room: bytes of memory.
    """
    found = candidates(spec, B, jax.local_device_count() if devices is None else devices, drawn)
    costs = {each: cost(each, spec, T, B) for each in found}
    best = min(found, key=costs.__getitem__)
    room = memory() if room is None else room
    cuttable = spec.directions == ("forward",) and spec.head == "each" and not noisy
    if cuttable and stored(spec, T, B) > room / 4:
        best = best._replace(segment=segments.length(T))
    return Choice(best, costs)


def of(plan: "train.Plan", B: int) -> Choice:
    """The choice for a training run of B sequences side by side."""
    rates = plan.recipe.rates
    drawn = bool(rates.recurrent_dropout or rates.zoneout or rates.zoneout_cell)
    return choose(plan.spec, plan.feed.T, B, noisy=rates != NO_NOISE, drawn=drawn)
