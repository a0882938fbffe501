"""Which lines the gradients run through, and the shapes of what is in scope there: seen while the program runs."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mutation.base import Base
from rnn_jax.errors import InputError
from rnn_jax.verify.program import modules_kept
from rnn_jax.verify.subject import Setting, evaluate_gradients

Sign = tuple[Any, ...]


@dataclass
class Seen:
    """At a line: the names in scope, and what objects and dictionaries among them hold, each by kind and shape."""

    names: dict[str, Sign] = field(default_factory=dict)
    held: dict[str, dict[str, Sign]] = field(default_factory=dict)  # by the text of the holder


@dataclass
class Scope:
    """All lines that were run."""

    lines: dict[int, Seen] = field(default_factory=dict)

    def at(self, first: int, last: int) -> Seen:
        """What was seen at a statement's lines."""
        both = Seen()
        for line in range(first, last + 1):
            if line in self.lines:
                both.names |= self.lines[line].names
                both.held |= self.lines[line].held
        return both


def sign(value: Any, depth: int = 2) -> Sign | None:
    """What has to be equal for one value to stand where another does; None for what is not exchanged."""
    if isinstance(value, np.ndarray):
        return ("array", value.dtype.kind, value.shape)
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return ("whole",)
    if isinstance(value, float | np.floating):
        return ("number",)
    if isinstance(value, types.FunctionType):
        return ("function", value.__code__.co_argcount)
    if depth and isinstance(value, list | tuple | dict) and value:
        first = next(iter(value.values() if isinstance(value, dict) else value))
        inner = sign(first, depth - 1)
        return (type(value).__name__, len(value), inner) if inner else None
    return None


def contents(value: Any) -> dict[str, Any]:
    """What is reached by an attribute of an object or by a word in a dictionary."""
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if isinstance(key, str)}
    if isinstance(value, types.ModuleType | types.FunctionType | type | np.ndarray):
        return {}
    return dict(getattr(value, "__dict__", {}))


def look(spaces: list[dict[str, Any]]) -> Seen:
    """The names of a frame, the nearest space last."""
    seen = Seen()
    for space in spaces:
        for name, value in space.items():
            if name.startswith("__"):
                continue
            seen.names.pop(name, None)
            kind = sign(value)
            if kind:
                seen.names[name] = kind
            hold(seen, name, value)
            for key, inner in contents(value).items():
                if contents(inner):
                    hold(seen, f"{name}.{key}" if not isinstance(value, dict) else f"{name}[{key!r}]", inner)
    return seen


def hold(seen: Seen, path: str, value: Any) -> None:
    """Note what an object or a dictionary holds."""
    found = {key: sign(each) for key, each in contents(value).items()}
    if found:
        seen.held[path] = {key: kind for key, kind in found.items() if kind}


@contextmanager
def watching(file: str, scope: Scope) -> Iterator[None]:
    """Note every line of the file that runs."""

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != file:
            return None
        if event == "line":
            seen = look([frame.f_globals, frame.f_locals])
            before = scope.lines.get(frame.f_lineno)
            # The first time through a loop shows what is defined by then; later times, what shapes things have.
            if before is not None and frame.f_code.co_name.startswith("<"):  # a comprehension, within its statement
                seen.names = before.names | seen.names
                seen.held = before.held | seen.held
            elif before is not None:
                seen.names = {k: v for k, v in seen.names.items() if k in before.names or k in frame.f_globals}
            scope.lines[frame.f_lineno] = seen
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(previous)


def scope_of(base: Base) -> Scope:
    """The lines of a right program's gradients."""
    scope = Scope()
    with modules_kept(), base.written(base.source) as file:
        subject = base.subject(file)
        with watching(str(file.absolute()), scope):
            try:
                evaluate_gradients(subject, Setting(), loss_first=False)
            except InputError:  # they use what the loss kept
                evaluate_gradients(subject, Setting(), loss_first=True)
    return scope
