"""The kind of mistake that an edit mends, in the words of damage/kinds.py."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.repair.around import new_statement
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.first_state import items_of
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.siblings import is_key
from rnn_jax.verify.repair.tree import at, replaced

# What the grammar calls an edit, where that says the kind already.
PLAIN = {
    "transpose": "missing-transpose",
    "skips-step": "skips-step",
    "index-shift": "index-shift",
    "wraps-at-zero": "wraps-at-zero",
    "assign-not-add": "assign-not-add",
    "discarded-sum": "never-computed",
    "dropped-path": "dropped-path",
    "wrong-order": "skips-step",
    "zeroed-inside": "assign-not-add",
    "overwritten": "shared-cache",
    "recomputed": "other-forward",
    "wrong-axis": "transposed",
    "extra-term": "double-count",
    "extra-factor": "scale",
    "extra-call": "derivative-function",
    "condition": "wraps-at-zero",
    "grouping": "derivative-order",
}
SLOPE = re.compile(r"^d_?(tanh|sig|relu|log|act)|prime|deriv|slope|grad_of", re.IGNORECASE)


def kind_of(live: LiveCode, trace: Trace, edit: Edit) -> str:
    """The kind; nothing where the edit alone does not tell."""
    old = live.node(edit.site)
    around = [at(live.statement(edit.site.spot), edit.site.path[:k]) for k in range(len(edit.site.path))]
    if edit.kind == "recomputed":
        return PLAIN[edit.kind]
    if edit.kind == "missing-statement":
        return of_statement(live, edit)
    if edit.kind == "extra-statement":
        return of_extra(old)
    if edit.kind == "wrong-axis" and "dtype" in ast.unparse(old) and "dtype" not in ast.unparse(edit.new):
        return "precision"
    if edit.kind == "operand-order":
        return "missing-transpose" if not is_difference(old) else "sign"
    if edit.kind == "condition" and not any(name == "test" for name, _ in edit.site.path):
        return "derivative-function"  # the mask of a relu
    fixed = replaced(live.statement(edit.site.spot), edit.site.path, edit.new) if isinstance(old, ast.expr) else None
    mended = [at(fixed, edit.site.path[:k]) for k in range(len(edit.site.path) + 1)] if fixed is not None else []
    slopes = any(within_slope(way) for way in ([*around, old], mended))
    if any(isinstance(a, ast.For) and name == "iter" for a, (name, _) in zip(around, edit.site.path, strict=True)):
        return (
            "skips-step"
            if edit.kind in ("index-shift", "constant", "sign", "wrong-order")
            else PLAIN.get(edit.kind, edit.kind)
        )
    if slopes and edit.kind in ("sign", "operator", "constant", "wrong-function", "extra-factor", "extra-term"):
        return "derivative-function"
    if slopes and edit.kind == "wrong-variable" and activated(live, trace, edit):
        return "derivative-point"
    if edit.kind == "missing-factor":
        return of_factor(edit.new) if isinstance(edit.new, ast.BinOp) else "missing-term"
    if edit.kind == "missing-term":
        return of_term(live, edit, around)
    if edit.kind == "constant":
        return of_constant(old, around)
    if edit.kind == "wrong-function":
        return of_function(old)
    if edit.kind == "wrong-variable":
        return of_name(trace, edit, old)
    if edit.kind == "operator":
        return ""
    return PLAIN.get(edit.kind, edit.kind)


def activated(live: LiveCode, trace: Trace, edit: Edit) -> bool:
    """Whether what is taken and what should be are a value before and after an activation."""
    new = ast.unparse(edit.new)
    old = [seen.value for seen in trace.seen.get(edit.site, [])]
    for site, seen in trace.seen.items():
        if old and ast.unparse(live.node(site)) == new:
            values = [each.value for each in seen]
            for before in old:
                for after in values:
                    if before.shape == after.shape and (is_activation(before, after) or is_activation(after, before)):
                        return True
    return False


def is_activation(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether y is an activation of x."""
    with np.errstate(all="ignore"):
        return any(np.allclose(f(x.astype(float)), y, rtol=1e-9, atol=1e-12) for f in ACTIVATIONS)


ACTIVATIONS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    np.tanh,
    lambda x: 1 / (1 + np.exp(-x)),
    lambda x: np.maximum(x, 0),
)


def of_extra(old: Any) -> str:
    """A statement that should not be there: a scale, a clip, a sum made twice."""
    if isinstance(old, ast.AugAssign) and isinstance(old.op, ast.Mult | ast.Div):
        return "scale"
    if "clip" in ast.unparse(old):
        return "clip"
    adds = isinstance(old, ast.AugAssign) or (
        isinstance(old, ast.Assign) and ast.unparse(old.targets[0]) in {ast.unparse(n) for n in ast.walk(old.value)}
    )
    return "double-count" if adds else ""


def is_difference(node: Any) -> bool:
    """Whether a node is a subtraction."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)


def within_slope(way: list[Any]) -> bool:
    """Whether what lies at the end of a way down from its statement is an activation's derivative, or a part of one."""
    whole = way[-1] if way else None
    return any(is_slope(each) and (each is whole or not beside_slope(each, whole)) for each in way)


def beside_slope(product: Any, part: Any) -> bool:
    """Whether a part of a product lies in a factor that is neither y nor 1 - y of its y * (1 - y)."""
    if not (isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult)):
        return False
    factors = list(flat(product))
    texts = {ast.unparse(f) for f in factors}
    slopes = [f for f in factors if is_one_less(f) and ast.unparse(f.right) in texts]
    own = {ast.unparse(f.right) for f in slopes}
    holding = [f for f in factors if any(each is part for each in ast.walk(f))]
    return bool(holding) and holding[0] not in slopes and ast.unparse(holding[0]) not in own


def is_one_less(node: Any) -> bool:
    """Whether an expression is 1 - y."""
    return is_difference(node) and is_one(node.left)


def is_slope(node: Any) -> bool:
    """Whether an expression looks like the derivative of an activation: 1 - h ** 2, y * (1 - y), dtanh(h), x > 0."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return is_one(node.left) and is_square(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        factors = list(flat(node))
        texts = {ast.unparse(f) for f in factors}
        return any(is_one_less(f) and ast.unparse(f.right) in texts for f in factors)
    if isinstance(node, ast.Name):
        return bool(SLOPE.search(node.id))
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return bool(SLOPE.search(str(name)))
    return False


def flat(node: ast.expr) -> Any:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from flat(node.left)
        yield from flat(node.right)
    else:
        yield node


def is_one(node: ast.AST) -> bool:
    """Whether it is the number 1."""
    return isinstance(node, ast.Constant) and node.value in (1, 1.0) and not isinstance(node.value, bool)


def is_square(node: ast.AST) -> bool:
    """Whether it is a power, or a product of two of the same."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return True
    same = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
    return same and ast.dump(node.left) == ast.dump(node.right)  # type: ignore[attr-defined]


def of_factor(new: Any) -> str:
    """A factor that was missing: a slope, or a number."""
    factor = new.right if isinstance(new, ast.BinOp) and not is_one(new.right) else getattr(new, "left", new)
    if is_slope(factor) or (isinstance(factor, ast.BinOp) and is_one(factor.left)):
        return "derivative-omitted"
    return "scale" if isinstance(factor, ast.Constant) or isinstance(new.op, ast.Div) else "missing-term"


def of_term(live: LiveCode, edit: Edit, around: list[Any]) -> str:
    """A term that was missing: of a sum that runs, of what the next step sends, or another."""
    term = edit.new.right
    statement = next((n for n in reversed(around) if isinstance(n, ast.stmt)), None)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if any(ast.unparse(t) == ast.unparse(term) for t in targets):
        return "assign-not-add"
    return "dropped-path" if isinstance(term, ast.Name) and carried(live, edit.site, term.id) else "missing-term"


def carried(live: LiveCode, site: Site, name: str) -> bool:
    """Whether a name is given its value further down in the same loop."""
    statement = live.statement(site.spot)
    for k in range(len(site.path) - 1, -1, -1):
        node = at(statement, site.path[:k])
        if isinstance(node, ast.For | ast.While):
            return any(
                isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(node)
            )
    return False


def of_constant(old: Any, around: list[Any]) -> str:
    """A number: of an index, of a range, of a factor."""
    if any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "range" for n in around):
        return "skips-step"
    inside = [n for n in around if isinstance(n, ast.Subscript | ast.Slice)]
    if inside:
        return "index-shift"
    return "scale" if isinstance(old, ast.Constant) else "sign"


def of_function(old: Any) -> str:
    """Another function: zeros and ones, sum and mean, or an activation."""
    name = old.func.attr if isinstance(getattr(old, "func", None), ast.Attribute) else getattr(old.func, "id", "")
    if name.startswith(("ones", "zeros")):
        return "random-start"
    return "scale" if name in ("sum", "mean") else "derivative-function"


def of_name(trace: Trace, edit: Edit, old: Any) -> str:
    """Another name: of a whole number it is another place."""
    shape = trace.shapes.get(edit.site)
    return "index-shift" if shape is not None and shape[0] == "int" else "wrong-variable"


def of_statement(live: LiveCode, edit: Edit) -> str:
    """A statement that was missing."""
    new = new_statement(live, edit)
    if new is not None and before_its_loop(edit, new):
        return "initial-state"
    return of_new(new) if new is not None else "missing-term"


def before_its_loop(edit: Edit, new: ast.stmt) -> bool:
    """Whether a new statement gives an array its first or last item, and the loop behind it gives it the others."""
    target = new.targets[0] if isinstance(new, ast.Assign) else None
    if not isinstance(target, ast.Subscript) or ast.unparse(target.slice) not in ("0", "-1"):
        return False
    for field in ("body", "orelse"):
        block: list[ast.stmt] = getattr(edit.new, field, None) or []
        for one, behind in itertools.pairwise(block):
            if one is new:
                return isinstance(behind, ast.For) and ast.unparse(target.value) in items_of([behind])
    return False


def fills_alone(search: Search, edit: Edit) -> bool:
    """Whether it is a sum that was missing, of what is read as 0 without it, and in none of the loops around it."""
    new = new_statement(search.live, edit) if edit.kind == "missing-statement" else None
    targets = [new.target] if isinstance(new, ast.AugAssign) else new.targets if isinstance(new, ast.Assign) else []
    # Of a part of an array that stays 0 the rest tells that a gradient is computed.
    names = {ast.unparse(t) for t in targets if not isinstance(t, ast.Subscript) or is_key(t.slice)}
    live, spot = search.live, edit.site.spot
    path, _ = function_at(live.statement(spot), edit.site.path)
    own = ((site, seen) for site, seen in search.trace.seen.items() if site.spot == spot)
    reads = [
        (site, any(np.any(each.value) for each in seen))
        for site, seen in own
        if site.path[: len(path)] == path and ast.unparse(live.node(site)) in names
    ]
    return bool(reads) and not any(filled or in_loop_around(live, edit.site, site) for site, filled in reads)


def in_loop_around(live: LiveCode, place: Site, site: Site) -> bool:
    """Whether a site lies in a loop that a place lies in too."""
    shared = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(place.path, site.path, strict=False))))
    statement = live.statement(place.spot)
    return any(isinstance(at(statement, site.path[:k]), ast.For | ast.While) for k in range(shared + 1))


def of_new(statement: ast.stmt) -> str:
    """A new statement: a sum, what is carried, a scale, a start."""
    if isinstance(statement, ast.AugAssign):
        if isinstance(statement.op, ast.Div | ast.Mult):
            return "derivative-omitted" if is_slope(statement.value) else "scale"
        if isinstance(statement.value, ast.Constant):
            return "loss-seed"
        target: Any = statement.target
        own = ast.unparse(target.value if isinstance(target, ast.Subscript) else target)
        inside = {ast.unparse(n) for n in ast.walk(statement.value) if isinstance(n, ast.expr)}
        return "dropped-path" if own in inside else "never-computed"
    if isinstance(statement, ast.Assign):
        text = ast.unparse(statement.value)
        if "zeros" in text or text == "0":
            return "never-zeroed"
        targets = {ast.unparse(t) for t in statement.targets}
        added = any(ast.unparse(n) in targets for n in ast.walk(statement.value) if isinstance(n, ast.expr))
        return "missing-term" if added else "dropped-path"
    return "missing-term"
