"""How far right gradients lie from the tolerance: `python benchmarks/noise.py [CONFIGS]`, minutes.

Runs the whole verification over several seeds in both precisions and prints, as a Markdown table, how the errors of
all comparisons (gradients, losses, logits, states) are distributed in multiples of the rounding noise measured at
each point. What `rnn_jax/verify/compare.py` says of its tolerance comes from here.
"""

import sys
from datetime import date

import numpy as np

import rnn_jax
from rnn_jax.verify.report import Report, Verdict

RUNS = (("float64", 0), ("float64", 1), ("float64", 2), ("float32", 0), ("float32", 1))


def row(report: Report) -> str:
    """One run as a row of the table."""
    comparisons = [c for case in report.cases for c in (*case.forward, *case.gradients)]
    multiples = np.array([c.multiple for c in comparisons])
    half, most, rare = np.quantile(multiples, [0.5, 0.99, 0.9999])
    count = {v: sum(case.verdict is v for case in report.cases) for v in Verdict}
    return (
        f"| {report.dtype} | {report.seed} | {len(report.cases):,} | {len(comparisons):,} | {half:.2f} | {most:.1f} | "
        f"{rare:.1f} | {multiples.max():.1f} | {count[Verdict.FAIL]} | {count[Verdict.UNDECIDED]} | "
        f"{report.seconds['total']:.0f} |"
    )


def main() -> None:
    """Print the table."""
    configs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| dtype | seed | cases | comparisons | median | 99% | 99.99% | worst | disagree | undecided | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for dtype, seed in RUNS:
        report = rnn_jax.verify(configs=configs, seed=seed, dtype=dtype)
        print(row(report), flush=True)
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    print(f"\n{configs} random configurations a run; {versions}; {date.today()}.")


if __name__ == "__main__":
    main()
