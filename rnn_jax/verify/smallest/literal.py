"""Values as Python text that gives the same bits again, and the Python text by which a part of a value is reached."""

from __future__ import annotations

import pprint
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

WIDTH = 100


def literal(value: Any) -> str:
    """An array, a number, or a list of such, as text that needs `np` alone."""
    if isinstance(value, np.ndarray):
        text = re.sub(r"\b(nan|inf)\b", r"np.\1", pprint.pformat(value.tolist(), width=WIDTH, compact=True))
        plain = value.dtype in (np.float64, np.int64, np.bool_)
        told = "" if plain and value.size else f", dtype=np.{value.dtype.name}"
        return f"np.array({text}{told})" if value.size else f"np.zeros({value.shape}{told})"
    if isinstance(value, list | tuple):
        inner = ", ".join(map(literal, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def quoted(text: str) -> str:
    """The text as Python, in double quotes where they need no backslash."""
    return f'"{text}"' if repr(text) == f"'{text}'" and '"' not in text else repr(text)


def table(name: str, entries: dict[str, str]) -> str:
    """A dictionary of texts as an assignment, an entry a line."""
    return "".join([f"{name} = {{\n", *(f"    {quoted(key)}: {text},\n" for key, text in entries.items()), "}\n"])


def path_to(value: Any, target: Any) -> str | None:
    """How `target` is reached from `value`: "['W']", ".layers[0]", "" for itself; None where it is not in it."""
    waiting, seen = [("", value)], {id(value)}
    while waiting:
        path, each = waiting.pop(0)
        if each is target:
            return path
        for step, inner in parts(each):
            if id(inner) not in seen:
                seen.add(id(inner))
                waiting.append((path + step, inner))
    return None


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container holds, with the Python text that reaches it."""
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{k}]", each) for k, each in enumerate(value))
    elif not isinstance(value, np.ndarray | type):
        yield from ((f".{key}", each) for key, each in getattr(value, "__dict__", {}).items())
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        yield from ((f".{name}", getattr(value, name)) for name in slots if hasattr(value, name))
