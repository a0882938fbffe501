"""A statement once more, for something else: where its like is missing, and where its like is other than it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.parallels import Change, asked, changes_of, entry_by_entry, of_the_rest, paralleled
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.siblings import Renamed, changed_by, differences, is_key, words
from rnn_jax.verify.repair.sums import adds
from rnn_jax.verify.repair.tree import Path, at, first_line, located

MISSING, UNLIKE = 1.55, 1.6  # what such edits cost


def by_analogy(live: LiveCode, trace: Trace, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """The statement before a place for something else: in the place of one for that, or put there once a block."""
    known: set[tuple[Site, str]] = set()
    differing_by: dict[ast.AST, list[Change]] = {}
    for place, stock in stocks.items():
        (field, k), above = place.path[-1], place.path[:-1]
        body, block = getattr(at(live.statement(place.spot), above), field), Site(*place.spot, above)
        assert k is not None
        function = function_at(live.statement(place.spot), place.path)[1]
        scope = trace.scopes.get((place.file, first_line(function)), {}) if function is not None else {}
        arrays = {t for t, v in stock.items() if v.shape[0] == "array" and is_one(parsed(t))}
        lists = {name for name in scope if name not in arrays}
        names = {word for text in arrays | lists for word in words(parsed(text))}
        around = function if function is not None else live.statement(place.spot)
        if around not in differing_by:
            differing_by[around] = changes_of(around)
        for before in ({k - 1} if k else set()) | ({k} if k == len(body) - 1 else set()):
            others = lists if isinstance(body[before], ast.Expr) else arrays
            for made in itertools.chain(
                analogous(body[before], body, others, names),
                paralleled(body[before], differing_by[around], names | set(words(around))),
                asked(body[before], around),
                entry_by_entry(body[before], body, around),
                of_the_rest(body[before], around),
            ):
                if (key := (block, ast.unparse(made))) in known:
                    continue
                known.add(key)
                like = [n for n, each in enumerate(body) if changes_the_same(each, made)]
                for n in like:
                    yield in_place_of(Site(*place.spot, (*above, (field, n))), body[n], made)
                if not like or adds(made):
                    yield inserted(live, place, made, MISSING)


def is_one(node: ast.expr) -> bool:
    """Whether it is a name, an attribute or an item by a key."""
    return isinstance(node, ast.Name | ast.Attribute) or (isinstance(node, ast.Subscript) and is_key(node.slice))


def analogous(statement: ast.stmt, block: list[ast.stmt], others: set[str], names: set[str]) -> Iterator[ast.stmt]:
    """A statement for something else of whatever shape: gQ += l2 * Q beside gW += l2 * W; rows.append(row) as well.

    Of its names that of what it changes and one more at least have to have a counterpart, and no statement of the block
    may be it. What scales an array may scale another one by the same.
    """
    own = changed_by(statement)
    if own is None:
        return
    text, known = ast.unparse(statement), {ast.unparse(each) for each in block}
    enough = 1 if isinstance(getattr(statement, "op", None), ast.Mult | ast.Div) else 2
    like = [each for each in sorted(others - {own}) if type(parsed(each)) is type(parsed(own))]
    for other, pair in ((each, pair) for each in like for pair in differences(own, each)):
        made = Renamed(*pair, names).visit(ast.parse(text)).body[0]
        changed = {(a, b) for a, b in zip(words(statement), words(made), strict=True) if a != b}
        if len(changed) >= enough and changed_by(made) == other and ast.unparse(made) not in known:
            known.add(ast.unparse(made))
            yield made


def changes_the_same(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two statements give a value to the same, or add to it."""
    targets = [[n.target] if isinstance(n, ast.AugAssign) else getattr(n, "targets", []) for n in (one, other)]
    return bool(targets[0]) and [ast.unparse(t) for t in targets[0]] == [ast.unparse(t) for t in targets[1]]


def in_place_of(site: Site, old: Any, new: Any) -> Edit:
    """The edit that makes one statement the other, of the smallest part in which they differ."""
    path, old, new = differing(old, new)
    if isinstance(new, ast.BinOp) and any(ast.unparse(side) == ast.unparse(old) for side in (new.left, new.right)):
        kind = "missing-term" if isinstance(new.op, ast.Add | ast.Sub) else "missing-factor"
    elif isinstance(new, ast.AugAssign) and isinstance(old, ast.Assign):
        kind = "assign-not-add"
    else:
        kind = "wrong-variable" if isinstance(new, ast.expr) else "operator"
    return Edit(Site(*site.spot, (*site.path, *path)), located(new, old), kind, UNLIKE, getattr(old, "lineno", 0))


def differing(old: Any, new: Any) -> tuple[Path, Any, Any]:
    """The innermost nodes that two trees do not have in common, where it is one of each, and the way there."""
    fields = [(name, getattr(old, name), getattr(new, name)) for name in old._fields] if type(old) is type(new) else []
    apart = [(name, a, b) for name, a, b in fields if dumped(a) != dumped(b)]
    if len(apart) == 1:
        name, a, b = apart[0]
        if isinstance(a, ast.expr) and isinstance(b, ast.expr):
            path, a, b = differing(a, b)
            return ((name, None), *path), a, b
        if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            unlike = [k for k in range(len(a)) if dumped(a[k]) != dumped(b[k])]
            if len(unlike) == 1 and isinstance(a[unlike[0]], ast.expr):
                path, a, b = differing(a[unlike[0]], b[unlike[0]])
                return ((name, unlike[0]), *path), a, b
    return (), old, new


def dumped(value: Any) -> str:
    """A node, a list of nodes or what a node holds, as text."""
    if isinstance(value, list):
        return "; ".join(map(dumped, value))
    return ast.dump(value) if isinstance(value, ast.AST) else repr(value)
