"""Statements that are missing: what a name would have to hold between two others, for all gradients to come out right.

No expression need be wrong for that: in `dc = dh * o * (1 - tc ** 2)` nothing is, where `dc += dc_next` is missing
behind it and several lines use `dc`. So a name is moved at the place itself, by a statement `dc = dc` put there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.gap_places import does_nothing, places
from rnn_jax.verify.repair.healing import Healing, Reach
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.tree import located, replaced, shallow
from rnn_jax.verify.repair.trial import Trial
from rnn_jax.verify.repair.zero_numbers import numbers


class Gap(NamedTuple):
    """A place where a name would have to hold something else."""

    place: Site  # of the statement before which one is missing, or the end of a block
    first: int  # in its block the first place from which on the name is not used
    text: str  # the name
    renewed: bool  # whether its loop gives it a value at all, where it is carried from one iteration to the next
    trial: Trial  # of the program with `name = name` there
    forcing: Forcing
    healing: Healing  # of that statement's value


def gaps(
    trial: Trial,
    trace: Trace,
    reach: dict[Site, Reach],
    wrong: frozenset[str],
    seconds: float,
    over: Callable[[], bool],
    barren: Callable[[Site], bool],
    idle: bool = False,
) -> Iterator[Gap]:
    """The gaps at which all that is wrong can be mended. seconds: for the equations of one.

    barren: whether no values of an expression are known to mend all. idle: only where nothing is done: `if k: pass`.
    """
    rng = np.random.default_rng(0)
    zeros = numbers(trial.live, trace)
    for place, first, text, renewed in places(trial.live, trace, reach, wrong, barren):
        if idle and not does_nothing(trial.live, place):
            continue
        if over():
            return
        there, site = filled(trial, place, text, zeros.get((place.spot, text), text))
        forcing = Forcing(there)
        moved = forcing.reach_held(site, rng)
        if moved.gradients != wrong or moved.loss or not moved.covers:
            continue
        healing = forcing.heal(site, wrong, seconds)
        if healing is not None and healing.healed == wrong:
            yield Gap(place, first, text, renewed, there, forcing, healing)


def filled(trial: Trial, place: Site, text: str, value: str) -> tuple[Trial, Site]:
    """The program with `name = name` at a place, and where in it the value stands."""
    there = with_statement(trial, place, f"{text} = {value}")
    return there, Site(*place.spot, (*place.path, ("value", None)))


def with_statement(trial: Trial, place: Site, text: str) -> Trial:
    """The program with one more statement at a place."""
    (field, k), above = place.path[-1], place.path[:-1]
    live = trial.live
    block = live.node(Site(*place.spot, above))
    body, at_k = getattr(block, field), int(k or 0)
    made = shallow(block)
    neighbour = body[at_k - 1] if at_k else body[0]
    setattr(made, field, [*body[:at_k], located(ast.parse(text).body[0], neighbour), *body[at_k:]])
    whole = replaced(live.statement(place.spot), above, made)
    return replace(trial, live=live.standing({place.spot: whole}))
