"""How an update is computed, which changes its time and its rounding, and nothing else.

A cost model of four terms, fitted by benchmarks/planner.py, says how long an update takes in each of the ways there
are; the shortest is taken. Where the ways were not all measured, the first of them is, in an order that is given here.
"""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

import jax

from rnn_jax import bptt, model, segments
from rnn_jax.bptt import cudnn
from rnn_jax.cells import CELLS
from rnn_jax.errors import require, require_whole
from rnn_jax.noise import NO_NOISE, Rates
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
        gradients = WORDS[self.plan]
        split = f", the batch in {self.parts} parts on as many devices" if self.parts > 1 else ""
        blocks = ", W in blocks" if self.blocks else ""
        return gradients + split + blocks + (f", in segments of {self.segment} steps" if self.segment else "")


WORDS = {"plain": "autodiff of the scan", "fast": "the backward pass by hand", "cudnn": "cuDNN's LSTM"}


def check(how: object, spec: Spec, B: int, rates: Rates = NO_NOISE) -> None:
    """Raise InputError for what is no way to compute an update of B sequences of this model, by anybody's choice."""
    require(isinstance(how, Execution), f"the plan is {how!r}, but Execution(...) is right")
    plan, parts, blocks, segment = cast(Execution, how)
    require(
        plan in get_args(model.Plan), f"the plan is {plan!r}, but one of {', '.join(get_args(model.Plan))} is right"
    )
    require(isinstance(blocks, bool), f"blocks is {blocks!r}, but True or False is right")
    require_whole("parts", parts)
    require_whole("segment", segment, least=0)
    require(not blocks or plan == "fast", f"blocks are for the plan 'fast', but the plan is {plan!r}")
    require(B % parts == 0, f"parts is {parts}, but a number that divides the batch of {B} is right")
    reason = uncut(spec, rates != NO_NOISE)
    require(not segment or not reason, f"segment is {segment}, but 0 is right: {reason}")


def uncut(spec: Spec, noisy: bool) -> str:
    """Why a sequence is not computed in segments; empty where it may be."""
    if spec.directions != ("forward",):
        return "what is read backward needs the end of the sequence first"
    if spec.head != "each":
        return "the one loss at the end is of the whole sequence"
    return "what is dropped is drawn for the whole sequence" if noisy else ""


class Work(NamedTuple):
    """What the time of an update hangs on, of one device's part of it."""

    steps: float  # of all layers and directions
    products: float  # multiplications, in 10^9, forward and back
    elements: float  # of the gates at all steps, in 10^6
    parameters: float  # in 10^6


# Seconds by term, of what JAX computes on: what benchmarks/planner.py fitted.
COSTS: dict[str, dict[Execution, Work]] = {
    # Two cores of an Intel Xeon with AVX-512 (2026-11-26).
    "cpu": {
        Execution("plain"): Work(2e-6, 0.0096, 0.0067, 0.012),
        Execution("plain", 2): Work(2e-6, 0.021, 0.00018, 0.021),
        Execution("fast"): Work(1.3e-6, 0.0096, 0.0038, 0.0093),
        Execution("fast", 2): Work(1.8e-6, 0.017, 0.0, 0.013),
        Execution("fast", 2, True): Work(1.9e-6, 0.016, 0.0008, 0.011),
    },
    # One NVIDIA H200, factors of products rounded to TF32 (2026-11-27). Up to 512 units products took no time that
    # could be told; what they take at the greatest rate that was measured, 327 TFLOP/s, stands for it.
    "gpu": {
        Execution("cudnn"): Work(3.2e-05, 0.00016, 0, 0),
        Execution("fast"): Work(1.3e-05, 6.1e-06, 0.00022, 0),
        Execution("plain"): Work(2e-05, 6.1e-06, 0.00028, 0),
    },
}
MEASURED = {"cpu": "two cores of an Intel Xeon", "gpu": "an NVIDIA H200, up to 512 units"}
FEWEST = 4  # sequences in each of more than two parts, which nobody has measured
# Where it was not measured: cuDNN goes through the steps itself, where for the others XLA's loop starts several kernels
# in each; and autodiff's has the most of them.
ORDER: tuple[model.Plan, ...] = ("cudnn", "fast", "plain")


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


def cost(execution: Execution, spec: Spec, T: int, B: int, backend: str = "cpu") -> float | None:
    """Seconds of an update, as the model has it; None where this way was not measured.

    More parts than two are taken for as good as two.
    """
    known = COSTS.get(backend, {}).get(execution._replace(parts=min(execution.parts, 2), segment=0))
    if known is None:
        return None
    return sum(each * price for each, price in zip(work(spec, T, B, execution.parts), known, strict=True))


class Choice(NamedTuple):
    """What was chosen, what every way would cost in seconds, None where that is not known; and what else is to be said.

    note: why a way that there might be is none here.
    """

    execution: Execution
    costs: dict[Execution, float | None]
    backend: str = "cpu"
    note: str = ""

    @property
    def measured(self) -> bool:
        """Whether it rests on the cost model, and not on the order of the ways."""
        return None not in self.costs.values()

    def __str__(self) -> str:
        """The choice, and why, a way in a line."""
        if self.measured:
            known = sorted((cost or 0.0, str(way)) for way, cost in self.costs.items())
            lines = [f"{1e3 * cost:8.2f} ms  {way}" for cost, way in known]
            why = f"as the cost model has it, of {MEASURED[self.backend]}:"
        else:
            lines = [f"{place:8}.  {way}" for place, way in enumerate(self.costs, 1)]
            why = f"nobody has measured these on a {self.backend} yet, so that it is the first:"
        note = [self.note] if self.note else []
        return "\n".join([f"an update by {self.execution}; {why}", *lines, *note])


def candidates(spec: Spec, B: int, devices: int, drawn: bool, dtype: str = "float32") -> list[Execution]:
    """The ways that there are, in the order of ORDER where it has to decide.

    drawn: whether noise is in the recurrence, which neither the backward by hand nor cuDNN knows. dtype: of the recipe.
    Blocks are for a core's cache, and parts for cores that an operation of one would leave idle: a GPU is one device,
    of which an update of a usual size fills no more than a part.
    """
    by_hand = spec.cell in bptt.CELLS and not drawn
    if jax.default_backend() != "cpu":
        there = {"cudnn": not cudnn.unfit(spec.cell, dtype, drawn), "fast": by_hand, "plain": True}
        return [Execution(plan) for plan in ORDER if there[plan]]
    parts = [k for k in range(1, devices + 1) if B % k == 0 and (k <= 2 or FEWEST * k <= B)]
    if not by_hand:
        return [Execution("plain", k) for k in parts]
    return [
        Execution("plain"),
        *(Execution("fast", k, blocks) for k in parts for blocks in (False, True) if k > 1 or not blocks),
    ]


def stored(spec: Spec, T: int, B: int, dtype: str = "float32") -> float:
    """The bytes of what the way back needs: of each step the gates, both states, logits and gradients."""
    ways = len(spec.directions)
    features = spec.layers * ways * (2 * CELLS[spec.cell].gates + 3) * spec.H
    return (8.0 if dtype == "float64" else 4.0) * T * B * (features + (2 * spec.K if spec.head == "each" else 0))


# Of a container, by Linux's control groups, of the second version and the first.
LIMITS = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory() -> float:
    """The bytes of memory of what JAX computes on, of a container those it may use; 8 GiB where nothing says."""
    of_device = None if jax.default_backend() == "cpu" else jax.local_devices()[0].memory_stats()
    if of_device and "bytes_limit" in of_device:
        return float(of_device["bytes_limit"])
    found = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        found.append(float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
    for limit in LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            found.append(float(limit.read_text()))
    return min(found, default=8.0 * 2**30)


def choose(
    spec: Spec,
    T: int,
    B: int,
    *,
    noisy: bool = False,
    drawn: bool = False,
    dtype: str = "float32",
    devices: int | None = None,
    room: float | None = None,
) -> Choice:
    """The way that costs least, and in segments where what is to be stored would fill a quarter of the memory.

    noisy: whether anything is drawn by chance. drawn: whether that is in the recurrence. dtype: of the recipe.
    devices: how many there are, all that JAX has where it is not said. room: bytes of memory.
    """
    backend = jax.default_backend()
    devices = jax.local_device_count() if devices is None else devices
    found = candidates(spec, B, devices, drawn, dtype)
    costs = {each: cost(each, spec, T, B, backend) for each in found}
    known = {way: seconds for way, seconds in costs.items() if seconds is not None}
    best = min(known, key=known.__getitem__) if len(known) == len(found) else found[0]
    room = memory() if room is None else room
    notes = [] if backend == "cpu" else [cudnn.unfit(spec.cell, dtype, drawn)]
    if backend == "cpu" and len({way.parts for way in found}) == 1 and 1 < devices <= B:
        notes.append(f"one core alone: a batch of {B} does not go into equal parts for {devices}")
    needed, whole = stored(spec, T, B, dtype), uncut(spec, noisy)
    if needed > room / 4:
        of_room = f"{needed / 2**20:,.0f} MiB are to be stored of {room / 2**20:,.0f}"
        notes.append(f"{of_room}; no segments: {whole}" if whole else f"{of_room}, hence segments, a forward pass more")
        best = best if whole else best._replace(segment=segments.length(T))
    return Choice(best, costs, backend, "\n".join(filter(None, notes)))


def of(plan: "train.Plan", B: int) -> Choice:
    """The choice for a training run of B sequences side by side."""
    rates = plan.recipe.rates
    drawn = bool(rates.recurrent_dropout or rates.zoneout or rates.zoneout_cell)
    return choose(plan.spec, plan.feed.T, B, noisy=rates != NO_NOISE, drawn=drawn, dtype=plan.recipe.dtype)
