"""Names that a loop reads and never gives a value: what an earlier loop, or the module, has left there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.never_filled import given
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import at, with_name

COST = 1.6
STEP = "step"


class Given(NamedTuple):
    """What a loop gives a name at each step, and the name of the step in it."""

    name: str
    value: ast.expr
    step: str


def renewals(live: LiveCode) -> Iterator[Edit]:
    """What gives such a name its value in another loop, at the beginning of this one."""
    nodes = [(site, node) for spot in live.spots for site, node in live.sites(spot) if isinstance(node, ast.For)]
    known = [each for _, loop in nodes for each in gives(loop)]
    for site, loop in nodes:
        if isinstance(loop.target, ast.Name):
            step, place = loop.target.id, Site(site.file, site.number, (*site.path, ("body", 0)))
            for name in stale(live, site, loop):
                texts = (ast.unparse(with_name(each.value, each.step, step)) for each in known if each.name == name)
                for text in dict.fromkeys(texts):
                    yield inserted(live, place, ast.parse(f"{name} = {text}").body[0], COST)


def stale(live: LiveCode, site: Site, loop: ast.For) -> list[str]:
    """The names that a loop reads and that nothing in its function gives a value but another loop, if anything does."""
    function = function_at(live.statement(site.spot), site.path)[1]
    kept = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)} if function is not None else set()
    for each in (*getattr(function, "body", []), *before(live, site)):
        if not isinstance(each, ast.For | ast.While):
            kept |= {n.id for n in ast.walk(each) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    names = [n for n in ast.walk(loop) if isinstance(n, ast.Name)]
    kept |= {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    return [name for name in dict.fromkeys(n.id for n in names) if name not in kept]


def before(live: LiveCode, site: Site) -> Iterator[ast.stmt]:
    """The statements before a place in its block, and in the blocks around that."""
    whole = live.statement(site.spot)
    for k, (field, number) in enumerate(site.path):
        block = getattr(at(whole, site.path[:k]), field)
        if number is not None and isinstance(block, list):
            yield from (each for each in block[:number] if isinstance(each, ast.stmt))


def gives(loop: ast.For) -> Iterator[Given]:
    """What a loop gives names: by what it runs over, and in its body."""
    step, target, over = STEP, loop.target, loop.iter
    if called(over) == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        step, target, over = ast.unparse(target.elts[0]), target.elts[1], over.args[0]  # type: ignore[attr-defined]
    elif called(over) in ("range", "reversed"):
        step = ast.unparse(target)
    pairs = [(target, over)] if called(over) not in ("range", "reversed", "zip") else []
    if called(over) == "zip" and isinstance(target, ast.Tuple):
        pairs = list(zip(target.elts, over.args, strict=False))  # type: ignore[attr-defined]
    for each, values in pairs:
        if isinstance(each, ast.Name):
            yield Given(each.id, ast.Subscript(values, ast.Name(step, ast.Load()), ast.Load()), step)
    for statement in loop.body:
        for each, value in given(statement) if isinstance(statement, ast.Assign) else []:
            if isinstance(each, ast.Name):
                yield Given(each.id, value, step)


def called(node: ast.expr) -> str:
    """The name of the function that is called, if one is."""
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
