"""All that a program's functions can reach: to put back as it was, and to put recorders in its arrays' places."""

from __future__ import annotations

import builtins
import collections
import functools
import random
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from rnn_jax.verify.trace import stand_ins
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.ownership import foreign_class, is_foreign, slots_of
from rnn_jax.verify.trace.places import foreign
from rnn_jax.verify.trace.shadows import shadowed

ATOMS = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype, range, slice)

# Modules of Python's whose objects hold what their users put there.
CONTAINERS = ("types", "collections", "argparse")


class World:
    """A snapshot of the namespaces and of all that can be reached from them, contents included."""

    def __init__(self, *roots: Any) -> None:
        self.undo: list[Callable[[], None]] = []
        self.slots: list[Callable[[Callable[[Any], Any]], None]] = []
        self.arrays: dict[int, np.ndarray] = {}
        self.namespaces: list[dict[str, Any]] = []
        self.generators: list[Any] = []
        self.functions: list[types.FunctionType] = []
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
        elif isinstance(value, types.MappingProxyType):
            waiting.extend(value.values())
        elif isinstance(value, set | collections.deque):
            self._bag(value, waiting)
        elif isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
            self.generators.append(value)
        elif isinstance(value, types.FunctionType):
            self._function(value, waiting)
        elif isinstance(value, functools._lru_cache_wrapper):
            # What it remembers from before the recording, and from within it, belongs to other arrays.
            waiting += [value.__wrapped__, vars(value)]
            self.undo.append(value.cache_clear)
            self.slots.append(lambda convert: value.cache_clear())
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
            if not foreign_class(value):
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
        elif value.dtype.kind in "fiub" and not isinstance(value, Recorded | np.ma.MaskedArray):
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
        self.functions.append(value)
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
        if foreign_class(type(value)) and type(value).__module__ not in CONTAINERS:
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
            if isinstance(value, types.MappingProxyType):
                return types.MappingProxyType({key: convert(each) for key, each in value.items()})
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
        later = ExitStack()
        met = {id(namespace) for namespace in self.namespaces}

        def importing(name: str, globals: Any = None, *rest: Any, **named: Any) -> Any:
            if id(globals) not in met:
                return real_import(name, globals, *rest, **named)
            before = set(sys.modules)
            module = real_import(name, globals, *rest, **named)
            # A module of the user's that is imported only now has to record as well.
            for each in [module, sys.modules.get(name), *(sys.modules[n] for n in set(sys.modules) - before)]:
                if isinstance(each, types.ModuleType) and not is_foreign(each) and id(vars(each)) not in met:
                    met.add(id(vars(each)))
                    later.enter_context(World(vars(each)).recorded())
            return stand_ins.stand_in(module)

        try:
            for place in self.slots:
                place(convert)
            for namespace in self.namespaces:
                for name, made_for in stand_ins.BUILTINS.items():
                    namespace.setdefault(name, made_for)
            builtins.__import__ = importing
            yield made
        finally:
            later.close()
            builtins.__import__ = real_import
            self.restore()
