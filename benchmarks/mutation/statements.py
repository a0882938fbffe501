"""Edits of whole statements: dropped, exchanged with the next, += turned to =."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from mutation.edit import Edit
from mutation.faults import of_dropped_statement
from mutation.sites import SIMPLE, Site, key, touches, written


def dropped(site: Site) -> Iterator[Edit]:
    """A statement taken away, its lines left empty; `pass` where a block would be empty."""
    if not simple(site.node):
        return
    before = site.text.between(site.text.starts[site.line - 1], site.text.start(site.node))
    behind = site.text.between(site.text.end(site.node), site.text.starts[site.end_line])
    others = [each for each in site.block if each is not site.node and not docstring(each)]
    empty = others and not before.strip() and not behind.partition("#")[0].strip()
    edit = site.edit("statement dropped", site.node, "" if empty else "pass", of_dropped_statement(site))
    targets = [key(target) for target in written(site.node)] or [called_on(site.node)]
    low, high = window(site, targets[0])
    yield replace(edit, missing=True, low=low, high=high, target=targets[0])


def called_on(node: ast.stmt) -> str:
    """What a call that is a statement of its own works on: the list of hs.append(h)."""
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        first = call.args[0] if call.args and ast.unparse(call.func) == "np.add.at" else call.func.value
        return key(first)
    return ""


def window(site: Site, target: str) -> tuple[int, int]:
    """The lines after which the statement could stand as well: none between reads or writes what it wrote."""
    low = getattr(site.parents.get(site.node), "lineno", site.function.lineno)
    if site.at:
        low = site.block[0].lineno - 1
    for each in site.block[: site.at]:
        if docstring(each) or (touches(each, target) and not both_add(site.node, each, target)):
            low = each.end_lineno or low
    high = max(site.block[-1].end_lineno or site.line, site.end_line)
    for each in reversed(site.block[site.at + 1 :]):
        if touches(each, target) and not both_add(site.node, each, target):
            high = each.lineno - 1
    return low, high


def both_add(one: ast.stmt, other: ast.stmt, target: str) -> bool:
    """Whether two statements add to the same sum, in whichever order: g[4] += da * b and g[5] += db * b.

    The other may be a branch or a loop in which nothing else is done with the sum.
    """
    inner = [n for n in ast.walk(other) if isinstance(n, ast.stmt) and touches(n, target)]
    within = [n for n in inner if not isinstance(n, ast.If | ast.For)]
    heads = [n.test if isinstance(n, ast.If) else n.iter for n in inner if isinstance(n, ast.If | ast.For)]
    return not any(touches(head, target) for head in heads) and all(adds_to(each, target) for each in (one, *within))


def adds_to(statement: ast.stmt, target: str) -> bool:
    """Whether a statement adds to a sum, and does nothing else with it."""
    return (
        isinstance(statement, ast.AugAssign)
        and isinstance(statement.op, ast.Add | ast.Sub)
        and key(statement.target) == target
        and not touches(statement.value, target)
    )


def simple(node: ast.stmt) -> bool:
    """Whether a statement can go: an assignment or a call."""
    return isinstance(node, SIMPLE) and not docstring(node)


def docstring(node: ast.stmt) -> bool:
    """Whether a statement is a text."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def exchanged(site: Site) -> Iterator[Edit]:
    """A statement after the one that follows it."""
    if site.at + 1 >= len(site.block):
        return
    following = site.block[site.at + 1]
    if not simple(site.node) or not simple(following) or following.lineno <= (site.node.end_lineno or 0):
        return
    middle = site.text.between(site.text.end(site.node), site.text.start(following))
    new = site.text.of(following) + middle + site.text.of(site.node)
    edit = site.replace("statements swapped", site.text.start(site.node), site.text.end(following), new)
    yield replace(edit, end_line=following.end_lineno or following.lineno)


def assigned(site: Site) -> Iterator[Edit]:
    """+= turned to =."""
    node = site.node
    if isinstance(node, ast.AugAssign):
        low = site.text.end(node.target)
        at = low + site.text.between(low, site.text.start(node.value)).index("=")
        sign = site.text.between(low, at).strip()
        sums = sign in ("+", "-") and not isinstance(node.value, ast.Constant)
        mistake = "assign-not-add" if sums else None
        yield site.replace("+= to =", at - len(sign), at, "", mistake)
