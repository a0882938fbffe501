"""A run of the user's gradients with every value written down: what each expression gave, at which iteration."""

from __future__ import annotations

import ast
import builtins
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.tree import Path, located, shallow
from rnn_jax.verify.trace.places import foreign

SEEN, LOOP = "__rnn_jax_seen__", "__rnn_jax_loop__"
LARGEST = 100_000  # elements of a value that is written down
MOST = 200_000  # values of a run
LOOPS = ast.For | ast.While


Shape = tuple[Any, ...]


class Seen(NamedTuple):
    """A value of an expression, and when it was there."""

    order: int
    value: np.ndarray
    iteration: str  # "t=3", of the innermost loop around it
    run: int  # of that loop: which of all the loops that ran
    nest: tuple[int, ...] = ()  # of each loop around it: which run in the iteration around that, and which iteration


@dataclass
class Trace:
    """All that one run showed."""

    seen: dict[Site, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    shapes: dict[Site, tuple[Any, ...]] = field(default_factory=dict)  # of what each expression gave first
    held: dict[Site, dict[str, Shape]] = field(default_factory=dict)  # the attributes or keys of what is no array
    # the same of the names of a function, by its file and first line
    holds: dict[tuple[str, int], dict[str, dict[str, Shape]]] = field(default_factory=dict)
    scopes: dict[tuple[str, int], dict[str, tuple[Any, ...]]] = field(default_factory=dict)  # by file and first line
    order: int = 0


def shape_of(value: Any) -> tuple[Any, ...]:
    """What may stand in the place of what: the type, and of an array its shape."""
    if isinstance(value, np.ndarray):
        return ("array", value.dtype.kind, value.shape)
    if isinstance(value, bool | np.bool_):
        return ("bool",)
    if isinstance(value, int | np.integer):
        return ("int",)
    if isinstance(value, float | np.floating):
        return ("float",)
    return (type(value).__name__,)


def parts_of(value: Any) -> dict[str, Any]:
    """What a dictionary has under names, or an object as attributes."""
    held = value if isinstance(value, dict) else getattr(value, "__dict__", None)
    if not isinstance(held, dict) or isinstance(value, type | ModuleType | FunctionType):
        return {}
    return {k: v for k, v in held.items() if isinstance(k, str)}


def deeper(name: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the parts of a value hold, with their texts."""
    for key, each in parts_of(value).items():
        yield f"{name}[{key!r}]" if isinstance(value, dict) else f"{name}.{key}", parts_of(each)


class Instrument(ast.NodeTransformer):
    """A statement with each expression's value shown to `SEEN` and each iteration told to `LOOP`."""

    def __init__(self, spot: Spot, sites: list[Site]) -> None:
        self.spot, self.sites = spot, sites
        self.path: Path = ()

    def number(self) -> int:
        """A new number for the node at the present path."""
        self.sites.append(Site(*self.spot, self.path))
        return len(self.sites) - 1

    def shows(self, node: ast.AST) -> bool:
        """Whether the value of the node at the present path is shown."""
        return isinstance(node, SHOWN) and isinstance(getattr(node, "ctx", None), ast.Load | None)

    def generic_visit(self, node: ast.AST) -> Any:
        """The same node with its parts shown."""
        made, path = shallow(node), self.path
        for name, value in ast.iter_fields(node):
            if name in UNTOUCHED.get(type(node), ()):
                continue
            if isinstance(node, ast.Call) and name == "func":
                # What a call calls is no value, but what a method belongs to is one.
                if isinstance(value, ast.Attribute):
                    self.path = (*path, (name, None), ("value", None))
                    made.func = shallow(value)
                    made.func.value = self.visit(value.value)
                continue
            if isinstance(value, ast.AST):
                self.path = (*path, (name, None))
                setattr(made, name, self.visit(value))
            elif isinstance(value, list):
                parts = []
                for k, each in enumerate(value):
                    self.path = (*path, (name, k))
                    shown = self.visit(each) if isinstance(each, ast.AST) else each
                    parts += shown if isinstance(shown, list) else [shown]
                setattr(made, name, parts)
        self.path = path
        return made

    def visit(self, node: ast.AST) -> Any:
        """The node, shown if it is an expression with a value."""
        path = self.path
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.Starred | ast.Slice | ast.Lambda):
            return node
        made = self.generic_visit(node)
        self.path = path
        if self.shows(node):
            call = ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(self.number()), made], [])
            return located(call, node)
        if isinstance(node, ast.For):
            names = [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]
            names_of = ast.Tuple([ast.Constant(n) for n in names], ast.Load())
            pairs = ast.Tuple([ast.Name(n, ast.Load()) for n in names], ast.Load())
            told = ast.Expr(ast.Call(ast.Name(LOOP, ast.Load()), [names_of, pairs], []))
            made.body = [located(told, node), *made.body]
            over = ast.Expr(ast.Call(ast.Name(LOOP, ast.Load()), [], []))
            return [made, located(over, node)]
        return made


SHOWN = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Subscript, ast.Name, ast.Attribute, ast.IfExp)
# What is written to is no value, nor is what is evaluated where a function is made.
UNTOUCHED: dict[type, tuple[str, ...]] = {
    ast.FunctionDef: ("args", "decorator_list", "returns"),
    ast.ClassDef: ("bases", "keywords", "decorator_list"),
    ast.AnnAssign: ("annotation",),
    ast.Delete: ("targets",),
    ast.AugAssign: ("target",),
    ast.Assign: ("targets",),
    ast.Import: ("names",),
    ast.ImportFrom: ("names",),
}


class Results(Instrument):
    """A statement with what its assignments and returns are given shown alone, which is quicker.

    And with what a loop has added up, where that is read behind it.
    """

    within = 0  # loops
    added_up: frozenset[str] = frozenset()  # in loops of the function

    def visit(self, node: ast.AST) -> Any:
        """The same."""
        before = self.within, self.added_up
        self.within += isinstance(node, LOOPS)
        if isinstance(node, ast.FunctionDef):
            self.within, self.added_up = 0, added_up(node)
        made = super().visit(node)
        self.within, self.added_up = before
        return made

    def shows(self, node: ast.AST) -> bool:
        """Whether it is the value of an assignment, or a part of a tuple there or of what a function gives back."""
        if not super().shows(node):
            return False
        if isinstance(node, ast.Name | ast.Attribute) and not self.within and ast.unparse(node) in self.added_up:
            return True
        whole = self.path[:-1] if self.path[-1:] and self.path[-1][0] == "elts" else self.path
        return whole[-1:] == (("value", None),) and len(whole) > 1 and whole[-2][0] in BLOCKS


def added_up(function: ast.FunctionDef) -> frozenset[str]:
    """What the loops of a function add to, as a whole or to a part of it."""
    loops = [n for n in ast.walk(function) if isinstance(n, LOOPS)]
    targets = [n.target for loop in loops for n in ast.walk(loop) if isinstance(n, ast.AugAssign)]
    return frozenset(ast.unparse(t.value if isinstance(t, ast.Subscript) else t) for t in targets)


BLOCKS = {"body", "orelse", "finalbody"}


def instrumented(
    live: LiveCode, spots: Iterable[Spot], kind: type[Instrument] = Instrument, known: Iterable[Site] = ()
) -> tuple[dict[Spot, ast.stmt], list[Site]]:
    """The statements with probes, and the site of each probe by number; the numbers of those known are taken."""
    sites = list(known)
    made: dict[Spot, ast.stmt] = {}
    for spot in spots:
        found = kind(spot, sites).visit(live.statement(spot))
        made[spot] = found[0] if isinstance(found, list) else found
    return made, sites


@contextmanager
def watching(sites: list[Site], live: LiveCode) -> Iterator[Trace]:
    """Write down what the probes of instrumented code show."""
    trace = Trace()
    loops: list[tuple[tuple[str, ...], str, int]] = []
    nest: list[list[int]] = []  # of each of them: which in the iteration around it, which iteration, how many within
    outside = [0, 0, 0]
    runs = itertools.count(1)

    def seen(number: int, value: Any) -> Any:
        site = sites[number]
        trace.order += 1
        if site not in trace.shapes:
            trace.shapes[site] = shape_of(value)
            parts = parts_of(value)
            if parts:
                trace.held[site] = {k: shape_of(v) for k, v in parts.items()}
        if isinstance(value, np.ndarray | np.generic | float) and trace.order < MOST:
            array = np.array(value)
            if array.dtype.kind in "fiub" and array.size <= LARGEST:
                _, label, run = loops[-1] if loops else ((), "", 0)
                trace.seen[site].append(
                    Seen(trace.order, array, label, run, tuple(n for each in nest for n in each[:2]))
                )
        return value

    def loop(names: tuple[str, ...] | None = None, values: tuple[Any, ...] = ()) -> None:
        if names is None:
            if loops:
                loops.pop()
                nest.pop()
            return
        label = next(
            (f"{n}={v}" for n, v in zip(names, values, strict=True) if isinstance(v, int | np.integer | str)), ""
        )
        going_on = bool(loops) and loops[-1][0] == names
        run = loops.pop()[2] if going_on else next(runs)
        loops.append((names, label, run))
        if going_on:
            nest[-1][1:] = [nest[-1][1] + 1, 0]
        else:
            around = nest[-1] if nest else outside
            nest.append([around[2], 0, 0])
            around[2] += 1

    def returned(frame: FrameType, event: str, argument: Any) -> None:
        if event == "return" and not foreign(frame.f_code.co_filename):
            key = frame.f_code.co_filename, frame.f_code.co_firstlineno
            scope = trace.scopes.setdefault(key, {})
            holds = trace.holds.setdefault(key, {})
            for name, value in frame.f_locals.items():
                scope[name] = shape_of(value)
                for text, parts in ((name, parts_of(value)), *deeper(name, value)):
                    if parts:
                        holds[text] = {k: shape_of(v) for k, v in parts.items()}

    setattr(builtins, SEEN, seen)
    setattr(builtins, LOOP, loop)
    before = sys.getprofile()
    sys.setprofile(returned)
    try:
        yield trace
    finally:
        sys.setprofile(before)
        delattr(builtins, SEEN)
        delattr(builtins, LOOP)


@contextmanager
def first_results() -> Iterator[dict[int, np.ndarray]]:
    """Of each probe the first value that is not 0, which is quicker than to watch the whole of a run."""
    found: dict[int, np.ndarray] = {}

    def seen(number: int, value: Any) -> Any:
        if number not in found and isinstance(value, np.ndarray | np.generic | float):
            array = np.asarray(value)
            if array.dtype.kind in "fiub" and array.size <= LARGEST and np.any(array):
                found[number] = array.copy()
        return value

    setattr(builtins, SEEN, seen)
    setattr(builtins, LOOP, lambda *told: None)
    try:
        yield found
    finally:
        delattr(builtins, SEEN)
        delattr(builtins, LOOP)
