"""What is checked: parameters, a loss and gradients by hand, wherever they live, to be evaluated at any values."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify.gradients import named
from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.places import NOWHERE
from rnn_jax.verify.trace.recorder import Recorder, operand, plain, recording
from rnn_jax.verify.trace.tape import Operand
from rnn_jax.verify.trace.world import World
from rnn_jax.verify.unset import NUMBERS, unset_filled

Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Setting:
    """Where to evaluate: parameters by name (their own where absent), and inputs in place of the program's."""

    parameters: Values = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    def copied(self) -> Setting:
        """The same with inputs of its own: programs write to what they are given."""
        return Setting(self.parameters, copy.deepcopy(self.inputs))


class Subject(Protocol):
    """A program with a loss and gradients. Whatever it changes is put back after each question."""

    names: tuple[str, ...]
    world: World

    def snapshot(self) -> World:
        """The world as it is now."""

    def parameters(self) -> Values:
        """The parameters' arrays themselves."""

    def prepare(self, setting: Setting) -> None:
        """What goes before the loss and before the gradients."""

    def evaluate_loss(self) -> Any:
        """The loss as the program gives it."""

    def evaluate_gradients(self, before: Values) -> Any:
        """The gradients as the program gives them; `before` holds the parameters as they were."""


@dataclass(frozen=True)
class Recording:
    """A loss that was recorded: its tape, its value, and the ids of each parameter."""

    recorder: Recorder
    loss: float
    output: Operand
    ids: dict[str, np.ndarray]


def record(subject: Subject, setting: Setting) -> Recording:
    """Evaluate the loss with arrays that record."""
    recorder = Recorder()
    with subject.world.recorded(), recording(recorder), unset_filled():
        ids = mark(subject, recorder, setting)
        subject.prepare(Setting(inputs={k: dispatch.wrap_all(v) for k, v in setting.copied().inputs.items()}))
        value, output = scalar(subject.evaluate_loss())
    return Recording(recorder, value, output, ids)


def mark(subject: Subject, recorder: Recorder, setting: Setting, tracked: bool = True) -> dict[str, np.ndarray]:
    """Give the parameters their values and, where they are to be tracked, their ids."""
    found = {}
    for name, array in subject.parameters().items():
        if name in setting.parameters:
            array.plain[...] = setting.parameters[name]  # type: ignore[attr-defined]
        if tracked:
            found[name] = recorder.tape.add("input", name, (), array.plain, NOWHERE)  # type: ignore[attr-defined]
            array.ids[...] = found[name]  # type: ignore[attr-defined]
    return found


def scalar(value: Any) -> tuple[float, Operand]:
    """The loss as a number, and where it stands on the tape."""
    return number_of(plain(value)), operand(value)


def number_of(number: Any) -> float:
    """The loss as a plain number. Raises InputError where it is no single one."""
    numeric = isinstance(number, np.ndarray | np.number | int | float) and np.asarray(number).dtype.kind in "fiu"
    if not numeric or np.size(number) != 1:
        shape = f"an array of shape {np.shape(number)}" if numeric else f"a {type(number).__name__}"
        raise InputError(
            f"the loss is {shape}; one number would be right (an index, or np.sum of it times a cotangent)"
        )
    return float(np.asarray(number).reshape(()))


def evaluate_loss(subject: Subject, setting: Setting, unset: np.ndarray = NUMBERS) -> float:
    """The loss by the program itself, unrecorded. unset: what np.empty leaves in memory."""
    try:
        subject.prepare(setting.copied())
        with unset_filled(unset):
            return number_of(subject.evaluate_loss())
    finally:
        subject.world.restore()


@dataclass(frozen=True)
class Calls:
    """The gradients of a first call and of a second right after it, at the same parameters."""

    first: Values
    second: Values


def evaluate_gradients(subject: Subject, setting: Setting, loss_first: bool) -> Values:
    """The gradients by the program itself."""
    try:
        subject.prepare(setting.copied())
        return once(subject, loss_first)
    finally:
        subject.world.restore()


def evaluate_twice(subject: Subject, setting: Setting, loss_first: bool) -> Calls:
    """The gradients of two calls in a row, the random generators set back between them."""
    try:
        subject.prepare(setting.copied())
        before = {name: np.array(array) for name, array in subject.parameters().items()}
        state = subject.world.random_state()
        first = once(subject, loss_first)
        for name, array in subject.parameters().items():
            np.asarray(array)[...] = before[name]  # the second call is to be at the same point
        state()
        return Calls(first, once(subject, loss_first))
    finally:
        subject.world.restore()


def moves_parameters(subject: Subject, setting: Setting, loss_first: bool) -> bool:
    """Whether a call for the gradients changes the parameters themselves, as an update is to."""
    try:
        subject.prepare(setting.copied())
        before = {name: np.array(plain(array)) for name, array in subject.parameters().items()}
        once(subject, loss_first)
        now = subject.parameters()
        return any(not np.array_equal(plain(now[name]), array, equal_nan=True) for name, array in before.items())
    finally:
        subject.world.restore()


def loss_after(subject: Subject, setting: Setting) -> float:
    """The loss after one call for the gradients."""
    try:
        subject.prepare(setting.copied())
        state = subject.world.random_state()
        before = {name: np.array(array) for name, array in subject.parameters().items()}
        once(subject, loss_first=True)
        for name, array in subject.parameters().items():
            np.asarray(array)[...] = before[name]
        state()
        with unset_filled():
            return number_of(subject.evaluate_loss())
    finally:
        subject.world.restore()


def once(subject: Subject, loss_first: bool) -> Values:
    """One call for the gradients, after one for the loss where they need it."""
    with unset_filled():
        if loss_first:
            subject.evaluate_loss()
        before = {name: np.array(plain(array)) for name, array in subject.parameters().items()}
        raw = plain(subject.evaluate_gradients(before))
    return named(raw, before)


def distinct(found: Values) -> None:
    """Raise InputError where two parameters share memory: one cannot be changed without the other."""
    names = list(found)
    for k, name in enumerate(names):
        for other in names[:k]:
            if np.may_share_memory(found[name], found[other]) and np.shares_memory(found[name], found[other]):
                raise InputError(f"{other} and {name} are the same memory: name one of them in --wrt")
