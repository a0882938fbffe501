"""What the gradients compute once more, as it stands in what the loss runs: a statement for the same name there."""

from __future__ import annotations

import ast
import builtins
import copy
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.analogy import MISSING, dumped, in_place_of
from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.tree import ATOMS, at, first_line, names_in, texts_in, walk

NEAR = 1e-9  # relative: the same numbers, computed by other operations
Alike = dict[str, list[str]]


def as_in_forward(live: LiveCode, forward: set[tuple[str, int]], in_loss: Trace, trace: Trace) -> Iterator[Edit]:
    """The statements that give something to a name otherwise than those for that name in the forward, made like these.

    forward: the functions that the loss runs, by file and first line; in_loss: a run of them. trace: of the gradients.
    """
    there: dict[str, list[ast.Assign]] = defaultdict(list)
    others: list[tuple[Site, ast.Assign]] = []
    for spot in live.spots:
        for site, node in live.sites(spot):
            function = function_at(live.statement(spot), site.path)[1]
            if not isinstance(node, ast.Assign) or len(node.targets) > 1 or function is None:
                continue
            if (spot[0], first_line(function)) in forward:
                there[dumped(node.targets[0])].append(node)
            else:
                others.append((site, node))
    yield from left_out(live, forward, names_alike(live, forward, in_loss, trace))
    for site, node in others:
        for like in there[dumped(node.targets[0])]:
            if dumped(like) != dumped(node):
                yield in_place_of(site, node, like)._replace(kind="recomputed")


def left_out(live: LiveCode, forward: set[tuple[str, int]], alike: Alike) -> Iterator[Edit]:
    """The statements in the forward's loops that a loop of another function has fewer of.

    alike: names of the forward, each with those that begin with the same value elsewhere. One by one, and all at once.
    """
    there, loops = loops_of(live, forward)
    for site, loop in loops:
        function = function_at(live.statement(site.spot), site.path)[1]
        own, known = stores(loop), names_in(function) if function is not None else set()
        for others in there:
            count = stores(*others)
            lacking = [
                n for each in others for n in ast.walk(each)
                if isinstance(n, ast.Assign) and all(own[r] < count[r] for r in map(root, parts(n)))
                and names_in(n.targets[0]) <= known
            ]  # fmt: skip
            fitting = [made for n in lacking if (made := as_here(n, known, alike)) is not None]
            for new in [*fitting, *at_once(fitting)]:
                for place in places_in(loop, site):
                    yield inserted(live, place, ast.parse(ast.unparse(new)).body[0], MISSING)


def loops_of(
    live: LiveCode, forward: set[tuple[str, int]]
) -> tuple[list[list[ast.For | ast.While]], list[tuple[Site, ast.For | ast.While]]]:
    """The outermost loops of each function that the loss runs, and those of all others with their sites."""
    there: dict[int, list[ast.For | ast.While]] = defaultdict(list)
    others: list[tuple[Site, ast.For | ast.While]] = []
    for spot in live.spots:
        whole = live.statement(spot)
        for path, loop in walk(whole):
            way, function = function_at(whole, path)
            above = [at(whole, path[:k]) for k in range(len(way), len(path))]
            if not isinstance(loop, ast.For | ast.While) or function is None:
                continue
            if any(isinstance(each, ast.For | ast.While) for each in above):
                continue
            if (spot[0], first_line(function)) in forward:
                there[id(function)].append(loop)
            else:
                others.append((Site(*spot, path), loop))
    return list(there.values()), others


def stores(*nodes: ast.AST) -> Counter[str]:
    """How often something is given to each name, or to what it holds."""
    return Counter(
        root(n) for node in nodes for n in ast.walk(node) if isinstance(n, ATOMS) and isinstance(n.ctx, ast.Store)
    )


def places_in(loop: ast.For | ast.While, site: Site) -> Iterator[Site]:
    """The places behind each statement in a loop, in its blocks as well."""
    for path, node in walk(loop, site.path):
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                yield from (Site(*site.spot, (*path, (field, k))) for k in range(1, len(body) + 1))


def as_here(statement: ast.Assign, known: set[str], alike: Alike) -> ast.Assign | None:
    """A statement of the forward with the names of another function; None where that has none for one of them."""
    stored = {n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    names = {name: name for name in names_in(statement)}
    for name in names:
        others = [other for other in alike.get(name, ()) if other in known and other not in names]
        if others and name not in stored:  # what is new there, where this function keeps the old under the name
            names[name] = others[0]
        elif name not in known and not hasattr(builtins, name):
            return None

    class Renamed(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Name(names.get(node.id, node.id), node.ctx)

    made = Renamed().visit(copy.deepcopy(statement))
    assert isinstance(made, ast.Assign)
    return made


def at_once(statements: list[ast.Assign]) -> Iterator[ast.Assign]:
    """Several as one, where none takes what another gives: l, b = l + p * b, p * b."""
    if len(statements) < 2:
        return
    for k, each in enumerate(statements):
        if any(not texts_in(before.targets[0]).isdisjoint(texts_in(each.value)) for before in statements[:k]):
            return
    targets = ast.Tuple([each.targets[0] for each in statements], ast.Store())
    values = ast.Tuple([each.value for each in statements], ast.Load())
    yield ast.fix_missing_locations(ast.Assign([targets], values))


def names_alike(live: LiveCode, forward: set[tuple[str, int]], in_loss: Trace, trace: Trace) -> Alike:
    """The names that the forward gives a value, with those that get the same first where the gradients come by."""
    firsts: tuple[list[tuple[str, np.ndarray]], list[tuple[str, np.ndarray]]] = ([], [])
    for spot in live.spots:
        for site, node in live.sites(spot):
            function = function_at(live.statement(spot), site.path)[1]
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name) or function is None:
                continue
            own = (spot[0], first_line(function)) not in forward
            seen = (trace if own else in_loss).seen.get(Site(*spot, (*site.path, ("value", None))), [])
            value = next((s.value for s in seen if np.any(s.value)), None)
            if value is not None:
                firsts[own].append((node.targets[0].id, value))
    found: Alike = defaultdict(list)
    for name, value in firsts[False]:
        for other, its in firsts[True]:
            if name != other and value.shape == its.shape and np.allclose(value, its, rtol=NEAR, atol=0):
                found[name].append(other)
    return found


def parts(statement: ast.Assign) -> list[ast.expr]:
    """What a statement gives values to, one by one."""
    target = statement.targets[0]
    return target.elts if isinstance(target, ast.Tuple) else [target]


def root(node: ast.expr) -> str:
    """The name that an item or an attribute is of."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return ast.unparse(node)
