"""Numbers that are easy to read: few digits, and 0 wherever the fault does not need another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_jax.verify.smallest.fault import Fault, OverError
from rnn_jax.verify.subject import Setting, Subject

MOST = 150  # numbers that are tried at 0 one by one
SHARE = 0.5  # of the time that was asked for, beyond it where the search used up all


def readable(found: Fault, subject: Subject, setting: Setting) -> Setting:
    """The setting with rounded numbers and zeros, as far as the fault shows with them; else as it is."""
    found.until = max(found.until, time.perf_counter() + SHARE)
    try:
        for digits in (1, 2, 3):
            plain = Setting(
                {name: rounded(value, digits) for name, value in setting.parameters.items()},
                {name: rounded(value, digits) for name, value in setting.inputs.items()},
            )
            if found.shows(subject, plain, exact=True):
                setting = plain
                break
        return with_zeros(found, subject, setting)
    except OverError:
        return setting


def rounded(value: Any, digits: int) -> Any:
    """The real numbers in an array or in lists of arrays, rounded; -0 is 0."""
    if isinstance(value, list | tuple):
        return type(value)(rounded(each, digits) for each in value)
    if isinstance(value, float):
        return round(value, digits) + 0.0
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.round(value, digits) + value.dtype.type(0)
    return value


def with_zeros(found: Fault, subject: Subject, setting: Setting) -> Setting:
    """The setting with whole arrays at 0 where that goes, then single numbers."""
    try:
        for name in list(setting.parameters):
            setting = kept(found, subject, setting, zero(setting, name, ...))
        entries = sum(np.count_nonzero(value) for value in setting.parameters.values())
        for name, at in places(setting) if entries <= MOST else ():
            if setting.parameters[name][at] != 0:
                setting = kept(found, subject, setting, zero(setting, name, at))
    except OverError:
        pass
    return setting


def places(setting: Setting) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every entry of every parameter."""
    for name, value in list(setting.parameters.items()):
        for at in np.ndindex(value.shape):
            yield name, at


def zero(setting: Setting, name: str, at: Any) -> Setting:
    """The setting with 0 there."""
    value = np.array(setting.parameters[name])
    value[at] = 0
    return replace(setting, parameters=setting.parameters | {name: value})


def kept(found: Fault, subject: Subject, before: Setting, after: Setting) -> Setting:
    """The second setting if the fault shows in it, else the first."""
    return after if found.shows(subject, after, exact=True) else before
