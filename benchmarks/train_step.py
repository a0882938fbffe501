"""One Adam step of a character model beside PyTorch, Flax and Equinox: `python benchmarks/train_step.py`, 20 minutes.

Each point of the grid: RNN, LSTM and GRU, four sizes, 65 characters, 64 steps. Each competitor in a process of its own,
by turns, on two threads, from the same weights, whose loss must be the same to 1e-4; the ratios are those of one round,
and their median and spread over the rounds are printed, with the share of the greatest rate at which this machine
multiplies matrices, and the seconds of the first call. Needs `pip install flax equinox` and PyTorch.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "speed"))
from characters import operations
from versus import Raced, geometric, race, spread

CELLS = ("rnn", "lstm", "gru")
SIZES = ((8, 64), (32, 128), (32, 256), (64, 512))  # B, H
OURS, PEERS = "step_rnn_jax", {"step_torch": "PyTorch", "step_flax": "Flax", "step_equinox": "Equinox"}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--sizes", default=" ".join(f"{B},{H}" for B, H in SIZES))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--budget", type=float, default=0.5, help="seconds of a turn")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def ratios(raced: dict[str, Raced], peer: str) -> list[float]:
    """Our time by the peer's, round by round."""
    return [ours / theirs for ours, theirs in zip(raced[OURS].seconds, raced[peer].seconds, strict=True)]


def row(case: dict[str, Any], raced: dict[str, Raced], peers: list[str], peak: float) -> str:
    """One line of the table."""
    ours = median(raced[OURS].seconds)
    cells = [f"{case['cell']} {case['B']}, {case['H']}", f"{1e3 * ours:.2f}"]
    cells += (f"{1e3 * median(raced[peer].seconds):.2f} | {spread(ratios(raced, peer), 2)}" for peer in peers)
    cells += [f"{100 * operations(case) / ours / peak:.0f}", f"{raced[OURS].ready.first:.1f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Race at each point, and print the table."""
    args = arguments()
    peers = [name for name in args.peers.split(",") if name]
    peak = race(["peak"], {}, args.rounds, args.budget)["peak"]
    rate = 1 / min(peak.seconds)
    head = ["cell, B, H", "rnn_jax, ms", *(f"{PEERS[p]}, ms | ratio" for p in peers), "% of peak", "first call, s"]
    print("| " + " | ".join(head) + " |\n" + "|---" * (4 + 2 * len(peers)) + "|", flush=True)
    found, medians = [], {peer: [] for peer in peers}
    for cell in args.cells.split(","):
        for B, H in (map(int, size.split(",")) for size in args.sizes.split()):
            case = {"cell": cell, "B": B, "H": H, "V": 65, "T": 64}
            raced = race([OURS, *peers], case, args.rounds, args.budget)
            print(row(case, raced, peers, rate), flush=True)
            found.append({"case": case} | {name: each._asdict() for name, each in raced.items()})
            for peer in peers:
                medians[peer].append(median(ratios(raced, peer)))
            if args.json:
                args.json.write_text(json.dumps(found, indent=1))
    print("\n" + geometric({PEERS[peer]: each for peer, each in medians.items()}))
    names = ["jax", "numpy", *(p.removeprefix("step_") for p in peers)]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"\nPeak {rate / 1e9:.0f} GFLOP/s. {versions}, python {platform.python_version()}; {date.today()}.")


if __name__ == "__main__":
    main()
