"""Lists that a backward makes and never fills: dx = [] of which each step's gradient was to become an item."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.harvest import Stock, alike
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.missing import in_loop
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.quantities import Quantities
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.shares import simplest
from rnn_jax.verify.repair.shifts import put
from rnn_jax.verify.repair.siblings import FILLING
from rnn_jax.verify.repair.tree import at, replaced, shallow
from rnn_jax.verify.repair.trial import Trial

COST = 0.5


def appended(
    trial: Trial, quantities: Quantities, stocks: dict[Site, Stock], numpy: str, over: Callable[[], bool]
) -> Iterator[Edit]:
    """Appends to a list that stays empty, of what right values for its items are written as."""
    for place, stock in stocks.items():
        function = function_at(trial.live.statement(place.spot), place.path)[1]
        for name in never_filled(function) if function is not None and in_loop(trial.live, place) else ():
            if over():
                return
            known = Monomials(alike(stock), numpy)
            for values in healing(trial, place, name, list(sequences(quantities, known.iterations))):
                made = simplest(known, values, 0)
                if made is not None:
                    statement = ast.parse(f"{name}.append({made.text})").body[0]
                    yield inserted(trial.live, place, statement, COST + made.cost + 0.02 * len(made.text))


def never_filled(function: ast.AST) -> list[str]:
    """The names that are given an empty list, into which nothing is put."""
    nodes = list(ast.walk(function))
    empty = {
        target.id: None
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and not node.value.elts
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    filled = {
        ast.unparse(node.func.value)
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FILLING
    }
    return [name for name in empty if name not in filled]


def sequences(quantities: Quantities, visits: int) -> Iterator[list[np.ndarray]]:
    """The right values of which there is one for each visit, and turned round."""
    for values in quantities.in_their_shapes:
        if len(values) == visits > 1 and len({v.shape for v in values}) == 1:
            yield from (values, values[::-1])


def healing(trial: Trial, place: Site, name: str, several: list[list[np.ndarray]]) -> Iterator[list[np.ndarray]]:
    """Those of several values that mend all when they are put into the list at a place, one at each visit."""
    there, site = filled(trial, place, name)
    forcing, wrong = Forcing(there), trial.wrong(trial.made.manual)
    with forcing.holding(site, put([])) as held, there.live.changed(held):
        for values in several:
            given = forcing.gradients(put(values))
            if given is not None and forcing.healed_by(given, wrong):
                yield values


def filled(trial: Trial, place: Site, name: str) -> tuple[Trial, Site]:
    """The program with `name.append(0.0)` at a place, and where in it the number stands."""
    (field, k), above = place.path[-1], place.path[:-1]
    whole = trial.live.statement(place.spot)
    made = shallow(at(whole, above))
    setattr(made, field, inserted_at(getattr(made, field), k or 0, f"{name}.append(0.0)"))
    live: LiveCode = trial.live.standing({place.spot: replaced(whole, above, made)})
    return replace(trial, live=live), Site(*place.spot, (*place.path, ("value", None), ("args", 0)))


def inserted_at(body: list[ast.stmt], k: int, text: str) -> list[ast.stmt]:
    """The block with one more statement."""
    new = ast.fix_missing_locations(ast.copy_location(ast.parse(text).body[0], body[min(k, len(body) - 1)]))
    return [*body[:k], new, *body[k:]]
