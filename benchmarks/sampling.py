"""Characters a second, one stream at a temperature of 1, beside PyTorch: `python benchmarks/sampling.py`, two minutes.

65 characters, 128 hidden units; PyTorch steps nn.RNN, nn.LSTM and nn.GRU in a Python loop. By turns, in processes of
their own.
"""

from __future__ import annotations

import argparse
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent / "speed"))
from versus import race, spread

CELLS = ("rnn", "lstm", "gru")
OURS, PEER = "sample_rnn_jax", "sample_torch"


def main() -> None:
    """Race each cell, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hidden", type=int, default=128)
    args = parser.parse_args()
    print(
        "| cell | rnn_jax, characters/s | PyTorch, characters/s | rnn_jax by PyTorch (middle half) |\n|---|---|---|---|"
    )
    for cell in CELLS:
        case = {"cell": cell, "B": 1, "H": args.hidden, "V": 65, "T": 64}
        raced = race([OURS, PEER], case, rounds=9, budget=0.4)
        times = [b / a for a, b in zip(raced[OURS].seconds, raced[PEER].seconds, strict=True)]
        rates = " | ".join(f"{1 / median(raced[name].seconds):,.0f}" for name in (OURS, PEER))
        print(f"| {cell} | {rates} | {spread(times, 0)} |", flush=True)
    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "numpy", "torch"))
    print(f"\n{args.hidden} units. {versions}, python {platform.python_version()}; {date.today()}.")


if __name__ == "__main__":
    main()
