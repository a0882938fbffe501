"""Where a training run begins: a problem by its name, or text files; and its data again where it goes on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_jax import feeds, initial, model, noise, problems, tasks, text, train
from rnn_jax.errors import InputError, require
from rnn_jax.noise import NO_NOISE
from rnn_jax.recipe import Recipe
from rnn_jax.runs import Material, Run, Source
from rnn_jax.spec import Predicts, Spec


@dataclass(frozen=True)
class Sizes:
    """What is asked for of a model and its batches; None takes what the problem has."""

    cell: str | None = None
    H: int | None = None
    layers: int | None = None
    directions: tuple[model.Direction, ...] = ("forward",)
    T: int | None = None
    B: int | None = None


CELL, H, T, B = "lstm", 128, 64, 32  # of a character model of a text, where nothing else is asked for
HELD_OUT = 0.1
LONG, MOST_MEASURED = 4_096, 64  # characters of a stream of what is held out, and such streams
SHAKESPEARE = "shakespeare"
KNOWN = (*problems.PROBLEMS, *tasks.TASKS, SHAKESPEARE)


class Usual(NamedTuple):
    """How a problem is trained where nothing else is asked for."""

    updates: int
    optimizer: str
    rate: float
    clip_norm: float
    forget_bias: float = 0.0


def usual(problem: str | None, cell: str | None = None) -> Usual:
    """That of a problem by its name, or of a text, with this cell; raises InputError for a name that is unknown."""
    require(problem in (None, *KNOWN), f"the problem {problem!r} is unknown; one of {', '.join(KNOWN)} is right")
    if problem in problems.PROBLEMS:
        return Usual(100_000, "sgd", 0.01, 0.0)
    if problem in tasks.TASKS:
        task = tasks.TASKS[problem]
        gated = (cell or task.cell).startswith("lstm")
        return Usual(task.updates, "adam", task.rate, 1.0, task.forget_bias if gated else 0.0)
    return Usual(2_000, "adam", 0.002, 1.0)


def of_problem(
    name: str, recipe: Recipe, sizes: Sizes = Sizes(), held_out: float | None = None
) -> tuple[Run, Material]:
    """A run of a problem by its name; raises InputError for one that is unknown, or what does not fit it."""
    require(name in KNOWN, f"the problem {name!r} is unknown; one of {', '.join(KNOWN)} is right")
    if name == SHAKESPEARE:
        source = Source(SHAKESPEARE, held_out=HELD_OUT if held_out is None else held_out)
        return of_letters(tasks.shakespeare(), source, recipe, sizes)
    require(held_out is None, f"--held-out is {held_out}, but only a text has an end that can be held out")
    return of_task(name, recipe, sizes) if name in tasks.TASKS else of_founding(name, recipe, sizes)


def of_founding(name: str, recipe: Recipe, sizes: Sizes) -> tuple[Run, Material]:
    """A run of one of the small problems from its founding parameters, with its own loss."""
    problem = problems.PROBLEMS[name]()
    own = {
        "hidden": (sizes.H, None), "layers": (sizes.layers, None), "steps": (sizes.T, None),
        "batch": (sizes.B, None), "init": (recipe.init, "uniform"), "forget-bias": (recipe.forget_bias, 0.0),
    }  # fmt: skip
    for option, (value, usual) in own.items():
        require(value == usual, f"--{option} is {value}, but the founding problem {name} begins as its text has it")
    require(sizes.directions == ("forward",), f"{name} is a text, which can only be read forward")
    require(
        not recipe.seed or recipe.rates != NO_NOISE,
        f"--seed is {recipe.seed}, but nothing is drawn: {name} begins as its text has it",
    )
    cell = sizes.cell or problem.cell
    K = len(problem.vocabulary)
    recipe = replace(recipe, reduction=problem.reduction, l2=recipe.l2 or problem.l2)
    feed, data = feeds.of_problem(problem)
    plan = train.Plan(Spec(K, problem.H, K, cell), recipe, feed)
    streams = problem.x.shape[1]
    state = train.begin(plan, problem.parameters(cell), streams)
    return Run(plan, Source(problem=name), problem.vocabulary, streams, state), Material(feeds.on_device(data), None)


def of_task(name: str, recipe: Recipe, sizes: Sizes) -> tuple[Run, Material]:
    """A run of one of the larger problems, with its own settings where nothing else is asked for."""
    task = tasks.TASKS[name]
    require(
        sizes.T is None or task.size > 0, f"--steps is {sizes.T}, but the sequences of {name} have their own length"
    )
    size, streams, units = or_else(sizes.T, task.size), or_else(sizes.B, task.B), or_else(sizes.H, task.H)
    made = task.make(size, streams, recipe.seed)
    spec = spec_of(made.D, units, made.K, sizes, sizes.cell or task.cell, made.head, made.predicts)
    plan = train.Plan(spec, recipe, made.feed)
    held_out = (made.held_out[0], feeds.on_device(made.held_out[1]))
    source = Source(problem=name, sha256=digest_of(made.data))
    run = Run(plan, source, made.vocabulary, streams, train.begin(plan, start(plan), streams))
    return run, Material(feeds.on_device(made.data), held_out)


def or_else(asked: int | None, usual: int) -> int:
    """What is asked for, or what is usual."""
    return usual if asked is None else asked


def spec_of(
    D: int, H: int, K: int, sizes: Sizes, cell: str, head: model.Head = "each", predicts: Predicts = "characters"
) -> Spec:
    """The spec; raises InputError for what cannot be, as a text that is read backward."""
    require(
        predicts != "characters" or sizes.directions == ("forward",),
        "a model that predicts the next character can only read forward",
    )
    second = cell.startswith("gru") and cell != "gru-before"
    return Spec(D, H, K, cell, or_else(sizes.layers, 1), sizes.directions, second, head, predicts)


def start(plan: train.Plan) -> model.Params:
    """The initial parameters of a recipe; raises InputError for a forget bias or a rate that has nothing to act on."""
    spec, recipe = plan.spec, plan.recipe
    noise.check(spec, recipe.rates)
    rng = np.random.default_rng(recipe.seed)
    made = initial.uniform(
        rng, spec.D, spec.H, spec.K, cell=spec.cell, layers=spec.layers, directions=len(spec.directions),
        second_bias=spec.second_bias,
    )  # fmt: skip
    if recipe.init == "orthogonal":
        made = initial.orthogonal(rng, made)
    if recipe.forget_bias:
        require(spec.cell.startswith("lstm"), f"the cell {spec.cell} has no forget gate: --forget-bias is the LSTM's")
        made = initial.with_forget_bias(made, recipe.forget_bias)
    return made


def of_texts(paths: list[Path], recipe: Recipe, sizes: Sizes = Sizes(), held_out: float = 0.1) -> tuple[Run, Material]:
    """A run of a character model of text files, one after the other; their end is held out."""
    for path in paths:
        named = str(path).encode("utf-8", "replace").decode()
        require(named == str(path), f"the name {named} is not UTF-8: a checkpoint could not say what it is of")
    return of_letters(read_texts(paths), Source("", tuple(map(str, paths)), "", held_out), recipe, sizes)


def of_letters(letters: str, source: Source, recipe: Recipe, sizes: Sizes) -> tuple[Run, Material]:
    """A run of a character model of a text, whose end is held out."""
    vocabulary, source = text.vocabulary(letters), replace(source, sha256=digest(letters))
    streams, K = or_else(sizes.B, B), len(vocabulary)
    feed, material = cut(letters, vocabulary, source, or_else(sizes.T, T), streams)
    plan = train.Plan(spec_of(K, or_else(sizes.H, H), K, sizes, sizes.cell or CELL), recipe, feed)
    return Run(plan, source, vocabulary, streams, train.begin(plan, start(plan), streams)), material


def read_texts(paths: list[Path]) -> str:
    """The characters of UTF-8 files; raises InputError for one that cannot be read, is none, or is empty.

    An end of line is a newline, whatever stands for it in the file; a mark of the byte order is no character of a text.
    """
    letters = ""
    for path in paths:
        try:
            letters += path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path} is not UTF-8 text: byte {error.start:,} is {error.object[error.start]:#x}"
            ) from error
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    named, count = " with ".join(map(str, paths)), len(set(letters))
    require(count > 1, f"the text of {named} has {count} different characters, but 2 or more are right")
    return letters


def digest(letters: str) -> str:
    """What tells one text from another."""
    return hashlib.sha256(letters.encode()).hexdigest()


def digest_of(data: feeds.Data) -> str:
    """What tells one set of sequences from another; empty where they are made on the spot."""
    return hashlib.sha256(b"".join(np.asarray(each).tobytes() for each in data)).hexdigest() if data.x.size else ""


def cut(letters: str, vocabulary: tuple[str, ...], source: Source, T: int, B: int) -> tuple[feeds.Windows, Material]:
    """The text in streams, and its end as one of its own, or as several where each of them is long."""
    require(
        0 <= source.held_out < 1, f"{source.held_out} of the text is held out, but 0 or more, and less than 1, is right"
    )
    indices = text.encode(letters, vocabulary)
    end = len(indices) - int(source.held_out * len(indices))
    if len(indices) - end <= T:  # less than a window cannot be measured: it is trained on
        end = len(indices)
    feed, data = feeds.of_text(indices[:end], T, B)
    left = len(indices) - end
    side = max(1, min(MOST_MEASURED, left // LONG, (left - 1) // max(1, T)))
    rest = feeds.of_text(indices[end:], T, side) if left > T else None
    return feed, Material(feeds.on_device(data), (rest[0], feeds.on_device(rest[1])) if rest else None)


def again(run: Run) -> Material:
    """The data of a run that goes on; raises InputError where its text is another one by now."""
    source, plan = run.source, run.plan
    if source.problem in tasks.TASKS:
        sizes = Sizes(T=plan.feed.size if isinstance(plan.feed, feeds.Drawn) else None, B=run.B)
        other, material = of_task(source.problem, replace(plan.recipe, forget_bias=0.0, rates=NO_NOISE), sizes)
        require(
            other.source.sha256 == source.sha256,
            f"the data of {source.problem} are others than those that were trained on: another version of its package",
        )
        require_feed(plan.feed, other.plan.feed)
        return material
    if source.problem in problems.PROBLEMS:
        founding, data = feeds.of_problem(problems.PROBLEMS[source.problem]())
        require_feed(plan.feed, founding)
        return Material(feeds.on_device(data), None)
    named = source.problem or ", ".join(source.texts)
    letters = tasks.shakespeare() if source.problem else read_texts([Path(each) for each in source.texts])
    require(
        digest(letters) == source.sha256,
        f"{named} is another text than the one that was trained on: bring that one back to go on",
    )
    feed, material = cut(letters, run.vocabulary, source, plan.feed.T, run.B)
    require_feed(plan.feed, feed)
    return material


def require_feed(said: feeds.Feed, right: feeds.Feed) -> None:
    """Raise InputError where a run says that its data are fed in another way than they are."""
    require(said == right, f"the run is fed by {said}, but its data ask for {right}")


def described() -> list[str]:
    """A line for each problem."""
    lines = [f"{name:12} {make().about} ({make().cell}, H = {make().H})" for name, make in problems.PROBLEMS.items()]
    for name, task in tasks.TASKS.items():
        size = f", {task.size} steps" if task.size else ""
        lines.append(f"{name:12} {task.about} ({task.cell}, H = {task.H}, {task.updates:,} updates of {task.B}{size})")
    about = "plays and poems, character by character (package shakespeare)"
    return [*lines, f"{SHAKESPEARE:12} {about} ({CELL}, H = {H}, {B} streams of {T} steps)"]
