"""What of the modules, classes and objects that a program can reach is its own."""

from __future__ import annotations

import sys
import types

from rnn_jax.verify.trace.places import foreign


def slots_of(kind: type) -> list[str]:
    """The names of a class's slots, private ones as Python mangles them."""
    names = vars(kind).get("__slots__", ())
    names = (names,) if isinstance(names, str) else names
    return [
        f"_{kind.__name__.lstrip('_')}{n}" if n.startswith("__") and not n.endswith("__") else n
        for n in names
        if n not in ("__dict__", "__weakref__")
    ]


def is_foreign(module: types.ModuleType) -> bool:
    """Whether a module is a library's."""
    file = getattr(module, "__file__", None)
    return file is None or foreign(file)


HEAP = 1 << 9  # the flag of a class that was made by a class statement


def foreign_class(kind: type) -> bool:
    """Whether a class is a library's or Python's own."""
    if kind.__module__ == "builtins":  # where exec() puts classes as well
        return not kind.__flags__ & HEAP
    module = sys.modules.get(str(kind.__module__))
    return module is not None and is_foreign(module)
