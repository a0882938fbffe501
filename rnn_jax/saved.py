"""Training runs as files, and back: the last few and the best."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rnn_jax import begin, feeds, train, trees
from rnn_jax._version import __version__
from rnn_jax.checkpoint import Checkpoint, read, write
from rnn_jax.errors import InputError
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
        best, B = float("inf") if meta["best"] is None else float(meta["best"]), int(meta["B"])
        like = jax.eval_shape(lambda: train.begin(plan, begin.start(plan), B))
        state = trees.filled(like, checkpoint.arrays, "state")
        stale = int(meta["stale"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name} does not fit together: {error}") from error
    return Run(plan, source, tuple(meta["vocabulary"]), B, state, best, stale)


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
        whole = next((other for other in others if other.exists() and is_whole(other)), None)
        raise InputError(
            f"{error}; {whole} is whole: moved in its place, it is gone on with" if whole else str(error)
        ) from error


def is_whole(path: Path) -> bool:
    """Whether a checkpoint can be read."""
    try:
        read(path)
    except InputError:
        return False
    return True
