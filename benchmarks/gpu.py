"""One Adam step of a character model on a GPU, beside PyTorch, Flax and Equinox: `python benchmarks/gpu.py`, 4 minutes.

Each point of the grid: LSTM, GRU and RNN, four sizes, 65 characters, 64 steps; ours by cuDNN, by hand and by autodiff.
Each competitor in a process of its own, by turns, from the same weights, whose loss must be the same; the ratios are
those of one round, of the way that the planner takes; their median and quartiles over the rounds are printed, with the
share of the greatest rate at which this card multiplies matrices of float32 or, with --tf32, of factors rounded to
TF32, as all competitors then do. Beside that what a step of a bare lax.scan takes, the seconds of the first call, and
the planner's costs as they would stand in rnn_jax/planner.py. A competitor that is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # one card is shared by all

import jax

sys.path.insert(0, str(Path(__file__).parent / "speed"))
from characters import operations
from prices import line
from standing import NotThereError, Standing, prepare, take_turns
from versus import Raced, geometric, spread

from rnn_jax import planner
from rnn_jax.planner import Execution
from rnn_jax.spec import Spec

CELLS = ("lstm", "gru", "rnn")
SIZES = ((8, 64), (32, 128), (32, 256), (64, 512))  # B, H
T, K = 64, 65
OURS = {plan: Execution(plan) for plan in planner.ORDER}
PEERS = {"torch": "PyTorch", "flax": "Flax", "equinox": "Equinox"}
PATIENCE = 100.0  # seconds for the first call of a case


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--sizes", default=" ".join(f"{B},{H}" for B, H in SIZES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=0.1, help="seconds of a turn")
    parser.add_argument("--tf32", action="store_true", help="factors rounded to ten bits, of all competitors")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds, after which no case is begun")
    parser.add_argument("--anywhere", action="store_true", help="on a CPU too, to try this script")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def started(tf32: bool) -> dict[str, Standing]:
    """All competitors, those that are not installed left out, and what measures the card."""
    precise = {} if tf32 else {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}  # left to itself JAX rounds to TF32
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    standing = {plan: Standing("step_rnn_jax", {"execution": way}, precise) for plan, way in OURS.items()}
    standing |= {peer: Standing(f"step_{peer}", {"device": device, "tf32": tf32}, precise) for peer in PEERS}
    standing |= {name: Standing(name, {}, precise) for name in ("peak", "loop")}
    for name, each in list(standing.items()):
        why = each.begin(PATIENCE)
        if why:
            print(f"{name} is left out: {why}", flush=True)
            del standing[name]
    return standing


def alone(each: Standing, case: dict[str, Any], budget: float = 0.3) -> float:
    """The seconds of a unit of a case that has no peers, the least of five."""
    failed = prepare({"it": each}, case, PATIENCE)
    if failed:
        raise NotThereError(failed["it"])
    return min(take_turns({"it": each}, 5, budget)["it"].seconds)


def same_losses(ready: dict[str, Standing], tf32: bool) -> str:
    """Nothing, or what is to be said where the losses on the same weights are not the same."""
    losses = {name: each.ready.loss for name, each in ready.items() if each.ready is not None}
    allowed = 2e-3 if tf32 else 1e-4
    alike = max(losses.values()) - min(losses.values()) <= allowed * max(losses.values())
    return "" if alike else f"the losses differ on the same weights: {losses}"


def ratios(raced: dict[str, Raced], ours: str, peer: str) -> list[float]:
    """Our time by the peer's, round by round."""
    return [a / b for a, b in zip(raced[ours].seconds, raced[peer].seconds, strict=True)]


def chosen(case: dict[str, Any], raced: dict[str, Raced]) -> str:
    """The way that the planner takes; of those that were measured, the first in its order."""
    spec = Spec(K, case["H"], K, case["cell"], second_bias=case["cell"] == "gru")
    plan = planner.choose(spec, T, case["B"]).execution.plan
    return plan if plan in raced else next(name for name in OURS if name in raced)


def row(case: dict[str, Any], raced: dict[str, Raced], peers: list[str], peak: float) -> str:
    """One line of the table."""
    ours = chosen(case, raced)
    cells = [f"{case['cell']} {case['B']}, {case['H']}"]
    cells += [f"{1e3 * median(raced[name].seconds):.2f}" if name in raced else "" for name in OURS]
    for peer in peers:
        if peer not in raced:
            cells += ["", ""]
            continue
        cells += [f"{1e3 * median(raced[peer].seconds):.2f}", spread(ratios(raced, ours, peer), 2)]
    cells.append(f"{100 * operations(case) / median(raced[ours].seconds) / peak:.1f}")
    return "| " + " | ".join(cells) + " |"


def measured(
    standing: dict[str, Standing], cases: list[dict[str, Any]], args: argparse.Namespace, tell: Callable[..., None]
) -> list[tuple[dict[str, Any], dict[str, Raced]]]:
    """All cases, each told as it is done; none is begun after the limit."""
    start, longest, found = time.perf_counter(), 0.0, []
    for case in cases:
        begun = time.perf_counter()
        if begun - start + longest > args.limit:
            print(f"stopped by the limit of {args.limit:.0f} s", flush=True)
            break
        taking = {name: each for name, each in standing.items() if name != "cudnn" or case["cell"] == "lstm"}
        for name, why in prepare(taking, case, PATIENCE).items():
            print(f"{name}, {case['cell']} {case['B']}, {case['H']}: {why}", flush=True)
        ready = {name: each for name, each in taking.items() if each.ready is not None}
        differing = same_losses(ready, args.tf32) if ready else "nobody is ready"
        if differing:
            print(differing, flush=True)
            continue
        try:
            raced = take_turns(ready, args.rounds, args.budget)
        except NotThereError as error:
            print(f"{case['cell']} {case['B']}, {case['H']}: {error}", flush=True)
            continue
        found.append((case, raced))
        tell(case, raced)
        longest = max(longest, time.perf_counter() - begun)
        if args.json:
            kept = [{"case": c} | {name: each._asdict() for name, each in r.items()} for c, r in found]
            args.json.write_text(json.dumps(kept, indent=1))
    return found


def costs(found: list[tuple[dict[str, Any], dict[str, Raced]]]) -> list[str]:
    """The planner's costs, fitted to what was measured."""
    lines = [f'    "{jax.default_backend()}": {{  # {jax.devices()[0].device_kind} ({date.today()})']
    for name, way in OURS.items():
        there = [(case, raced[name]) for case, raced in found if name in raced]
        if there:
            points = [(Spec(K, c["H"], K, c["cell"], second_bias=c["cell"] == "gru"), T, c["B"]) for c, _ in there]
            lines.append(line(way, points, [median(each.seconds) for _, each in there]))
    return [*lines, "    },"]


def summary(found: list[tuple[dict[str, Any], dict[str, Raced]]], peers: list[str]) -> list[str]:
    """The geometric means, and how long the first call takes."""
    by_peer = {
        PEERS[peer]: [median(ratios(raced, chosen(case, raced), peer)) for case, raced in found if peer in raced]
        for peer in peers
    }
    lines = [geometric({peer: each for peer, each in by_peer.items() if each}), ""]
    firsts = {name: [raced[name].ready.first for _, raced in found if name in raced] for name in (*OURS, *peers)}
    told = ", ".join(f"{name} {median(each):.1f}" for name, each in firsts.items() if each)
    return [*lines, f"Seconds of the first call, compilation and all, several at once, in the median: {told}."]


def versions() -> str:
    """Of what was measured."""
    known = []
    for name in ("jax", "numpy", *PEERS):
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{', '.join(known)}, python {platform.python_version()}; {date.today()}."


def limits(standing: dict[str, Standing], tf32: bool, sizes: list[tuple[int, int]]) -> tuple[float, list[str]]:
    """The greatest rate of the card, and the lines on it and on what a step of a bare loop takes."""
    N = 1024 if jax.default_backend() == "cpu" else 8192
    rate = 1 / alone(standing["peak"], {"N": N})
    kind = "factors of products rounded to TF32" if tf32 else "products in full float32"
    lines = [f"{jax.devices()[0].device_kind}, {kind} on all sides; greatest rate {rate / 1e12:.1f} TFLOP/s."]
    steps = [f"{1e6 * alone(standing['loop'], {'B': 8, 'H': 64, 'gates': False}):.1f} with an addition"]
    steps += [f"{1e6 * alone(standing['loop'], {'B': B, 'H': H, 'gates': True}):.1f} at {B}, {H}" for B, H in sizes]
    lines.append(f"Microseconds of a step of lax.scan: {steps[0]}; with a product and gates {', '.join(steps[1:])}.")
    return rate, lines


def main() -> None:
    """Measure the card, then each point; print the tables."""
    args = arguments()
    if jax.default_backend() == "cpu" and not args.anywhere:
        sys.exit("there is no GPU here: benchmarks/train_step.py is for a CPU")
    sizes = [(int(B), int(H)) for B, H in (size.split(",") for size in args.sizes.split())]
    cases = [{"cell": cell, "B": B, "H": H, "V": K, "T": T} for cell in args.cells.split(",") for B, H in sizes]
    standing = started(args.tf32)
    try:
        rate, lines = limits(standing, args.tf32, sizes)
        print("\n".join(lines), flush=True)
        racing = {name: each for name, each in standing.items() if name not in ("peak", "loop")}
        peers = [peer for peer in PEERS if peer in racing]
        words = {"cudnn": "cuDNN here, ms", "fast": "by hand, ms", "plain": "autodiff, ms"}
        head = ["cell, B, H", *(words[plan] for plan in OURS), *(f"{PEERS[p]}, ms | ratio" for p in peers), "% of peak"]
        print("\n| " + " | ".join(head) + " |\n" + "|---" * (2 + len(OURS) + 2 * len(peers)) + "|", flush=True)
        found = measured(racing, cases, args, lambda case, raced: print(row(case, raced, peers, rate), flush=True))
    finally:
        for each in standing.values():
            each.close()
    print("\n" + "\n".join([*summary(found, peers), "", *costs(found), "", versions()]))


if __name__ == "__main__":
    main()
