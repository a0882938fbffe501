"""What a program's expressions are worth at each place that it comes by: what is missing there may be made of them."""

from __future__ import annotations

import ast
import builtins
import contextlib
import itertools
import sys
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.probe import LARGEST, Shape, shape_of
from rnn_jax.verify.repair.tree import ATOMS, Path, at, located, replaced, shallow
from rnn_jax.verify.repair.vocabulary import index_names

HERE = "__rnn_jax_here__"
MOST = 400  # expressions that are tried at one place
FEW = 8  # items of a tuple
DEEPEST = 2  # how far into what names hold: self.cache["h"]
ITERATIONS = 300  # of a place whose values are kept


@dataclass
class Values:
    """What an expression was worth at a place, each time that the program came by; None once it could not be had."""

    shape: Shape
    values: list[np.ndarray] = field(default_factory=list)
    mixed: bool = False  # of other shapes at other times, as the weights of one layer after the other

    def key(self) -> tuple[Any, ...]:
        """Equal for expressions that were worth the same."""
        return self.shape, tuple(v.tobytes() for v in self.values)


Stock = dict[str, Values]  # by the expression's text


def stocked(live: LiveCode, held: dict[Spot, ast.stmt]) -> tuple[dict[Spot, ast.stmt], list[Site]]:
    """The statements with a look around before each of those inside functions and loops, and their sites.

    held: statements to take in the place of the program's own, with the same statements within.
    """
    places: list[Site] = []
    made: dict[Spot, ast.stmt] = {}
    for spot in live.spots:
        statement = held.get(spot, live.statement(spot))
        found = [
            s for s, node in live.sites(spot) if isinstance(node, ast.stmt) and s.path and s.path[-1][1] is not None
        ]
        for site in reversed(found):
            node = live.node(site)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) or within_class(live, site):
                continue
            places.append(site)
            around = taken_from_around(live.statement(spot), site.path)
            look = ast.parse(f"{HERE}({len(places) - 1}, locals(), globals(){around})").body[0]
            present = at(statement, site.path)
            if isinstance(node, ast.For | ast.While):
                places.append(end_of(site, node))
                last = ast.parse(f"{HERE}({len(places) - 1}, locals(), globals(){around})").body[0]
                present = shallow(present)
                present.body = [*present.body, located(last, node.body[-1])]
            statement = replaced(statement, site.path, [located(look, node), present])
        made[spot] = statement
    return made, places


def taken_from_around(statement: ast.stmt, path: Path) -> str:
    """What a function made within another may take from that, as a further argument: its names, to be looked up."""
    nodes = [at(statement, path[:k]) for k in range(len(path))]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    if len(functions) < 2:
        return ""
    own = names_of(functions[-1])
    outer = {name for function in functions[:-1] for name in names_of(function)} - own
    return f", {{{', '.join(f'{name!r}: lambda: {name}' for name in sorted(outer))}}}" if outer else ""


def names_of(function: ast.FunctionDef) -> set[str]:
    """The arguments of a function, and the names that it gives a value itself."""
    waiting: list[ast.AST] = list(function.body)
    found = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.DictComp | ast.GeneratorExp):
            waiting += ast.iter_child_nodes(node)
    return found


def looked_up(taken: dict[str, Callable[[], Any]]) -> Iterator[tuple[str, Any]]:
    """The names around with their values, where they have one."""
    for name, value in taken.items():
        with contextlib.suppress(NameError):
            yield name, value()


def end_of(site: Site, loop: ast.For | ast.While) -> Site:
    """The place behind the last statement of a loop's body."""
    return Site(site.file, site.number, (*site.path, ("body", len(loop.body))))


def within_class(live: LiveCode, site: Site) -> bool:
    """Whether a statement stands in the body of a class, not of a function."""
    return isinstance(at(live.statement(site.spot), site.path[:-1]), ast.ClassDef)


@contextmanager
def looking(
    places: list[Site],
    expressions: dict[str, ast.expr],
    counters: set[str],
    only: set[Site] | None = None,
    steps: frozenset[str] = frozenset(),
) -> Iterator[dict[Site, Stock]]:
    """Evaluate the expressions at each place that the program comes by, or at some of these only.

    counters: the names that loops give values to. steps: those of what they go through, as far as functions share it.
    """
    texts = sorted(expressions, key=lambda text: not isinstance(expressions[text], ATOMS))
    indices = index_names(expressions) | counters
    at_place: dict[Site, dict[str, CodeType]] = {}
    stock: dict[Site, Stock] = defaultdict(dict)
    missing: dict[Site, set[str]] = defaultdict(set)
    times: dict[Site, int] = defaultdict(int)
    busy = False

    def here(
        number: int, local: dict[str, Any], shared: dict[str, Any], around: dict[str, Callable[[], Any]] | None = None
    ) -> None:
        nonlocal busy
        if busy:  # what is evaluated here may call the function that is looked into
            return
        place = places[number]
        times[place] += 1
        if times[place] > ITERATIONS or (only is not None and place not in only):
            return
        busy = True
        local = dict(looked_up(around)) | local if around else local
        profile = sys.getprofile()
        sys.setprofile(None)
        known, gone, first = stock[place], missing[place], times[place] == 1
        if place not in at_place:
            there = local.keys() | shared.keys() | vars(builtins).keys()
            own = [text for text in texts if needs(text) <= there][:MOST]
            named = {name: shared[name] for name in sorted(steps) if name in shared and has_steps_of(shared[name])}
            more = {*held_by(named | local, indices), *(around or ())}.difference(texts)
            kept = sorted(more, key=lambda text: (len(text), text))[:MOST]
            at_place[place] = {text: compiled(text) for text in (*own, *kept)}
        for text, code in at_place[place].items():
            if text in gone:
                continue
            value = evaluated(code, local, shared)
            if value is None or not (first or text in known):
                gone.add(text)
                known.pop(text, None)
                continue
            entry = known.setdefault(text, Values(shape_of(value)))
            entry.mixed |= bool(entry.values) and entry.values[0].shape != np.shape(value)
            entry.values.append(np.array(value))
        sys.setprofile(profile)
        busy = False

    setattr(builtins, HERE, here)
    try:
        yield stock
    finally:
        delattr(builtins, HERE)


@lru_cache(maxsize=20_000)
def compiled(text: str) -> CodeType:
    """An expression to be evaluated."""
    return compile(text, "<harvest>", "eval")


@lru_cache(maxsize=20_000)
def needs(text: str) -> frozenset[str]:
    """The names that an expression is made of."""
    return frozenset(n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name))


def alike(stock: Stock) -> Stock:
    """What is of the same shape each time; a number that stands for an array of its like is spread over it."""
    found: Stock = {}
    for text, known in stock.items():
        shapes = {v.shape for v in known.values} - {()}
        if not known.mixed:
            found[text] = known
        elif len(shapes) == 1:
            (shape,) = shapes
            spread = [np.broadcast_to(v, shape) for v in known.values]
            found[text] = Values(("array", "f", shape), spread)
    return found


def in_a_row(stock: Stock, shapes: list[tuple[int, ...]]) -> Stock:
    """What has these shapes, one each time, as one long row; numbers stay numbers where they stay the same."""
    found: Stock = {}
    for text, known in stock.items():
        if len(known.values) != len(shapes):
            continue
        if all(v.ndim == 0 for v in known.values) and len({v.tobytes() for v in known.values}) == 1:
            found[text] = Values(known.shape, known.values[:1])
        elif all(v.shape in (shape, ()) for v, shape in zip(known.values, shapes, strict=True)):
            parts = [np.broadcast_to(v, shape).ravel() for v, shape in zip(known.values, shapes, strict=True)]
            row = np.concatenate(parts)
            found[text] = Values(("array", row.dtype.kind, row.shape), [row])
    return found


def at_visits(stock: Stock, visits: list[int]) -> Stock:
    """What is of the same shape at some of the visits, as it is at those."""
    found: Stock = {}
    for text, known in stock.items():
        if max(visits) < len(known.values):
            values = [known.values[k] for k in visits]
            if len({v.shape for v in values}) == 1:
                # What was a number at first may be an array at these, and the other way round.
                array = known.shape[0] == "array" or values[0].ndim > 0
                found[text] = Values(("array", values[0].dtype.kind, values[0].shape) if array else known.shape, values)
    return found


def held_by(local: dict[str, Any], indices: set[str]) -> Iterator[str]:
    """What the local names hold: the steps of sequences, the items of dictionaries, the attributes of objects."""
    steps = {n: int(local[n]) for n in sorted(indices) if isinstance(local.get(n), int | np.integer)}
    keys = {n: local[n] for n in sorted(indices) if isinstance(local.get(n), str)}
    for name, value in local.items():
        yield from parts_of(name, value, steps, keys, DEEPEST)


def parts_of(name: str, value: Any, steps: dict[str, int], keys: dict[str, str], depth: int) -> Iterator[str]:
    """What a value holds, and what that holds. steps, keys: the names of whole numbers and of texts."""
    inner: dict[str, Any] = {}
    if isinstance(value, dict):
        inner = {f"{name}[{key!r}]": each for key, each in value.items() if isinstance(key, str)}
        inner |= {text: value[key] for key in value if isinstance(key, str) for text in named(name, key, keys)}
        some = next(iter(value), None)
        if isinstance(some, int):
            yield from (f"{name}[{index}]" for index in around_steps(steps))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        inner = {f"{name}.{key}": each for key, each in zip(value._fields, value, strict=True)}
    elif isinstance(value, list | tuple) or has_steps(value):
        if isinstance(value, tuple) and len(value) <= FEW:  # what a function gave back
            inner = {f"{name}[{k}]": each for k, each in enumerate(value)}
        if isinstance(value, list | tuple) and not any(isinstance(each, np.ndarray | float | int) for each in value):
            inner |= {f"{name}[{t}]": value[k] for t, k in steps.items() if -len(value) <= k < len(value)}  # of layers
        yield from (f"{name}[{index}]" for index in around_steps(steps))
        if isinstance(value, np.ndarray) and value.ndim > 1:
            yield from (f"{name}[:, {index}]" for index in around_steps(steps))
            yield from (f"{name}[{first}, {second}]" for first, second in itertools.permutations(steps, 2))
    elif isinstance(value, np.ndarray) and value.ndim == 1 and len(steps) > 1:  # an inner loop may run over its entries
        yield from (f"{name}[{step}]" for step in steps)
    elif hasattr(value, "__dict__") and not isinstance(value, type | types.ModuleType | types.FunctionType):
        inner = {f"{name}.{key}": each for key, each in vars(value).items() if key.isidentifier()}
    for text, each in inner.items():
        if isinstance(each, np.ndarray | np.generic | float):
            yield text
        if depth > 1:
            yield from parts_of(text, each, steps, keys, depth - 1)


def around_steps(steps: Iterable[str]) -> Iterator[str]:
    """Each step, the one before and the one after."""
    return (index for t in steps for index in (t, f"{t} - 1", f"{t} + 1"))


def named(name: str, key: str, keys: dict[str, str]) -> Iterator[str]:
    """An item by what a name holds: d["W" + gate], where d has a key "Wf" and gate is "f"."""
    for variable, end in keys.items():
        if end and key.endswith(end):
            start = key[: len(key) - len(end)]
            yield f"{name}[{start!r} + {variable}]" if start else f"{name}[{variable}]"


def has_steps(value: Any) -> bool:
    """Whether an array has something to take at each step: rows, or whole numbers that say what was there."""
    return isinstance(value, np.ndarray) and (value.ndim > 1 or (value.ndim == 1 and value.dtype.kind in "iu"))


def has_steps_of(value: Any) -> bool:
    """Whether something is an array of rows, or a list of arrays."""
    return has_steps(value) or (isinstance(value, list) and bool(value) and isinstance(value[0], np.ndarray))


def evaluated(code: CodeType, local: dict[str, Any], shared: dict[str, Any]) -> Any:
    """An expression's value where it is a number or an array of numbers; None otherwise."""
    try:
        value = eval(code, shared, local)
    except Exception:
        return None
    if isinstance(value, np.ndarray | np.generic | float | int) and not isinstance(value, bool):
        array = np.asarray(value)
        if array.dtype.kind in "fiu" and 0 < array.size <= LARGEST:
            return value
        if array.dtype.kind == "b" and array.ndim and 0 < array.size <= LARGEST:
            return array.astype(float)  # a mask, as a factor
    return None
