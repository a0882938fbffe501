"""Which of several edits that mend a program is the one that was meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.damage.kinds import FINER
from rnn_jax.verify.repair.around import around, new_statement
from rnn_jax.verify.repair.doubt import is_copy, same
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.kinds import kind_of
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.tree import at

FORWARD = 0.8  # what it costs that the loss runs the code as well: it is right as it is, if not what it keeps
HINTED = 0.4  # what it saves that the kind of mistake it mends gives the wrong numbers
INNOCENT = 1.5  # what it costs an edit that the code it changes gives right values
SLOPE = 1.0  # what it costs that a slope written out, s * (1 - s), is one no more
EMPTY = 1.0  # what it costs to change a use of what is 0 throughout: what fills it is missing
RHYME = 0.8  # what it saves that a new statement is as the one beside it, but for its names and numbers
IDLE = 1.5  # what it saves that the statement as it stands does nothing: d = d


def ranked(search: Search) -> list[Edit]:
    """The edits that mended the point, the likeliest first."""
    cost = costs(search)
    return sorted(search.found, key=lambda edit: (cost[id(edit)], order_of(search, edit)))


def costs(search: Search) -> dict[int, float]:
    """How unlikely each of the edits that mended the point is."""
    live, trace = search.live, search.trace
    return {
        id(edit): edit.cost
        + INNOCENT * innocent(search, edit)
        + FORWARD * (in_forward(search, edit) or overwriting(search, edit))
        + SLOPE * loses_slope(search, edit)
        + EMPTY * of_empty(search, edit)
        - IDLE * idle(search, edit)
        - RHYME * rhymes(search.live, edit)
        - HINTED * bool(search.hints and hinted(kind_of(live, trace, edit), search.hints))
        for edit in search.found
    }


def hinted(kind: str, hints: frozenset[str]) -> bool:
    """Whether the numbers are those of the kind of mistake that an edit mends, or of a finer one of its sort."""
    return kind in hints or not hints.isdisjoint(FINER.get(kind, ()))


def in_forward(search: Search, edit: Edit) -> bool:
    """Whether an edit is made in a function of the forward, where the gradients have functions of their own.

    When the forward keeps what only they read does not matter to it.
    """
    own = set(search.trace.scopes) - search.forward
    return (
        bool(own)
        and edit.kind != "overwritten"
        and not (edit.kind == "updated-before-use" and moves_call(search, edit))
        and search.in_forward(Site(*edit.site.spot, (*edit.site.path, ("", None))))
    )


def moves_call(search: Search, edit: Edit) -> bool:
    """Whether an edit of the order of statements moves a call alone, as of append, or what such calls keep."""
    block = search.live.node(edit.site)
    moved = [each for each in getattr(block, "body", []) if each.lineno == edit.line]
    return any(isinstance(each, ast.Expr) or only_kept(block, each) for each in moved)


def only_kept(block: ast.AST, statement: ast.stmt) -> bool:
    """Whether what a statement gives a value to is used by calls that stand alone, and by nothing else of its block."""
    targets = getattr(statement, "targets", [])
    names = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    calls = [each for each in ast.walk(block) if isinstance(each, ast.Expr)]
    all_uses, kept = (
        [n for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names and loads(n)]
        for nodes in ([block], calls)
    )
    return bool(names) and 0 < len(all_uses) == len(kept)


def loads(node: ast.Name) -> bool:
    """Whether a name is read."""
    return isinstance(node.ctx, ast.Load)


def of_empty(search: Search, edit: Edit) -> bool:
    """Whether an edit changes a use of what is 0 throughout and given a value once alone."""
    text = ast.unparse(search.live.node(edit.site)) if not edit.missing else ""
    if text not in search.always_zero:
        return False
    given = [
        n for n in ast.walk(search.live.statement(edit.site.spot)) if isinstance(getattr(n, "ctx", None), ast.Store)
    ]
    return sum(ast.unparse(n) == text for n in given) == 1


def idle(search: Search, edit: Edit) -> bool:
    """Whether an edit changes the value of a statement that does nothing."""
    where = around(search.live, edit.site) if not edit.missing else None
    node = search.live.node(where.statement) if where is not None else None
    return isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == [ast.unparse(node.value)]


def rhymes(live: LiveCode, edit: Edit) -> bool:
    """Whether an edit puts in a sum beside one of the same form: da += dy * w[8] before db += dy * w[9]."""
    new = new_statement(live, edit) if edit.missing else None
    if not isinstance(new, ast.AugAssign):
        return False
    for field in ("body", "orelse"):
        body: list[ast.stmt] = getattr(edit.new, field, None) or []
        for k, statement in enumerate(body):
            if statement is new:
                return any(form(each) == form(new) for each in [*body[max(0, k - 1) : k], *body[k + 1 : k + 2]])
    return False


def form(node: ast.AST) -> str:
    """What a statement does, whatever with."""

    class Nameless(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Name("", node.ctx)

        def visit_Constant(self, node: ast.Constant) -> ast.AST:
            return ast.Constant(0)

    return ast.dump(Nameless().visit(ast.parse(ast.unparse(node))))


def loses_slope(search: Search, edit: Edit) -> bool:
    """Whether an edit takes from the slope of a sigmoid or a tanh what makes it one."""
    where = around(search.live, edit.site) if not edit.missing else None
    if where is None or isinstance(search.live.node(edit.site), ast.stmt):
        return False
    new = at(changes(search.live, [edit])[edit.site.spot], where.statement.path)
    return slopes(new) < slopes(search.live.node(where.statement))


def slopes(node: ast.AST) -> int:
    """How many products hold s and 1 - s, or 1 - s ** 2."""
    found = 0
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub) and ast.unparse(each.left) == "1":
            found += isinstance(each.right, ast.BinOp) and isinstance(each.right.op, ast.Pow)
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Mult):
            texts = {ast.unparse(f) for f in factors(each)}
            found += sum(f"1 - {text}" in texts for text in texts)
    return found


def factors(node: ast.expr) -> Iterator[ast.expr]:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from factors(node.left)
        yield from factors(node.right)
    else:
        yield node


def overwriting(search: Search, edit: Edit) -> bool:
    """Whether an edit writes over what the forward computed and the gradients only read, or what they were given."""
    statement = new_statement(search.live, edit) if edit.missing else None
    if isinstance(statement, ast.AugAssign):
        target = ast.unparse(statement.target)
    elif isinstance(statement, ast.Assign):
        target = ast.unparse(statement.targets[0])
        if target in {ast.unparse(n) for n in ast.walk(statement.value)}:
            return False
    else:
        return False
    alike = [site for site, _ in search.live.sites(edit.site.spot) if ast.unparse(search.live.node(site)) == target]
    read = [seen.value for site in alike for seen in search.trace.seen.get(site, [])[:1]]
    return bool(read) and any(np.any(v) for v in read) and search.quantities.computed(read)


def innocent(search: Search, edit: Edit) -> float:
    """How surely what the edited code gives is right as it is: then the edit only makes up for a fault further on.

    The first value tells most: later ones may be wrong by what that fault has sent round the loop.
    """
    site = statement_value(search, edit)
    seen = [s.value for s in search.trace.seen.get(site if site is not None else edit.site, []) if np.any(s.value)]
    if not seen or not search.quantities.known(seen[:1]):
        return 0.0
    if site is not None and is_copy(search, site) and edit.kind != "transpose":
        return 0.0  # another name for something: of what, and times what?
    where = around(search.live, edit.site)
    kept = where is not None and isinstance(search.live.node(where.statement), ast.Expr | ast.Assign | ast.Return)
    if not search.quantities.computed(seen[:1]) or (site is not None and given_elsewhere(search, site, seen)):
        return 0.3  # right for something, but for what it is used?
    return 1.0 if (site is not None or kept) and search.quantities.computed(seen) else 0.5


def given_elsewhere(search: Search, site: Site, values: list[np.ndarray]) -> bool:
    """Whether another statement computes these very values: it is that which gives what they are right for."""
    others = (
        [s.value for s in seen]
        for other, seen in search.trace.seen.items()
        if other != site and other.spot == site.spot and len(seen) == len(values)
        if isinstance(search.live.node(other), ast.BinOp) and assigned(search.live, other)
    )
    return any(same(each, values) for each in others)


def assigned(live: LiveCode, site: Site) -> bool:
    """Whether it is what a statement gives a name, or one of several."""
    way = site.path[:-1] if site.path[-1][0] == "elts" else site.path
    return way[-1][0] == "value" and isinstance(live.node(Site(*site.spot, way[:-1])), ast.Assign)


def order_of(search: Search, edit: Edit) -> tuple[int, int]:
    """When the edited statement first runs."""
    where = around(search.live, edit.site)
    return search.order(where.statement) if where is not None and where.statement in search.sites_of else (9, 0)


def statement_value(search: Search, edit: Edit) -> Site | None:
    """The value that the edited statement assigns, adds or returns; of several that which the edit changes."""
    where = around(search.live, edit.site)
    if where is None or isinstance(search.live.node(edit.site), ast.stmt):
        return None
    way = (*where.statement.path, ("value", None))
    if isinstance(getattr(search.live.node(where.statement), "value", None), ast.Tuple):
        way = edit.site.path[: len(way) + 1]
    site = Site(edit.site.file, edit.site.number, way)
    return site if site in search.forcing.numbers else None
