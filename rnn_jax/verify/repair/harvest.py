"""What a missing term or factor may be written as: the program's own expressions, where their names are known."""

from __future__ import annotations

import ast
import builtins
import itertools
import math
import re
import sys
import types
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.probe import LARGEST, Shape, Trace, shape_of
from rnn_jax.verify.repair.tree import ATOMS, at, located, replaced, shallow

HERE = "__rnn_jax_here__"
MOST = 400  # expressions that are tried at one place
LONGEST = 60  # characters of one
MOST_RENAMED = 4  # other names for one
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


def written(live: LiveCode, trace: Trace) -> dict[str, ast.expr]:
    """The program's own expressions that only compute, and what can be made of its arrays; by their text."""
    found: dict[str, ast.expr] = {}
    arrays: dict[str, Shape] = {}
    pure = pure_functions(live)
    for spot in live.spots:
        for site, node in live.sites(spot):
            shape = trace.shapes.get(site)
            if shape is None or shape[0] not in ("array", "float", "int") or not computes(node, pure):
                continue
            assert isinstance(node, ast.expr)
            text = ast.unparse(node)
            if len(text) <= LONGEST:
                found.setdefault(text, node)
                if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and shape[0] == "array":
                    arrays.setdefault(text, shape)
    for spot in live.spots:
        for _, node in live.sites(spot):
            if isinstance(node, ATOMS) and isinstance(node.ctx, ast.Store):  # it may be read by what is missing
                text = ast.unparse(node)
                found.setdefault(text, ast.parse(text, mode="eval").body)
            elif isinstance(node, ast.Name) and is_number(live, node.id):  # the loss alone may use it
                found.setdefault(node.id, ast.Name(node.id, ast.Load()))
            elif isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value not in (0.0, 1.0):
                found.setdefault(ast.unparse(node), node)
    for text, shape in arrays.items():
        if len(shape[2]) == 2:  # what weighs the rows of a matrix
            total = f"{text}.sum(axis=1, keepdims=True)"
            found.setdefault(total, ast.parse(total, mode="eval").body)
    items = [text for text, node in found.items() if isinstance(node, ast.Subscript)]
    for item in (*items, *(other for text in items for other in reindexed(text, counters(live)))):
        for near in (item, *neighbours(item)):
            found.setdefault(near, ast.parse(near, mode="eval").body)
    lists = {n for scope in trace.scopes.values() for n, shape in scope.items() if shape[0] in ("list", "tuple")}
    for text, call in renamed(live, trace, found):
        found.setdefault(text, call)
    for text in arrays:
        for made in (f"1 - {text} ** 2", f"{text} * (1 - {text})", f"1 - {text}", f"{text}.T"):
            found.setdefault(ast.unparse(ast.parse(made, mode="eval")), ast.parse(made, mode="eval").body)
    for text in sorted(lists | {text for text in arrays if text.isidentifier()}):
        found.setdefault(f"len({text})", ast.parse(f"len({text})", mode="eval").body)
    return found


def neighbours(text: str) -> Iterator[str]:
    """An item at the step before or after, where an index is a name or one beside it: h[l][t + 1] for h[l][t]."""
    count = sum(isinstance(n, ast.Subscript) for n in ast.walk(ast.parse(text, mode="eval")))
    for k in range(count):
        index: ast.expr = [n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Subscript)][k].slice
        if isinstance(index, ast.Name | ast.BinOp):
            for other in (index.left,) if isinstance(index, ast.BinOp) else beside(index):
                whole = ast.parse(text, mode="eval")
                [n for n in ast.walk(whole) if isinstance(n, ast.Subscript)][k].slice = other
                yield ast.unparse(whole)


def reindexed(text: str, counters: set[str]) -> Iterator[str]:
    """A number in a list of lists with another counter for its last index: h[t][j] for h[t][i]."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript) and isinstance(node.slice, ast.Name):
        for name in sorted(counters - {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}):
            yield f"{ast.unparse(node.value)}[{name}]"


def beside(index: ast.Name) -> tuple[ast.expr, ast.expr]:
    """One less and one more."""
    return ast.BinOp(index, ast.Sub(), ast.Constant(1)), ast.BinOp(index, ast.Add(), ast.Constant(1))


def is_number(live: LiveCode, name: str) -> bool:
    """Whether a name of a module stands for a number: the weight of a penalty, a rate."""
    return any(isinstance(each.get(name), float) for each in live.subject.world.namespaces)


def renamed(live: LiveCode, trace: Trace, found: dict[str, ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    """The calls of more than one array with another array of the same shape in the place of one."""
    shapes = {ast.unparse(live.node(site)): shape for site, shape in trace.shapes.items() if shape[0] == "array"}
    names = {text: shape for text, shape in shapes.items() if text.isidentifier()}
    for node in list(found.values()):
        if not isinstance(node, ast.Call):
            continue
        inside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names}
        if len(inside) < 2:
            continue
        for old in inside:
            for new in [n for n, shape in names.items() if n not in inside and shape == names[old]][:MOST_RENAMED]:
                text = re.sub(rf"\b{re.escape(old)}\b", new, ast.unparse(node))
                yield text, ast.parse(text, mode="eval").body


def pure_functions(live: LiveCode) -> set[str]:
    """The program's functions that write to nothing but names of their own, nor call any that do; by name."""
    names = {function.__name__ for functions in live.made_by.values() for function in functions}
    made = [n for spot in live.spots for n in ast.walk(live.statement(spot)) if isinstance(n, ast.FunctionDef)]
    pure = names - {f.name for f in made if any(writes(each) for each in ast.walk(f))}
    while True:
        calling = {f.name for f in made if f.name in pure and not called(f) & names <= pure}
        if not calling:
            return pure
        pure -= calling


def called(node: ast.AST) -> set[str]:
    """The names of the functions and methods that are called somewhere in a node."""
    funcs = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in funcs}


def writes(node: ast.AST) -> bool:
    """Whether a node changes what others can see."""
    if isinstance(node, ast.Global | ast.Nonlocal | ast.Yield | ast.Delete):
        return True
    if isinstance(node, ast.Attribute | ast.Subscript):
        return not isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGERS


CHANGERS = {"append", "pop", "popleft", "update", "extend", "insert", "sort", "fill", "reverse", "clear", "setdefault"}


def computes(node: ast.AST, pure: set[str]) -> bool:
    """Whether an expression may be evaluated once more without a trace."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            func = each.func
            if isinstance(func, ast.Name) and func.id not in pure | {"len", "abs", "float", "int", "sum", "range"}:
                return False
            if isinstance(func, ast.Attribute) and (
                not isinstance(func.value, ast.Name | ast.Attribute | ast.BinOp | ast.Call | ast.Subscript)
                or func.attr in CHANGERS
                or not (func.attr in pure or is_numpys(func.attr))
                or "random" in ast.unparse(func)
                or "rng" in ast.unparse(func)
            ):
                return False
        if isinstance(each, ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp | ast.NamedExpr):
            return False
        if isinstance(each, ast.Await | ast.Yield | ast.YieldFrom | ast.Starred):
            return False
    return True


def is_numpys(name: str) -> bool:
    """Whether NumPy has a function or an array a method of the name."""
    return hasattr(np, name) or hasattr(np.ndarray, name) or hasattr(np.linalg, name) or hasattr(math, name)


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
            look = ast.parse(f"{HERE}({len(places) - 1}, locals(), globals())").body[0]
            present = at(statement, site.path)
            if isinstance(node, ast.For | ast.While):
                places.append(end_of(site, node))
                last = ast.parse(f"{HERE}({len(places) - 1}, locals(), globals())").body[0]
                present = shallow(present)
                present.body = [*present.body, located(last, node.body[-1])]
            statement = replaced(statement, site.path, [located(look, node), present])
        made[spot] = statement
    return made, places


def end_of(site: Site, loop: ast.For | ast.While) -> Site:
    """The place behind the last statement of a loop's body."""
    return Site(site.file, site.number, (*site.path, ("body", len(loop.body))))


def within_class(live: LiveCode, site: Site) -> bool:
    """Whether a statement stands in the body of a class, not of a function."""
    return isinstance(at(live.statement(site.spot), site.path[:-1]), ast.ClassDef)


@contextmanager
def looking(
    places: list[Site], expressions: dict[str, ast.expr], counters: set[str], only: set[Site] | None = None
) -> Iterator[dict[Site, Stock]]:
    """Evaluate the expressions at each place that the program comes by, or at some of these only.

    counters: the names that loops give values to.
    """
    texts = sorted(expressions, key=lambda text: not isinstance(expressions[text], ATOMS))
    indices = index_names(expressions) | counters
    at_place: dict[Site, dict[str, CodeType]] = {}
    stock: dict[Site, Stock] = defaultdict(dict)
    missing: dict[Site, set[str]] = defaultdict(set)
    times: dict[Site, int] = defaultdict(int)

    def here(number: int, local: dict[str, Any], shared: dict[str, Any]) -> None:
        place = places[number]
        times[place] += 1
        if times[place] > ITERATIONS or (only is not None and place not in only):
            return
        profile = sys.getprofile()
        sys.setprofile(None)
        known, gone = stock[place], missing[place]
        if place not in at_place:
            there = local.keys() | shared.keys() | vars(builtins).keys()
            own = [text for text in texts if needs(text) <= there][:MOST]
            more = set(held_by(local, indices)).difference(texts)
            kept = sorted(more, key=lambda text: (len(text), text))[:MOST]
            at_place[place] = {text: compiled(text) for text in (*own, *kept)}
        for text, code in at_place[place].items():
            if text in gone:
                continue
            value = evaluated(code, local, shared)
            if value is None or (times[place] > 1 and text not in known):
                gone.add(text)
                known.pop(text, None)
                continue
            entry = known.setdefault(text, Values(shape_of(value)))
            entry.mixed |= bool(entry.values) and entry.values[0].shape != np.shape(value)
            entry.values.append(np.array(value))
        sys.setprofile(profile)

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
                array = known.shape[0] == "array"
                found[text] = Values((*known.shape[:2], values[0].shape) if array else known.shape, values)
    return found


def counters(live: LiveCode) -> set[str]:
    """The names that the program's loops give values to."""
    loops = [n for spot in live.spots for n in ast.walk(live.statement(spot)) if isinstance(n, ast.For)]
    return {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}


def index_names(expressions: dict[str, ast.expr]) -> set[str]:
    """The names that the program uses within an index."""
    return {
        name.id
        for node in expressions.values()
        for part in ast.walk(node)
        if isinstance(part, ast.Subscript)
        for name in ast.walk(part.slice)
        if isinstance(name, ast.Name)
    }


def held_by(local: dict[str, Any], indices: set[str]) -> Iterator[str]:
    """What the local names hold: the steps of sequences, the items of dictionaries, the attributes of objects."""
    steps = [n for n in indices if isinstance(local.get(n), int | np.integer)]
    keys = {n: local[n] for n in sorted(indices) if isinstance(local.get(n), str)}
    for name, value in local.items():
        yield from parts_of(name, value, steps, keys, DEEPEST)


def parts_of(name: str, value: Any, steps: list[str], keys: dict[str, str], depth: int) -> Iterator[str]:
    """What a value holds, and what that holds."""
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
        yield from (f"{name}[{index}]" for index in around_steps(steps))
        if isinstance(value, np.ndarray) and value.ndim > 1:
            yield from (f"{name}[:, {index}]" for index in around_steps(steps))
            yield from (f"{name}[{first}, {second}]" for first, second in itertools.permutations(steps, 2))
    elif hasattr(value, "__dict__") and not isinstance(value, type | types.ModuleType | types.FunctionType):
        inner = {f"{name}.{key}": each for key, each in vars(value).items() if key.isidentifier()}
    for text, each in inner.items():
        if isinstance(each, np.ndarray | np.generic | float):
            yield text
        if depth > 1:
            yield from parts_of(text, each, steps, keys, depth - 1)


def around_steps(steps: list[str]) -> Iterator[str]:
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
    return None
