"""What a recorded operation costs: `python benchmarks/tape.py`, a minute or two.

Records, differentiates and checks a tanh RNN (H=16, one sequence) at lengths that give about 1,000 to 50,000
operations, each length in a process of its own, and prints a Markdown table. Time and memory should grow in proportion.
"""

import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

OPERATIONS = (1_000, 5_000, 10_000, 50_000)
EACH = 5  # operations in a step of the program below


def program(steps: int) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """A loss, its gradients by hand, and their parameters."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(steps, 5)), rng.normal(size=(steps, 16))
    p = {"U": 0.3 * rng.normal(size=(5, 16)), "W": 0.2 * rng.normal(size=(16, 16)), "b": 0.1 * rng.normal(size=16)}

    def forward() -> tuple[Any, np.ndarray]:
        h = np.zeros((steps + 1, 16))
        for t in range(steps):
            h[t + 1] = np.tanh(x[t] @ p["U"] + h[t] @ p["W"] + p["b"])
        return np.sum(h[1:] * y), h

    def backward() -> dict[str, np.ndarray]:
        h = forward()[1]
        g = {name: np.zeros_like(value) for name, value in p.items()}
        dh = np.zeros(16)
        for t in reversed(range(steps)):
            da = (y[t] + dh) * (1 - h[t + 1] ** 2)
            g["U"] += np.outer(x[t], da)
            g["W"] += np.outer(h[t], da)
            g["b"] += da
            dh = p["W"] @ da
        return g

    return lambda: forward()[0], backward, p


def measure(operations: int) -> str:
    """One row of the table."""
    import jax  # noqa: F401 - its import is not what is measured

    from rnn_jax.verify import command, truth
    from rnn_jax.verify.of_functions import CallableSubject
    from rnn_jax.verify.subject import Setting, record

    loss, grads, p = program(operations // EACH)
    warm, warm_grads, small = program(4)
    command.check(warm, warm_grads, small)
    start = time.perf_counter()
    loss()
    plain = time.perf_counter()
    made = record(CallableSubject(loss, grads, p), Setting())
    recorded = time.perf_counter()
    truth.differentiate(made)
    differentiated = time.perf_counter()
    report = command.check(loss, grads, p)
    done = time.perf_counter()
    assert report.ok, str(report)
    number = report.operations
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {number:,} | {plain - start:.2f} | {recorded - plain:.2f} | {differentiated - recorded:.2f} | "
        f"{(differentiated - plain) / number * 1e3:.2f} | {done - differentiated:.1f} | {peak:,.0f} |"
    )


def main() -> None:
    """Print the table, or with a number one row of it."""
    if len(sys.argv) > 1:
        print(measure(int(sys.argv[1])))
        return
    print("| operations | plain NumPy, s | record, s | differentiate, s | both, ms/operation | whole check, s | MiB |")
    print("|---|---|---|---|---|---|---|")
    for operations in OPERATIONS:
        done = subprocess.run([sys.executable, __file__, str(operations)], capture_output=True, text=True, check=True)
        print(done.stdout, end="", flush=True)


if __name__ == "__main__":
    main()
