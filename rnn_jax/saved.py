"""Training runs as files, and back: the last few and the best."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rnn_jax import begin, feeds, initial, noise, runs, train, trees
from rnn_jax._version import __version__
from rnn_jax.checkpoint import Checkpoint, read, write
from rnn_jax.errors import InputError, require, require_whole
from rnn_jax.noise import Rates
from rnn_jax.recipe import Recipe
from rnn_jax.runs import Run, Source
from rnn_jax.spec import Spec

KEPT = 3  # last checkpoints: last.safetensors, and the two before it


def as_checkpoint(run: Run) -> Checkpoint:
    """The run as arrays and settings; no clock and no place, so that two runs alike end in the same bytes."""
    meta: dict[str, Any] = {
        "spec": asdict(run.plan.spec),
        "recipe": asdict(run.plan.recipe),
        "feed": asdict(run.plan.feed) | {"feed": type(run.plan.feed).__name__.lower()},
        "source": asdict(run.source),
        "vocabulary": list(run.vocabulary),
        "B": run.B,
        "best": run.best if np.isfinite(run.best) else None,
        "stale": run.stale,
        "versions": {"rnn_jax": __version__, "jax": jax.__version__, "python": platform.python_version()},
    }
    return Checkpoint(trees.named(run.state, "state"), meta)


def of_checkpoint(checkpoint: Checkpoint, name: str) -> Run:
    """The run in a checkpoint; raises InputError where its parts do not fit together."""
    meta = checkpoint.meta
    try:
        spec = Spec(**meta["spec"] | {"directions": tuple(meta["spec"]["directions"])})
        recipe = Recipe(**meta["recipe"] | {"rates": Rates(**meta["recipe"]["rates"])})
        told = dict(meta["feed"])
        plan = train.Plan(spec, recipe, feeds.FEEDS[told.pop("feed")](**told))
        source = Source(**meta["source"] | {"texts": tuple(meta["source"]["texts"])})
        vocabulary, best, B, stale = tuple(meta["vocabulary"]), meta["best"], meta["B"], meta["stale"]
        require_whole("B", B)
        require_whole("stale", stale, least=0)
        best = float("inf") if best is None else float(best)
        state = trees.filled(like(plan, B), checkpoint.arrays, "state")
        run = Run(plan, source, vocabulary, B, state, best, stale)
        require_sound(run)
    except KeyError as error:
        raise InputError(f"{name} does not fit together: there is no {error}") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{name} does not fit together: {error}") from error
    return run


def like(plan: train.Plan, B: int) -> train.State:
    """The shapes and dtypes of a state of this plan."""
    spec = plan.spec
    params = initial.shaped(
        spec.D, spec.H, spec.K, cell=spec.cell, layers=spec.layers, directions=len(spec.directions),
        second_bias=spec.second_bias,
    )  # fmt: skip
    found: train.State = jax.eval_shape(lambda p: train.begin(plan, p, B), params)
    return found


def require_sound(run: Run) -> None:
    """Raise InputError for a run that no training could have come to."""
    spec, known = run.plan.spec, run.vocabulary
    noise.check(spec, run.plan.recipe.rates)
    if spec.predicts == "characters":
        require(
            len(known) == len(set(known)) == spec.K == spec.D,
            f"the vocabulary has {len(known)} characters, but D = {spec.D} and K = {spec.K} different ones are right",
        )
    require(all(isinstance(each, str) and len(each) == 1 for each in known), "the vocabulary is not one of characters")
    named = run.source.problem
    require(named in ("", *begin.KNOWN), f"the problem {named!r} is unknown; one of {', '.join(begin.KNOWN)} is right")
    require_whole("the number of updates made", run.step, least=0, most=run.plan.recipe.updates)
    require(runs.finite(run.state.params), "not all weights are finite numbers")


def save(folder: Path, run: Run, best: bool = False) -> None:
    """Write last.safetensors, keep the ones before it, and best.safetensors where it is that.

    The best comes first: killed in between, the run goes on from before, and finds it again.
    """
    made = as_checkpoint(run)
    if best:
        write(folder / "best.safetensors", made)
    last = folder / "last.safetensors"
    if last.exists():
        for k in range(KEPT - 1, 0, -1):
            newer = folder / (f"last-{k - 1}.safetensors" if k > 1 else last.name)
            if newer.exists():
                keep(newer, folder / f"last-{k}.safetensors")
    write(last, made)


def keep(path: Path, older: Path) -> None:
    """Another name for a file, or a copy where the file system has one name for each."""
    older.unlink(missing_ok=True)
    try:
        older.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, older)


def load(path: Path) -> Run:
    """The run in a file; raises InputError, and names a whole checkpoint beside it where there is one."""
    try:
        return of_checkpoint(read(path), str(path))
    except InputError as error:
        others = (
            [path.with_name(f"last-{k}.safetensors") for k in range(1, KEPT)] if path.name == "last.safetensors" else []
        )
        whole = next((other for other in others if is_run(other)), None)
        raise InputError(
            f"{error}; {whole} is whole: moved in its place, it is gone on with" if whole else str(error)
        ) from error


def is_run(path: Path) -> bool:
    """Whether a run can go on from a file."""
    try:
        of_checkpoint(read(path), str(path))
    except InputError:
        return False
    return True


def is_whole(path: Path) -> bool:
    """Whether a checkpoint can be read."""
    try:
        read(path)
    except InputError:
        return False
    return True
