"""An edit of a source text that keeps all its lines, and what is known of it."""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
from dataclasses import dataclass

KINDS = (
    "operator", "sign", "transpose", "operands swapped", "index", "slice", "range", "statement dropped",
    "statements swapped", "+= to =", "name", "attribute or key", "term or factor dropped", "constant", "function",
    "axis or keyword",
)  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """One mistake: the bytes from start to end replaced.

    line, end_line: the statement's, of a loop its header's.
    low, high: for a dropped statement, the lines after which it may be put back.
    """

    kind: str
    start: int
    end: int
    new: str
    line: int
    end_line: int
    before: str
    after: str
    mistake: str | None = None  # in the vocabulary of faults.py
    missing: bool = False
    low: int = 0
    high: int = 0
    target: str = ""  # what the dropped statement wrote


@dataclass(frozen=True)
class Mutant:
    """A program with one edit, or with two."""

    base: str
    edits: tuple[Edit, ...]
    source: str

    @property
    def id(self) -> str:
        """The program's name and a few letters, the same in every run."""
        return f"{self.base}-{hashlib.sha1(self.source.encode()).hexdigest()[:8]}"


class Text:
    """A source text by the positions of its syntax tree, which count bytes."""

    def __init__(self, source: str) -> None:
        self.source, self.raw = source, source.encode()
        self.starts = [0]
        for line in self.raw.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def start(self, node: ast.AST) -> int:
        """Where a node begins."""
        return self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Where a node ends."""
        return self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def of(self, node: ast.AST) -> str:
        """A node's text."""
        return self.raw[self.start(node) : self.end(node)].decode()

    def between(self, start: int, end: int) -> str:
        """The text between two positions."""
        return self.raw[start:end].decode()

    def held(self, node: ast.expr) -> str:
        """An expression's text, in parentheses where it could fall apart in another place."""
        loose = isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.Lambda)
        return f"({self.of(node)})" if loose else self.of(node)


def applied(source: str, edits: tuple[Edit, ...]) -> str | None:
    """The text with the edits made; None where they overlap, or do not leave a program of as many lines."""
    raw = source.encode()
    last = len(raw) + 1
    for edit in sorted(edits, key=lambda e: -e.start):
        if edit.end > last:
            return None
        last = edit.start
        lost = raw[edit.start : edit.end].count(b"\n") - edit.new.count("\n")
        if lost < 0:
            return None
        raw = raw[: edit.start] + (edit.new + "\n" * lost).encode() + raw[edit.end :]
    made = raw.decode()
    try:
        return made if ast.dump(ast.parse(made)) != dump(source) else None
    except (SyntaxError, ValueError):
        return None


@functools.lru_cache(maxsize=4)
def dump(source: str) -> str:
    """The syntax tree as text."""
    return ast.dump(ast.parse(source))


def diff(before: str, after: str, name: str) -> str:
    """A unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (damaged)", lineterm="", n=1)
    return "\n".join(lines)
