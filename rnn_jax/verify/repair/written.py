"""A node of the syntax tree as text, in the user's own words where they are kept."""

from __future__ import annotations

import ast
from typing import Any

from rnn_jax.verify.repair.binding import SIGNS, Binds, level, needed
from rnn_jax.verify.repair.live import Source


class Written:
    """The source of one file."""

    def __init__(self, source: Source) -> None:
        self.data = source.text.encode()
        self.offsets = [0]
        for line in self.data.split(b"\n"):  # as Python counts lines
            self.offsets.append(self.offsets[-1] + len(line) + 1)
        self.own = {id(node) for node in ast.walk(source.tree)}
        self.quote = '"' if self.data.count(b'"') > self.data.count(b"'") else "'"

    def begin(self, node: Any) -> int:
        """Where a node begins, decorators included."""
        first = min([node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno)
        column = node.col_offset if first is node else first.col_offset - 1
        return self.offsets[first.lineno - 1] + int(column)

    def end(self, node: Any) -> int:
        """Where it ends."""
        return self.offsets[node.end_lineno - 1] + int(node.end_col_offset)

    def segment(self, node: Any) -> str:
        """Its text as it stands."""
        return self.data[self.begin(node) : self.end(node)].decode()

    def indent(self, node: Any) -> str:
        """What a node's line begins with, blanks or tabs."""
        line = self.data[self.offsets[node.lineno - 1] :].split(b"\n", 1)[0].decode()
        return line[: len(line) - len(line.lstrip(" \t"))]

    def text(self, node: Any, indent: str = "") -> str:
        """A node as text, its parts as they stand where they are the user's own."""
        if id(node) in self.own and hasattr(node, "lineno"):
            return self.segment(node)
        match node:
            case ast.Constant(value=str(word)) if word.isidentifier():
                return f"{self.quote}{word}{self.quote}"
            case ast.BinOp():
                return f"{self.part(node, 'left')} {SIGNS[type(node.op)]} {self.part(node, 'right')}"
            case ast.UnaryOp():
                return f"{SIGNS[type(node.op)]}{self.part(node, 'operand')}"
            case ast.Compare(ops=[sign]):
                return f"{self.part(node, 'left')} {SIGNS[type(sign)]} {self.listed(node, 'comparators')[0]}"
            case ast.Attribute():
                return f"{self.part(node, 'value')}.{node.attr}"
            case ast.Subscript():
                return f"{self.part(node, 'value')}[{self.part(node, 'slice')}]"
            case ast.Call():
                given = [
                    f"{k.arg}={self.part(k, 'value')}" if k.arg else f"**{self.part(k, 'value')}" for k in node.keywords
                ]
                return f"{self.part(node, 'func')}({', '.join([*self.listed(node, 'args'), *given])})"
            case ast.IfExp():
                return f"{self.part(node, 'body')} if {self.part(node, 'test')} else {self.part(node, 'orelse')}"
            case ast.Tuple(elts=[_, _, *_]):
                return ", ".join(self.listed(node, "elts"))
            case ast.AugAssign():
                return f"{self.part(node, 'target')} {SIGNS[type(node.op)]}= {self.part(node, 'value')}"
            case ast.Assign():
                return " = ".join([*self.listed(node, "targets"), self.part(node, "value")])
            case ast.stmt():
                return ast.unparse(node).replace("\n", "\n" + indent)
        return ast.unparse(node)

    def part(self, parent: Any, field: str) -> str:
        """The text of a part, in brackets where it needs them."""
        return self.within(parent, field, getattr(parent, field))

    def listed(self, parent: Any, field: str) -> list[str]:
        """The texts of a list of parts."""
        return [self.within(parent, field, each) for each in getattr(parent, field)]

    def within(self, parent: Any, field: str, node: Any) -> str:
        """The text of what stands in a field of its parent."""
        text, binds = self.text(node), level(node)
        broken = "\n" in text and binds < Binds.ATOM  # over lines only brackets hold it together
        return f"({text})" if binds < needed(parent, field) or broken else text
