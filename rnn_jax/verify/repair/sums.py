"""Edits of sums: a statement that adds what one lacks, or another value for what a statement adds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_jax.verify.repair.accumulators import Accumulator
from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, key_of, parsed
from rnn_jax.verify.repair.harvest import Stock, at_visits, in_a_row
from rnn_jax.verify.repair.healing import Reach
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.places import Places
from rnn_jax.verify.repair.scattered import gathered, scattered
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.totals import adding_up_to, images_in_all, multiple, multiples, totals
from rnn_jax.verify.repair.tree import ATOMS, at, located, texts_in

COMPANY = 1.5  # what it costs to add to the same twice
LEFT_OVER = 1.5  # what it costs to take what a loop left
LIKE = 0.2  # what it saves to stand beside one's like
WHOLE = ("...", ":")  # indices of all that an array holds
MOST_SUMS = 12  # that are tried at one place, the simplest first


def sums(
    live: LiveCode, places: Places, found: Accumulator, products: bool, tried: set[tuple[Site, str, str]],
    images: bool = False,
) -> Iterator[Edit]:  # fmt: skip
    """A statement that adds to a sum what it lacks, over all iterations.

    tried: where, to what and what has been added before; it grows. images: products with a matrix as well, as what
    is no gradient of a weight is made of.
    """
    parts: list[list[tuple[str, Written]]] = []
    for made, lacks in known_with(places, found):
        if not products:
            known = [Written(t, list(v.values), 1.0) for t, v in made.stock.items() if key_of(v.shape) == lacks.shape]
            fitting = [("", w) for w in known if multiple(np.asarray(sum(w.values), float), lacks)]
        else:
            # What is added to one item each time may at one point be worth the same as a sum over an axis.
            fitting = [*(("", w) for w in totals(made, lacks)), *scattered(made, lacks, found.rows)]
            fitting = fitting or (list(gathered(made, lacks)) if not found.rows else [])
            fitting = fitting or ([("", w) for w in images_in_all(made, lacks)] if images else [])
        parts.append(fitting)
    if products and len(found.visits) > 1 and all(len(visits) == 1 for visits in found.visits):
        parts[0] += (("", w) for w in at_each(places.whole[found.place], places.numpy, found))
    # What is right for one of several arrays may not be for another.
    rest = [{(index, w.text) for index, w in part} for part in parts[1:]]
    common = [(index, other) for index, other in parts[0] if all((index, other.text) in texts for texts in rest)]
    sensible = [(index, other) for index, other in common if not of_itself(found.text, other.text)]
    for index, other in sorted(sensible, key=lambda part: part[1].cost)[:MOST_SUMS]:
        target = f"{found.text}{index}"
        for spot in beside(live, places, found.place, found.text, other.text):
            if (spot, target, other.text) not in tried:
                tried.add((spot, target, other.text))
                several = places.whole[found.place].get(index[1:-1])
                if several is not None and several.shape[0] == "array":
                    call = f"{places.numpy}.add.at({found.text}, {index[1:-1]}, {other.text})"  # a row may come twice
                    cost = other.cost + 0.02 * len(call) - LIKE * beside_like(live, spot, index[1:-1])
                    yield inserted(live, spot, ast.parse(call).body[0], cost)
                else:
                    yield from added(live, spot, target, other)


def at_each(whole: Stock, numpy: str, found: Accumulator) -> Iterator[Written]:
    """What several arrays lack that a place comes by with once each: a product of what is there at that visit."""
    order = sorted(range(len(found.visits)), key=lambda k: found.visits[k])
    wanted = [found.lacks[k] for k in order]
    known = Monomials(at_visits(whole, [found.visits[k][0] for k in order]), numpy)
    if known.iterations == len(wanted) and len({w.shape for w in wanted}) == 1:
        yield from equal_to(known, wanted)


def of_itself(target: str, text: str) -> bool:
    """Whether a sum of several terms has what it is added to in it: that is another way of giving it a value."""
    tree = parsed(text)
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub) and target in texts_in(tree)


def known_with(places: Places, found: Accumulator) -> Iterator[tuple[Monomials, np.ndarray]]:
    """What each array lacks, with what is known when the program comes by with it.

    Arrays that it comes by with once each are one long row: what is right for one must be right for the others.
    """
    if len(found.visits) > 1 and all(len(visits) == 1 for visits in found.visits):
        shapes = [lacks.shape for lacks in found.lacks]
        times = [visits[0] for visits in found.visits]
        whole = places.whole[found.place].items()
        chosen = {t: replace(v, values=[v.values[k] for k in times]) for t, v in whole if len(v.values) > max(times)}
        row = Monomials(in_a_row(chosen, shapes), places.numpy)
        yield row, np.concatenate([lacks.ravel() for lacks in found.lacks])
        return
    for visits, lacks in zip(found.visits, found.lacks, strict=True):
        yield places.visited(found.place, tuple(visits)), lacks


def beside(live: LiveCode, places: Places, place: Site, target: str, text: str) -> Iterator[Site]:
    """A place, and those in its block behind other sums where all that is needed is known as well."""
    yield place
    field, last = place.path[-1]
    body = getattr(at(live.statement(place.spot), place.path[:-1]), field)
    needed = (texts_in(parsed(target)) | texts_in(parsed(text))) & set(places.whole[place])
    for k in range(1, len(body)):
        other = Site(place.file, place.number, (*place.path[:-1], (field, k)))
        if k != last and adds(body[k - 1]) and needed <= set(places.whole.get(other, {})):
            yield other


def adds(statement: ast.stmt) -> bool:
    """Whether a statement is a sum, or what may be left of one: g += x, g = g + x, g = g, np.add.at(g, k, x)."""
    if adds_at(statement):
        return True
    if not isinstance(statement, ast.Assign):
        return isinstance(statement, ast.AugAssign)
    first: ast.expr = statement.value
    while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add | ast.Sub):
        first = first.left
    return isinstance(first, ATOMS) and ast.unparse(first) == ast.unparse(statement.targets[0])


def adds_at(statement: ast.stmt) -> bool:
    """Whether a statement adds to rows of an array that an array of whole numbers says."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func).endswith("add.at")


def beside_like(live: LiveCode, place: Site, index: str) -> float:
    """Whether such a statement stands before or behind a place, 1; 1.5 for a place behind one to the same rows."""
    field, number = place.path[-1]
    k = number or 0
    body = getattr(at(live.statement(place.spot), place.path[:-1]), field)
    same = k > 0 and index in ast.unparse(body[k - 1])
    return any(adds_at(each) for each in body[max(0, k - 1) : k + 1]) * (1.5 if same else 1.0)


def added(live: LiveCode, place: Site, target: str, other: Written) -> Iterator[Edit]:
    """A statement that adds to a sum or, as where it is an update, takes away."""
    stored: Any = parsed(as_others(live, place, target))
    stored.ctx = ast.Store()
    cost = other.cost + 0.02 * (len(other.text) + len(target)) + company(live, place, target)
    cost += LEFT_OVER * (left_over(live, place, other.text) or left_over(live, place, target))
    body = getattr(at(live.statement(place.spot), place.path[:-1]), place.path[-1][0])
    for k, like in enumerate(body):
        if isinstance(like, ast.AugAssign) and isinstance(like.op, ast.Add) and ast.unparse(like.target) == target:
            # One that is there already lacks a term.
            site = Site(*place.spot, (*place.path[:-1], (place.path[-1][0], k), ("value", None)))
            more = located(ast.BinOp(like.value, ast.Add(), parsed(other.text)), like.value)
            yield Edit(site, more, "missing-term", cost - COMPANY, like.lineno)
    taken_away = any(isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Sub) for n in body)
    for operator, further in ((ast.Add(), 0.0), (ast.Sub(), 0.0 if taken_away else 0.5)):
        yield inserted(live, place, ast.AugAssign(stored, operator, parsed(other.text)), cost + further)


def as_others(live: LiveCode, place: Site, target: str) -> str:
    """What is added to, written as its function writes others of the same object: g.W[...], where g takes no new W."""
    function = function_at(live.statement(place.spot), place.path)[1]
    own = parsed(target)
    held = function is not None and isinstance(own, ast.Attribute | ast.Subscript)
    for node in ast.walk(function) if function is not None and held else ():
        every = ast.unparse(node.slice) if isinstance(node, ast.Subscript) and written(node) else ""
        if every in WHOLE and type(node.value) is type(own) and root(node.value) == root(own):  # type: ignore[attr-defined]
            return f"{target}[{every}]"
    return target


def written(node: ast.Subscript) -> bool:
    """Whether an item is written to."""
    return not isinstance(node.ctx, ast.Load)


def left_over(live: LiveCode, place: Site, text: str) -> bool:
    """Whether a sum would be made of what a loop before it has left of its last iteration."""
    (field, k), holder = place.path[-1], at(live.statement(place.spot), place.path[:-1])
    loops = [each for each in getattr(holder, field)[: k or 0] if isinstance(each, ast.For | ast.While)]
    made = {n.id for loop in loops for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return any(isinstance(n, ast.Name) and n.id in made for n in ast.walk(parsed(text)))


def company(live: LiveCode, place: Site, target: str) -> float:
    """What the statements beside a place make of one more sum: others of its dictionary are likely, a second is not."""
    field, at_k = place.path[-1]
    body = getattr(at(live.statement(place.spot), place.path[:-1]), field)
    others = {k: n.target for k, n in enumerate(body) if isinstance(n, ast.AugAssign)}
    before = body[at_k - 1] if at_k else None
    if isinstance(before, ast.Assign) and ast.unparse(before.targets[0]) == ast.unparse(before.value) == target:
        return -0.5  # `g = g` lacks something
    if any(ast.unparse(each) == target for each in others.values()):
        return COMPANY
    own = parsed(target)
    like = [k for k, each in others.items() if type(each) is type(own) and root(each) == root(own)]
    next_one = any(k + 1 == at_k and follows(others[k], own) for k in like)
    return -0.1 * (bool(like) + any(at_k in (k, k + 1) for k in like) + next_one)


def follows(one: ast.expr, other: ast.expr) -> bool:
    """Whether two items of one array are numbered in a row: g[4], g[5]."""
    return (
        isinstance(one, ast.Subscript)
        and isinstance(other, ast.Subscript)
        and isinstance(one.slice, ast.Constant)
        and isinstance(other.slice, ast.Constant)
        and isinstance(one.slice.value, int)
        and one.slice.value + 1 == other.slice.value
    )


def root(node: ast.expr) -> str:
    """The name that an item or an attribute is of; of a name the name's kind alone."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
        if isinstance(node, ast.Name):
            return node.id
    return ""


def summands(
    live: LiveCode, places: Places, reach: dict[Site, Reach], wrong: frozenset[str], right: np.ndarray
) -> Iterator[Edit]:
    """Another value for what a statement adds to a sum: one whose sum over all iterations is the whole gradient."""

    def fits(place: Site) -> bool | None:
        """Whether the statement at a place adds to an array of the gradient's shape, or to a row of one."""
        target = getattr(live.node(place), "target", None) if is_statement(live, place) else None
        texts = [ast.unparse(t) for t in (target, getattr(target, "value", None)) if t is not None]
        known = [places.stocks[place][text] for text in texts if text in places.stocks[place]]
        return any(key_of(each.shape) == right.shape for each in known) if known else None

    for place in sorted(places.stocks, key=lambda each: not fits(each)):
        if not is_statement(live, place) or fits(place) is False:  # a part of it alone, as of one vector of all weights
            continue
        site = Site(place.file, place.number, (*place.path, ("value", None)))
        statement = live.node(place)
        if not isinstance(statement, ast.AugAssign) or reach.get(site, Reach(wrong, False)).gradients != wrong:
            continue
        here, made = places.get(place), places.monomials(place)
        if here is None or made is None:
            continue
        fitting = [w for w in here.of(right.shape) if multiple(np.asarray(sum(w.values)), right)]
        for other in fitting or totals(made, right):
            new = located(parsed(other.text), statement.value)
            yield Edit(site, new, "missing-factor", other.cost + 0.5, statement.lineno)
        for factor in factors(made, statement, right):
            new = located(ast.BinOp(parsed(factor.text), ast.Mult(), statement.value), statement.value)
            yield Edit(site, new, "missing-factor", factor.cost + 0.5, statement.lineno)


def is_statement(live: LiveCode, place: Site) -> bool:
    """Whether a place is before a statement, and not the end of a block."""
    field, k = place.path[-1]
    return k is not None and k < len(getattr(at(live.statement(place.spot), place.path[:-1]), field))


def factors(made: Monomials, statement: ast.AugAssign, right: np.ndarray) -> Iterator[Written]:
    """What a summand lacks as a factor, where it is added to all of an array or to one row of it each time."""
    present = made.stock.get(ast.unparse(statement.value))
    rows: list[int] | None = None
    if isinstance(statement.target, ast.Subscript):
        index = made.stock.get(ast.unparse(statement.target.slice))
        if index is None or index.shape[0] != "int" or not right.ndim:
            return
        rows = [int(v) for v in index.values]
        if len(rows) != made.iterations or not all(0 <= row < len(right) for row in rows):
            return
    if present is None or len(present.values) != made.iterations:
        return
    inner = right.shape if rows is None else right.shape[1:]
    if {np.shape(v) for v in present.values} != {inner}:
        return
    chosen, values = made.scales(inner)
    if not len(values):
        return
    summands = values * np.stack(present.values)
    total = np.zeros((len(values), *right.shape))
    if rows is None:
        total = summands.sum(axis=1)
    else:
        for t, row in enumerate(rows):
            total[:, row] += summands[:, t]
    whole = total.reshape(len(values), -1)
    found = list(multiples(whole, right.ravel()))
    for k in found:
        yield made.written(inner, list(chosen[k]))
    for k, j in adding_up_to(whole, -whole, right.ravel()) if not found else ():
        first, second = (made.written(inner, list(chosen[n])).text for n in (k, j))
        yield Written(ast.unparse(ast.BinOp(parsed(first), ast.Sub(), parsed(second))), [], 2.0)
