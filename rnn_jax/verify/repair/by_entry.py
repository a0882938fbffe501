"""Gradients that come entry by entry, each from a call of its own, as a derivative that is taken forward gives them.

One wrong entry of each gradient then tells as much as all of them: while edits are tried only those calls are made, and
for the others stands what they should give. What mends these few is tried with all of them before it counts.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from rnn_jax.verify.judge import Judgement
from rnn_jax.verify.repair.live import LiveCode, Spot
from rnn_jax.verify.subject import Values

FEWEST = 8  # calls of which it is worth while to leave some out
LARGEST_SHARE = 0.5  # of the calls, those that have to be made


@dataclass(frozen=True)
class Few:
    """A function that gives one entry at each call, and what stands for the calls that are not made."""

    function: FunctionType
    given: tuple[Any, ...]  # at each call; None where it is made
    entries: tuple[tuple[str, int] | None, ...]  # of the gradients, that the calls give which are made; None: not known
    callers: frozenset[Spot]
    files: frozenset[str]  # of the code that makes the calls
    whole: Judgement  # with all calls made

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within: only some of the calls are made, in the order in which they come."""
        waiting = iter(self.given)

        def instead(*args: Any, **keywords: Any) -> Any:
            own = sys._getframe(1).f_code.co_filename in self.files  # not what is evaluated to look around
            value = next(waiting, None) if own else None
            return self.function(*args, **keywords) if value is None else value

        with standing_in({self.function: instead}):
            yield


@dataclass
class Calls:
    """The numbers that a function gave, one call after the other, and the code that called it: file and first line."""

    numbers: list[Any] | None = field(default_factory=list)  # None: something else than numbers
    callers: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def standing_in(others: dict[FunctionType, Callable[..., Any]]) -> Iterator[None]:
    """Other functions in the place of the program's, for those who call them by their names."""
    try:
        for function, other in others.items():
            function.__globals__[function.__name__] = other
        yield
    finally:
        for function in others:
            function.__globals__[function.__name__] = function


def few(made: Judgement, live: LiveCode, gradients: Callable[[], Values]) -> tuple[Few, Judgement] | None:
    """The calls that are enough, and the judgement of what comes of them; None where no function gives entries."""
    for function, calls in watched(live, gradients).items():
        numbers = calls.numbers or []
        for found in (in_order(numbers, made.manual), entries(numbers, made.manual)) if len(numbers) >= FEWEST else ():
            kept = enough(made, found)
            manual = {name: np.array(g) for name, g in made.manual.items()}
            given: list[Any] = [None] * len(numbers)
            for k, (name, entry) in found.items():
                if k not in kept:
                    given[k] = type(numbers[k])(made.wanted[name].flat[entry])
                    manual[name].flat[entry] = given[k]
            if given.count(None) > LARGEST_SHARE * len(given):
                continue
            told = tuple(found.get(k) for k, value in enumerate(given) if value is None)
            spots = frozenset(spot for each in calls.callers if (spot := live.spot_of(*each)) is not None)
            chosen = Few(function, tuple(given), told, spots, frozenset(file for file, _ in calls.callers), made)
            with chosen.at_work():
                again = gradients()
            if all(np.array_equal(again[name], manual[name], equal_nan=True) for name in manual):
                return chosen, replace(made, manual=manual)
    return None


def watched(live: LiveCode, gradients: Callable[[], Values]) -> dict[FunctionType, Calls]:
    """The calls of each of the program's functions."""
    found: dict[FunctionType, Calls] = {}

    def watching(function: FunctionType) -> Callable[..., Any]:
        calls = found[function] = Calls()

        def instead(*args: Any, **keywords: Any) -> Any:
            code = sys._getframe(1).f_code
            calls.callers.add((code.co_filename, code.co_firstlineno))
            value = function(*args, **keywords)
            if not isinstance(value, float):
                calls.numbers = None
            elif calls.numbers is not None:
                calls.numbers.append(value)
            return value

        return instead

    own = itertools.chain.from_iterable(live.made_by.values())
    with standing_in({f: watching(f) for f in own if f.__globals__.get(f.__name__) is f}):
        gradients()
    return found


def in_order(values: list[float], manual: Values) -> dict[int, tuple[str, int]]:
    """The entries that the values are where they come one after the other, parameter by parameter."""
    places = [(name, entry) for name, gradient in manual.items() for entry in range(gradient.size)]
    right = [float(manual[name].flat[entry]) for name, entry in places]
    return dict(enumerate(places)) if right == [float(v) for v in values] else {}


def entries(values: list[float], manual: Values) -> dict[int, tuple[str, int]]:
    """Which entry of which gradient each value is: those alone that are there just once."""
    places: dict[float, list[tuple[str, int]]] = {}
    for name, gradient in manual.items():
        for entry, number in enumerate(gradient.flat):
            places.setdefault(float(number), []).append((name, entry))
    once = {value: where[0] for value, where in places.items() if len(where) == 1}
    seen = Counter(map(float, values))
    return {k: once[number] for k, number in enumerate(map(float, values)) if number in once and seen[number] == 1}


def enough(made: Judgement, found: dict[int, tuple[str, int]]) -> set[int]:
    """The calls to be made: of each gradient that which is the most wrong, or else the largest."""
    best: dict[str, tuple[float, float, int]] = {}
    for k, (name, entry) in found.items():
        value, right = float(made.manual[name].flat[entry]), float(made.wanted[name].flat[entry])
        best[name] = max(best.get(name, (-1.0, 0.0, k)), (abs(value - right), abs(value), k))
    return {k for *_, k in best.values()}
