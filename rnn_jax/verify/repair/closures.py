"""New code for a function that was made within another and stands: what it takes from there cannot grow or shrink.

A function's cells are bound when it is made. An edit that needs fewer of them names the rest where nothing runs; one
that needs more finds them in the cells of what was made beside it.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import types
from collections.abc import Callable, Iterable, Iterator

from rnn_jax.verify.repair.tree import first_line, located, replaced, shallow, walk

CELLS = "__rnn_jax_cells__"
NOWHERE = "__rnn_jax_nowhere__"  # a name that stands for nothing


def keeping(statement: ast.stmt, old: types.CodeType) -> ast.stmt:
    """The statement with all names in a function's code that it has from outside, though an edit may need fewer."""
    names = ast.Tuple([ast.Name(n, ast.Load()) for n in old.co_freevars], ast.Load())
    never = ast.If(ast.Constant(value=False), [ast.Expr(names)], [])

    def kept(node: ast.FunctionDef) -> list[ast.stmt]:
        return [located(never, node.body[0]), *node.body]

    return rewritten(statement, old, kept)


def reaching(
    statement: ast.stmt, function: types.FunctionType, missing: set[str], others: Iterable[types.FunctionType]
) -> tuple[ast.stmt, list[types.CellType]]:
    """The statement with names that a function's cells lack looked up in those of others made beside it, and these."""
    beside = [each for each in others if around(each) == around(function)]
    own = {id(cell) for cell in function.__closure__ or ()}
    # Of several makings those first that share something with this one.
    beside.sort(key=lambda each: not any(id(cell) in own for cell in each.__closure__ or ()))
    cells: dict[str, types.CellType] = {}
    for each in beside:
        for name, cell in zip(each.__code__.co_freevars, each.__closure__ or (), strict=True):
            if name in missing:
                cells.setdefault(name, cell)

    class Looked(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            if node.id not in missing or not isinstance(node.ctx, ast.Load):
                return node
            text = f"{CELLS}[{id(cells[node.id])}].cell_contents" if node.id in cells else NOWHERE
            return located(ast.parse(text, mode="eval").body, node)

    def looked(node: ast.FunctionDef) -> list[ast.stmt]:
        return [Looked().visit(copy.deepcopy(each)) for each in node.body]

    return rewritten(statement, function.__code__, looked), list(cells.values())


def around(function: types.FunctionType) -> str:
    """The function that one was made in."""
    return function.__code__.co_qualname.rpartition(".<locals>.")[0]


def rewritten(statement: ast.stmt, old: types.CodeType, body: Callable[[ast.FunctionDef], list[ast.stmt]]) -> ast.stmt:
    """The statement with another body for one function."""
    for path, node in walk(statement):
        if isinstance(node, ast.FunctionDef) and (node.name, first_line(node)) == (old.co_name, old.co_firstlineno):
            made = shallow(node)
            made.body = body(node)
            return replaced(statement, path, made)
    return statement


@contextlib.contextmanager
def found_there(cells: list[types.CellType]) -> Iterator[None]:
    """The cells where the code of `reaching` looks for them."""
    known: dict[int, types.CellType] = vars(builtins).setdefault(CELLS, {})
    added = {id(cell): cell for cell in cells if id(cell) not in known}
    known.update(added)
    try:
        yield
    finally:
        for number in added:
            del known[number]
