"""How wrong a quantity is at each step of a loop."""

from __future__ import annotations

import ast

import numpy as np

from rnn_jax.verify.check_report import Curve
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.probe import Seen, Trace
from rnn_jax.verify.repair.ranking import statement_value
from rnn_jax.verify.repair.search import Search


def curves(search: Search, edit: Edit, after: Trace) -> tuple[Curve, ...]:
    """The error at each iteration of what the edited statement computes, then of what is added to each gradient."""
    found: list[Curve] = []
    site = statement_value(search, edit)
    if site is not None:
        name = ast.unparse(search.live.node(site))
        found += curve(name, search.trace.seen.get(site, []), after.seen.get(site, []))
    for name in sorted(search.wrong):
        best: list[Curve] = []
        for other, reach in search.reach.items():
            if reach.gradients == {name} and other.path[-1] == ("value", None):
                one = curve(name, search.trace.seen.get(other, []), after.seen.get(other, []))
                if one and max(one[0].errors) > (max(best[0].errors) if best else 0.0):
                    best = one
        found += best
    return tuple(found)


def curve(name: str, before: list[Seen], after: list[Seen]) -> list[Curve]:
    """The relative error of one value in each iteration of a loop over time; none where it is in no such loop."""
    steps: dict[int, float] = {}
    largest = max((float(np.max(np.abs(s.value), initial=0.0)) for s in after), default=0.0)
    for old, new in zip(before, after, strict=False):
        _, _, number = new.iteration.partition("=")
        if not number.lstrip("-").isdigit() or old.value.shape != new.value.shape:
            return []
        error = float(np.max(np.abs(np.subtract(old.value, new.value, dtype=float)), initial=0.0)) / (largest or 1.0)
        steps[int(number)] = max(error, steps.get(int(number), 0.0))
    if len(steps) < 2:
        return []
    return [Curve(name, tuple(sorted(steps)), tuple(steps[t] for t in sorted(steps)))]
