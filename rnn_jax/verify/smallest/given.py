"""What a program's loss and gradients are given besides the parameters: numbers that can be read and set."""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnn_jax.verify.fresh import arguments
from rnn_jax.verify.of_file import FileSubject, binds, root
from rnn_jax.verify.program import NAME
from rnn_jax.verify.subject import Setting, once


def given(subject: Any, loss_first: bool) -> dict[str, Any]:
    """Arrays, and lists of numbers or arrays, that the loss and the gradients read and leave as they are."""
    if not isinstance(subject, FileSubject):
        return {}
    said = subject.said
    texts = [said.loss, *(text for text in (said.grads, said.call, said.update) if text)]
    named = [name for text in texts for name in arguments(text, "exec")]
    inline = set().union(*(binds(s) for s in subject.prelude if not hasattr(s, "file")))
    parameters = {root(text) for text, _ in subject.wrt}
    names = [n for n in dict.fromkeys([*named, *read(subject, texts)]) if root(n) not in parameters | inline]
    try:
        subject.prepare(Setting())
        own = list(subject.parameters().values())  # under another name: what is set there would part from them
        before = {n: copied(v) for n, v in values(subject, names) if is_numeric(v) and not shares(v, own)}
        once(subject, loss_first)
        after = dict(values(subject, list(before)))
        return {name: value for name, value in before.items() if alike(value, after.get(name))}
    except Exception:  # another day's problem: a case without its inputs is still a case
        return {}
    finally:
        subject.world.restore()


def values(subject: FileSubject, names: list[str]) -> Iterator[tuple[str, Any]]:
    """The names that mean something in the program, with what they mean."""
    for name in names:
        try:
            yield name, eval(name, subject.program.namespace)
        except Exception:
            continue


def read(subject: FileSubject, texts: list[str]) -> list[str]:
    """The global names that expressions read, themselves or in the functions and methods that they may call."""
    space = subject.program.namespace
    found: dict[str, None] = {}
    waiting = [n.id for text in texts for n in ast.walk(ast.parse(text.strip())) if isinstance(n, ast.Name)]
    while waiting:
        name = waiting.pop(0)
        if name in found or name not in space:
            continue
        found[name] = None
        waiting += [each for code in codes(space[name]) for each in globals_of(code)]
    return [name for name in found if not name.startswith("__")]


def codes(value: Any) -> list[types.CodeType]:
    """The code that a function, a class or an object of the program may run."""
    if isinstance(value, types.FunctionType):
        return [value.__code__]
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__ != NAME:
        return []
    held = [getattr(each, "fget", None) or getattr(each, "__func__", each) for each in vars(kind).values()]
    return [each.__code__ for each in held if isinstance(each, types.FunctionType)]


def globals_of(code: types.CodeType) -> list[str]:
    """The names that code may read from its module, those of functions within it too."""
    inner = [name for each in code.co_consts if isinstance(each, types.CodeType) for name in globals_of(each)]
    return [*code.co_names, *inner]


def is_numeric(value: Any) -> bool:
    """Whether it is an array of numbers, or a list of numbers, arrays or such lists."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub"
    if isinstance(value, list | tuple) and type(value) in (list, tuple) and value:
        return all(is_numeric(each) or type(each) in (int, float) or isinstance(each, np.number) for each in value)
    return False


def shares(value: Any, arrays: list[np.ndarray]) -> bool:
    """Whether it is, or holds, memory of these arrays."""
    if isinstance(value, list | tuple):
        return any(shares(each, arrays) for each in value)
    return any(np.may_share_memory(value, array) for array in arrays)


def copied(value: Any) -> Any:
    """The value with arrays of its own."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    return type(value)(copied(each) for each in value) if isinstance(value, list | tuple) else value


def alike(one: Any, other: Any) -> bool:
    """Whether two such values hold the same numbers."""
    if isinstance(one, list | tuple):
        same = isinstance(other, list | tuple) and len(one) == len(other)
        return same and all(alike(a, b) for a, b in zip(one, other, strict=True))
    return bool(np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f"))
