"""Lists that a backward makes and never fills: dx = [] of which each step's gradient was to become an item."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import numpy as np

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.gaps import with_statement
from rnn_jax.verify.repair.harvest import Stock, alike
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.missing import in_loop
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.never_filled import never_filled
from rnn_jax.verify.repair.quantities import Quantities
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.shares import simplest
from rnn_jax.verify.repair.shifts import put
from rnn_jax.verify.repair.tree import texts_in
from rnn_jax.verify.repair.trial import Trial

COST = 0.5


def appended(
    trial: Trial, quantities: Quantities, stocks: dict[Site, Stock], numpy: str, over: Callable[[], bool]
) -> Iterator[Edit]:
    """Appends to a list that stays empty, of what right values for its items are written as."""
    empty = never_filled(trial.live)
    for place, stock in stocks.items() if empty else ():
        function = function_at(trial.live.statement(place.spot), place.path)[1]
        if function is None or not in_loop(trial.live, place):
            continue
        for name in sorted(empty & texts_in(function)):
            if over():
                return
            known = Monomials(alike(stock), numpy)
            for values in healing(trial, place, name, list(sequences(quantities, known.iterations))):
                made = simplest(known, values, 0)
                if made is not None:
                    statement = ast.parse(f"{name}.append({made.text})").body[0]
                    yield inserted(trial.live, place, statement, COST + made.cost + 0.02 * len(made.text))


def sequences(quantities: Quantities, visits: int) -> Iterator[list[np.ndarray]]:
    """The right values of which there is one for each visit, and turned round."""
    for values in quantities.in_their_shapes:
        if len(values) == visits > 1 and len({v.shape for v in values}) == 1:
            yield from (values, values[::-1])


def healing(trial: Trial, place: Site, name: str, several: list[list[np.ndarray]]) -> Iterator[list[np.ndarray]]:
    """Those of several values that mend all when they are put into the list at a place, one at each visit."""
    there = with_statement(trial, place, f"{name}.append(0.0)")
    site = Site(*place.spot, (*place.path, ("value", None), ("args", 0)))
    forcing, wrong = Forcing(there), trial.wrong(trial.made.manual)
    with forcing.holding(site, put([])) as held, there.live.changed(held):
        for values in several:
            given = forcing.gradients(put(values))
            if given is not None and forcing.healed_by(given, wrong):
                yield values
