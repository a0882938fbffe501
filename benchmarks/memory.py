"""Memory and time of the gradient of a long sequence, in segments and at once: `python benchmarks/memory.py`, minutes.

An LSTM of 64 units on one sequence of characters, the loss of every step, the readout inside the segments; each length
and way in a process of its own. Memory is what the compiled gradient takes beyond its input, by XLA's account. The
gradients are compared in float64.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from statistics import median

import numpy as np

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
H, K = 64, 65


def measured(T: int, segment: int, dtype: str) -> tuple[float, float, np.ndarray]:
    """MiB, seconds, and the gradient as one vector."""
    import jax
    from jax.flatten_util import ravel_pytree

    from rnn_jax import begin, feeds, train
    from rnn_jax.planner import Execution
    from rnn_jax.recipe import Recipe
    from rnn_jax.spec import Spec

    jax.config.update("jax_enable_x64", True)
    plan = train.Plan(Spec(K, H, K, "lstm"), Recipe(1, dtype=dtype), feeds.Windows(T, 1, whole=True))
    params = train.begin(plan, begin.start(plan), 1).params
    text = np.random.default_rng(0).integers(0, K, T + 1).astype(np.int32)
    batch = feeds.Batch(text[:-1, None], text[1:, None], np.ones((T, 1), bool), np.array(True))
    how, start = Execution(segment=segment), train.zero_state(plan, 1)
    gradient = jax.jit(jax.grad(lambda p: train.loss(plan, p, batch, start, None, how)[0])).lower(params).compile()
    room = gradient.memory_analysis()
    found, times = gradient(params), []
    for _ in range(3):
        begun = time.perf_counter()
        found = jax.block_until_ready(gradient(params))
        times.append(time.perf_counter() - begun)
    needed = room.temp_size_in_bytes + room.output_size_in_bytes
    return needed / 2**20, median(times), np.asarray(ravel_pytree(found)[0])


def apart(T: int, segment: int, dtype: str) -> tuple[float, float, np.ndarray]:
    """The same in a process of its own."""
    made = subprocess.run(
        [sys.executable, __file__, "--one", str(T), str(segment), dtype], stdout=subprocess.PIPE, check=True
    )
    told, _, numbers = made.stdout.partition(b"\n")
    mebibytes, seconds = map(float, told.split())
    return mebibytes, seconds, np.frombuffer(numbers)


def main() -> None:
    """Print the table, or of one length and way what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--one", nargs=3)
    args = parser.parse_args()
    if args.one:
        mebibytes, seconds, numbers = measured(int(args.one[0]), int(args.one[1]), args.one[2])
        sys.stdout.buffer.write(f"{mebibytes} {seconds}\n".encode() + numbers.astype(float).tobytes())
        return
    from rnn_jax.segments import length

    print("| T | at once, MiB | s | segments of | MiB | s | time, by at once | gradients differ, float64 |")
    print("|---|---|---|---|---|---|---|---|")
    for T in LENGTHS:
        (whole, seconds, _), (less, longer, _) = apart(T, 0, "float32"), apart(T, length(T), "float32")
        one, other = (apart(T, segment, "float64")[2] for segment in (0, length(T)))
        off = np.linalg.norm(one - other) / np.linalg.norm(one)
        print(
            f"| {T:,} | {whole:,.0f} | {seconds:.2f} | {length(T)} | {less:,.1f} | {longer:.2f} | "
            f"{longer / seconds:.2f} | {off:.0e} |",
            flush=True,
        )
    print(f"\njax {version('jax')}, numpy {version('numpy')}, python {platform.python_version()}; {date.today()}.")


if __name__ == "__main__":
    main()
