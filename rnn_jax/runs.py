"""A training run: the plan, the data it is of, the state, and the best that was seen; and how it goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnn_jax import feeds, model, parts, planner, train


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
    best: float = float("inf")  # the least loss on what is held out so far, nats (or half a squared error) a target
    stale: int = 0  # measurements since then

    @property
    def step(self) -> int:
        """Updates made so far."""
        return int(self.state.step)

    @property
    def label(self) -> str:
        """What to call it in a line."""
        return self.source.problem or next((Path(each).stem for each in self.source.texts), "imported")

    @property
    def of_words(self) -> bool:
        """Whether it learns words apart from each other, each after nothing and up to a newline."""
        return self.source.problem in ("words", "names")


@dataclass(frozen=True)
class Material:
    """The data that a run trains on, and what is held out of it."""

    data: feeds.Data
    held_out: tuple[feeds.Feed, feeds.Data] | None


def advance(run: Run, material: Material, how: planner.Execution = train.ALONE) -> tuple[Run, np.ndarray]:
    """The run after its next chunk of updates, and their losses; chunks end at the same updates wherever it began."""
    size = train.chunk(run.plan, run.B)
    end = min((run.step // size + 1) * size, run.plan.recipe.updates)
    state, losses = train.advance(run.plan, material.data, run.state, end - run.step, how)
    return replace(run, state=state), np.asarray(losses)


def placed(material: Material, how: planner.Execution) -> Material:
    """The data where it is computed with, that which is held out as well."""
    held_out = material.held_out
    if held_out is not None:
        feed, data = held_out
        held_out = feed, parts.everywhere(data, for_measuring(feed, data, how).parts)
    return replace(material, data=parts.everywhere(material.data, how.parts), held_out=held_out)


def for_measuring(feed: feeds.Feed, data: feeds.Data, how: planner.Execution) -> planner.Execution:
    """How what is held out is computed with: on one device where its batches have no equal parts for all."""
    B = jax.eval_shape(feed.batch, data, jnp.int32(0)).mask.shape[1]
    return how._replace(parts=1) if B % how.parts else how


class Measured(NamedTuple):
    """What a model is worth on what is held out, by target: the loss, and how many are right, or the error squared."""

    loss: float
    right: float


def validated(run: Run, material: Material, how: planner.Execution = train.ALONE) -> Measured | None:
    """What the run is worth now; None where nothing is held out."""
    if material.held_out is None:
        return None
    feed, data = material.held_out
    how = for_measuring(feed, data, how)
    params = parts.everywhere(run.state.params, how.parts)
    score = train.evaluate(replace(run.plan, feed=feed), params, data, how)
    targets = float(score.targets)
    return Measured(float(score.nats) / targets, float(score.right) / targets)


def noted(run: Run, found: Measured) -> tuple[Run, bool]:
    """The run that knows of one more measurement, and whether it is the best so far."""
    better = found.loss < run.best
    return replace(run, best=found.loss, stale=0) if better else replace(run, stale=run.stale + 1), better


def finite(params: model.Params) -> bool:
    """Whether all weights are numbers."""
    return all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(params))


def over(run: Run) -> bool:
    """Whether there is nothing more to do: all updates are made, or patience has run out."""
    recipe = run.plan.recipe
    return run.step >= recipe.updates or 0 < recipe.patience <= run.stale
