"""The search for a smaller case: inputs cut short, and the program run again with smaller sizes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify import lengths
from rnn_jax.verify.fresh import current, fresh_inputs, fresh_values
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.smallest import fault
from rnn_jax.verify.smallest.fault import Fault, OverError
from rnn_jax.verify.smallest.given import given
from rnn_jax.verify.smallest.sizes import Edits, Size, rebuilt, sizes
from rnn_jax.verify.subject import Setting, Subject, Values, evaluate_loss

DRAWS = 4  # of fresh values
SLOW = 3  # a program that takes more than one part in so many of the time is not run again


@dataclass(frozen=True)
class State:
    """Where the search stands: the program as run, its numbers, and the axes that were cut."""

    subject: Subject
    setting: Setting
    edits: Edits
    cuts: dict[str, int]  # T and B, where inputs were cut


class Search:
    """Greedy: each size in turn as small as it can be, again and again until nothing changes."""

    def __init__(self, found: Fault, over: dict[str, int], setting: Setting) -> None:
        self.fault = found
        subject = found.bench.subject
        file = isinstance(subject, FileSubject)
        self.sizes = sizes(subject.program, subject.said.setup or "") if isinstance(subject, FileSubject) else []
        self.inputs = list(fresh_inputs(subject)) if file else []
        self.seconds = found.until - time.perf_counter()
        self.slow = False
        self.whole = State(subject, setting, {}, {})
        self.axes = axes_of(self.whole, self.over_time(over))
        self.equal = [n for n, axes in self.axes.items() if len({extent(self.whole, each) for each in axes}) == 1]

    def over_time(self, over: dict[str, int]) -> dict[str, int]:
        """The sequences without those that only happen to be as long: a size of the parameters is theirs too."""
        rest = dict(over)
        for size in self.sizes if len(over) > 1 else ():
            if size.value not in {extent(self.whole, each) for each in rest.items()}:
                continue
            with contextlib.suppress(Exception):
                alone = State(self.again({size.spot: size.value - 1}), Setting(), {}, {})
                shapes = [{n: v.shape for n, v in s.subject.parameters().items()} for s in (self.whole, alone)]
                if shapes[0] != shapes[1]:
                    rest = {n: axis for n, axis in rest.items() if extent(alone, (n, axis)) == size.value}
        return rest or over

    def again(self, edits: Edits) -> FileSubject:
        """The program run with these numbers. Raises what it raises, and OverError when the time is up."""
        began = time.perf_counter()
        if began > self.fault.until:
            raise OverError
        if self.slow:
            raise InputError("too slow a program to be run again and again")
        try:
            return rebuilt(self.fault.bench.subject, edits, self.seconds / SLOW)  # type: ignore[arg-type]
        finally:
            self.slow = time.perf_counter() - began > self.seconds / SLOW

    def walk(self, state: State) -> Iterator[State]:
        """Ever smaller states in which the fault shows. Raises OverError when the time is up."""
        if not isinstance(state.subject, FileSubject):
            return
        for attempt in (self.all_at_once, self.to_the_end, self.restored):
            for smaller in attempt(state):
                state = smaller
                yield state

    def all_at_once(self, state: State) -> Iterator[State]:
        """All sizes at 1, or else at 2 or 3; first those that have names."""
        for value in (1, 2, 3):
            for chosen in ([s for s in self.sizes if s.name], self.sizes):
                smaller = self.resized(state, chosen, value)
                if smaller is not None:
                    yield smaller
                    return

    def to_the_end(self, state: State) -> Iterator[State]:
        """Each size, and when none can be smaller each cut, until nothing changes."""
        before: State | None = None
        while before is not state:
            before = state
            for attempt in (self.resizings, self.cuttings):
                for smaller in attempt(state):
                    state = smaller
                    yield state
                if state is not before:
                    break

    def resizings(self, state: State) -> Iterator[State]:
        """Each size as small as it can be alone."""
        for chosen in self.moves():
            now = max(state.edits.get(size.spot, size.value) for size in chosen)
            for value in steps(now):
                smaller = self.resized(state, chosen, value)
                if smaller is not None:
                    state = self.tightened(smaller, chosen, value)
                    yield state
                    break

    def cuttings(self, state: State) -> Iterator[State]:
        """The inputs as short as they can be along each axis."""
        for name, axes in self.axes.items():
            for value in steps(extent(state, axes[0])):
                smaller = self.cut(state, name, value)
                if smaller is not None:
                    state = smaller
                    yield state
                    break

    def moves(self) -> list[list[Size]]:
        """Numbers to change together: all equal ones, those of one name, each alone."""
        ordered = sorted(self.sizes, key=lambda size: size.value)
        equal = [list(group) for _, group in groupby(ordered, key=lambda size: size.value)]
        return [group for group in equal if len(group) > 1] + [[size] for size in self.sizes]

    def resized(self, state: State, chosen: list[Size], value: int) -> State | None:
        """The program run with none of these numbers above the value, if the fault still shows."""
        edits = self.capped(state, chosen, value)
        if edits == state.edits:
            return None
        smaller = self.run(edits, state.cuts)
        # What runs at 1 and not at 2 is no size of the program at 1: NumPy has spread it out to fit.
        if smaller is not None and value == 1 and not self.runs(self.capped(state, chosen, 2), state.cuts):
            return None
        return smaller

    def capped(self, state: State, chosen: list[Size], value: int) -> Edits:
        """The numbers with none of the chosen above the value."""
        return state.edits | {s.spot: value for s in chosen if state.edits.get(s.spot, s.value) > value}

    def runs(self, edits: Edits, cuts: dict[str, int]) -> bool:
        """Whether the program gives a loss with these numbers."""
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            subject = self.again(edits)
            for counted in (True, False)[: 1 + len(cuts)]:
                with contextlib.suppress(Exception):
                    evaluate_loss(subject, Setting(inputs=self.shorter(subject, {}, cuts, counted)))
                    return True
        return False

    def tightened(self, state: State, chosen: list[Size], value: int) -> State:
        """The same between the last value that was tried in vain and this one."""
        low = max((step for step in steps(value + 1) if step < value), default=0)
        while value - low > 1:
            middle = (low + value) // 2
            smaller = self.resized(state, chosen, middle)
            low, value, state = (low, middle, smaller) if smaller else (middle, value, state)
        return state

    def run(self, edits: Edits, cuts: dict[str, int]) -> State | None:
        """The state with these numbers and cuts, if the fault shows in it."""
        try:
            subject = self.again(edits)
        except OverError:
            raise
        except Exception:
            return None
        return self.at(subject, edits, cuts)

    def at(self, subject: FileSubject, edits: Edits, cuts: dict[str, int]) -> State | None:
        """The state at fresh values, or at the program's own, whichever shows the fault first."""
        rng = np.random.default_rng(0)
        try:
            own = {name: np.array(array) for name, array in subject.parameters().items()}
            zeros = {name: current(subject, name) for name in self.inputs}
            inputs = {n: 0.5 * rng.normal(size=v.shape).astype(v.dtype) for n, v in zeros.items() if v is not None}
            given = [
                inputs | self.shorter(subject, inputs, cuts, counted) for counted in (True, False)[: 1 + len(cuts)]
            ]
        except Exception:
            return None
        drawn = [fresh_values(own, rng, number) for number in range(DRAWS)]
        for values in (*drawn, own):
            for each in given:
                state = State(subject, Setting(values, each), edits, cuts)
                if self.fault.shows(subject, state.setting) and self.fits(state):
                    return state
        return None

    def shorter(self, subject: FileSubject, inputs: dict[str, Any], cuts: dict[str, int], counted: bool) -> Any:
        """The inputs cut short; `counted`: and the program's global numbers that count them."""
        found: dict[str, Any] = {}
        for name, left in cuts.items():
            for each, axis in self.axes[name]:
                value = found.get(each, inputs.get(each, current(subject, each)))
                found[each] = lengths.cut(value, axis, left)
            full = extent(State(subject, Setting(), {}, {}), self.axes[name][0])
            same = [n for n, v in subject.program.namespace.items() if type(v) is int and v == full]
            found |= dict.fromkeys(same, left) if counted else {}
        return found

    def fits(self, state: State) -> bool:
        """Whether the sequences are still as long as one another, wherever they were from the start."""
        return all(len({extent(state, each) for each in self.axes[name]}) == 1 for name in self.equal)

    def cut(self, state: State, name: str, value: int) -> State | None:
        """The state with inputs cut to so many along the axes of this name, if the fault shows in it."""
        if time.perf_counter() > self.fault.until:
            raise OverError
        assert isinstance(state.subject, FileSubject)
        return self.at(state.subject, state.edits, state.cuts | {name: value})

    def restored(self, state: State) -> Iterator[State]:
        """Without the changes that make nothing smaller: those with which a case has no fewer numbers."""
        for spot in list(state.edits):
            edits = {other: value for other, value in state.edits.items() if other != spot}
            back = self.run(edits, state.cuts)
            if back is not None and total(back) <= total(state):
                state = back
                yield state

    def told(self, state: State) -> dict[str, int]:
        """The sizes that were made smaller, each by the program's own name for it or as T and B."""
        edits = {size: state.edits[size.spot] for size in self.sizes if size.spot in state.edits}
        found = {}
        for name in self.equal:
            before, now = (extent(each, self.axes[name][0]) for each in (self.whole, state))
            if now < before and (name in state.cuts or not self.governed(edits, name, before)):
                found[name] = now
        return found | {size.name: value for size, value in edits.items() if size.name}

    def governed(self, edits: dict[Size, int], name: str, before: int) -> bool:
        """Whether one of the sizes that have names is the one of this axis."""
        for size, value in edits.items():
            with contextlib.suppress(Exception):
                alone = self.again({size.spot: value})
                if size.name and extent(State(alone, Setting(), {}, {}), self.axes[name][0]) != before:
                    return True
        return False


def axes_of(state: State, over: dict[str, int]) -> dict[str, list[tuple[str, int]]]:
    """The axes along which inputs can be cut, by name: T, and B for another along which all sequences are equal."""
    subject = state.subject
    if not over or not isinstance(subject, FileSubject):
        return {}
    found = {"T": list(over.items())}
    arrays = {name: current(subject, name) for name in over}
    if len(arrays) > 1 and all(isinstance(array, np.ndarray) for array in arrays.values()):
        for axis in range(min(array.ndim for array in arrays.values())):
            if axis not in over.values() and len({array.shape[axis] for array in arrays.values()}) == 1:
                return found | {"B": [(name, axis) for name in arrays]}
    return found


def steps(now: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, 16, ... below a size."""
    found = [1, 2, 3]
    while found[-1] < now:
        found += [4 * (1 << len(found) // 2 - 1), 6 * (1 << len(found) // 2 - 1)] if len(found) > 3 else [4, 6]
    return [value for value in found if value < now]


def extent(state: State, of: tuple[str, int]) -> int:
    """How long an input is along an axis."""
    assert isinstance(state.subject, FileSubject)
    name, axis = of
    value: Any = state.setting.inputs.get(name, current(state.subject, name))
    return int(np.shape(value)[axis]) if isinstance(value, np.ndarray) else len(value)


def total(state: State) -> int:
    """The numbers of a state's parameters and inputs."""
    return count(fault.parameters(state.subject, state.setting), given(state.subject, False) | state.setting.inputs)


def count(values: Values, inputs: dict[str, Any]) -> int:
    """All numbers in parameters and inputs."""
    return sum(array.size for array in values.values()) + sum(map(numbers, inputs.values()))


def numbers(value: Any) -> int:
    """How many numbers an input holds."""
    return sum(map(numbers, value)) if isinstance(value, list | tuple) else int(np.size(value))
