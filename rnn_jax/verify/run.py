"""The verification: every implementation at every point it fits, judged against autodiff."""

import math
import os
import platform
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from rnn_jax._version import __version__
from rnn_jax.bptt import cudnn
from rnn_jax.cells import CELLS
from rnn_jax.errors import require
from rnn_jax.problems import PROBLEMS
from rnn_jax.verify import autodiff, noise, own_point, sources
from rnn_jax.verify.autodiff import Values
from rnn_jax.verify.compare import TOLERANCE, compare, third_opinion, unlike
from rnn_jax.verify.gallery import IMPLEMENTATIONS, ON_A_GPU, Implementation
from rnn_jax.verify.points import Point, Shape, cast
from rnn_jax.verify.report import Case, Comparison, Opinion, Report, Verdict

THREADS = max(2, min(8, (os.cpu_count() or 1) // 2))  # in which JAX compiles
EACH = 15  # random configurations of each family that is asked for
DRAWS = 4  # of the noise
# Before anyone is accused the noise is measured harder, with so many draws where an error is less than so many times
# the noise: saturation can hide all of it, an unlucky draw not more than the larger part.
IN_DOUBT = ((2, math.inf), (16, 1e4))

# Two calls of one program at one point give the same bits, or, should a library add in another order, the same but for
# rounding, which no point that can be judged blows up to this. What leaks or is drawn by chance and is smaller still
# counts as noise, and leaves the point undecided.
LEAK = 1e-6

Progress = Callable[[int, int], None]


class Clock:
    """Seconds by what they were spent on; threads add to one account."""

    def __init__(self) -> None:
        """Start with nothing spent."""
        self.seconds: dict[str, float] = defaultdict(float)
        self.lock = threading.Lock()

    @contextmanager
    def time(self, label: str) -> Iterator[None]:
        """Add the time of the block to `label`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self.lock:
                self.seconds[label] += time.perf_counter() - start


def verify(
    *,
    configs: int | None = None,
    seed: int = 0,
    only: Iterable[str] | None = None,
    dtype: str = "float64",
    point: Path | str | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Compare every hand-written gradient in `reference/` with jax.grad of the same lax.scan forward.

    At the founding problems and at `configs` random configurations (15 of each cell and kind of noise if None), or at
    the arrays of the .npz file `point` instead (see `own_point.from_file`). `only` names implementations, `dtype` is
    "float64" or "float32".
    `progress(done, total)` is called after each case. Raises InputError for what does not fit.
    """
    start = time.perf_counter()
    chosen = choose(only)
    require(dtype in ("float64", "float32"), f"the dtype is {dtype!r}, but float64 or float32 is right")
    require(point is None or configs is None, "configs and point were both given, but only one of them is right")
    wanted = list(dict.fromkeys(implementation.family for implementation in chosen))
    configs = EACH * len(wanted) if configs is None else configs
    require(configs >= 0, f"the number of configurations is {configs}, but 0 or more is right")
    require(seed >= 0, f"the seed is {seed}, but 0 or more is right")
    if point is None:
        points = founding(wanted) + random_points(wanted, configs, seed)
    else:
        points = [own for own in own_point.from_file(Path(point), seed) if own.shape.family in wanted]
    work = [each for p in points for each in in_precisions(p, chosen, dtype)]
    require(bool(work), f"nothing to verify: none of {', '.join(i.name for i in chosen)} fits the points asked for")
    clock = Clock()
    cases = judge_all(work, seed, clock, progress)
    clock.seconds["total"] = time.perf_counter() - start
    versions = {"rnn_jax": __version__, "jax": jax.__version__, "numpy": np.__version__}
    versions |= {"python": platform.python_version(), "backend": jax.default_backend()}
    return Report(tuple(cases), dtype, seed, configs if point is None else 0, TOLERANCE, versions, dict(clock.seconds))


def choose(only: Iterable[str] | None) -> list[Implementation]:
    """The implementations named, or all of them."""
    known = {implementation.name: implementation for implementation in IMPLEMENTATIONS}
    on_a_gpu = {implementation.name: implementation for implementation in ON_A_GPU}
    if cudnn.reachable():
        known |= on_a_gpu
    names = list(known if only is None else only)
    require(bool(names), f"no implementation is named; some of {', '.join(known)} are right")
    for name in names:
        require(
            name in known or name not in on_a_gpu,
            f"{name} needs an NVIDIA GPU, but JAX computes on {jax.default_backend()} here; some of "
            f"{', '.join(known)} are right",
        )
        require(name in known, f"the implementation {name!r} is unknown; some of {', '.join(known)} are right")
    return [known[name] for name in dict.fromkeys(names)]


def in_precisions(point: Point, chosen: list[Implementation], dtype: str) -> "list[Work]":
    """The point for those that fit it: in the precision asked for, and again for one that has another alone."""
    fitting = [i for i in chosen if i.family == point.shape.family and i.fits(point)]
    wanted = dict.fromkeys(i.dtype or dtype for i in fitting)
    return [(cast(point, each), [i for i in fitting if (i.dtype or dtype) == each]) for each in wanted]


def founding(wanted: Sequence[str]) -> list[Point]:
    """Every founding problem with every cell; nothing is drawn by chance in them."""
    cells = [family for family in wanted if family in CELLS]
    return [sources.from_problem(make(), cell) for make in PROBLEMS.values() for cell in cells]


def random_points(wanted: Sequence[str], configs: int, seed: int) -> list[Point]:
    """So many random configurations, dealt out to the cells and the kinds of noise."""
    counts = [len(range(k, configs, len(wanted))) for k in range(len(wanted))]
    return [p for family, count in zip(wanted, counts, strict=True) for p in sources.sweep(family, count, seed)]


Work = tuple[Point, list[Implementation]]


def judge_all(work: list[Work], seed: int, clock: Clock, progress: Progress) -> list[Case]:
    """The cases in order; JAX compiles and runs in other threads while NumPy works in this one."""
    total = sum(len(fitting) for _, fitting in work)
    cases: list[Case] = []
    with ThreadPoolExecutor(THREADS) as pool:
        compiling: dict[Shape, Future[None]] = {}
        for point, fitting in work:
            if point.shape not in compiling:
                compiling[point.shape] = pool.submit(compile_for, point, fitting, clock)
        truths = [pool.submit(find_truth, point, compiling[point.shape], clock) for point, _ in work]
        try:
            for place, (point, fitting) in enumerate(work):
                truth, rng = truths[place].result(), np.random.default_rng([seed, place])
                for implementation in fitting:
                    cases.append(judge(implementation, point, truth, rng, clock))
                    progress(len(cases), total)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return cases


def compile_for(point: Point, fitting: list[Implementation], clock: Clock) -> None:
    """Have JAX compile the gradient for the point's shape, autodiff's and what else it compiles."""
    with clock.time("compile"):
        autodiff.differentiate(point)
        for implementation in fitting:
            if implementation.in_numpy:
                implementation.differentiate(point)


def find_truth(point: Point, compiled: "Future[None]", clock: Clock) -> Values:
    """Autodiff's gradients, once the shape is compiled."""
    compiled.result()
    with clock.time("autodiff"):
        return autodiff.differentiate(point)


def judge(implementation: Implementation, point: Point, truth: Values, rng: np.random.Generator, clock: Clock) -> Case:
    """One implementation at one point: the forward first, then each gradient, then the third opinion."""
    try:
        with clock.time("by hand"), np.errstate(all="ignore"):  # what is not finite is told by name below
            values = implementation.differentiate(point)
            wavering = differing(values, implementation.differentiate(point))
        with clock.time("noise"), np.errstate(all="ignore"):
            # With its own results in both precisions, so that a fault cancels.
            program = implementation.in_numpy or implementation.differentiate
            rounded = program(point) if implementation.in_numpy else values
            level = noise.measure(program, point, rounded, rng, DRAWS)
            comparisons = against(implementation, point, truth, values, level)
            for draws, doubt in IN_DOUBT:
                accused = [n for n, c in comparisons.items() if c.verdict is Verdict.FAIL and c.multiple <= doubt]
                if accused:
                    again = noise.measure_harder(program, point, rounded, rng, draws)
                    level |= {name: max(level[name], again[name]) for name in accused if name in level}
                    comparisons = against(implementation, point, truth, values, level)
    except Exception as error:  # a gradient that crashes is a finding, and the others are still to be judged
        return Case(implementation.name, point.name, (), (), error=f"{type(error).__name__}: {error}")
    comparisons |= {c.name: c for c in wavering}
    forward = tuple(c for c in comparisons.values() if noise.is_forward(c.name))
    if any(c.verdict is Verdict.FAIL for c in forward):
        note = "the forwards differ, so the gradients were not judged"
        return Case(implementation.name, point.name, forward, (), (note,))
    with clock.time("complex step"):
        gradients = tuple(
            replace(c, opinion=ask(implementation, point, truth, values, c.name, level, rng))
            for c in comparisons.values()
            if not noise.is_forward(c.name)
        )
    return Case(implementation.name, point.name, forward, gradients, implementation.notes(point))


def against(
    implementation: Implementation, point: Point, truth: Values, values: Values, level: dict[str, float]
) -> dict[str, Comparison]:
    """Each array by hand beside autodiff's, by name; one that is missing or not expected counts as wrong."""
    ours, theirs = noise.everything(values), noise.everything(truth)
    reach = max(noise.norm(array) for array in truth.gradients.values())
    compared = {name: unlike(name, ours[name], "is not expected") for name in ours if name not in theirs}
    for name, right in theirs.items():
        if name in ours:
            compared[name] = compare(name, ours[name], right, level[name], point.shape.dtype, reach)
        elif name.split("[")[0] not in implementation.without:
            compared[name] = unlike(name, right, "is missing")
    return compared


def differing(first: Values, second: Values) -> list[Comparison]:
    """What changes from one call to the next, from state that leaks or from chance: wrong, however near the truth."""
    one, two = noise.everything(first), noise.everything(second)

    def steady(name: str) -> bool:
        a, b = one[name], two[name]
        if a.shape != b.shape:
            return False
        return np.array_equal(a, b, equal_nan=True) or noise.norm(b - a) <= LEAK * noise.norm(a)

    return [unlike(name, one[name], "differs from one call to the next") for name in one if not steady(name)]


def ask(
    implementation: Implementation,
    point: Point,
    truth: Values,
    values: Values,
    name: str,
    level: dict[str, float],
    rng: np.random.Generator,
) -> Opinion | None:
    """The third opinion on one gradient; none where there is nothing finite to side with."""
    manual, theirs = values.gradients.get(name), truth.gradients.get(name)
    if manual is None or theirs is None or manual.shape != theirs.shape:
        return None
    if not np.isfinite([noise.norm(manual), noise.norm(theirs), level[name]]).all():
        return None
    reach = max(noise.norm(array) for array in truth.gradients.values())
    return third_opinion(implementation.loss, point, name, manual, theirs, level[name], reach, rng)
