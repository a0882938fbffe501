"""How often right code is accused: `python benchmarks/false_alarms.py [POINTS]`, minutes.

Checks the right programs of examples/ at random parameters, about POINTS in all: at the usual size of the weights, at
chaotic ones, on sequences of 200 steps, and with float32 data. Every gradient has to PASS; one may be UNDECIDED where
the point is too ill-conditioned to say. Prints a Markdown table; what is accused is printed in full.
"""

import shlex
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from rnn_jax.verify.check import check
from rnn_jax.verify.check_report import CheckReport
from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program, modules_kept
from rnn_jax.verify.report import Verdict
from rnn_jax.verify.trace.world import World

RIGHT = Path(__file__).parent.parent / "examples" / "right"

# Programs that take sequences of any length, and what makes them long.
LONG = {
    "count_mod_three.py": "X, Y = make_example(200)",
    "packed_wub.py": "x_seq, y_seq = np.random.randn(D, 200), np.random.randn(K, 200)",
    "gru_batch.py": "inputs = rng.randn(200, FEATURES, BATCH); targets = rng.randn(1, BATCH)",
    "theory_rows.py": "x, y = np.arange(200) % 3, np.arange(1, 201) % 3",
    "lstm_batched_stacked.py": "X, dHout = _rng.standard_normal((200, B, D)), _rng.standard_normal((200, B, H))",
}


def examples() -> list[tuple[str, dict[str, str]]]:
    """Each right example's file and options."""
    entries = tomllib.loads((RIGHT / "index.toml").read_text())["example"]
    found = []
    for entry in entries:
        words = shlex.split(entry["command"])
        found.append((Path(entry["file"]).name, dict(zip(words[::2], words[1::2], strict=True))))
    return found


def judge(
    file: str, options: dict[str, str], points: int, gain: float, long: bool, dtype: str, seed: int
) -> CheckReport:
    """One example at its own values and at random points."""
    setup = "; ".join(part for part in (options.get("--setup"), LONG[file] if long else None) if part)
    with modules_kept():
        program = Program(RIGHT / file, options.get("--cells"), options.get("--until"))
        program.load()
        if dtype == "float32":
            in_float32(program)
        get = options.get
        said = Expressions(
            options["--wrt"], options["--loss"], get("--grads"), setup or None, get("--call"), get("--update"),
            float(get("--lr", "1")),
        )  # fmt: skip
        return check(FileSubject(program, said), program=file, points=points, gain=gain, seed=seed, dtype=dtype)


def in_float32(program: Program) -> None:
    """All float64 arrays of the program's data as float32."""
    made: dict[int, Any] = {}

    def convert(value: Any) -> Any:
        if type(value) is np.ndarray and value.dtype == np.float64:
            return made.setdefault(id(value), value.astype(np.float32))
        return tuple(map(convert, value)) if type(value) is tuple else value

    for place in World(program.namespace).slots:
        place(convert)


def main() -> None:
    """Print the table."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    runs = [("float64", 1.0, False), ("float64", 2.0, False), ("float64", 1.0, True), ("float32", 1.0, False)]
    counted = sum(sum(not long or file in LONG for file, _ in examples()) for _, _, long in runs)
    points = max(1, round(total / counted))
    print(
        "| dtype | weights | T | programs | points | gradients | fail | undecided | worst multiple passed | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for dtype, gain, long in runs:
        start = time.perf_counter()
        reports = []
        for number, (file, options) in enumerate(examples()):
            if not long or file in LONG:
                reports.append(judge(file, options, points, gain, long, dtype, number))
        judged = [c for r in reports for p in r.parameters for _, c in p.comparisons]
        count = {v: sum(c.verdict is v for c in judged) for v in Verdict}
        worst = max(c.multiple for c in judged if c.verdict is Verdict.PASS)
        places = sum(len(report.points) for report in reports)
        kind = f"{dtype} | {'chaotic' if gain > 1 else 'usual'} | {200 if long else 'own'}"
        size = f"{len(reports)} | {places:,} | {len(judged):,}"
        found = f"{count[Verdict.FAIL]} | {count[Verdict.UNDECIDED]} | {worst:.1f}"
        print(f"| {kind} | {size} | {found} | {time.perf_counter() - start:.0f} |", flush=True)
        for report in reports:
            if report.verdict is not Verdict.PASS:
                print(f"\n{report}", file=sys.stderr)


if __name__ == "__main__":
    main()
