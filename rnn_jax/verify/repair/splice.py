"""An edit as text: the user's own source with the fewest characters changed."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.live import LiveCode, Source
from rnn_jax.verify.repair.tree import same

LEVELS: dict[type, int] = {
    ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2, ast.MatMult: 2, ast.FloorDiv: 2, ast.Mod: 2, ast.Pow: 4,
}  # fmt: skip
SIGNS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**",
}  # fmt: skip
UNARY = 3


class Splice(NamedTuple):
    """Bytes from start to end to be replaced by a text."""

    start: int
    end: int
    text: str


class Splicer:
    """The source of one file, to be changed."""

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

    def difference(self, old: Any, new: Any) -> list[Splice]:
        """What to replace, for the old node to become the new one; parts that are the same objects stay."""
        if old is new:
            return []
        if type(old) is type(new) and not isinstance(old, ast.Constant | ast.Name):
            changed = [f for f in old._fields if not self._equal(getattr(old, f, None), getattr(new, f, None))]
            inner: list[Splice] = []
            for name in changed:
                found = self._field(getattr(old, name, None), getattr(new, name, None))
                if found is None:
                    break
                inner += found
            else:
                return inner
        return [Splice(self.begin(old), self.end(old), self.text(new, indent=self.indent(old)))]

    def _equal(self, old: Any, new: Any) -> bool:
        if isinstance(old, list) and isinstance(new, list):
            return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
        if isinstance(old, ast.AST) and isinstance(new, ast.AST) and not hasattr(old, "lineno"):
            return same(old, new)
        return old is new or (not isinstance(old, ast.AST) and old == new)

    def _field(self, old: Any, new: Any) -> list[Splice] | None:
        if isinstance(old, list) and isinstance(new, list):
            if old and isinstance(old[0], ast.stmt):
                return self.block(old, new)
            if len(old) == len(new) and all(isinstance(each, ast.expr) for each in (*old, *new)):
                pairs = [self.difference(a, b) for a, b in zip(old, new, strict=True) if a is not b]
                return [splice for each in pairs for splice in each]
            return None
        if isinstance(old, ast.expr) and isinstance(new, ast.expr):
            return self.bracketed(old, new)
        if isinstance(old, ast.Slice) and isinstance(new, ast.expr):
            return self.difference(old, new)
        return None

    def bracketed(self, old: ast.expr, new: ast.expr) -> list[Splice]:
        """The difference of two expressions; a new one in brackets where it would bind otherwise."""
        return self.difference(old, new)

    def block(self, old: list[ast.stmt], new: list[ast.stmt]) -> list[Splice]:
        """The difference of two lists of statements: whole lines come and go."""
        found: list[Splice] = []
        mates = self._mates(old, new)
        kept = longest_common(old, new)
        fixed = {id(n) for n in kept} | {id(m) for m in mates.values()}
        alone = len(old) == 1 and not new
        found += [self.removed(statement, alone) for statement in old if id(statement) not in fixed]
        anchor: ast.stmt | None = None
        waiting: list[str] = []
        for statement in new:
            mate = statement if any(statement is k for k in kept) else mates.get(statement)
            if mate is None:
                waiting.append(self.text(statement, indent=self.indent(old[0])))
                continue
            if waiting:
                found.append(self.inserted(waiting, before=mate))
                waiting = []
            if mate is not statement:
                found += self.difference(mate, statement)
            anchor = mate
        if waiting:
            found.append(self.inserted(waiting, after=anchor if anchor is not None else old[-1]))
        return found

    def _mates(self, old: list[ast.stmt], new: list[ast.stmt]) -> dict[ast.stmt, ast.stmt]:
        """For each changed statement the old one it was made from: of the same kind and at the same place."""
        gone = [o for o in old if not any(o is n for n in new)]
        came = [n for n in new if not any(n is o for o in old)]
        mates: dict[ast.stmt, ast.stmt] = {}
        for fresh in came:
            for stale in gone:
                place = stale.lineno, stale.end_lineno
                if place == (fresh.lineno, fresh.end_lineno) and stale not in mates.values():
                    mates[fresh] = stale
                    break
        return mates

    def removed(self, statement: ast.stmt, alone: bool) -> Splice:
        """A statement taken out with its lines."""
        start, end = self.begin(statement), self.end(statement)
        line_start = self.data.rfind(b"\n", 0, start) + 1
        line_end = self.data.find(b"\n", end)
        line_end = len(self.data) if line_end < 0 else line_end + 1
        rest = self.data[end:line_end].strip()
        if alone or self.data[line_start:start].strip() or (rest and not rest.startswith(b"#")):
            return Splice(start, end, "pass")
        return Splice(line_start, line_end, "")

    def inserted(self, texts: list[str], before: ast.stmt | None = None, after: ast.stmt | None = None) -> Splice:
        """Statements put on lines of their own."""
        node = before if before is not None else after
        assert node is not None
        indent = self.indent(node)
        lines = "".join(f"{indent}{text}\n" for text in texts)
        if before is not None:
            place = self.data.rfind(b"\n", 0, self.begin(node)) + 1
            return Splice(place, place, lines)
        place = self.data.find(b"\n", self.end(node))
        if place < 0:
            return Splice(len(self.data), len(self.data), "\n" + lines)
        return Splice(place + 1, place + 1, lines)

    def indent(self, node: Any) -> str:
        """What a node's line begins with, blanks or tabs."""
        line = self.data[self.offsets[node.lineno - 1] :].split(b"\n", 1)[0].decode()
        return line[: len(line) - len(line.lstrip(" \t"))]

    def text(self, node: Any, indent: str = "") -> str:
        """A node as text, its parts as they stand where they are the user's own."""
        if id(node) in self.own and hasattr(node, "lineno"):
            return self.segment(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            return f"{self.quote}{node.value}{self.quote}"
        if isinstance(node, ast.BinOp):
            level, sign = LEVELS.get(type(node.op), 0), SIGNS.get(type(node.op), "")
            if sign:
                power = isinstance(node.op, ast.Pow)
                left = self.operand(node.left, level + power)
                right = self.operand(node.right, level + (not power))
                return f"{left} {sign} {right}"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return f"-{self.operand(node.operand, UNARY)}"
        if isinstance(node, ast.Attribute):
            return f"{self.primary(node.value)}.{node.attr}"
        if isinstance(node, ast.Subscript):
            return f"{self.primary(node.value)}[{self.index(node.slice)}]"
        if isinstance(node, ast.Call):
            parts = [self.text(a) for a in node.args]
            parts += [f"{k.arg}={self.text(k.value)}" if k.arg else f"**{self.text(k.value)}" for k in node.keywords]
            return f"{self.primary(node.func)}({', '.join(parts)})"
        if isinstance(node, ast.IfExp):
            return f"({self.text(node.body)} if {self.text(node.test)} else {self.text(node.orelse)})"
        if isinstance(node, ast.AugAssign):
            return f"{self.text(node.target)} {SIGNS.get(type(node.op), '+')}= {self.text(node.value)}"
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            return f"{self.text(node.targets[0])} = {self.text(node.value)}"
        if isinstance(node, ast.stmt):
            return ast.unparse(node).replace("\n", "\n" + indent)
        return ast.unparse(node)

    def index(self, node: Any) -> str:
        """What stands between the brackets."""
        if isinstance(node, ast.Tuple) and id(node) not in self.own:
            return ", ".join(self.text(part) for part in node.elts)
        return self.text(node)

    def operand(self, node: Any, level: int) -> str:
        """An operand, in brackets where it binds less than the level asks for."""
        weak = isinstance(node, ast.BinOp) and LEVELS.get(type(node.op), 0) < level
        other = isinstance(node, ast.Compare | ast.BoolOp | ast.Lambda)
        sign = isinstance(node, ast.UnaryOp) and level > UNARY
        text = self.text(node)
        return f"({text})" if weak or other or sign else text

    def primary(self, node: Any) -> str:
        """What an attribute, index or call is taken of."""
        text = self.text(node)
        plain = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
        return text if plain else f"({text})"


def longest_common(old: list[ast.stmt], new: list[ast.stmt]) -> list[ast.stmt]:
    """The longest run of statements that both lists hold in this order."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            same_here = old[i] is new[j]
            table[i][j] = table[i + 1][j + 1] + 1 if same_here else max(table[i + 1][j], table[i][j + 1])
    found, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if old[i] is new[j]:
            found.append(old[i])
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def apply(data: bytes, splices: list[Splice]) -> str:
    """The text with all replacements made."""
    for splice in sorted(splices, key=lambda s: (s.start, s.end), reverse=True):
        data = data[: splice.start] + splice.text.encode() + data[splice.end :]
    return data.decode()


def mended(live: LiveCode, edits: list[Edit]) -> dict[str, str] | None:
    """The new text of each file that the edits change; None where the text would not be the code that was tried."""
    texts: dict[str, str] = {}
    wanted = live.base | changes(live, edits)
    for file in {spot[0] for spot in wanted}:
        source = live.sources[file]
        splicer = Splicer(source)
        tree = [wanted.get((file, k), statement) for k, statement in enumerate(source.tree.body)]
        for attempt in (splicer, Bracketing(source)):
            splices = attempt.block(list(source.tree.body), tree)
            try:
                text = apply(splicer.data, splices)
                # What --until cut off stands in the text, but not in the tree.
                read = ast.Module(ast.parse(text).body[: len(tree)], [])
                if same(read, ast.parse(ast.unparse(ast.Module(tree, [])))):
                    texts[file] = text
                    break
            except (SyntaxError, UnicodeDecodeError):
                continue
        else:
            return None
    return texts


class Bracketing(Splicer):
    """As the other, with every new expression in brackets."""

    def bracketed(self, old: ast.expr, new: ast.expr) -> list[Splice]:
        """The difference, or the whole new expression in brackets."""
        found = self.difference(old, new)
        if len(found) == 1 and (found[0].start, found[0].end) == (self.begin(old), self.end(old)):
            return [found[0]._replace(text=f"({found[0].text})")]
        return found
