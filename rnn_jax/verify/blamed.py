"""A fault as it is told: the gradients that it makes wrong, where it may lie, its kind, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_jax.verify.check_report import Curve, Fix, Suspect
from rnn_jax.verify.repair.curves import curves
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.kinds import fills_alone, kind_of
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.probe import instrumented, watching
from rnn_jax.verify.repair.ranking import ranked
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.suspects import healed, likely, mended_as_well, missing_before, summed_elsewhere, suspect_of

PLACES = 3  # that are named for one fault


@dataclass(frozen=True)
class Blamed:
    """One fault: the gradients that it makes wrong, where it may lie, and what mends it."""

    parameters: tuple[str, ...]
    suspects: tuple[Suspect, ...]
    fix: Fix | None = None
    kind: str = ""
    curves: tuple[Curve, ...] = ()
    note: str = ""


def told(search: Search, edit: Edit, fix: Fix | None, left: frozenset[str]) -> Blamed:
    """A fault whose mending edit is known."""
    live = search.live
    mended_code = LiveCode(live.subject, live.base | changes(live, [edit]))
    made, sites = instrumented(mended_code, live.spots)
    with watching(sites, live) as after:
        search.trial.run(made)
    others = [suspect_of(search, other, None) for other in ranked(search) if other.line != edit.line]
    first = [suspect_of(search, edit, after), *others[:1]]
    near = [*summed_elsewhere(search, edit), *missing_before(search, edit, after)]
    near += mended_as_well(search, edit, after, {s.line for s in first})
    suspects = on_lines([*first, *near, *others[1:], *healed(search)[0]])
    kind = kind_of(live, search.trace, edit)
    if kind in ("never-computed", "missing-term"):
        whole = not any(np.any(search.trial.made.manual[name]) for name in search.wrong)
        zero = kind == "never-computed" and search.never_computed() and (whole or "missing-term" not in search.hints)
        kind = "never-computed" if zero or fills_alone(search, edit) else "missing-term"
    if kind == "derivative-function" and "scale" in search.hints:
        kind = "scale"  # no derivative of another function is one number times the right one everywhere
    return Blamed(tuple(sorted(search.wrong - left)), suspects, fix, kind, curves(search, edit, after))


def suspected(search: Search) -> Blamed:
    """A fault for which no edit was found."""
    return Blamed(tuple(sorted(search.wrong)), on_lines(likely(search)))


def on_lines(suspects: list[Suspect]) -> tuple[Suspect, ...]:
    """The first of them on each line."""
    found: list[Suspect] = []
    for each in suspects:
        if len(found) < PLACES and all(each.line != other.line for other in found):
            found.append(each)
    return tuple(found)
