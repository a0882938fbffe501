"""All the small edits of one node: what a slip of the pen may have made of the right code, undone."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.bounds import constant, parts, ranges, shifted, slices
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Shape, Trace
from rnn_jax.verify.repair.products import Option, binary, transposed, with_parts
from rnn_jax.verify.repair.scope import Scopes, function_at
from rnn_jax.verify.repair.tree import ATOMS, at, first_line, located, same, shallow

THRESHOLD = 0.5  # how much less likely a number in a comparison is than another one
MOST_SLICES = 16  # of other arrays
REDUCTIONS = {"sum", "mean"}  # of any program; what else has an axis somewhere in it may have one elsewhere as well
AXES = {"0": 2.0, "1": 2.0, "-1": 2.0, "(0, 1)": 2.2, "(-2, -1)": 2.2, "(0, 1, 2)": 2.3}  # what each of them costs


class Grammar:
    """The edits of a program, by what its values were in one run."""

    def __init__(self, live: LiveCode, trace: Trace) -> None:
        self.live, self.trace = live, trace
        self.scopes = Scopes(live, trace)
        trees = [source.tree for source in live.sources.values()]
        loops = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.For)]
        self.iterated = {ast.unparse(a.target): [b.iter for b in loops if same(a.target, b.target)] for a in loops}
        calls = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call)]
        self.keywords = {(ast.unparse(n.func), ast.unparse(k)): k for n in calls for k in n.keywords if k.arg}
        self.classes = {n.name for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}

    def edits(self, site: Site, node: Any) -> Iterator[Edit]:
        """The edits of one node."""
        for new, kind, cost in self.options(site, node):
            line = getattr(node, "lineno", 0)
            for each in new if isinstance(new, list) else [new]:
                located(each, node)
            yield Edit(site, new, kind, cost, line)

    def options(self, site: Site, node: Any) -> Iterator[Option]:
        """What may stand in its place."""
        parent = at(self.live.statement(site.spot), site.path[:-1]) if site.path else None
        shape = self.trace.shapes.get(site)
        if isinstance(node, ast.BinOp) and not indexing(site):
            yield from binary(node)
        elif isinstance(node, ast.UnaryOp):
            # From the other end of an array it fits by chance alone, where that is so long.
            yield node.operand, "sign", 1 + indexing(site)
            if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
                yield ast.BinOp(ast.Constant(1), ast.Sub(), node.operand), "derivative-function", 1.6
        elif isinstance(node, ast.Compare):
            yield from compare(node)
        elif isinstance(node, ast.IfExp):
            yield node.body, "condition", 2
            yield node.orelse, "condition", 2
        elif isinstance(node, ast.Call):
            yield from self.call(site, node)
        elif isinstance(node, ast.Attribute) and not (isinstance(parent, ast.Call) and site.path[-1][0] == "func"):
            yield from self.attribute(site, node, shape)
        elif isinstance(node, ast.Subscript):
            yield from self.subscript(site, node, shape)
        elif isinstance(node, ast.Slice):
            yield from slices(node)
        elif isinstance(node, ast.Name):
            yield from self.name(site, node, parent, shape)
        elif isinstance(node, ast.Constant):
            # A threshold moved fits by chance where few values lie near it.
            far = THRESHOLD * isinstance(parent, ast.Compare)
            yield from ((new, kind, cost + far) for new, kind, cost in constant(node))
        elif isinstance(node, ast.Tuple) and isinstance(parent, ast.Return):
            yield from exchanged(node)
        if isinstance(node, ast.expr):
            yield from whole(node, parent, shape)
        if gone_through(site, parent) and isinstance(node, ast.expr) and not is_reversed(node):
            yield called("reversed", node), "wrong-order", 1.5
            yield called("reversed", called("list", node)), "wrong-order", 1.7
        if isinstance(parent, ast.For) and site.path[-1][0] == "iter":
            others = (other for other in self.iterated.get(ast.unparse(parent.target), []) if not same(other, node))
            yield from ((other, "skips-step", 1.7) for other in others)

    def call(self, site: Site, node: ast.Call) -> Iterator[Option]:
        """Another function, the arguments exchanged, the call left out."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for group, cost in FUNCTIONS.items():
            if name in group:
                for other in group:
                    if other != name:
                        yield with_function(node, other), "wrong-function", cost
        if isinstance(node.func, ast.Name):
            for other in self.functions(site, node):
                yield with_function(node, other), "wrong-function", 2
        plain = [k for k, a in enumerate(node.args) if not isinstance(a, ast.Starred)]
        if len(node.args) == 1 and not node.keywords:
            yield node.args[0], "extra-call", 2
            if isinstance(node.func, ast.Name) and self.is_both(site, node.func.id):
                yield ast.Subscript(node.func, node.args[0], ast.Load()), "wrong-variable", 2
        for k, j in itertools.pairwise(plain):
            args = list(node.args)
            args[k], args[j] = args[j], args[k]
            yield with_args(node, args), "operand-order", 1
        for k in range(len(node.keywords)):
            yield with_keywords(node, [*node.keywords[:k], *node.keywords[k + 1 :]]), "wrong-axis", 2
        for (function, _), used in self.keywords.items():
            if function == ast.unparse(node.func) and not any(k.arg == used.arg for k in node.keywords):
                yield with_keywords(node, [*node.keywords, used]), "wrong-axis", 2
        along = any(f == ast.unparse(node.func) and k.arg == "axis" for (f, _), k in self.keywords.items())
        if (along or name in REDUCTIONS) and not any(k.arg == "axis" for k in node.keywords):
            for axis, cost in AXES.items():
                keywords = [*node.keywords, ast.keyword("axis", ast.parse(axis, mode="eval").body)]
                yield with_keywords(node, keywords), "wrong-axis", cost
        if name in ("sum", "mean") and not any(k.arg == "keepdims" for k in node.keywords):
            yield with_keywords(node, [*node.keywords, ast.keyword("keepdims", ast.Constant(True))]), "wrong-axis", 3
        if name == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
            for subscripts in transposed_subscripts(str(node.args[0].value)):
                yield with_args(node, [ast.Constant(subscripts), *node.args[1:]]), "transpose", 1
        if name == "range":
            yield from ranges(node)
            yield ast.Call(ast.Name("reversed", ast.Load()), [node], []), "wrong-order", 2
        if name == "reversed" and len(node.args) == 1:
            yield node.args[0], "wrong-order", 1

    def is_both(self, site: Site, name: str) -> bool:
        """Whether a name may be called as well as indexed: it is an object of a class of the program's own."""
        return self.scopes.at(site).names.get(name, ("",))[0] in self.classes

    def functions(self, site: Site, node: ast.Call) -> list[str]:
        """The program's other functions that take as many arguments."""
        count = len(node.args)
        found = [
            f.__name__
            for functions in self.live.made_by.values()
            for f in functions
            if f.__code__.co_argcount == count and f.__qualname__ == f.__name__ and f.__name__ != "<lambda>"
        ]
        return [name for name in dict.fromkeys(found) if name != getattr(node.func, "id", "")]

    def held(self, site: Site, table: dict[str, Shape | None]) -> dict[str, Shape | None]:
        """What the object holds of which a site takes an attribute or an item."""
        owner = Site(site.file, site.number, (*site.path, ("value", None)))
        function = function_at(self.live.statement(site.spot), site.path)[1]
        scope = self.trace.holds.get((site.file, first_line(function)), {}) if function is not None else {}
        return {**table, **scope.get(ast.unparse(self.live.node(owner)), {}), **self.trace.held.get(owner, {})}

    def attribute(self, site: Site, node: ast.Attribute, shape: Shape | None) -> Iterator[Option]:
        """Without .T; another attribute of the same object."""
        if node.attr == "T":
            yield node.value, "transpose", 1
            return
        for other, found in self.held(site, self.scopes.attributes.get(ast.unparse(node.value), {})).items():
            if other not in (node.attr, "T") and (shape is None or found is None or found == shape):
                made = shallow(node)
                made.attr = other
                yield made, "wrong-variable", 1.5

    def subscript(self, site: Site, node: ast.Subscript, shape: Shape | None) -> Iterator[Option]:
        """Another key, another place; or without the index."""
        base = ast.unparse(node.value)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            for key, found in self.held(site, self.scopes.keys.get(base, {})).items():
                if key != node.slice.value and (shape is None or found is None or found == shape):
                    yield with_index(node, ast.Constant(key)), "wrong-variable", 1.5
            return
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load) and self.is_both(site, node.value.id):
            yield ast.Call(node.value, [node.slice], []), "wrong-variable", 2
        own, known = ast.unparse(node.slice), self.scopes.indices.get(base, {})
        sliced = own in self.scopes.slices  # blocks have names, but steps have numbers
        named = sliced and any(isinstance(n, ast.Name) for n in ast.walk(node.slice))
        for text, index in known.items():
            if text != own:
                yield with_index(node, index), "wrong-variable" if named else "index-shift", 1.2
        if sliced:  # blocks of one array are those of another
            others = [(t, index) for t, index in self.scopes.slices.items() if t not in known]
            yield from ((with_index(node, index), "wrong-variable", 1.6) for _, index in others[:MOST_SLICES])
            yield from ((with_index(node, index), "wrong-variable", 1.4) for index in parts(node.slice, known.values()))
        yield from ((with_index(node, index), "index-shift", cost) for index, cost in shifted(node.slice))
        if isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load):
            yield node.value, "index-shift", 1.5

    def name(self, site: Site, node: ast.Name, parent: Any, shape: Shape | None) -> Iterator[Option]:
        """Another name of the same scope that held the like."""
        if isinstance(parent, ast.Call) and site.path[-1][0] == "func":
            return
        scope = self.scopes.at(site)
        held = shape or scope.names.get(node.id)
        if held is None or held[0] in ("module", "function", "builtin_function_or_method", "type"):
            return
        for other in scope.like(held, node.id):
            cost = 1.5 if isinstance(node.ctx, ast.Load) else 2.0
            yield ast.Name(other, node.ctx), "wrong-variable", cost + (held[0] == "int")


def transposed_subscripts(subscripts: str) -> Iterator[str]:
    """The subscripts of einsum with two axes of one of its arrays exchanged: kl,lij->kij for lk,lij->kij."""
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    for k, term in enumerate(terms):
        for i, j in itertools.combinations(range(len(term)), 2):
            other = term[:i] + term[j] + term[i + 1 : j] + term[i] + term[j + 1 :]
            yield ",".join([*terms[:k], other, *terms[k + 1 :]]) + arrow + output


def called(name: str, node: ast.expr) -> ast.expr:
    """A call of a function with one argument."""
    return ast.Call(ast.Name(name, ast.Load()), [node], [])


def gone_through(site: Site, parent: Any) -> bool:
    """Whether a loop or a comprehension goes through what a node gives, alone or beside something else."""
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "id", "") in ("zip", "enumerate") and site.path[-1][0] == "args"
    return isinstance(parent, ast.For | ast.comprehension) and site.path[-1][0] == "iter"


def is_reversed(node: Any) -> bool:
    """Whether an order is turned round already, or is a range, whose order has edits of its own."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("reversed", "range")


def indexing(site: Site) -> bool:
    """Whether a node is part of an index, of which the shifts are tried as a whole."""
    return any(name == "slice" for name, _ in site.path)


# Functions that are taken one for the other, and how unlikely that is.
FUNCTIONS = {
    ("sum", "mean"): 1.5,
    ("zeros_like", "ones_like"): 1.5,
    ("zeros", "ones"): 1.5,
    ("maximum", "minimum"): 1.5,
    ("max", "min"): 1.5,
    ("argmax", "argmin"): 1.5,
    ("hstack", "vstack", "concatenate"): 2.0,
    ("outer", "multiply", "dot", "matmul", "add", "subtract"): 1.8,
    ("exp", "expm1"): 2.0,
    ("log", "log1p"): 2.0,
    ("tanh", "arctan"): 2.0,
    ("tanh", "sin", "cosh", "exp", "log", "sqrt", "square", "abs"): 3.0,
}


def compare(node: ast.Compare) -> Iterator[Option]:
    """The other orders."""
    for other in (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq):
        if not isinstance(node.ops[0], other):
            made = shallow(node)
            made.ops = [other(), *node.ops[1:]]
            yield made, "condition", 1.5


def exchanged(node: ast.Tuple) -> Iterator[Option]:
    """Neighbours in what is returned exchanged, and pairs further apart."""
    for k in range(len(node.elts)):
        for j in range(k + 1, len(node.elts)):
            parts = list(node.elts)
            parts[k], parts[j] = parts[j], parts[k]
            yield ast.Tuple(parts, node.ctx), "wrong-variable", 2


def whole(node: ast.expr, parent: Any, shape: Shape | None) -> Iterator[Option]:
    """The negative, the transposed, a copy: of any value that is an array."""
    if shape is None or shape[0] != "array" or not isinstance(getattr(node, "ctx", None), ast.Load | None):
        return
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.BinOp) and len(shape[2]) == 2:
        inner = isinstance(parent, ast.Attribute) and parent.attr == "T"
        if not inner and not (isinstance(node, ast.Attribute) and node.attr == "T"):
            product = isinstance(parent, ast.BinOp | ast.Call)  # elsewhere a transpose is seldom what is missing
            yield transposed(node), "transpose", 1 if product else 1.5
            square = shape[2][0] == shape[2][1] and isinstance(parent, ast.BinOp)
            if square and isinstance(node, ATOMS):  # as of the form x @ A @ x
                yield ast.BinOp(node, ast.Add(), transposed(node)), "missing-term", 1.5
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield ast.BinOp(ast.Constant(1), ast.Sub(), node), "derivative-function", 1.5
    if not isinstance(parent, ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Subscript | ast.keyword):
        yield ast.UnaryOp(ast.USub(), node), "sign", 1.5
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(parent, ast.BinOp | ast.Attribute):
        yield ast.Call(ast.Attribute(node, "copy", ast.Load()), [], []), "overwritten", 2


def with_function(node: ast.Call, name: str) -> ast.Call:
    """The call of another function of the same module."""
    func = with_parts(node.func, attr=name) if isinstance(node.func, ast.Attribute) else ast.Name(name, ast.Load())
    return with_parts(node, func=func)


def with_args(node: ast.Call, args: list[ast.expr]) -> ast.Call:
    """The call with other arguments."""
    return with_parts(node, args=args)


def with_keywords(node: ast.Call, keywords: list[ast.keyword]) -> ast.Call:
    """The call with other keywords."""
    return with_parts(node, keywords=keywords)


def with_index(node: ast.Subscript, index: ast.expr) -> ast.Subscript:
    """Another place of the same array."""
    return with_parts(node, slice=index)
