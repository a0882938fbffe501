"""What could have been meant in the place of a name: other names, attributes and keys that hold the like."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_jax.verify.repair.live import LiveCode, Site, Spot
from rnn_jax.verify.repair.probe import Shape, Trace, shape_of
from rnn_jax.verify.repair.tree import Path, at, first_line

LIKE = 2  # keys or attributes that two objects have in common


@dataclass(frozen=True)
class Scope:
    """The names of a function and of its module, each with what it held."""

    names: dict[str, Shape]  # as the function left them
    before: dict[str, set[Shape]]  # where they were read

    def like(self, shape: Shape | None, but: str) -> list[str]:
        """Other names that held the same kind of thing."""
        return [
            name
            for name, last in self.names.items()
            if name != but and any(alike(found, shape) for found in (last, *self.before.get(name, ())))
        ]


def alike(found: Shape, shape: Shape | None) -> bool:
    """Whether one may stand in the place of the other: numbers by type, arrays by shape."""
    if shape is None:
        return found[0] in ("array", "int", "float")
    if found[0] == "array" and shape[0] == "array":
        return bool(found[2] == shape[2])
    return found[0] == shape[0] and found[0] not in ("function", "module", "type", "NoneType", "str")


def function_at(statement: ast.stmt, path: Path) -> tuple[Path, ast.AST | None]:
    """The innermost function that a node is in, and the way to it."""
    found: tuple[Path, ast.AST | None] = ((), None)
    for k in range(len(path)):
        node = at(statement, path[:k])
        if isinstance(node, ast.FunctionDef):
            found = path[:k], node
    return found


class Scopes:
    """The scopes of all sites, and the attributes and keys that the program uses of each object."""

    def __init__(self, live: LiveCode, trace: Trace) -> None:
        self.live, self.trace = live, trace
        self.attributes: dict[str, dict[str, Shape | None]] = defaultdict(dict)
        self.keys: dict[str, dict[str, Shape | None]] = defaultdict(dict)
        self.indices: dict[str, dict[str, ast.expr]] = defaultdict(dict)
        self.slices: dict[str, ast.expr] = {}  # of any array
        for spot in live.spots:
            for site, node in live.sites(spot):
                shape = trace.shapes.get(site)
                if isinstance(node, ast.Attribute):
                    self._note(self.attributes[ast.unparse(node.value)], node.attr, shape)
                elif isinstance(node, ast.Subscript):
                    base = ast.unparse(node.value)
                    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                        self._note(self.keys[base], node.slice.value, shape)
                    else:
                        self.indices[base].setdefault(ast.unparse(node.slice), node.slice)
                        if any(isinstance(n, ast.Slice) for n in ast.walk(node.slice)):
                            self.slices.setdefault(ast.unparse(node.slice), node.slice)
        for table in (self.attributes, self.keys):
            exchange_words(table)
        self._cache: dict[tuple[Spot, Path], Scope] = {}
        self._by_spot: dict[Spot, list[tuple[Site, Shape]]] = defaultdict(list)
        for site, shape in trace.shapes.items():
            self._by_spot[site.spot].append((site, shape))

    def _note(self, table: dict[str, Shape | None], key: str, shape: Shape | None) -> None:
        if table.get(key) is None:
            table[key] = shape

    def at(self, site: Site) -> Scope:
        """The scope of a site."""
        path, function = function_at(self.live.statement(site.spot), site.path)
        key = site.spot, path
        if key not in self._cache:
            self._cache[key] = self._scope(site, path, function)
        return self._cache[key]

    def _scope(self, site: Site, path: Path, function: Any) -> Scope:
        file = site.file
        names: dict[str, Shape] = {}
        before: dict[str, set[Shape]] = defaultdict(set)
        for inside, shape in self._by_spot[site.spot]:
            if inside.path[: len(path)] == path:
                node = self.live.node(inside)
                if isinstance(node, ast.Name):
                    before[node.id].add(shape)
        used = {
            n.id for spot in self.live.spots for n in ast.walk(self.live.statement(spot)) if isinstance(n, ast.Name)
        }
        for each in self.live.subject.world.namespaces:
            if each.get("__file__") in (None, file):
                names |= {
                    k: shape_of(v) for k, v in each.items() if k in used and isinstance(v, np.ndarray | int | float)
                }
        if function is not None:
            names |= self.trace.scopes.get((file, first_line(function)), {})
        return Scope(names, before)


def exchange_words(table: dict[str, dict[str, Shape | None]]) -> None:
    """What is used of one object is there in another of which as much is used: grad["ud"], as of layer["ud"]."""
    own = {base: dict(words) for base, words in table.items()}
    for base, words in own.items():
        for other, its in own.items():
            if other != base and len(words.keys() & its.keys()) >= LIKE:
                table[base] |= {word: shape for word, shape in its.items() if word not in words}
