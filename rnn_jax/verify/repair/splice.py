"""An edit as text: the user's own source with the fewest characters changed."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

from rnn_jax.verify.repair.binding import SIGNS, Binds, level, needed
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.tree import same
from rnn_jax.verify.repair.written import Written

# Written as a whole: these have no parts whose places could be relied upon.
WHOLE = ast.Constant | ast.Name | ast.JoinedStr
BLANK = rb"(?:[\s\\]|#[^\n]*\n)*"
OPENED = re.compile(rb"\(" + BLANK + rb"\Z")
CLOSED = re.compile(BLANK + rb"\)")
COMMENT = rb"#[^\n]*"
SIGN = re.compile(COMMENT + rb"|(not\s+in|is\s+not|in|is|[<>=!]=|\*\*|//|<<|>>|[-+*/@%&|^<>])")
ASSIGNS = re.compile(COMMENT + rb"|([-+*/@%&|^<>]*=)")


class Splice(NamedTuple):
    """Bytes from start to end to be replaced by a text."""

    start: int
    end: int
    text: str


class NoCommonPartsError(Exception):
    """The old node does not become the new one by changing its parts."""


class Splicer(Written):
    """The source of one file, to be changed."""

    def difference(self, old: Any, new: Any, least: Binds = Binds.NAMED) -> list[Splice]:
        """What to replace, for the old node to become the new one; parts that are the same objects stay.

        least: what binds less than this is put in brackets.
        """
        weak = isinstance(new, ast.expr) and level(new) < least
        try:
            found = [] if old is new else self.in_parts(old, new)
        except NoCommonPartsError:
            if not hasattr(old, "lineno"):
                raise
            text = self.text(new, indent=self.indent(old))
            # Over lines only brackets hold an expression together.
            broken = isinstance(new, ast.expr) and "\n" in text and "\n" not in self.segment(old)
            text = f"({text})" if weak or (broken and level(new) < Binds.ATOM) else text
            return [Splice(self.begin(old), self.end(old), text)]
        begin, end = (self.begin(old), self.end(old)) if weak else (0, 0)
        return [*found, Splice(begin, begin, "("), Splice(end, end, ")")] if weak else found

    def in_parts(self, old: Any, new: Any) -> list[Splice]:
        """The difference of two nodes as that of their parts."""
        if isinstance(old, ast.Assign | ast.AugAssign) and isinstance(new, ast.Assign | ast.AugAssign):
            return self.assignment(old, new)
        kept = id(new) in self.own or any(part is old for part in ast.walk(new))
        if type(old) is not type(new) or isinstance(old, WHOLE) or kept:
            raise NoCommonPartsError
        found: list[Splice] = []
        for name in old._fields:
            was: Any = getattr(old, name, None)
            if name in ("op", "ops"):
                found += self.operators(old, new)
            elif isinstance(was, list) and was and isinstance(was[0], ast.stmt):
                found += self.block(was, getattr(new, name))
            else:
                found += self.field(old, new, name)
        return found

    def field(self, old: Any, new: Any, name: str) -> list[Splice]:
        """The difference of what two nodes of one type have in a field, with the brackets it takes."""
        was, now = getattr(old, name, None), getattr(new, name, None)
        before, after = (each if isinstance(each, list) else [each] for each in (was, now))
        if len(before) != len(after):
            raise NoCommonPartsError
        found: list[Splice] = []
        for each, other in zip(before, after, strict=True):
            if isinstance(each, ast.AST) and isinstance(other, ast.AST):
                least, was_least = needed(new, name), needed(old, name)
                free = self.enclosed(old, each) or (each is other and least <= was_least)
                found += self.difference(each, other, Binds.NAMED if free else least)
            elif each != other:
                raise NoCommonPartsError
        return found

    def enclosed(self, parent: Any, part: Any) -> bool:
        """Whether a part of an expression or statement stands in brackets of its own."""
        if (
            (isinstance(parent, ast.Call) and part is not parent.func)
            or not hasattr(parent, "lineno")
            or not hasattr(part, "lineno")
        ):
            return False
        before = self.data[self.begin(parent) : self.begin(part)]
        after = self.data[self.end(part) : self.end(parent)]
        return bool(OPENED.search(before) and CLOSED.match(after))

    def operators(self, old: Any, new: Any) -> list[Splice]:
        """The signs between operands that become others."""
        ends: list[ast.expr]
        pairs: list[tuple[ast.AST, ast.AST]]
        if isinstance(old, ast.Compare):
            ends, pairs = [old.left, *old.comparators], list(zip(old.ops, new.ops, strict=True))
        elif isinstance(old, ast.BinOp):
            ends, pairs = [old.left, old.right], [(old.op, new.op)]
        elif type(old.op) is type(new.op):
            return []
        else:
            raise NoCommonPartsError
        found: list[Splice] = []
        for k, (was, now) in enumerate(pairs):
            if type(was) is not type(now):
                found.append(self.between(ends[k], ends[k + 1], SIGN, SIGNS[type(now)]))
        return found

    def between(self, first: ast.expr, second: ast.expr, pattern: re.Pattern[bytes], text: str) -> Splice:
        """What stands between two expressions and matches the pattern, replaced."""
        begin = self.end(first)
        for match in pattern.finditer(self.data, begin, self.begin(second)):
            if match.group(1):
                return Splice(match.start(1), match.end(1), text)
        raise NoCommonPartsError

    def assignment(self, old: ast.Assign | ast.AugAssign, new: ast.Assign | ast.AugAssign) -> list[Splice]:
        """The difference of two assignments, either of them perhaps an augmented one."""
        if isinstance(old, ast.Assign) and isinstance(new, ast.Assign):
            return self.field(old, new, "targets") + self.field(old, new, "value")
        (was,) = self.targets(old)
        (now,) = self.targets(new)
        found = self.difference(was, now) + self.field(old, new, "value")
        sign = f"{SIGNS[type(new.op)]}=" if isinstance(new, ast.AugAssign) else "="
        place = self.between(was, old.value, ASSIGNS, sign)
        return found if self.data[place.start : place.end].decode() == sign else [*found, place]

    def targets(self, node: ast.Assign | ast.AugAssign) -> list[ast.expr]:
        """What is assigned to; one alone where it is augmented."""
        found: list[ast.expr] = [node.target] if isinstance(node, ast.AugAssign) else node.targets
        if len(found) != 1:
            raise NoCommonPartsError
        return found

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
        """For each changed statement the old one it was made from, which is at the same place."""
        gone = [o for o in old if not any(o is n for n in new)]
        came = [n for n in new if not any(n is o for o in old)]
        mates: dict[ast.stmt, ast.stmt] = {}
        for fresh in came:
            for stale in gone:
                place = stale.lineno, stale.col_offset
                if place == (fresh.lineno, fresh.col_offset) and stale not in mates.values():
                    mates[fresh] = stale
                    break
        return mates

    def removed(self, statement: ast.stmt, alone: bool) -> Splice:
        """A statement taken out with its lines, or with the semicolon that joins it to another."""
        start, end = self.begin(statement), self.end(statement)
        line_start = self.data.rfind(b"\n", 0, start) + 1
        line_end = self.data.find(b"\n", end)
        line_end = len(self.data) if line_end < 0 else line_end + 1
        before, after = self.data[line_start:start], self.data[end:line_end]
        if alone:
            return Splice(start, end, "pass")
        if joined := re.match(rb"\s*;[ \t]*", after):
            return Splice(start, end + joined.end(), "")
        if joined := re.search(rb"\s*;\s*\Z", before):
            return Splice(line_start + joined.start(), end, "")
        return Splice(line_start, line_end, "") if not before.strip() else Splice(start, end, "pass")

    def inserted(self, texts: list[str], before: ast.stmt | None = None, after: ast.stmt | None = None) -> Splice:
        """Statements put on lines of their own, or on that of their neighbour where it shares its line."""
        node = before if before is not None else after
        assert node is not None
        indent = self.indent(node)
        shares = self.data[self.offsets[node.lineno - 1] : self.begin(node)].strip()
        if shares and before is not None:
            return Splice(self.begin(node), self.begin(node), "".join(f"{text}; " for text in texts))
        if shares:
            return Splice(self.end(node), self.end(node), "".join(f"; {text}" for text in texts))
        lines = "".join(f"{indent}{text}\n" for text in texts)
        if before is not None:
            place = self.data.rfind(b"\n", 0, self.begin(node)) + 1
            return Splice(place, place, lines)
        place = self.data.find(b"\n", self.end(node))
        if place < 0:
            return Splice(len(self.data), len(self.data), "\n" + lines)
        return Splice(place + 1, place + 1, lines)


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
        text = apply(splicer.data, splicer.block(list(source.tree.body), tree))
        try:
            # What --until cut off stands in the text, but not in the tree.
            read = ast.Module(ast.parse(text).body[: len(tree)], [])
        except SyntaxError:
            return None
        if not same(read, ast.parse(ast.unparse(ast.Module(tree, [])))):
            return None
        texts[file] = text
    return texts
