"""The smallest case in which a gradient is wrong.

Two ways lead there: sequences are cut short, and the program is run again with smaller numbers in the place of its
sizes. What is tried is kept if the same gradients are wrong and no others. At the end the numbers are made easy to
read.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_jax.verify.check_report import Smallest
from rnn_jax.verify.judge import Bench, Judgement
from rnn_jax.verify.smallest import fault, readable
from rnn_jax.verify.smallest.fault import Fault, OverError
from rnn_jax.verify.smallest.given import given
from rnn_jax.verify.smallest.search import Search, State, count
from rnn_jax.verify.smallest.sizes import Size
from rnn_jax.verify.subject import Setting, Subject, Values

FEW = 200  # numbers that a case may hold where nothing can be made smaller


@dataclass(frozen=True)
class Case:
    """A smallest case, and all that is needed to make it again."""

    smallest: Smallest
    names: tuple[str, ...]  # the wrong parameters
    bench: Bench
    subject: Subject
    setting: Setting
    edits: dict[Size, int]  # the numbers that the program was run with in place of its own
    calls: int  # 2 where the second call is the wrong one
    judgement: Judgement = field(repr=False)


def smallest(
    bench: Bench, made: Judgement, names: tuple[str, ...], over: dict[str, int], seconds: float = 5.0
) -> Case | None:
    """The smallest case found in so many seconds; None where no small one is.

    made: a judgement in which gradients are wrong; names: those of the finding; over: the sequences among the inputs
    and their axes of time, see lengths.py.
    """
    found = fault.of(bench, made, names, seconds)
    if found is None:
        return None
    search = Search(found, over, made.setting)
    states = [State(bench.subject, made.setting, {}, {})]
    with contextlib.suppress(OverError):  # what was found before stays
        states.extend(search.walk(states[0]))
    for state in last_of(states):  # the slopes by which the search goes are not as sharp as a judgement
        judged = found.judged(state.subject, state.setting)
        if judged is not None:
            return finished(found, search, state, judged)
    return None


def last_of(states: list[State]) -> list[State]:
    """The last state, the one before, the fourth from the end, the eighth, ... and the first."""
    return [states[-(1 << k)] for k in range(len(states).bit_length())] + states[:1]


def finished(found: Fault, search: Search, state: State, judged: Judgement) -> Case | None:
    """The case of a state in which the fault was seen, its numbers made easy to read where that goes."""
    held = given(state.subject, found.bench.loss_first)
    full = Setting(judged.values, held | state.setting.inputs)
    plain = readable.readable(found, state.subject, full)
    again = found.judged(state.subject, plain)
    judged, setting = (again, plain) if again else (judged, state.setting)
    if not state.edits and not state.cuts and count(judged.values, setting.inputs) > FEW:
        return None
    manual = fault.by_hand(found.bench, state.subject, setting, found.calls)
    shown = {n: np.asarray(v) for n, v in setting.inputs.items() if rectangular(v)}
    told = search.told(state)
    case = Smallest(
        told, judged.values | shown, manual, judged.wanted, sentence(told, found.names, manual, judged.wanted)
    )
    edits = {size: state.edits[size.spot] for size in search.sizes if size.spot in state.edits}
    return Case(case, found.names, found.bench, state.subject, setting, edits, found.calls, judged)


def rectangular(value: Any) -> bool:
    """Whether an input is an array of numbers, or a list that makes one."""
    try:
        return not isinstance(value, int | float) and np.asarray(value).dtype.kind in "fiub"
    except ValueError:
        return False


def sentence(sizes_told: dict[str, int], names: tuple[str, ...], manual: Values, wanted: Values) -> str:
    """T=2, H=1: dW[0, 0] is +0.382459, should be +0.381537, of the entry that is furthest off."""
    name = names[0]
    at = np.unravel_index(int(np.argmax(np.abs(manual[name] - wanted[name]))), manual[name].shape)
    ours, right = float(manual[name][at]), float(wanted[name][at])
    digits = next((d for d in (6, 9, 12) if f"{ours:+.{d}g}" != f"{right:+.{d}g}"), 17)
    place = f"[{', '.join(str(int(k)) for k in at)}]" if at else ""
    said = ", ".join(f"{key}={value}" for key, value in sizes_told.items())
    return f"{said}{': ' if said else ''}d{name}{place} is {ours:+.{digits}g}, should be {right:+.{digits}g}"
