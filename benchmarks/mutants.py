"""What is found in damaged programs: `python benchmarks/mutants.py --programs held --count 500 --pairs 100`, hours.

Takes right programs (`benchmarks/programs/`, or with `--programs development` those of `examples/right/`, with
`--programs seen` those that were held out until their figures were looked into), damages the
code that computes their gradients by small edits, leaves out what crashes, changes the loss or changes no gradient, and
asks `rnn-jax check` for the line, the kind and the fix. A fix counts only if the mended program passes at other points
and other sizes with the loss unchanged. Beside it, on the same mutants: what finite-difference checkers detect.
`--list` names the mutants, `--show ID` prints one with its whole report, `--right POINTS` adds the right programs.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from mutation import table
from mutation.base import SETS, Base, bases
from mutation.candidates import Judge, Pool, candidates
from mutation.edit import Mutant, diff
from mutation.measure import Outcome, RightOutcome, measured, measured_right
from mutation.scope import scope_of

CHUNK = 50  # points of one check of a right program


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", choices=tuple(SETS), default="development")
    parser.add_argument("--only", default="", help="programs by name, with commas")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--right", type=int, default=0, metavar="POINTS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--show", metavar="ID")
    return parser.parse_args()


def chosen(args: argparse.Namespace) -> list[Base]:
    """The programs."""
    only = [name for name in args.only.split(",") if name]
    return [base for base in bases(args.programs) if not only or base.name in only]


def drawn(args: argparse.Namespace) -> tuple[list[Mutant], list[Mutant]]:
    """The mutants, and the pairs."""
    pool = Pool(chosen(args), args.seed)
    found = list(islice(pool.draw(), max(args.count, 2 * args.pairs)))
    return found[: args.count], list(pool.pairs(found, args.pairs))


def single(task: tuple[Base, Mutant, int, bool]) -> Outcome:
    """One mutant, in a worker."""
    return measured(*task)


def imported() -> None:
    """A worker's imports, so that no checker's first answer is charged with them."""
    for name in ("jax", "jax.test_util", "torch"):
        if importlib.util.find_spec(name):
            importlib.import_module(name)


def right(task: tuple[Base, int, int, bool]) -> RightOutcome:
    """One right program, in a worker."""
    return measured_right(*task)


def run(pool: ProcessPoolExecutor, work: Callable[[Any], Any], tasks: list[Any]) -> Iterator[Any]:
    """The results in order, counted on the way."""
    start = time.perf_counter()
    for number, result in enumerate(pool.map(work, tasks), 1):
        if sys.stderr.isatty() or number % 25 == 0 or number == len(tasks):
            end = "\r" if sys.stderr.isatty() and number < len(tasks) else "\n"
            print(
                f"{number} of {len(tasks)}, {time.perf_counter() - start:.0f} s", end=end, file=sys.stderr, flush=True
            )
        yield result


def right_tasks(args: argparse.Namespace) -> list[tuple[Base, int, int, bool]]:
    """The right programs in chunks of points; the peers are asked once for each."""
    programs = chosen(args)
    each = -(-args.right // len(programs))
    chunks = [min(CHUNK, each - done) for done in range(0, each, CHUNK)]
    return [
        (base, points, args.seed + number, number == 0 and not args.no_peers)
        for base in programs
        for number, points in enumerate(chunks)
    ]


def show(args: argparse.Namespace) -> None:
    """A mutant's diff and report. Its name says which program it is of; the edits are tried until one has that name."""
    base = next((base for base in chosen(args) if args.show.rpartition("-")[0] == base.name), None)
    if base is None:
        sys.exit(f"{args.show} is of no program of the {args.programs} set")
    named = [
        Mutant(base.name, (edit,), source)
        for edit, source in candidates(base.source, scope_of(base))
        if Mutant(base.name, (edit,), source).id == args.show
    ]
    singles, both = ([], []) if named else drawn(args)
    for mutant in [*named, *(m for m in [*singles, *both] if m.id == args.show)]:
        print(diff(base.source, mutant.source, base.path.name))
        print(f"live: {Judge(base).live(mutant.source) is not None}")
        for edit in mutant.edits:
            print(edit)
        outcome = measured(base, mutant, args.seed, not args.no_peers)
        with base.written(mutant.source) as file:
            print(base.check(file, args.seed))
        print(json.dumps(asdict(outcome), indent=1))
        return
    sys.exit(f"no mutant {args.show}; --list names those of a seed and a count")


def listed(mutants: list[Mutant]) -> None:
    """One line for each."""
    for mutant in mutants:
        for edit in mutant.edits:
            words = f"{edit.before!r} -> {edit.after!r}"
            print(f"{mutant.id:36s} {edit.line:4d} {edit.kind:24s} {edit.mistake or '·':20s} {words}")


def below(args: argparse.Namespace, programs: int, spent: float) -> str:
    """The command, the versions, the day."""
    found = []
    for name in ("rnn_jax", "jax", "numpy", "torch"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    said = shlex.join(["python", "benchmarks/mutants.py", *sys.argv[1:]])
    return (
        f"`{said}`: {programs} programs, seed {args.seed}, {args.jobs} processes, {spent / 60:.0f} min; "
        f"{', '.join(found)}, python {sys.version.split()[0]}; {time.strftime('%Y-%m-%d')}."
    )


def main() -> None:
    """Print what is asked for."""
    args = arguments()
    if args.show:
        show(args)
        return
    start = time.perf_counter()
    singles, both = drawn(args)
    if args.list:
        listed([*singles, *both])
        return
    tables(args, singles, both, start)


def tables(args: argparse.Namespace, singles: list[Mutant], both: list[Mutant], start: float) -> None:
    """Measure them all, and print the tables."""
    programs = {base.name: base for base in chosen(args)}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, context, imported) as workers:
        tasks = [(programs[m.base], m, args.seed, not args.no_peers) for m in singles]
        tasks += [(programs[m.base], m, args.seed, False) for m in both]
        found: list[Outcome] = list(run(workers, single, tasks))
        if args.json:
            args.json.write_text(json.dumps([asdict(o) for o in found], indent=1))
        rights: list[RightOutcome] = list(run(workers, right, right_tasks(args))) if args.right else []
    one, two = found[: len(singles)], found[len(singles) :]
    blocks = [table.singles(one), table.checkers(one, rights)] if one else []
    blocks += [table.pairs(two)] if two else []
    blocks += [table.rights(rights)] if rights else []
    print("\n\n".join("\n".join(block) for block in [*blocks, table.remarks(found)]))
    print(f"\n{below(args, len(programs), time.perf_counter() - start)}")
    for each in rights:
        print(f"\n{each.report}" * bool(each.report), end="", file=sys.stderr)


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # the arrays are tiny, and the processes share cores
        os.environ.setdefault(variable, "1")
    main()
