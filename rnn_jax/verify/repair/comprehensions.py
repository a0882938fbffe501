"""Edits inside a comprehension, whose own names no look around its statement sees: they are tried one by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import ATOMS, at, first_line, located, names_in
from rnn_jax.verify.repair.vocabulary import neighbours

COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
LONGEST = 40  # characters of what is put in
OPERATORS = ((ast.Mult(), "missing-factor"), (ast.Add(), "missing-term"), (ast.Sub(), "missing-term"))


def within_comprehension(live: LiveCode, trace: Trace, site: Site) -> Iterator[Edit]:
    """Another number in the place of one in a comprehension, or a factor or a term more."""
    node = live.node(site)
    own = own_names(live, site)
    function = function_at(live.statement(site.spot), site.path)[1]
    if not own or function is None or not isinstance(node, ast.expr):
        return
    known = own | set(trace.scopes.get((site.file, first_line(function)), {}))
    for text in numbers(live, trace, own, known):
        for operator, kind in (*OPERATORS, (None, "wrong-variable")):
            new = parsed(text) if operator is None else ast.BinOp(node, operator, parsed(text))
            yield Edit(site, located(new, node), kind, 2 + 0.02 * len(text), node.lineno)


def own_names(live: LiveCode, site: Site) -> set[str]:
    """The names that the comprehensions around a site give values to."""
    whole = live.statement(site.spot)
    around = [at(whole, site.path[:k]) for k in range(len(site.path))]
    loops = [g for each in around if isinstance(each, COMPREHENSIONS) for g in each.generators]
    return {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}


def numbers(live: LiveCode, trace: Trace, own: set[str], known: set[str]) -> list[str]:
    """The program's numbers as they would be written here, and the derivatives of activations by their values."""
    found: dict[str, None] = {}
    for site, shape in trace.shapes.items():
        node = live.node(site)
        if (
            shape[0] != "float"
            or not isinstance(node, ast.expr)
            or any(isinstance(n, ast.Call) for n in ast.walk(node))
        ):
            continue
        for text in (each for name in renamed(node, own, known) for each in (name, *neighbours(name))):
            made = (f"1 - {text} ** 2", f"{text} * (1 - {text})", f"1 - {text}") if isinstance(node, ATOMS) else ()
            found |= {each: None for each in (text, *made) if len(each) <= LONGEST}
    return sorted(found, key=len)


def renamed(node: ast.expr, own: set[str], known: set[str]) -> Iterator[str]:
    """An expression, and with one of the comprehension's names for one that it uses as an index."""
    names = names_in(node)
    if names & own and names <= known:
        yield ast.unparse(node)
    indices = {n.slice.id for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Name)}
    for old in sorted(indices - own):
        if not names - {old} <= known:
            continue
        for new in sorted(own - names):
            made = ast.parse(ast.unparse(node), mode="eval").body
            for each in ast.walk(made):
                if isinstance(each, ast.Name) and each.id == old:
                    each.id = new
            yield ast.unparse(made)
