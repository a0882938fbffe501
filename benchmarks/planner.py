"""What the planner's cost model costs: `python benchmarks/planner.py`, five minutes; on a GPU, that one's costs.

Measures an update of character models of many sizes in every way that the planner knows, fits the seconds by term
(non-negative least squares of relative errors), prints them as they stand in rnn_jax/planner.py, and how much longer
than the best way the chosen one takes, by the constants that stand there now. Exit status 1 where that is more than a
tenth anywhere.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

import jax

sys.path.insert(0, str(Path(__file__).parent / "speed"))

from characters import GATES
from prices import line
from step_rnn_jax import prepare

from rnn_jax import planner
from rnn_jax.planner import Execution
from rnn_jax.spec import Spec

T, K = 64, 65
SIZES = ((2, 16), (4, 32), (8, 64), (16, 96), (32, 128), (32, 256), (64, 512))
ALLOWED = 1.1
WORDS = {"plain": "autodiff", "fast": "by hand", "cudnn": "cuDNN"}


def ways(spec: Spec, B: int) -> list[Execution]:
    """What the planner has costs of, for two devices of a CPU; on a GPU what it may choose from."""
    if jax.default_backend() == "cpu":
        return list(planner.COSTS["cpu"])
    return planner.candidates(spec, B, 1, drawn=False)


def in_short(way: Execution) -> str:
    """A way, as the head of a column."""
    parts = f", {way.parts} parts" if way.parts > 1 else ""
    return WORDS[way.plan] + parts + (", W in blocks" if way.blocks else "")


def measured(cell: str, B: int, H: int, way: Execution, seconds: float) -> float:
    """The seconds of an update, the median of five turns."""
    prepared = prepare({"cell": cell, "B": B, "H": H, "V": K, "T": T, "execution": way})
    prepared.work(1)
    turns, start = 1, time.perf_counter()
    prepared.work(1)
    turns = max(1, round(seconds / 5 / (time.perf_counter() - start)))
    found = []
    for _ in range(5):
        start = time.perf_counter()
        prepared.work(turns)
        found.append((time.perf_counter() - start) / turns / prepared.units)
    return median(found)


def main() -> int:
    """Measure, fit, and tell how good the choices are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=0.8, help="of each measurement")
    args = parser.parse_args()
    points = [(Spec(K, H, K, cell, second_bias=cell == "gru"), B) for cell in GATES for B, H in SIZES]
    known = list(dict.fromkeys(way for spec, B in points for way in ways(spec, B)))
    print("| cell, B, H | " + " | ".join(map(in_short, known)) + " | chosen, by the best |")
    print("|---" * (len(known) + 2) + "|")
    rows, worst = [], 0.0
    for spec, B in points:
        row = {way: measured(spec.cell, B, spec.H, way, args.seconds) for way in ways(spec, B)}
        rows.append(row)
        chosen = row[planner.choose(spec, T, B, devices=2).execution] / min(row.values())
        worst = max(worst, chosen)
        times = (f"{1e3 * row[way]:.2f}" if way in row else "" for way in known)
        print("| " + " | ".join([f"{spec.cell} {B}, {spec.H}", *times, f"{chosen:.2f}"]) + " |", flush=True)
    print(f'\n    "{jax.default_backend()}": {{  # {jax.devices()[0].device_kind}')
    for way in known:
        there = [k for k, row in enumerate(rows) if way in row]
        print(line(way, [(points[k][0], T, points[k][1]) for k in there], [rows[k][way] for k in there]))
    print(f"    }},\n\nThe chosen way takes at most {worst:.2f} times the best one's time.")
    print(f"jax {version('jax')}, numpy {version('numpy')}, python {platform.python_version()}; {date.today()}.")
    return int(worst > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
