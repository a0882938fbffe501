"""One gradient three ways, against T, B and H: `python benchmarks/gradients.py`, ten minutes.

By hand in NumPy (reference/), by autodiff of the scan and by hand in JAX, both compiled, on one device; characters and
their mean loss, float32. Processes of their own by turns; medians, and ratios round by round with their middle half.
Memory: of NumPy the most that its arrays took at once, of JAX what the compiled program says that it takes.
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
from characters import operations
from versus import Raced, race, spread

NUMPY, AUTODIFF, BY_HAND = "gradient_numpy", "gradient_autodiff", "gradient_by_hand"
V = 65
# One of T, B and H after the other about a middle point.
POINTS = (
    *((T, 16, 128) for T in (16, 64, 256, 1024)),
    *((64, B, 128) for B in (1, 64)),
    *((64, 16, H) for H in (32, 512)),
)


def times(first: Raced, second: Raced) -> str:
    """How often the first's time goes into the second's, round by round."""
    return spread([b / a for a, b in zip(first.seconds, second.seconds, strict=True)], 1)


def main() -> None:
    """Race at each point, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", default="rnn,lstm,gru")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=0.2, help="seconds of a turn")
    args = parser.parse_args()
    print(
        "| cell | T, B, H | NumPy by hand, ms | MiB | autodiff, ms | MiB | by hand, ms | MiB "
        "| GFLOP/s by hand | faster than NumPy | than autodiff |\n" + "|---" * 11 + "|",
        flush=True,
    )
    for cell in args.cells.split(","):
        for T, B, H in POINTS:
            case = {"cell": cell, "T": T, "B": B, "H": H, "V": V}
            raced = race([NUMPY, AUTODIFF, BY_HAND], case, args.rounds, args.budget)
            columns = [
                f"{1e3 * median(raced[name].seconds):.2f} | {raced[name].ready.stored / 2**20:.1f}"
                for name in (NUMPY, AUTODIFF, BY_HAND)
            ]
            rate = operations(case) / median(raced[BY_HAND].seconds) / 1e9
            faster = [times(raced[BY_HAND], raced[name]) for name in (NUMPY, AUTODIFF)]
            print("| " + " | ".join([cell, f"{T}, {B}, {H}", *columns, f"{rate:.0f}", *faster]) + " |", flush=True)
    print(f"\njax {version('jax')}, numpy {version('numpy')}, python {platform.python_version()}; {date.today()}.")


if __name__ == "__main__":
    main()
