"""A statement once more, for something else: where its like is missing, and where its like is other than it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.siblings import Renamed, changed_by, differences
from rnn_jax.verify.repair.tree import Path, at, first_line, located

MISSING, UNLIKE = 1.55, 1.6  # what such edits cost


def by_analogy(live: LiveCode, trace: Trace, stocks: dict[Site, Stock]) -> Iterator[Edit]:
    """The statement before a place for something else: in the place of one for that, or put there once a block."""
    known: set[tuple[Site, str]] = set()
    for place, stock in stocks.items():
        (field, k), above = place.path[-1], place.path[:-1]
        body, block = getattr(at(live.statement(place.spot), above), field), Site(*place.spot, above)
        assert k is not None
        function = function_at(live.statement(place.spot), place.path)[1]
        scope = trace.scopes.get((place.file, first_line(function)), {}) if function is not None else {}
        arrays = {t for t, v in stock.items() if v.shape[0] == "array" and t.isidentifier()}
        lists = {name for name in scope if name not in arrays}
        for before in ({k - 1} if k else set()) | ({k} if k == len(body) - 1 else set()):
            for made in analogous(body[before], body, arrays, lists):
                if (key := (block, ast.unparse(made))) in known:
                    continue
                known.add(key)
                like = [n for n, each in enumerate(body) if changes_the_same(each, made)]
                for n in like:
                    yield in_place_of(Site(*place.spot, (*above, (field, n))), body[n], made)
                if not like:
                    yield inserted(live, place, made, MISSING)


def analogous(statement: ast.stmt, block: list[ast.stmt], arrays: set[str], lists: set[str]) -> Iterator[ast.stmt]:
    """A statement for something else of whatever shape: gQ += l2 * Q beside gW += l2 * W; rows.append(row) as well.

    Of its names that of what it changes and one more at least have to have a counterpart, and no statement of the block
    may be it. What scales an array may scale another one by the same.
    """
    root = changed_by(statement)
    if root is None:
        return
    names = arrays | lists
    text, known = ast.unparse(statement), {ast.unparse(each) for each in block}
    enough = 1 if isinstance(getattr(statement, "op", None), ast.Mult | ast.Div) else 2
    for other in sorted((lists if isinstance(statement, ast.Expr) else arrays) - {root}):
        for old, new in differences(root, other):
            made = Renamed(old, new, names).visit(ast.parse(text))
            after = [n.id for n in ast.walk(made) if isinstance(n, ast.Name)]
            before = [n.id for n in ast.walk(statement) if isinstance(n, ast.Name)]
            changed = {(a, b) for a, b in zip(before, after, strict=True) if a != b}
            if len(changed) >= enough and (root, other) in changed and ast.unparse(made) not in known:
                known.add(ast.unparse(made))
                yield made.body[0]


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
