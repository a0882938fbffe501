"""Updates a second of the alphabet problem, beside NumPy: `python benchmarks/alphabet.py`, a minute.

26 letters, ten hidden units, SGD: NumPy as a learner writes it, NumPy with all that can be in one product, and
`rnn-jax train alphabet`, in processes of their own, by turns. The losses before the first and after a thousand updates
must be the same but for the rounding of float32. Exit status 1 where rnn_jax is not 100 and 20 times as fast.
"""

from __future__ import annotations

import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent / "speed"))
from versus import race, spread

UPDATES = 1000
OURS = "alphabet_rnn_jax"
PEERS = {"alphabet_numpy": ("NumPy, step by step", 100), "alphabet_vectorised": ("NumPy, vectorised", 20)}
# The arithmetic of an update: three products of 10 x 10 in each of 26 steps and three of 10 x 26, forward and back.
OPERATIONS = 2 * 3 * 26 * (10 * 10 + 10 * 26)


def main() -> int:
    """Race, and print the table."""
    raced = race([OURS, *PEERS], {"updates": UPDATES}, rounds=9, budget=0.5)
    ours = raced[OURS].seconds
    print("| | updates/s | rnn_jax by it (middle half) | loss at first | after 1,000 updates |\n|---|---|---|---|---|")
    print(f"| rnn_jax | {1 / median(ours):,.0f} | | {raced[OURS].ready.loss:.6f} | {raced[OURS].ready.later:.6f} |")
    short = False
    for name, (said, bar) in PEERS.items():
        other = raced[name]
        times = [b / a for a, b in zip(ours, other.seconds, strict=True)]
        losses = f"{other.ready.loss:.6f} | {other.ready.later:.6f}"
        print(f"| {said} | {1 / median(other.seconds):,.0f} | {spread(times, 0)} | {losses} |")
        short |= median(times) < bar
    rate = OPERATIONS / median(ours) / 1e9
    print(f"\nThe products of an update are {OPERATIONS:,} operations: {rate:.1f} GFLOP/s of them are done.")
    print(f"jax {version('jax')}, numpy {version('numpy')}, python {platform.python_version()}; {date.today()}.")
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
