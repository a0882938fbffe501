"""Where a statement may have been missing instead: `d = d + e` further up, for the term that an edit adds to d.

`d = d - w * s` and then `d = d + c * s`, of which the second was left out; an edit further down that adds c * s to what
d is used in mends it as well.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from typing import Any

from rnn_jax.verify.repair.around import around, target_of
from rnn_jax.verify.repair.as_well import SECONDS
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.gap_places import gives
from rnn_jax.verify.repair.gaps import filled
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.shifts import by, unmoved


def before_use(search: Search, edit: Edit, after: Trace) -> Iterator[tuple[Site, str]]:
    """The places before an edited statement, behind others that give its name a value, at which as much would do."""
    where = around(search.live, edit.site)
    term = after.seen.get(Site(*edit.site.spot, (*edit.site.path, ("right", None))), [])
    if edit.missing or where is None or not adds(edit.new, search.live.node(edit.site)) or not term:
        return
    name = target_of(search.live.node(where.statement), edit.site)
    (field, last), above = where.statement.path[-1], where.statement.path[:-1]
    body = getattr(search.live.node(Site(*edit.site.spot, above)), field)
    until = time.perf_counter() + SECONDS
    sign = 1 if isinstance(edit.new.op, ast.Add) else -1
    shifts = [sign * seen.value for seen in term]
    for k in range(int(last or 0), 0, -1) if name.isidentifier() else ():
        if gives(body[k - 1], name) and time.perf_counter() < until:
            there, site = filled(search.trial, Site(*edit.site.spot, (*above, (field, k))), name, name)
            forcing = Forcing(there)
            try:
                with forcing.holding(site, unmoved) as held, there.live.changed(held):
                    found, raw = forcing.kept(by(shifts))
            except ValueError:  # code that cannot take the place of a closure's
                continue
            if found is not None and [v.shape for v in raw] == [s.shape for s in shifts] and not there.wrong(found):
                yield Site(*edit.site.spot, (*above, (field, k - 1))), name


def adds(new: Any, old: Any) -> bool:
    """Whether an expression is another one with a term more."""
    more = isinstance(new, ast.BinOp) and isinstance(new.op, ast.Add | ast.Sub)
    return more and ast.unparse(new.left) == ast.unparse(old)
