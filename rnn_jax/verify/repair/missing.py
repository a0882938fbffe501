"""Statements that may be missing, to be tried one by one: siblings, what a loop hands on, zeroing, scaling."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import key_of, parsed
from rnn_jax.verify.repair.harvest import Stock, Values, alike
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.siblings import changed_by, near_siblings, siblings
from rnn_jax.verify.repair.tree import ATOMS, at

LONGEST = 24  # characters of what is handed on to the next iteration as it is


def insertions(live: LiveCode, place: Site, stock: Stock, numpy: str, telling: set[str]) -> Iterator[Edit]:
    """A new statement before the one at a place. telling: names on which just the wrong gradients hang."""
    (field, _), above = place.path[-1], place.path[:-1]
    body = getattr(at(live.statement(place.spot), above), field)
    for statement, cost in statements(live, place, body, stock, numpy, telling):
        yield inserted(live, place, statement, cost)


def normalisations(live: LiveCode, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """The division of exponentials by their sum, behind the statement that makes them: a softmax."""
    for place, stock in stocks.items():
        (field, k), block = place.path[-1], at(live.statement(place.spot), place.path[:-1])
        before = getattr(block, field)[k - 1] if k else None
        name = ast.unparse(before.targets[0]) if isinstance(before, ast.Assign) and exponentials(before.value) else ""
        if name in stock and stock[name].shape[0] == "array":
            for total in (f"{name}.sum(axis=-1, keepdims=True)", f"{name}.sum(axis=0)", f"{name}.sum()"):
                yield inserted(live, place, assigned(name, "=", f"{name} / {total}"), 2)


def exponentials(node: ast.expr) -> bool:
    """Whether an expression is the exponential of something."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] == "exp"


def after_others(live: LiveCode, place: Site, stock: Stock, always_zero: set[str]) -> Iterator[Edit]:
    """A statement like those beside the place."""
    (field, k), holder = place.path[-1], at(live.statement(place.spot), place.path[:-1])
    body = getattr(holder, field)
    targets = {t: v for t in written_to(live, place) if (v := stock.get(t)) is not None}
    # What is kept beside what is written to, as by another function: grad.U beside grad.W.
    targets |= {t: v for t, v in stock.items() if t not in targets and beside(t, targets)}
    yield from (inserted(live, place, each, 1.5) for each in siblings(body, targets, stock))
    yield from (inserted(live, place, each, 1.7) for each in near_siblings(body, k or 0, targets, stock, always_zero))


def statements(
    live: LiveCode, place: Site, body: list[ast.stmt], stock: Stock, numpy: str, telling: set[str]
) -> Iterator[tuple[ast.stmt, float]]:
    """The other statements that may be missing."""
    targets = {t: v for t in written_to(live, place) if (v := stock.get(t)) is not None}
    numbers = [t for t, v in stock.items() if v.shape[0] in ("int", "float") and any(np.any(x) for x in v.values)]
    indices = [t for t, v in stock.items() if v.shape[0] == "int" and isinstance(parsed(t), ATOMS)]
    at_end = place.path[-1][1] == len(body) and in_loop(live, place)
    amounts = scales(body)
    for target, values in targets.items():
        if at_end and target.isidentifier() and target in telling:
            for other, known in stock.items():
                if other != target and known.shape == values.shape and len(other) <= LONGEST:
                    yield assigned(target, "=", other), 1.5 + 0.02 * len(other)
        if values.shape[0] == "array" and target in telling:
            late = 0.7 * in_loop(live, place)
            yield assigned(target, "=", f"{numpy}.zeros_like({target})"), 2 + late
            yield assigned(f"{target}[...]", "=", "0"), 2.2 + late
            # One entry of a matrix that the same block adds to: where a path goes from one state to the next.
            added = len(values.shape[2]) == 2 and any(changed_by(each) == target for each in body)
            items = [t for t in indices if "[" in t and ".shape" not in t] if added else []
            for index in [
                *indices,
                *map(", ".join, itertools.permutations(items, 2)),
                *one_in_each(stock, values, numpy),
            ]:
                for amount, more in amounts.get(target, {"1": 0.0}).items():
                    yield assigned(f"{target}[{index}]", "-=", amount), 2 + more
            for number in numbers:
                yield assigned(target, "/=", number), 2.5
                yield assigned(target, "*=", number), 3


def scales(body: list[ast.stmt]) -> dict[str, dict[str, float]]:
    """What probabilities are multiplied with, where a name is given such, and so what the target's is to be less by."""
    found: dict[str, dict[str, float]] = {}
    for each in body:
        value = each.value if isinstance(each, ast.Assign) else None
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div):
            sides = [value.left, value.right] if isinstance(value.op, ast.Mult) else []
            texts = [ast.unparse(s) for s in sides if isinstance(s, ATOMS | ast.Constant)]
            if isinstance(value.op, ast.Div) and isinstance(value.right, ATOMS | ast.Constant):
                texts = [f"1 / {ast.unparse(value.right)}"]
            found[ast.unparse(each.targets[0])] = {"1": 0.0} | dict.fromkeys(texts, 0.1)  # type: ignore[attr-defined]
    return found


def one_in_each(stock: Stock, target: Values, numpy: str) -> Iterator[str]:
    """Indices of one entry in each row of a matrix, or in each column, by arrays of whole numbers: the targets."""
    for text, known in stock.items():
        if known.shape[:2] == ("array", "i") and len(known.shape[2]) == 1 == len(target.shape[2]) - 1:
            every = f"{numpy}.arange(len({text}))"
            for axis in (0, 1):
                if target.shape[2][axis] == known.shape[2][0]:
                    yield f"{every}, {text}" if axis == 0 else f"{text}, {every}"


def in_loop(live: LiveCode, place: Site) -> bool:
    """Whether a place is inside a loop."""
    whole = live.statement(place.spot)
    return any(isinstance(at(whole, place.path[:k]), ast.For | ast.While) for k in range(len(place.path)))


def assigned(target: str, operator: str, text: str) -> ast.stmt:
    """A statement."""
    return ast.parse(f"{target} {operator} {text}").body[0]


def written_to(live: LiveCode, place: Site) -> list[str]:
    """What the statements of the function around a place write to."""
    function = function_at(live.statement(place.spot), place.path)[1] or live.statement(place.spot)
    found: dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                found |= {ast.unparse(t): None for t in parts if isinstance(t, ATOMS)}
        elif isinstance(node, ast.AugAssign):
            found[ast.unparse(node.target)] = None
    return list(found)


def beside(text: str, targets: Stock) -> bool:
    """Whether an attribute or an item is of an object of which another one is written to."""
    node = parsed(text)
    if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.value, ast.Name):
        return False
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
        return False
    others = [parsed(t) for t in targets]
    return any(type(n) is type(node) and ast.unparse(n.value) == node.value.id for n in others)


def handed_on(live: LiveCode, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """Statements that hand the new values of a loop on, at each place in it."""
    for place, stock in stocks.items():
        holder = at(live.statement(place.spot), place.path[:-1])
        if isinstance(holder, ast.For | ast.While):
            known = alike(stock)
            targets = {t: known[t] for t in written_to(live, place) if t in known}
            yield from (inserted(live, place, each, 1.6) for each in renewed(holder, targets))


def renewed(loop: ast.For | ast.While, targets: Stock) -> Iterator[ast.stmt]:
    """What a loop takes and never renews is given the new values that it makes: y, p = y_new, p_new."""
    names = [n for n in ast.walk(loop) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)} & set(targets)
    kept = [n for n in dict.fromkeys(n.id for n in names) if n in targets and n not in stored]
    pairs = []
    for name in kept:
        like = [n for n in sorted(stored) if name in n and key_of(targets[n].shape) == key_of(targets[name].shape)]
        pairs += [(name, min(like, key=len))] if like else []
    if pairs:
        yield ast.parse(f"{', '.join(a for a, _ in pairs)} = {', '.join(b for _, b in pairs)}").body[0]
