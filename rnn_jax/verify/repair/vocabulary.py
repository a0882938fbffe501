"""The words of a program: its own expressions, and what can be made of them, which a fix may be written with."""

from __future__ import annotations

import ast
import builtins
import itertools
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.derivatives import of_expressions
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.packed import columns, cuts, splits
from rnn_jax.verify.repair.probe import Shape, Trace
from rnn_jax.verify.repair.tree import ATOMS, names_in, with_name

LONGEST = 60  # characters of an expression
MOST_RENAMED = 4  # other names for one
SMALL = 8  # statements, its own among them
MOST_INNER = 40  # inner products
MOST_NAMES = 6  # arrays of a function that is small
LEAST = 2  # of whole numbers: smaller ones are everywhere
MOST_ALONE = 12  # where a function takes one array
CURVES = {"exp"}  # what a program takes of one logarithm it may take of another


def written(live: LiveCode, trace: Trace, of_loss: list[Site]) -> dict[str, ast.expr]:
    """The program's own expressions that only compute, and what can be made of its arrays; by their text.

    of_loss: the expressions of the functions that the loss runs, of which the gradients may run none.
    """
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
    for site in of_loss:
        node = live.node(site)
        wanted = isinstance(node, ast.Subscript | ast.Call) and computes(node, set())
        if wanted and len(text := ast.unparse(node)) <= LONGEST:
            found.setdefault(text, node)
    for slope in of_expressions(live, of_loss, counters(live)):
        if computes(slope, pure):  # a forward that is run once more in between would leave another cache
            found.setdefault(ast.unparse(slope), slope)
    for name in unread(live):
        found.setdefault(name, ast.Name(name, ast.Load()))
    rectified = any(is_rectifier(node) for spot in live.spots for _, node in live.sites(spot))
    for text, node in beside_values(live, trace, rectified):
        found.setdefault(text, node)
    for text in itertools.islice(inner_products(trace), MOST_INNER):
        found.setdefault(text, ast.parse(text, mode="eval").body)
    for text, shape in arrays.items():
        if len(shape[2]) == 2:  # what weighs the rows of a matrix
            total = f"{text}.sum(axis=1, keepdims=True)"
            found.setdefault(total, ast.parse(total, mode="eval").body)
        if len(shape[2]) == 3 and shape[2][1] == shape[2][2] and text.isidentifier():  # a matrix for each of several
            turned = f"{text}.transpose(0, 2, 1)"
            found.setdefault(turned, ast.parse(turned, mode="eval").body)
    items = [text for text, node in found.items() if isinstance(node, ast.Subscript)]
    steps = beside_counters(live)
    for item in (*items, *(other for text in items for other in reindexed(text, counters(live)))):
        for near in (item, *neighbours(item), *at_names(item, steps)):
            found.setdefault(near, ast.parse(near, mode="eval").body)
    for text in (*columns(cuts(live, trace)), *splits(live, trace)):
        found.setdefault(text, ast.parse(text, mode="eval").body)
    lists = {n for scope in trace.scopes.values() for n, shape in scope.items() if shape[0] in ("list", "tuple")}
    for text, call in renamed(live, trace, found):
        found.setdefault(text, call)
    for text in arrays:
        mask = (f"{text} > 0",) if rectified else ()
        for made in (f"1 - {text} ** 2", f"{text} * (1 - {text})", f"1 - {text}", f"{text}.T", *mask):
            found.setdefault(ast.unparse(ast.parse(made, mode="eval")), ast.parse(made, mode="eval").body)
    for text in sorted(lists | {text for text in arrays if text.isidentifier()}):
        found.setdefault(f"len({text})", ast.parse(f"len({text})", mode="eval").body)
    return found


def beside_values(live: LiveCode, trace: Trace, rectified: bool) -> Iterator[tuple[str, ast.expr]]:
    """What the program writes to, cuts by, has as targets and has as numbers, which it may read nowhere as they are."""
    targets = whole_numbers(live, trace)
    for spot in live.spots:
        for _, node in live.sites(spot):
            if isinstance(node, ATOMS) and isinstance(node.ctx, ast.Store):  # it may be read by what is missing
                text = ast.unparse(node)
                yield text, ast.parse(text, mode="eval").body
                if rectified and isinstance(node, ast.Subscript):  # what is kept of each step has the slope in it
                    yield f"{text} > 0", ast.parse(f"{text} > 0", mode="eval").body
            elif isinstance(node, ast.Slice):
                yield from (
                    (ast.unparse(b), b) for b in (node.lower, node.upper) if isinstance(b, ast.Name | ast.Attribute)
                )
            elif isinstance(node, ast.Name) and (node.id in targets or is_number(live, node.id)):  # of the loss alone
                yield node.id, ast.Name(node.id, ast.Load())
            elif isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value not in (0.0, 1.0):
                yield ast.unparse(node), node
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):  # 100 times a mean
                sides = (s for s in (node.left, node.right) if isinstance(s, ast.Constant) and type(s.value) is int)
                yield from ((ast.unparse(s), s) for s in sides if s.value > LEAST)  # type: ignore[operator]


def inner_products(trace: Trace) -> Iterator[str]:
    """Of arrays of one shape in a small function the products along the last axis, as of what is normalised there."""
    for scope in trace.scopes.values():
        arrays = [(n, shape) for n, shape in scope.items() if shape[:2] == ("array", "f") and n.isidentifier()]
        pairs = itertools.combinations_with_replacement(arrays, 2) if len(arrays) <= MOST_NAMES else ()
        for (one, shape), (other, its) in pairs:
            if shape == its and len(shape[2]) > 1:
                yield f"({one} * {other}).sum(axis=-1, keepdims=True)"
            elif shape == its and len(shape[2]) == 1 and shape[2][0] > 1:
                yield f"{one}.dot({other})"


def unread(live: LiveCode) -> Iterator[str]:
    """The arguments of the program's functions that they do not use: what is missing may have used them."""
    for spot in live.spots:
        for function in ast.walk(live.statement(spot)):
            if isinstance(function, ast.FunctionDef):
                read = names_in(function)
                yield from (a.arg for a in function.args.args if a.arg not in read)


def is_rectifier(node: ast.AST) -> bool:
    """Whether a node has a slope that is 0 on one side: maximum(a, 0), where(a > 0, a, 0), a * (a > 0)."""
    name = getattr(node, "func", None)
    return isinstance(node, ast.Compare) or (isinstance(name, ast.Attribute) and name.attr in ("maximum", "clip"))


def neighbours(text: str) -> Iterator[str]:
    """An item at the step before or after, where an index is a name or one beside it: h[l][t + 1] for h[l][t]."""
    count = sum(isinstance(n, ast.Subscript) for n in ast.walk(ast.parse(text, mode="eval")))
    for k in range(count):
        index: ast.expr = [n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Subscript)][k].slice
        number = isinstance(index, ast.Constant) and type(index.value) is int and index.value >= 0
        if isinstance(index, ast.Name | ast.BinOp) or number:
            for other in (index.left,) if isinstance(index, ast.BinOp) else beside(index):
                whole = ast.parse(text, mode="eval")
                [n for n in ast.walk(whole) if isinstance(n, ast.Subscript)][k].slice = other
                yield ast.unparse(whole)


def at_names(text: str, steps: dict[str, set[str]]) -> Iterator[str]:
    """An item at a step beside that has a name: h[before] for h[k]."""
    count = sum(isinstance(n, ast.Subscript) for n in ast.walk(ast.parse(text, mode="eval")))
    for k, name in itertools.product(range(count), steps):
        whole = ast.parse(text, mode="eval")
        item = [n for n in ast.walk(whole) if isinstance(n, ast.Subscript)][k]
        if isinstance(item.slice, ast.Name) and item.slice.id in steps[name]:
            item.slice = ast.Name(name, ast.Load())
            yield ast.unparse(whole)


def beside_counters(live: LiveCode) -> dict[str, set[str]]:
    """The names that are one more or less than a counter, and which: before = k + 1 if backwards else k - 1."""
    known, found = counters(live), dict[str, set[str]]()
    for spot in live.spots:
        for _, node in live.sites(spot):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = node.value
                for each in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                    if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add | ast.Sub):
                        one = isinstance(each.right, ast.Constant) and each.right.value == 1
                        if one and isinstance(each.left, ast.Name) and each.left.id in known:
                            found.setdefault(node.targets[0].id, set()).add(each.left.id)
    return found


def reindexed(text: str, counters: set[str]) -> Iterator[str]:
    """A number in a list of lists with another counter for its last index: h[t][j] for h[t][i]."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript) and isinstance(node.slice, ast.Name):
        for name in sorted(counters - names_in(node)):
            yield f"{ast.unparse(node.value)}[{name}]"


def beside(index: ast.expr) -> tuple[ast.expr, ...]:
    """One less and one more."""
    if isinstance(index, ast.Constant):
        return tuple(ast.Constant(n) for n in (index.value - 1, index.value + 1) if n >= 0)  # type: ignore[operator]
    return ast.BinOp(index, ast.Sub(), ast.Constant(1)), ast.BinOp(index, ast.Add(), ast.Constant(1))


def is_number(live: LiveCode, name: str) -> bool:
    """Whether a name of a module stands for a number: the weight of a penalty, a rate."""
    return any(isinstance(each.get(name), float) for each in live.subject.world.namespaces)


def whole_numbers(live: LiveCode, trace: Trace) -> set[str]:
    """The names of arrays of whole numbers, as targets are."""
    own = {name for scope in trace.scopes.values() for name, shape in scope.items() if shape[:2] == ("array", "i")}
    shared = {name: value for each in live.subject.world.namespaces for name, value in each.items()}
    return own | {n for n, v in shared.items() if isinstance(v, np.ndarray) and v.dtype.kind == "i"}


def renamed(live: LiveCode, trace: Trace, found: dict[str, ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    """The calls of more than one array with another array of the same shape in the place of one.

    Of the program's own functions that take one array, and of exp, with any other, of whatever shape.
    """
    own = pure_functions(live)
    shapes = {ast.unparse(live.node(site)): shape for site, shape in trace.shapes.items() if shape[0] == "array"}
    names = {text: shape for text, shape in shapes.items() if text.isidentifier()}
    for node in list(found.values()):
        if not isinstance(node, ast.Call):
            continue
        inside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names}
        (given,) = node.args if len(node.args) == 1 else (None,)
        if isinstance(given, ast.Subscript | ast.Attribute) and called(node) & own:  # f(xs[t]): f(d)
            shape = shapes.get(ast.unparse(given))
            for new in [n for n, each in names.items() if each == shape][:MOST_ALONE]:
                made = ast.Call(node.func, [ast.Name(new, ast.Load())], node.keywords)
                yield ast.unparse(made), made
        alone = len(inside) == 1 and bool(called(node) & (own | CURVES))
        if len(inside) < 2 and not alone:
            continue
        for old in sorted(inside):
            like = [n for n, shape in names.items() if n not in inside and (alone or shape == names[old])]
            like.sort(key=lambda name: names[name] != names[old])
            for new in like[: MOST_ALONE if alone else MOST_RENAMED]:
                made = with_name(node, old, new)
                yield ast.unparse(made), made


def pure_functions(live: LiveCode) -> set[str]:
    """The program's functions that write to nothing but names of their own, nor call any that do; by name."""
    names = {function.__name__ for functions in live.made_by.values() for function in functions}
    made = [n for spot in live.spots for n in ast.walk(live.statement(spot)) if isinstance(n, ast.FunctionDef)]
    pure = names - {f.name for f in made if changes_others(f)}
    if any(f.name == "__call__" and changes_others(f) for f in made):  # an object may be what is called
        pure -= {f.name for f in made if not all(n in names or is_numpys(n) or hasattr(builtins, n) for n in called(f))}
    while True:
        calling = {f.name for f in made if f.name in pure and not called(f) & names <= pure}
        if not calling:
            return pure
        pure -= calling


def changes_others(function: ast.FunctionDef) -> bool:
    """Whether a function writes to anything but what it has made itself."""
    own = made_here(function)
    return any(writes(each, own) for each in ast.walk(function))


def called(node: ast.AST) -> set[str]:
    """The names of the functions and methods that are called somewhere in a node."""
    funcs = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in funcs}


def writes(node: ast.AST, own: set[str]) -> bool:
    """Whether a node changes what others can see; `own`: the names of what only its function holds."""
    if isinstance(node, ast.Global | ast.Nonlocal | ast.Yield | ast.Delete):
        return True
    if isinstance(node, ast.Attribute | ast.Subscript):
        return not isinstance(node.ctx, ast.Load) and not (isinstance(node, ast.Subscript) and of_own(node.value, own))
    changed = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGERS
    return changed and not of_own(node.func.value, own)  # type: ignore[attr-defined]


def of_own(node: ast.expr, own: set[str]) -> bool:
    """Whether it has one of the names."""
    return isinstance(node, ast.Name) and node.id in own


def made_here(function: ast.FunctionDef) -> set[str]:
    """The names to which a small function gives nothing but what it has made itself: lists, arrays of zeros.

    A large one, as the whole forward, takes too long to be run at every place.
    """
    if sum(isinstance(n, ast.stmt) for n in ast.walk(function)) > SMALL:
        return set()
    given = [(t, n.value) for n in ast.walk(function) if isinstance(n, ast.Assign) for t in n.targets]
    stored = Counter(n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    fresh = Counter(t.id for t, value in given if isinstance(t, ast.Name) and is_made(value))
    return {name for name, count in fresh.items() if count == stored[name]}


def is_made(node: ast.expr) -> bool:
    """Whether an expression makes a list, a dictionary or an array of its own."""
    name = ast.unparse(node.func).rsplit(".", 1)[-1] if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.List | ast.Dict | ast.ListComp | ast.DictComp) or name in MAKERS


MAKERS = {"zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "list", "dict", "copy"}
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


def counters(live: LiveCode) -> set[str]:
    """The names that the program's loops give values to."""
    loops = [n for spot in live.spots for n in ast.walk(live.statement(spot)) if isinstance(n, ast.For)]
    return {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}


def gone_through(live: LiveCode) -> set[str]:
    """The names that loops go through, alone or side by side: data that a backward may take step by step."""
    loops = [n for spot in live.spots for n in ast.walk(live.statement(spot)) if isinstance(n, ast.For)]
    return {n.id for loop in loops for n in ast.walk(loop.iter) if isinstance(n, ast.Name)}


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
