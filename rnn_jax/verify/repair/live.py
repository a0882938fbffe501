"""The code that a check runs: its syntax trees, the live functions made from them, and how to run it changed."""

from __future__ import annotations

import ast
import contextlib
import copy
import linecache
import types
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.repair.closures import found_there, keeping, reaching
from rnn_jax.verify.repair.tree import Path, at, first_line, walk
from rnn_jax.verify.subject import Subject
from rnn_jax.verify.trace.places import foreign

MOST_KEPT = 64  # statements whose code is kept

Spot = tuple[str, int]  # a file, and the number of a statement at its top level


@dataclass(frozen=True)
class Site:
    """A node of the user's code: the file, the top-level statement it is in, and the way to it from there."""

    file: str
    number: int
    path: Path

    @property
    def spot(self) -> Spot:
        """The top-level statement."""
        return self.file, self.number


@dataclass(frozen=True)
class Source:
    """A file that the program runs."""

    file: str
    text: str
    tree: ast.Module

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """As they stand."""
        return tuple(lines_of(self.text))


class Fitted(NamedTuple):
    """A function with new code for it, and the cells of others that the code looks into."""

    function: types.FunctionType
    code: types.CodeType
    cells: list[types.CellType]


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them: str.splitlines knows more ends of lines."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


class LiveCode:
    """The user's functions as they are, by the statement that made each."""

    def __init__(self, subject: Subject, base: dict[Spot, ast.stmt] | None = None) -> None:
        self.subject = subject
        self.base = base or {}  # statements that are taken to stand in the place of the user's already
        self.sources: dict[str, Source] = {}
        self.made_by: dict[Spot, list[types.FunctionType]] = defaultdict(list)
        self.prelude: dict[int, Spot] = {}
        self._before: dict[Spot, dict[tuple[str, int], list[types.CodeType]]] = {}
        self._own = {function: function.__code__ for function in subject.world.functions}
        self._codes: dict[tuple[Spot, ast.stmt], list[Fitted]] = {}
        self._modules: dict[str, frozenset[str]] = {}
        for function in subject.world.functions:
            spot = self.spot_of(function.__code__.co_filename, function.__code__.co_firstlineno)
            if spot is not None:
                self.made_by[spot].append(function)
        if isinstance(subject, FileSubject):
            own = str(subject.program.path.absolute())
            for k, statement in enumerate(subject.prelude):
                body = self.source(own).tree.body if self.source(own) else []
                if statement in body:
                    self.prelude[k] = (own, body.index(statement))

    def standing(self, base: dict[Spot, ast.stmt]) -> LiveCode:
        """The same with other statements taken to stand in the place of the user's."""
        other = copy.copy(self)
        other.base = self.base | base
        return other

    def source(self, file: str) -> Any:
        """The file's text and tree; None where they cannot be had."""
        if file not in self.sources:
            found = self._read(file)
            if found is None:
                return None
            self.sources[file] = found
        return self.sources[file]

    def _read(self, file: str) -> Source | None:
        if isinstance(self.subject, FileSubject) and file == str(self.subject.program.path.absolute()):
            return Source(file, self.subject.program.source, self.subject.program.tree)
        text = "".join(linecache.getlines(file))
        try:
            return Source(file, text, ast.parse(text)) if text else None
        except SyntaxError:
            return None

    def spot_of(self, file: str, line: int) -> Spot | None:
        """The top-level statement at a line of the user's code; None where there is none."""
        number = self._number(file, line) if not foreign(file) else None
        return (file, number) if number is not None else None

    def _number(self, file: str, line: int) -> int | None:
        source = self.source(file)
        if source is None:
            return None
        for number, statement in enumerate(source.tree.body):
            first = first_line(statement)
            if first <= line <= (statement.end_lineno or first):
                return number
        return None

    def _counterpart(
        self, spot: Spot, old: types.CodeType, codes: dict[tuple[str, int], list[types.CodeType]]
    ) -> types.CodeType | None:
        """The new code for an old one; of several lambdas in one line the one at the same place among them."""
        key = old.co_qualname, old.co_firstlineno
        found = codes.get(key, [])
        if len(found) < 2:
            return found[0] if found else None
        if spot not in self._before:
            self._before[spot] = codes_of(self.sources[spot[0]].tree.body[spot[1]], spot[0])
        before = self._before[spot].get(key, [])
        place = next((k for k, each in enumerate(before) if each == old), None)
        return found[place] if place is not None and len(before) == len(found) else None

    def _fitted(self, spot: Spot, statement: ast.stmt) -> list[Fitted]:
        """The new code for each function that a statement made; of the last few statements kept, for most run often."""
        key = spot, statement
        if key not in self._codes:
            if statement is not self.statement(spot) and self._spoils(spot, statement):
                raise ValueError("what a module holds is not the program's to change")
            codes = codes_of(statement, spot[0]) if self.made_by.get(spot) else {}
            fitting = [(f, *self._fitting(spot, statement, f, codes)) for f in self.made_by.get(spot, ())]
            while len(self._codes) >= MOST_KEPT:
                del self._codes[next(iter(self._codes))]
            self._codes[key] = [Fitted(f, code, cells) for f, code, cells in fitting if code is not None]
        return self._codes[key]

    def _spoils(self, spot: Spot, statement: ast.stmt) -> bool:
        """Whether it gives a module another value, np.inf = x, which would stay for all that runs later."""
        modules = self.modules(spot[0])
        given = {ast.unparse(target) for target, root in outer_targets(statement) if root in modules}
        own = self.sources[spot[0]].tree.body[spot[1]]
        return bool(given) and bool(given - {ast.unparse(target) for target, _ in outer_targets(own)})

    def modules(self, file: str) -> frozenset[str]:
        """What the modules, or parts of them, are called that a file imports."""
        if file not in self._modules:
            imports = [n for n in ast.walk(self.sources[file].tree) if isinstance(n, ast.Import | ast.ImportFrom)]
            names = (each.asname or each.name.split(".")[0] for n in imports for each in n.names)
            self._modules[file] = frozenset(names)
        return self._modules[file]

    def _fitting(
        self,
        spot: Spot,
        statement: ast.stmt,
        function: types.FunctionType,
        codes: dict[tuple[str, int], list[types.CodeType]],
    ) -> tuple[types.CodeType | None, list[types.CellType]]:
        """The new code for a function that has the cells it has, and those of others that it looks into."""
        old = self._own[function]  # whatever stands in its place as it is asked
        new = self._counterpart(spot, old, codes)
        if new is None or new.co_freevars == old.co_freevars:
            return new, []
        statement = keeping(statement, old)
        new = self._counterpart(spot, old, codes_of(statement, spot[0]))
        missing = set(new.co_freevars) - set(old.co_freevars) if new is not None else set()
        if not missing:
            return new, []
        statement, cells = reaching(statement, function, missing, self.made_by[spot])
        return self._counterpart(spot, old, codes_of(statement, spot[0])), cells

    @property
    def spots(self) -> list[Spot]:
        """The top-level statements whose code can run: those that made functions, and those that run each time."""
        return list(dict.fromkeys([*self.made_by, *self.prelude.values()]))

    def statement(self, spot: Spot) -> ast.stmt:
        """The top-level statement as it stands."""
        return self.base.get(spot) or self.sources[spot[0]].tree.body[spot[1]]

    def node(self, site: Site) -> Any:
        """The node at a site."""
        return at(self.statement(site.spot), site.path)

    def sites(self, spot: Spot) -> Iterator[tuple[Site, ast.AST]]:
        """All nodes of a top-level statement."""
        for path, node in walk(self.statement(spot)):
            yield Site(*spot, path), node

    @contextlib.contextmanager
    def changed(self, changes: dict[Spot, ast.stmt]) -> Iterator[None]:
        """Run other code in the place of these statements.

        Raises SyntaxError or ValueError for code that cannot take the place.
        """
        kept: list[tuple[types.FunctionType, types.CodeType]] = []
        cells: list[types.CellType] = []
        subject = self.subject
        prelude = list(subject.prelude) if isinstance(subject, FileSubject) else []
        try:
            for spot, statement in (self.base | changes).items():
                for function, new, more in self._fitted(spot, statement):
                    old = function.__code__
                    cells += more
                    if new.co_freevars != old.co_freevars and "<locals>" in old.co_qualname:
                        continue  # the function around it makes it anew, with what the edit takes from there
                    if new != old:
                        kept.append((function, old))
                        function.__code__ = new
                if isinstance(subject, FileSubject):
                    for k, where in self.prelude.items():
                        if where == spot:
                            subject.prelude[k] = statement
            with found_there(cells):
                yield
        finally:
            for function, code in reversed(kept):
                function.__code__ = code
            if isinstance(subject, FileSubject):
                subject.prelude[:] = prelude


def root_of(node: ast.expr) -> str:
    """The name that an attribute or an item begins with; nothing where it is none of a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def outer_targets(statement: ast.stmt) -> Iterator[tuple[ast.expr, str]]:
    """The attributes and items that a statement or any within it is to change, and the name that each begins with."""
    targets: list[Any] = [*getattr(statement, "targets", ()), getattr(statement, "target", None)]
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        elif isinstance(target, ast.Attribute | ast.Subscript):
            yield target, root_of(target)
    for field in ("body", "orelse", "finalbody", "handlers"):
        for each in getattr(statement, field, ()):
            yield from outer_targets(each)


def codes_of(statement: ast.stmt, file: str) -> dict[tuple[str, int], list[types.CodeType]]:
    """All code objects of a statement, by qualified name and first line, in the order of the source."""
    found: dict[tuple[str, int], list[types.CodeType]] = defaultdict(list)
    waiting = [compile(ast.Module([statement], type_ignores=[]), file, "exec", dont_inherit=True)]
    while waiting:
        for each in waiting.pop().co_consts:
            if isinstance(each, types.CodeType):
                found[each.co_qualname, each.co_firstlineno].append(each)
                waiting.append(each)
    return found


def name_of_numpy(live: LiveCode) -> str:
    """How the program calls NumPy."""
    for namespace in live.subject.world.namespaces:
        for name, value in namespace.items():
            if value is np:
                return str(name)
    return "np"
