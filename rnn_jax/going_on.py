"""Going on with a run: whether it is the run that was meant, what may be set anew, and how the command is written."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rnn_jax.errors import InputError, require

if TYPE_CHECKING:
    from rnn_jax.runs import Run


def the_same(run: "Run", problem: str | None, texts: list[Path], folder: Path) -> "Run":
    """The run, if it is of this problem or these texts, wherever they lie by now; raises InputError if it is not."""
    from rnn_jax import begin

    source, predicts = run.source, run.plan.spec.predicts
    right = "rnn-jax import with --text FILE is right" if predicts == "characters" else f"its {predicts} are not known"
    require(
        bool(source.problem or source.texts),
        f"the run in {folder} was imported without a text to go on with: {right}",
    )
    if not problem and source.texts and begin.digest(begin.read_texts(texts)) == source.sha256:
        return replace(run, source=replace(source, texts=tuple(map(str, texts))))
    require(
        (problem or "", tuple(map(str, texts))) == (source.problem, source.texts),
        f"the run in {folder} is of {shown(run)}: {again(run, folder)} is right",
    )
    return run


def longer(run: "Run", updates: int | None) -> "Run":
    """The run with more updates to make; raises InputError for fewer than it has made, or a rate that has gone to 0."""
    recipe = run.plan.recipe
    if updates is None or updates == recipe.updates:
        return run
    require(
        updates >= run.step, f"--updates is {updates:,}, but the run has made {run.step:,}: as many or more is right"
    )
    require(
        recipe.schedule == "constant",
        f"--updates is {updates:,}, but the {recipe.schedule} schedule takes the rate to 0 at {recipe.updates:,}: "
        "only a run with a constant one goes on for longer",
    )
    return replace(run, plan=replace(run.plan, recipe=replace(recipe, updates=updates)))


def only_with_resume(context: typer.Context) -> None:
    """Raise InputError where --resume is given another setting than --updates: those are the checkpoint's."""
    for name in context.params:
        given = context.get_parameter_source(name)
        if (
            name not in ("problem", "text", "out", "resume", "updates", "plot", "plan", "debug")
            and given is not None
            and given.name == "COMMANDLINE"
        ):
            option = "--" + name.replace("_", "-")
            raise InputError(
                f"{option} {context.params[name]} is given with --resume, which takes it from the run: leave it out"
            )


def again(run: "Run", folder: Path) -> str:
    """The command that goes on with a run."""
    return f"rnn-jax train {shown(run)} --out {shlex.quote(str(folder))} --resume"


def shown(run: "Run") -> str:
    """How the command line names what a run is of."""
    return run.source.problem or " ".join(f"--text {shlex.quote(each)}" for each in run.source.texts)
