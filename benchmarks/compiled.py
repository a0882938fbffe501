"""How long a training step takes to be compiled, or found in the cache: `python benchmarks/compiled.py`, 3 minutes.

Each case in processes of its own: with an empty cache, as with a first `rnn-jax train`, and then with what that one has
left, three times. What is told is the first call less the second: tracing, XLA, and what is read from the disk.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

SCRIPT = Path(__file__).parent / "speed/first_call.py"
CASES = [(cell, B, H) for cell in ("rnn", "lstm", "gru") for B, H in ((8, 64), (64, 512))]
WARM = 3


def seconds(cell: str, B: int, H: int, folder: str) -> float:
    """Of one process."""
    case = {"cell": cell, "B": B, "H": H, "V": 65, "T": 64}
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": folder}
    made = subprocess.run(
        [sys.executable, SCRIPT, json.dumps(case)], env=environment, stdout=subprocess.PIPE, check=True
    )
    return float(made.stdout)


def main() -> None:
    """Print the table."""
    print("| cell, B, H | cold, s | warm, s |\n|---|---|---|")
    for cell, B, H in CASES:
        with tempfile.TemporaryDirectory() as folder:
            cold = seconds(cell, B, H, folder)
            warm = median(seconds(cell, B, H, folder) for _ in range(WARM))
        print(f"| {cell} {B}, {H} | {cold:.2f} | {warm:.2f} |", flush=True)
    print(f"\njax {version('jax')}, python {platform.python_version()}; {date.today()}.")


if __name__ == "__main__":
    main()
