"""A training run as a file, and back: the plan, the data it is of, the state, and the best that was seen."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rnn_jax import feeds, initial, problems, text, train, trees
from rnn_jax._version import __version__
from rnn_jax.checkpoint import Checkpoint, read, write
from rnn_jax.errors import InputError, require
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec

KEPT = 3  # last checkpoints: last.safetensors, and the two before it


@dataclass(frozen=True)
class Source:
    """Where the characters come from: a problem by its name, or text files, of which a digest is kept."""

    problem: str = ""
    texts: tuple[str, ...] = ()
    sha256: str = ""
    held_out: float = 0.1  # of a text, its end


@dataclass(frozen=True)
class Run:
    """All that there is to know of a training run after some updates."""

    plan: train.Plan
    source: Source
    vocabulary: tuple[str, ...]
    B: int
    state: train.State
    best: float = float("inf")  # the least loss on held-out text so far, nats a character

    @property
    def step(self) -> int:
        """Updates made so far."""
        return int(self.state.step)


@dataclass(frozen=True)
class Material:
    """The data that a run trains on, and what is held out of it."""

    data: feeds.Data
    held_out: tuple[feeds.Feed, feeds.Data] | None


def of_problem(name: str, recipe: Recipe, cell: str | None = None) -> tuple[Run, Material]:
    """A run of one of the small problems from its founding parameters; raises InputError for a name that is unknown."""
    require(
        name in problems.PROBLEMS, f"the problem {name!r} is unknown; one of {', '.join(problems.PROBLEMS)} is right"
    )
    problem = problems.PROBLEMS[name]()
    cell = cell or problem.cell
    K = len(problem.vocabulary)
    recipe = replace(recipe, reduction=problem.reduction, l2=problem.l2)
    feed, data = feeds.of_problem(problem)
    plan = train.Plan(Spec(K, problem.H, K, cell), recipe, feed)
    B = problem.x.shape[1]
    state = train.begin(plan, problem.parameters(cell), B)
    return Run(plan, Source(problem=name), problem.vocabulary, B, state), Material(feeds.on_device(data), None)


def of_texts(
    paths: list[Path], recipe: Recipe, *, cell: str, H: int, layers: int, T: int, B: int, held_out: float
) -> tuple[Run, Material]:
    """A run of a character model of text files, one after the other; their end is held out."""
    letters = read_texts(paths)
    vocabulary = text.vocabulary(letters)
    source = Source("", tuple(map(str, paths)), digest(letters), held_out)
    feed, material = cut(letters, vocabulary, source, T, B)
    K = len(vocabulary)
    spec = Spec(K, H, K, cell, layers, second_bias=cell == "gru")
    plan = train.Plan(spec, recipe, feed)
    start = initial.uniform(
        np.random.default_rng(recipe.seed), K, H, K, cell=cell, layers=layers, second_bias=spec.second_bias
    )
    return Run(plan, source, vocabulary, B, train.begin(plan, start, B)), material


def read_texts(paths: list[Path]) -> str:
    """The characters of UTF-8 files; raises InputError for one that cannot be read, is none, or is empty."""
    letters = ""
    for path in paths:
        try:
            letters += path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path} is not UTF-8 text: byte {error.start:,} is {error.object[error.start]:#x}"
            ) from error
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    require(len(set(letters)) > 1, f"the text has {len(set(letters))} different characters, but 2 or more are right")
    return letters


def digest(letters: str) -> str:
    """What tells one text from another."""
    return hashlib.sha256(letters.encode()).hexdigest()


def cut(letters: str, vocabulary: tuple[str, ...], source: Source, T: int, B: int) -> tuple[feeds.Feed, Material]:
    """The text in streams, and its end as one stream of its own."""
    require(
        0 <= source.held_out < 1, f"{source.held_out} of the text is held out, but 0 or more, and less than 1, is right"
    )
    indices = text.encode(letters, vocabulary)
    end = len(indices) - int(source.held_out * len(indices))
    feed, data = feeds.of_text(indices[:end], T, B)
    rest = feeds.of_text(indices[end:], T, 1) if len(indices) - end > T else None
    return feed, Material(feeds.on_device(data), (rest[0], feeds.on_device(rest[1])) if rest else None)


def again(run: Run) -> Material:
    """The data of a run that goes on; raises InputError where its text is another one by now."""
    if run.source.problem:
        problem = problems.PROBLEMS[run.source.problem]()
        return Material(feeds.on_device(feeds.of_problem(problem)[1]), None)
    letters = read_texts([Path(each) for each in run.source.texts])
    require(
        digest(letters) == run.source.sha256,
        f"{', '.join(run.source.texts)} is another text than the one that was trained on: bring that one back to go on",
    )
    return cut(letters, run.vocabulary, run.source, run.plan.feed.T, run.B)[1]


def advance(run: Run, material: Material) -> Iterator[tuple[Run, np.ndarray]]:
    """The run after each chunk of updates, with their losses; chunks end at the same updates wherever it began."""
    size = train.chunk(run.plan, run.B)
    while run.step < run.plan.recipe.updates:
        end = min((run.step // size + 1) * size, run.plan.recipe.updates)
        state, losses = train.advance(run.plan, material.data, run.state, end - run.step)
        run = replace(run, state=state)
        yield run, np.asarray(losses)


def validated(run: Run, material: Material) -> float | None:
    """The loss on held-out text, nats a character; None where nothing is held out."""
    if material.held_out is None:
        return None
    feed, data = material.held_out
    return float(train.evaluate(replace(run.plan, feed=feed), run.state.params, data))


def as_checkpoint(run: Run) -> Checkpoint:
    """The run as arrays and settings; no clock and no place, so that two runs alike end in the same bytes."""
    meta: dict[str, Any] = {
        "spec": asdict(run.plan.spec),
        "recipe": asdict(run.plan.recipe),
        "feed": asdict(run.plan.feed),
        "source": asdict(run.source),
        "vocabulary": list(run.vocabulary),
        "B": run.B,
        "best": run.best if np.isfinite(run.best) else None,
        "versions": {"rnn_jax": __version__, "jax": jax.__version__, "python": platform.python_version()},
    }
    return Checkpoint(trees.named(run.state, "state"), meta)


def of_checkpoint(checkpoint: Checkpoint, name: str) -> Run:
    """The run in a checkpoint; raises InputError where its parts do not fit together."""
    meta = checkpoint.meta
    try:
        spec = Spec(**meta["spec"] | {"directions": tuple(meta["spec"]["directions"])})
        plan = train.Plan(spec, Recipe(**meta["recipe"]), feeds.Feed(**meta["feed"]))
        source = Source(**meta["source"] | {"texts": tuple(meta["source"]["texts"])})
        best, B = float("inf") if meta["best"] is None else float(meta["best"]), int(meta["B"])
        start = initial.uniform(
            np.random.default_rng(0), spec.D, spec.H, spec.K, cell=spec.cell, layers=spec.layers,
            directions=len(spec.directions), second_bias=spec.second_bias,
        )  # fmt: skip
        like = jax.eval_shape(lambda: train.begin(plan, start, B))
        state = trees.filled(like, checkpoint.arrays, "state")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name} does not fit together: {error}") from error
    return Run(plan, source, tuple(meta["vocabulary"]), B, state, best)


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
                (folder / f"last-{k}.safetensors").unlink(missing_ok=True)
                (folder / f"last-{k}.safetensors").hardlink_to(newer)
    write(last, made)


def load(path: Path) -> Run:
    """The run in a file; raises InputError, and names a whole checkpoint beside it where there is one."""
    try:
        return of_checkpoint(read(path), str(path))
    except InputError as error:
        others = (
            [path.with_name(f"last-{k}.safetensors") for k in range(1, KEPT)] if path.name == "last.safetensors" else []
        )
        whole = next((other for other in others if other.exists() and is_whole(other)), None)
        raise InputError(f"{error}; {whole} is whole" if whole else str(error)) from error


def is_whole(path: Path) -> bool:
    """Whether a checkpoint can be read."""
    try:
        read(path)
    except InputError:
        return False
    return True
