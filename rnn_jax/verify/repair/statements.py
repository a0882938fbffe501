"""All the small edits of one statement: += for =, the statement left out, moved, or written to another name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site, name_of_numpy
from rnn_jax.verify.repair.tree import at, located, shallow


def edits(live: LiveCode, site: Site, node: Any) -> Iterator[Edit]:
    """The edits of a statement inside a function or of one that runs at the top level."""
    for new, kind, cost in options(node):
        # Of a statement and the one that holds it alone the inner one is named.
        cost = cost - 0.01 * len(site.path) if kind == "extra-statement" else cost
        if kind == "sign" and isinstance(new, ast.AugAssign) and site.path:
            cost += 0.2 * (odd_one_out(live, site, new) - odd_one_out(live, site, node))
        for each in new if isinstance(new, list) else [new]:
            located(each, node)
        yield Edit(site, new, kind, cost, node.lineno)
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and by_index(node.target):
        yield Edit(site, located(added_at(live, node), node), "assign-not-add", 1.3, node.lineno)
    if site.path and site.path[-1][1] is not None:
        yield from moves(live, site, node)


def by_index(target: ast.expr) -> bool:
    """Whether it is an item by an index that may be an array."""
    return isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice | ast.Tuple | ast.Constant)


def added_at(live: LiveCode, node: Any) -> ast.stmt:
    """g[k] += x where k holds a number twice: NumPy adds one of the two alone."""
    base = shallow(node.target.value)
    call = ast.parse(f"{name_of_numpy(live)}.add.at").body[0]
    assert isinstance(call, ast.Expr)
    return ast.Expr(ast.Call(call.value, [base, node.target.slice, node.value], []))


def odd_one_out(live: LiveCode, site: Site, node: ast.AugAssign) -> bool:
    """Whether other statements of its block add and none has the operator of this one, or the other way round."""
    field, k = site.path[-1]
    block = getattr(at(live.statement(site.spot), site.path[:-1]), field)
    others = (
        [type(n.op) for j, n in enumerate(block) if j != k and isinstance(n, ast.AugAssign)] if k is not None else []
    )
    return bool(others) and type(node.op) not in others


def options(node: Any) -> Iterator[tuple[Any, str, float]]:
    """What may stand in the statement's place."""
    if isinstance(node, ast.AugAssign):
        for other in (ast.Add, ast.Sub, ast.Mult, ast.Div):
            if not isinstance(node.op, other):
                made = shallow(node)
                made.op = other()
                yield (
                    made,
                    "sign" if other in (ast.Add, ast.Sub) else "operator",
                    1.2 if other in (ast.Add, ast.Sub) else 4,
                )
        yield ast.Assign([node.target], node.value), "double-count", 1.2
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            yield ast.AugAssign(target, ast.Add(), node.value), "assign-not-add", 1
            yield ast.AugAssign(target, ast.Sub(), node.value), "assign-not-add", 2
            yield ast.AugAssign(target, ast.Mult(), node.value), "assign-not-add", 3
        elif isinstance(target, ast.Tuple):
            for k in range(len(target.elts) - 1):
                parts = list(target.elts)
                parts[k], parts[k + 1] = parts[k + 1], parts[k]
                made = shallow(node)
                made.targets = [ast.Tuple(parts, ast.Store())]
                yield made, "wrong-variable", 2
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.BinOp):
        left = node.value.left
        if isinstance(left, ast.Name | ast.Attribute | ast.Subscript):
            stored = shallow(left)
            stored.ctx = ast.Store()
            yield ast.AugAssign(stored, node.value.op, node.value.right), "discarded-sum", 1
    elif isinstance(node, ast.If):
        yield node.body, "condition", 2
        if node.orelse:
            yield node.orelse, "condition", 2
    if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Return | ast.Pass | ast.Import | ast.ImportFrom):
        yield ast.Pass(), "extra-statement", 2


def moves(live: LiveCode, site: Site, node: Any) -> Iterator[Edit]:
    """The statement exchanged with the next, put behind or before the others of its block, out of its loop."""
    statement = live.statement(site.spot)
    (field, k), above = site.path[-1], site.path[:-1]
    block = at(statement, above)
    body = getattr(block, field)
    if k is None or not isinstance(body, list) or isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Return):
        return
    whole = Site(site.file, site.number, above)
    for other in range(len(body)):
        if other == k or (isinstance(body[other], ast.Return) and other > k):
            continue
        if isinstance(body[other], ast.Expr) and isinstance(body[other].value, ast.Constant):
            continue
        order = [each for j, each in enumerate(body) if j != k]
        order.insert(other, node)
        made = shallow(block)
        setattr(made, field, order)
        yield Edit(whole, made, "updated-before-use", 2.2 if abs(other - k) == 1 else 2.5, node.lineno)
    for other in range(k + 1, len(body)):
        if same_base(node, body[other]):  # the parts of one packed array exchanged
            first, second = shallow(node), shallow(body[other])
            first.value, second.value = body[other].value, node.value
            made = shallow(block)
            setattr(made, field, [{k: first, other: second}.get(j, each) for j, each in enumerate(body)])
            yield Edit(whole, made, "wrong-variable", 2, node.lineno)
    if isinstance(block, ast.For | ast.While) and len(body) > 1 and above:
        made = shallow(block)
        made.body = [each for j, each in enumerate(body) if j != k]
        yield Edit(whole, [node, made], "zeroed-inside", 3, node.lineno)
        yield Edit(whole, [made, node], "wrong-order", 3, node.lineno)


def same_base(first: Any, second: Any) -> bool:
    """Whether two statements give values to two parts of one array."""
    return (
        isinstance(first, ast.Assign)
        and isinstance(second, ast.Assign)
        and isinstance(first.targets[0], ast.Subscript)
        and isinstance(second.targets[0], ast.Subscript)
        and ast.dump(first.targets[0].value) == ast.dump(second.targets[0].value)
    )
