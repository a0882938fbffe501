"""Arrays whose columns are several things side by side: the gates of an LSTM, an input and a state."""

from __future__ import annotations

import ast
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnn_jax.verify.repair.bounds import parts
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.probe import Trace

MOST_PARTS = 10
MOST_ARRAYS = 12
SPLITTERS = {"split", "hsplit", "array_split"}


class Cuts(NamedTuple):
    """How a program cuts last axes."""

    parts: list[str]  # as it is written within brackets: `F`, `d:2 * d`; the commonest first
    widths: dict[str, set[int]]  # of the arrays that are cut so
    shapes: dict[str, tuple[int, ...]]  # of all arrays that have a name in a function

    def of(self, name: str) -> list[str]:
        """How an array of that name may be cut."""
        shape = self.shapes.get(name, ())
        return [part for part in self.parts if len(shape) > 1 and shape[len(shape) - 1] in self.widths[part]]


def cuts(live: LiveCode, trace: Trace) -> Cuts:
    """Those of the program; that of a sequence without other axes is one of steps."""
    scopes = [each for scope in trace.scopes.values() for each in scope.items()]
    shapes = {name: shape[2] for name, shape in scopes if shape[0] == "array"}
    named = {name for name, shape in scopes if shape == ("slice",)}
    counts: Counter[str] = Counter()
    widths: dict[str, set[int]] = defaultdict(set)
    for spot in live.spots:
        for node in ast.walk(live.statement(spot)):
            whole = shapes.get(ast.unparse(node.value), ()) if isinstance(node, ast.Subscript) else ()
            last = last_index(node)
            cut = isinstance(last, ast.Slice) and (last.lower is not None or last.upper is not None)
            of_columns = cut and isinstance(getattr(node, "slice", None), ast.Tuple)
            if len(whole) > 1 and (of_columns or (isinstance(last, ast.Name) and last.id in named)):
                for part in (ast.unparse(last), *rest_of(last)):
                    counts[part] += part == ast.unparse(last)
                    widths[part].add(whole[len(whole) - 1])
    return Cuts([part for part, _ in counts.most_common(MOST_PARTS)], dict(widths), shapes)


def rest_of(part: ast.AST) -> Iterator[str]:
    """What a cut in two leaves: `L:` of `:L`."""
    if isinstance(part, ast.Slice) and part.step is None and (part.lower is None) != (part.upper is None):
        yield ast.unparse(ast.Slice(part.upper, part.lower))


def last_index(node: ast.AST) -> ast.AST:
    """What stands last within the brackets of an item."""
    index = getattr(node, "slice", node)
    return index.elts[-1] if isinstance(index, ast.Tuple) and index.elts else index


def with_last(node: ast.Subscript, part: str) -> str:
    """The same item with another part of the last axis."""
    rest = [ast.unparse(each) for each in node.slice.elts[:-1]] if isinstance(node.slice, ast.Tuple) else []
    index: Any = ast.parse(f"x[{', '.join([*rest, part])}]", mode="eval").body
    return ast.unparse(ast.Subscript(node.value, index.slice, ast.Load()))  # (W @ d)[:n], in brackets


def columns(made: Cuts) -> list[str]:
    """The parts of the arrays of two axes that have a name: `drow[:, :D]` where another one as wide is cut so."""
    names = [name for name, shape in made.shapes.items() if len(shape) == 2 and made.of(name)]
    return [f"{name}[:, {part}]" for name in names[:MOST_ARRAYS] for part in made.of(name)]


def splits(live: LiveCode, trace: Trace) -> Iterator[str]:
    """The parts of an array that the program splits, and of others as wide: `np.split(a, 4)[1]` of `i, f, z, o`."""
    scopes = [each for scope in trace.scopes.values() for each in scope.items()]
    widths = {name: shape[2][-1] for name, shape in scopes if shape[0] == "array" and shape[2] and name.isidentifier()}
    for spot in live.spots:
        for node in ast.walk(live.statement(spot)):
            target, made = (node.targets[0], node.value) if isinstance(node, ast.Assign) else (None, None)
            if not isinstance(target, ast.Tuple) or not isinstance(made, ast.Call) or not made.args:
                continue
            if isinstance(made.func, ast.Attribute) and made.func.attr in SPLITTERS:
                whole = ast.unparse(made.args[0])
                others = [name for name in widths if widths[name] == widths.get(whole)][:MOST_ARRAYS]
                rest = [ast.unparse(each) for each in (*made.args[1:], *made.keywords)]
                for name, k in itertools.product(dict.fromkeys([whole, *others]), range(len(target.elts))):
                    yield f"{ast.unparse(made.func)}({', '.join([name, *rest])})[{k}]"


def unwritten(body: list[ast.stmt], made: Cuts) -> Iterator[tuple[int, str]]:
    """The parts of an array that a block writes part by part that it does not write, and where they might be written.

    That is behind the one that ends where it begins, and behind the last of them.
    """
    stored: dict[str, dict[str, int]] = {}
    like: dict[str, list[ast.Subscript]] = defaultdict(list)
    for k, statement in enumerate(body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
            target, last = statement.targets[0], last_index(statement.targets[0])
            if isinstance(last, ast.Slice) or ast.unparse(last) in made.of(ast.unparse(target.value)):
                key = with_last(target, "...")
                like[key].append(target)
                stored.setdefault(key, {})[ast.unparse(last)] = k
    for key, written in stored.items():
        first, last_of_them = like[key][0], max(written.values()) + 1
        known = made.of(ast.unparse(first.value))
        cut = any(part in known for part in written)
        if not cut and len(written) < 2:  # rows of a time that is gone through, rather than gates
            continue
        between = {
            part: written[before] + 1 if before else min(written.values()) for part, before in left_between(like[key])
        }
        for part in dict.fromkeys([*between, *(known if cut else ())]):
            for k in dict.fromkeys([between.get(part, last_of_them), last_of_them]) if part not in written else ():
                yield k, with_last(first, part)


def unnumbered(body: list[ast.stmt], made: Cuts) -> Iterator[tuple[int, str]]:
    """The same of parts that have numbers: A[t, 3] where A[t, 0] to A[t, 2] are written, behind the one before it."""
    stored: dict[str, dict[int, int]] = defaultdict(dict)
    like: dict[str, ast.Subscript] = {}
    for k, statement in enumerate(body):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        last = last_index(target) if isinstance(target, ast.Subscript) else None
        if isinstance(target, ast.Subscript) and isinstance(last, ast.Constant) and type(last.value) is int:
            key = with_last(target, "...")
            like.setdefault(key, target)
            stored[key][last.value] = k
    for key, written in stored.items():
        target = like[key]
        shape = made.shapes.get(ast.unparse(target.value), ())
        axis = len(target.slice.elts) - 1 if isinstance(target.slice, ast.Tuple) else 0
        count = shape[axis] if axis < len(shape) else 0
        for number in set(range(count)) - set(written) if len(written) > 1 and count <= MOST_PARTS else ():
            before = [k for other, k in written.items() if other < number]
            yield max(before) + 1 if before else min(written.values()), with_last(target, str(number))


def unsent(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """The items of other steps that a block does not use of a sequence to whose items it adds, but of another one.

    That is d[t - 1] where d[t] is added to and h[t - 1] is used; it may be added to before the first of the others.
    """
    items = [n for each in body for n in ast.walk(each) if isinstance(n, ast.Subscript)]
    used = {ast.unparse(n) for n in items}
    steps: dict[str, set[str]] = defaultdict(set)  # by the name that counts them
    for node in items:
        if isinstance(node.slice, ast.BinOp) and isinstance(node.slice.left, ast.Name):
            steps[node.slice.left.id].add(ast.unparse(node.slice))
    found: dict[str, int] = {}
    for k, statement in enumerate(body):
        target = statement.target if isinstance(statement, ast.AugAssign) else None
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            names = {n.id for n in ast.walk(target.slice) if isinstance(n, ast.Name)}
            for step in sorted(step for name in names for step in steps[name]):
                found.setdefault(f"{target.value.id}[{step}]", k)
    yield from [(k, text) for text, k in found.items() if text not in used][:MOST_PARTS]


def left_between(written: list[ast.Subscript]) -> Iterator[tuple[str, str]]:
    """The parts that begin where one of these ends, and none begins, and end likewise; with the one before, if any."""
    known = [last for each in written if isinstance(last := last_index(each), ast.Slice)]
    ends = {ast.unparse(each.upper) if each.upper is not None else None: ast.unparse(each) for each in known}
    begins = {ast.unparse(each.lower) if each.lower is not None else None for each in known}
    for index in parts(written[0].slice, [other.slice for other in written]):
        if isinstance(part := last_index(index), ast.Slice):
            lower, upper = (ast.unparse(b) if b is not None else None for b in (part.lower, part.upper))
            begun = lower in ends and lower not in begins if lower else None not in begins
            ended = upper in begins and upper not in ends if upper else None not in ends
            if begun and ended:
                yield ast.unparse(part), ends[lower] if lower else ""
