"""What an iteration sends on to the next: by a name that is there for it, or by a new one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rnn_jax.verify.repair.around import inserted, terms
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.harvest import end_of
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.tree import located, names_in, replaced, shallow, stored_in

if TYPE_CHECKING:
    from rnn_jax.verify.repair.match import Matcher

NAMES = ("dh_next", "dnext", "carried", "carried_2")


def sent_on(here: Matcher, loop: Any, other: Written) -> Iterator[Edit]:
    """What the next iteration is to get: by a name that is there for it, or by a new one."""
    assert here.where is not None
    assert here.where.loop is not None
    renewed = stored_in(loop)
    for idle in never_renewed(here.live.statement(here.site.spot), loop):
        for sign in ("", "-"):
            value = ast.unparse(parsed(f"{sign}({other.text})"))
            new = ast.parse(f"{idle} = {value}").body[0]
            yield inserted(here.live, end_of(here.where.loop, loop), new, other.cost + 0.4 + 0.02 * len(other.text))
    for name in terms(here.node):
        if isinstance(name, ast.Name):
            target, more = ast.Name(name.id, ast.Store()), parsed(other.text)
            statement: ast.stmt = ast.Assign([target], more)
            if name.id in renewed:
                statement = ast.AugAssign(target, ast.Add(), more)
            place = end_of(here.where.loop, loop)
            yield inserted(here.live, place, statement, other.cost + 0.5 + 0.02 * len(other.text))
    yield linked(here, loop, other)


def never_renewed(statement: ast.AST, loop: Any) -> list[str]:
    """The names that are set to zero before a loop, which reads them and gives them no other value."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    for node in ast.walk(statement):
        for target in node.targets if isinstance(node, ast.Assign) else []:
            several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)  # type: ignore[attr-defined]
            pairs += zip(target.elts, node.value.elts, strict=False) if several else [(target, node.value)]  # type: ignore[attr-defined]
    zero = {t.id for t, value in pairs if isinstance(t, ast.Name) and is_zero(value)}
    return sorted((zero & names_in(loop)) - stored_in(loop))


def is_zero(node: ast.expr) -> bool:
    """Whether an expression is the number 0, or an array of zeros."""
    zeros = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("zeros", "zeros_like")
    return zeros or (isinstance(node, ast.Constant) and node.value == 0)


def linked(here: Matcher, loop: Any, other: Written) -> Edit:
    """A carried gradient set to 0 before the loop, added at the site, and renewed at the end of the loop."""
    assert here.where is not None
    assert here.where.loop is not None
    taken = names_in(here.live.statement(here.site.spot))
    name = next(n for n in NAMES if n not in taken)
    above = Site(here.site.file, here.site.number, here.where.loop.path[:-1])
    field, k = here.where.loop.path[-1]
    inner = here.site.path[len(here.where.loop.path) :]
    total = located(ast.BinOp(here.node, ast.Add(), ast.Name(name, ast.Load())), here.node)
    inside = shallow(replaced(loop, inner, total))
    inside.body = [*inside.body, located(ast.parse(f"{name} = {other.text}").body[0], loop.body[-1])]
    block = here.live.node(above)
    made = shallow(block)
    statements, at_k = getattr(block, field), int(k or 0)
    start = located(ast.parse(f"{name} = 0").body[0], loop)
    setattr(made, field, [*statements[:at_k], start, inside, *statements[at_k + 1 :]])
    cost = other.cost + 1.8 + 0.02 * len(other.text)
    return Edit(above, made, "dropped-path", cost, here.node.lineno, blamed=here.site)
