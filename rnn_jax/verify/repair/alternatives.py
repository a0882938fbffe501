"""What a statement would give with each of many small edits of it, all of them looked at in one run of the program."""

from __future__ import annotations

import ast
import builtins
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any, NamedTuple

from rnn_jax.verify.repair.around import around
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.live import LiveCode, Site, name_of_numpy
from rnn_jax.verify.repair.tree import located, replaced
from rnn_jax.verify.repair.trial import Trial

TRIED = "__rnn_jax_tried__"
VISITS = 3  # of one statement: what is sent round a loop shows at the first
PURE = frozenset("sum mean dot copy reshape ravel flatten transpose squeeze astype max min clip repeat".split())


class Alternative(NamedTuple):
    """An edit of the value of a statement, and that value's code; without an edit the value as it stands."""

    edit: Edit | None
    code: CodeType


def by_statement(live: LiveCode, edits: Iterable[Edit]) -> dict[Site, list[Alternative]]:
    """The edits of what statements are given, which can be evaluated beside it without changing anything.

    What stands there is the first of each.
    """
    found: dict[Site, list[Alternative]] = {}
    numpy = name_of_numpy(live)
    for edit in edits:
        where = around(live, edit.site)
        rest = edit.site.path[len(where.statement.path) :] if where is not None else ()
        if where is None or rest[:1] != (("value", None),) or isinstance(edit.new, list):
            continue
        value = live.node(where.statement).value
        other = replaced(value, rest[1:], edit.new)
        if not (changes_nothing(value, numpy) and changes_nothing(other, numpy)):
            continue
        codes = compiled(value), compiled(other)
        if codes[0] is None or codes[1] is None:
            continue
        if where.statement not in found:
            found[where.statement] = [Alternative(None, codes[0])]
        found[where.statement].append(Alternative(edit, codes[1]))
    return found


def compiled(value: ast.expr) -> CodeType | None:
    """The code of an expression; None where it is none that stands alone, as *parts."""
    try:
        return compile(ast.fix_missing_locations(ast.Expression(located(value, value))), "<alternative>", "eval")
    except (SyntaxError, ValueError, TypeError):
        return None


def changes_nothing(value: ast.expr, numpy: str) -> bool:
    """Whether an expression calls nothing but NumPy, what arrays have, and functions by their names."""
    return all(harmless(node.func, numpy) for node in ast.walk(value) if isinstance(node, ast.Call)) and not any(
        isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for node in ast.walk(value)
    )


def harmless(function: ast.expr, numpy: str) -> bool:
    """Whether what is called changes nothing that stays."""
    if isinstance(function, ast.Name):
        return True
    if not isinstance(function, ast.Attribute):
        return False
    return function.attr in PURE or (isinstance(function.value, ast.Name) and function.value.id == numpy)


@contextmanager
def trying(known: list[list[Alternative]], right: Callable[[Any], int]) -> Iterator[dict[tuple[int, int], int]]:
    """Evaluate the alternatives of a statement where it is reached; how much is right of each, by `right`."""
    visits: dict[int, int] = defaultdict(int)
    found: dict[tuple[int, int], int] = defaultdict(int)
    within = False

    def tried(number: int) -> None:
        nonlocal within
        if within or visits[number] == VISITS:
            return
        visits[number] += 1
        within = True  # an alternative may call a function of the program, which has probes too
        frame = sys._getframe(1)
        names = {**frame.f_globals, **frame.f_locals}
        for k, alternative in enumerate(known[number]):
            try:
                found[number, k] += right(eval(alternative.code, names))
            except Exception:  # an edit may be no sense at all
                continue
        within = False

    around = getattr(builtins, TRIED, None)  # an alternative may call what checks another program
    setattr(builtins, TRIED, tried)
    try:
        yield found
    finally:
        setattr(builtins, TRIED, around)


def better(
    trial: Trial, edits: Iterable[Edit], right: Callable[[Any], int], left_out: set[Site]
) -> tuple[list[Edit], list[Edit]]:
    """The edits with which their statements give more that is right at the first visits, and those not looked at.

    left_out: statements that are not looked at.
    """
    live, edits = trial.live, list(edits)
    by_place = {place: known for place, known in by_statement(live, edits).items() if place not in left_out}
    known, probes = list(by_place.values()), []
    for number, statement in enumerate(by_place):
        node = live.node(statement)
        probe = ast.Expr(ast.Call(ast.Name(TRIED, ast.Load()), [ast.Constant(number)], []))
        probes.append(Edit(statement, [located(probe, node), node], "", 0.0, node.lineno))
    with trying(known, right) as found, trial.patient():
        trial.run(changes(live, probes))
    more: list[Edit] = []
    told: set[int] = set()
    for number, alternatives in enumerate(known):
        here = [
            a.edit for k, a in enumerate(alternatives) if a.edit is not None and found[number, k] > found[number, 0]
        ]
        # Where nothing is right as it stands nor with an edit, what it gives is no gradient: that shows further on.
        if here or found[number, 0]:
            more += here
            told |= {id(alternative.edit) for alternative in alternatives}
    return more, [edit for edit in edits if id(edit) not in told]
