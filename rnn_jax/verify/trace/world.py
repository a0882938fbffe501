"""All that a program's functions can reach: to put back as it was, and to put recorders in its arrays' places."""

from __future__ import annotations

import builtins
import collections
import functools
import random
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rnn_jax.verify.trace import stand_ins
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.places import foreign
from rnn_jax.verify.trace.tape import NOTHING

ATOMS = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype, range, slice)


class World:
    """A snapshot of the namespaces and of all that can be reached from them, contents included."""

    def __init__(self, *roots: Any) -> None:
        self.undo: list[Callable[[], None]] = []
        self.slots: list[Callable[[Callable[[Any], Any]], None]] = []
        self.arrays: dict[int, np.ndarray] = {}
        self.namespaces: list[dict[str, Any]] = []
        self.generators: list[Any] = []
        self._seen: dict[int, Any] = {}
        waiting = list(roots)
        while waiting:
            self._visit(waiting.pop(), waiting)
        self.undo.append(self.random_state())

    def random_state(self) -> Callable[[], None]:
        """What sets all random generators back to where they are now."""
        state, python = np.random.get_state(), random.getstate()  # noqa: NPY002
        found: list[tuple[Callable[[Any], Any], Any]] = [
            (np.random.set_state, state),
            (random.setstate, python),
        ]
        for each in self.generators:
            if isinstance(each, np.random.Generator):
                bits = each.bit_generator
                found.append((functools.partial(setattr, bits, "state"), bits.state))
            elif isinstance(each, np.random.RandomState):
                found.append((each.set_state, each.get_state()))
            else:
                found.append((each.setstate, each.getstate()))

        def back() -> None:
            for put, kept in found:
                put(kept)

        return back

    def restore(self) -> None:
        """Everything as it was found: what containers held, what arrays held, the state of random generators."""
        for step in self.undo:
            step()

    def _visit(self, value: Any, waiting: list[Any]) -> None:
        if isinstance(value, ATOMS) or id(value) in self._seen:
            return
        self._seen[id(value)] = value  # kept alive, so that its id stays its own
        if isinstance(value, np.ndarray):
            self._array(value, waiting)
        elif isinstance(value, dict):
            self._dict(value, waiting)
        elif isinstance(value, list):
            self._list(value, waiting)
        elif isinstance(value, tuple | frozenset):
            waiting.extend(value)
        elif isinstance(value, set | collections.deque):
            self._bag(value, waiting)
        elif isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
            self.generators.append(value)
        elif isinstance(value, types.FunctionType):
            self._function(value, waiting)
        elif isinstance(value, types.MethodType):
            waiting += [value.__self__, value.__func__]
        elif isinstance(value, functools.partial):
            waiting += [value.func, value.args, value.keywords]
        elif isinstance(value, staticmethod | classmethod):
            waiting.append(value.__func__)
        elif isinstance(value, property):
            waiting += [value.fget, value.fset]
        elif isinstance(value, types.ModuleType):
            if not is_foreign(value):
                waiting.append(vars(value))
        elif isinstance(value, type):
            if not foreign_name(value.__module__):
                self._class(value, waiting)
        else:
            self._object(value, waiting)

    def _array(self, value: np.ndarray, waiting: list[Any]) -> None:
        if value.dtype == object:
            waiting.extend(value.ravel().tolist())
            kept = value.copy()
            self.undo.append(lambda: np.copyto(value, kept))

            def place(convert: Callable[[Any], Any]) -> None:
                for at in np.ndindex(value.shape):
                    value[at] = convert(value[at])

            self.slots.append(place)
        elif value.dtype.kind in "fiub" and not isinstance(value, Recorded):
            self.arrays[id(value)] = value
            if value.flags.writeable:
                numbers = value.copy()
                self.undo.append(lambda: np.copyto(value, numbers))

    def _dict(self, value: dict[Any, Any], waiting: list[Any]) -> None:
        if "__builtins__" in value:
            if foreign(str(value.get("__file__") or "")):
                return
            self.namespaces.append(value)
        kept = dict(value)
        waiting.extend(each for key, each in kept.items() if key != "__builtins__")

        def undo() -> None:
            if not (len(value) == len(kept) and all(k in value and value[k] is v for k, v in kept.items())):
                value.clear()
                value.update(kept)

        def place(convert: Callable[[Any], Any]) -> None:
            for key, each in kept.items():
                new = each if key == "__builtins__" else convert(each)
                if new is not each:
                    value[key] = new

        self.undo.append(undo)
        self.slots.append(place)

    def _list(self, value: list[Any], waiting: list[Any]) -> None:
        kept = list(value)
        self.undo.append(lambda: value.__setitem__(slice(None), kept))
        if all(isinstance(each, ATOMS) for each in kept):
            return
        waiting.extend(kept)
        self.slots.append(lambda convert: value.__setitem__(slice(None), [convert(each) for each in kept]))

    def _bag(self, value: Any, waiting: list[Any]) -> None:
        kept = list(value)
        waiting.extend(kept)
        extend = value.update if isinstance(value, set) else value.extend

        def refill(items: list[Any]) -> None:
            value.clear()
            extend(items)

        self.undo.append(lambda: refill(kept))
        if not isinstance(value, set):
            self.slots.append(lambda convert: refill([convert(each) for each in kept]))

    def _function(self, value: types.FunctionType, waiting: list[Any]) -> None:
        if foreign(value.__code__.co_filename):
            return
        waiting += [value.__globals__, value.__defaults__, value.__kwdefaults__, vars(value)]
        defaults = value.__defaults__
        if defaults:
            self.undo.append(lambda: setattr(value, "__defaults__", defaults))
            self.slots.append(lambda convert: setattr(value, "__defaults__", convert(defaults)))
        for cell in value.__closure__ or ():
            self._cell(cell, waiting)

    def _cell(self, cell: Any, waiting: list[Any]) -> None:
        if id(cell) in self._seen:
            return
        self._seen[id(cell)] = cell
        try:
            kept = cell.cell_contents
        except ValueError:  # empty still
            return
        waiting.append(kept)
        self.undo.append(lambda: setattr(cell, "cell_contents", kept))
        self.slots.append(lambda convert: setattr(cell, "cell_contents", convert(kept)))

    def _class(self, value: type, waiting: list[Any]) -> None:
        kept = {k: v for k, v in vars(value).items() if not (k.startswith("__") and k.endswith("__"))}
        waiting.extend(vars(value).values())

        def undo() -> None:
            for key in [k for k in vars(value) if k not in kept and not (k.startswith("__") and k.endswith("__"))]:
                delattr(value, key)
            for key, each in kept.items():
                if vars(value).get(key) is not each:
                    setattr(value, key, each)

        def place(convert: Callable[[Any], Any]) -> None:
            for key, each in kept.items():
                new = convert(each)
                if new is not each:
                    setattr(value, key, new)

        self.undo.append(undo)
        self.slots.append(place)

    def _object(self, value: Any, waiting: list[Any]) -> None:
        if foreign_name(type(value).__module__) and not isinstance(value, types.SimpleNamespace):
            return
        waiting.append(type(value))
        if isinstance(getattr(value, "__dict__", None), dict):
            waiting.append(vars(value))
        for name in [n for kind in type(value).__mro__ for n in slots_of(kind)]:
            self._slot(value, name, waiting)

    def _slot(self, value: Any, name: str, waiting: list[Any]) -> None:
        if not hasattr(value, name):
            return
        kept = getattr(value, name)
        waiting.append(kept)
        self.undo.append(lambda: object.__setattr__(value, name, kept))
        self.slots.append(lambda convert: object.__setattr__(value, name, convert(kept)))

    @contextmanager
    def recorded(self) -> Iterator[dict[int, Recorded]]:
        """Recording arrays in all arrays' places, stand-ins in those of NumPy's functions, and back again.

        Yields the recording arrays by the id() of the arrays they stand for.
        """
        made = shadowed(self.arrays)
        tuples: dict[int, Any] = {}

        def convert(value: Any) -> Any:
            if id(value) in made:
                return made[id(value)]
            if isinstance(value, tuple) and not isinstance(value, ATOMS):
                if id(value) not in tuples:
                    parts = [convert(each) for each in value]
                    same = all(a is b for a, b in zip(parts, value, strict=True))
                    rebuilt = value._make(parts) if hasattr(value, "_make") else tuple(parts)
                    tuples[id(value)] = value if same else rebuilt
                return tuples[id(value)]
            if isinstance(value, np.random.Generator | np.random.RandomState):
                return stand_ins.Random(value)
            if isinstance(value, functools.partial):
                return functools.partial(
                    convert(value.func), *convert(value.args), **{k: convert(v) for k, v in value.keywords.items()}
                )
            if isinstance(value, ATOMS):
                return value
            return stand_ins.stand_in(value)

        real_import = builtins.__import__

        def importing(name: str, globals: Any = None, *rest: Any, **named: Any) -> Any:
            module = real_import(name, globals, *rest, **named)
            ours = any(globals is namespace for namespace in self.namespaces)
            return stand_ins.stand_in(module) if ours else module

        try:
            for place in self.slots:
                place(convert)
            for namespace in self.namespaces:
                namespace.setdefault("float", stand_ins.SCALARS[float])
            builtins.__import__ = importing
            yield made
        finally:
            builtins.__import__ = real_import
            self.restore()


def shadowed(arrays: dict[int, np.ndarray]) -> dict[int, Recorded]:
    """A recording array for each, those that share memory sharing their ids."""
    owners: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    made = {}
    for key, value in arrays.items():
        owner: Any = value
        while isinstance(owner.base, np.ndarray) and owner.base.dtype == value.dtype:
            owner = owner.base
        contiguous = owner.flags.c_contiguous or owner.flags.f_contiguous
        if not contiguous or not value.size:
            made[key] = Recorded.make(value, np.full_like(value, NOTHING, dtype=int, subok=False))
            continue
        if id(owner) not in owners:
            owners[id(owner)] = owner, np.full(owner.size, NOTHING)
        ids = owners[id(owner)][1]
        offset = (value.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // value.itemsize
        steps = tuple(stride // value.itemsize * ids.itemsize for stride in value.strides)
        view = np.ndarray(value.shape, ids.dtype, ids, offset * ids.itemsize, steps)
        made[key] = Recorded.make(value, view)
    return made


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


def foreign_name(name: Any) -> bool:
    """Whether a class is a library's, by the name of its module."""
    import sys

    module = sys.modules.get(str(name))
    return name == "builtins" or (module is not None and is_foreign(module))
