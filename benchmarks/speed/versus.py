"""Competitors that take turns, each in a process of its own that waits while another works.

A competitor is a module of this folder with `prepare(case) -> Prepared`. What is asked of it goes in as lines of JSON
and comes back so; a process that waits is blocked, and takes no core.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

THREADS = 2


class Prepared(NamedTuple):
    """What a competitor does: units of work, and the loss at the beginning; made before any clock runs.

    A loss that is a function is asked for after the first turn, where the first update has told it.
    """

    loss: float | Callable[[], float]
    work: Callable[[int], Any]  # does n turns and waits for them
    units: int = 1  # of work in a turn
    later: float = 0.0  # the loss after some updates, where that is asked for
    stored: int = 0  # bytes that a turn takes, where that is asked for


class Ready(NamedTuple):
    """What a competitor said when it was ready."""

    loss: float
    first: float  # seconds of the first turn, compilation included
    units: int
    later: float
    stored: int


class Competitor:
    """A process with one competitor in it."""

    def __init__(self, module: str, case: dict[str, Any]) -> None:
        """Start it, and wait until it has taken its first turn; raises RuntimeError where it ends instead."""
        environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "MKL_NUM_THREADS": str(THREADS)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, module, json.dumps(case)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.module = module
        self.ready = Ready(**self.hear())

    def hear(self) -> dict[str, Any]:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.module} ended with status {self.process.wait()}")
        return dict(json.loads(line))

    def seconds(self, turns: int) -> float:
        """How long so many turns take it."""
        assert self.process.stdin is not None
        print(turns, file=self.process.stdin, flush=True)
        return float(self.hear()["seconds"])

    def close(self) -> None:
        """Let it end."""
        self.process.stdin.close()
        self.process.wait()


class Raced(NamedTuple):
    """What a competitor needed: the seconds of a unit, round by round, and what it said when it was ready."""

    seconds: list[float]
    ready: Ready


def spread(times: list[float], digits: int) -> str:
    """The median, and the middle half of them."""
    each = sorted(times)
    low, high = each[len(each) // 4], each[-1 - len(each) // 4]
    return f"{median(each):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def geometric(ratios: dict[str, list[float]]) -> str:
    """A table of the geometric means of the ratios by each competitor, and the greatest."""
    means = (f"{math.exp(sum(map(math.log, each)) / len(each)):.3f}" for each in ratios.values())
    lines = ["", *ratios], ["---"] * (len(ratios) + 1), ["geometric mean of the ratios", *means]
    greatest = ["greatest", *(f"{max(each):.2f}" for each in ratios.values())]
    return "\n".join("| " + " | ".join(line) + " |" for line in (*lines, greatest))


def race(modules: list[str], case: dict[str, Any], rounds: int, budget: float) -> dict[str, Raced]:
    """All competitors by turns, each round in another order; a turn takes about `budget` seconds.

    Raises RuntimeError where their losses on the same weights are not equal to 1e-4: then the work is not the same.
    """
    runners = {name: Competitor(name, case) for name in modules}
    try:
        for when in ("loss", "later"):
            losses = {name: getattr(runner.ready, when) for name, runner in runners.items()}
            if max(losses.values()) - min(losses.values()) > 1e-4 * max(losses.values()):
                raise RuntimeError(f"the losses differ on the same weights: {losses}")
        turns = {name: settled(runner, budget) for name, runner in runners.items()}
        found: dict[str, list[float]] = {name: [] for name in modules}
        for turn in range(rounds):
            order = modules[turn % len(modules) :] + modules[: turn % len(modules)]
            for name in order:
                each = runners[name].seconds(turns[name]) / turns[name]
                found[name].append(each / runners[name].ready.units)
        return {name: Raced(found[name], runner.ready) for name, runner in runners.items()}
    finally:
        for runner in runners.values():
            runner.close()


def settled(runner: Competitor, budget: float) -> int:
    """How many turns take about so many seconds, after it has warmed up."""
    turns = 1
    while (seconds := runner.seconds(turns)) < budget / 4:
        turns *= 2
    return max(1, round(turns * budget / seconds))


def first_turn(prepared: Prepared) -> Ready:
    """Take the first turn, and say how it went."""
    start = time.perf_counter()
    prepared.work(1)
    seconds = time.perf_counter() - start
    loss = prepared.loss() if callable(prepared.loss) else prepared.loss
    return Ready(loss, seconds, prepared.units, prepared.later, prepared.stored)


def answer(module: str, case: dict[str, Any]) -> None:
    """Be the competitor: prepare, then work as told, line by line."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes elsewhere
    prepared = importlib.import_module(module).prepare(case)
    print(json.dumps(first_turn(prepared)._asdict()), file=out, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        prepared.work(int(line))
        print(json.dumps({"seconds": time.perf_counter() - start}), file=out, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    answer(sys.argv[1], json.loads(sys.argv[2]))
