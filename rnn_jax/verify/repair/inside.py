"""Expressions within one that is healed: what they would have to give follows from undoing the operations around them.

Within a curve, as in `exp(alpha + beta - total)`, the gradients are not linear in what is written, so that no equations
tell it; and a term that lacks a factor may have another shape than what is wanted of it.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.healing import Healing, known
from rnn_jax.verify.repair.inverse import Part, close, is_curve, parts
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.scope import function_at
from rnn_jax.verify.repair.search import Search
from rnn_jax.verify.repair.tree import at, walk

DEEPEST = 8  # operations, and names that stand for them
MOST = 24  # expressions within one
SMALL = 1e-5  # of the largest: what is wanted comes from solving equations
NOTHING = 1e-12  # of the largest slope: what hangs on a visit on which nothing does is its rounding


def inside(search: Search, healing: Healing) -> Iterator[Healing]:
    """The expressions within, the outermost first, each as if it had been healed by itself."""
    wanted = known(healing)
    if wanted is None:
        return
    live, forcing = search.live, search.forcing
    values = forcing.values_with(healing)
    waiting = deque([(healing.site, wanted, 0)])
    met = {healing.site}
    while waiting and len(met) < MOST:
        site, whole, depth = waiting.popleft()
        for inner, right in below(live, values, site, whole):
            if inner in met:
                continue
            met.add(inner)
            if depth < DEEPEST:
                waiting.append((inner, right, depth + 1))
            linear = search.healings.get(inner)
            if linear is not None and linear.healed == search.wrong:
                continue
            given = definition(live, inner) if isinstance(live.node(inner), ast.Name) else None
            if given is not None and len(values.get(given, [])) == len(right) and given not in met:
                met.add(given)  # what a name was given rather than this one use of it
                waiting.append((given, right, depth + 1))
                yield as_healing(search, given, values[given], right)
            yield as_healing(search, inner, values[inner], right)


def below(
    live: LiveCode, values: dict[Site, list[np.ndarray]], site: Site, whole: list[np.ndarray]
) -> Iterator[tuple[Site, list[np.ndarray]]]:
    """The parts of an expression that do not give what is wanted of them, with that."""
    node = live.node(site)
    if is_curve(node):  # what is next to nothing says little of what a curve was given
        least = SMALL * max((float(np.nanmax(np.abs(w), initial=0.0)) for w in whole), default=0.0)
        whole = [np.where(np.abs(w) < least, np.nan, w) for w in whole]
    for part in parts(node):
        inner = Site(*site.spot, (*site.path, *part.path))
        own = worth(live, values, inner, len(whole))
        others = [worth(live, values, Site(*site.spot, (*site.path, *path)), len(whole)) for path in part.others]
        if own is None or inner not in values or any(other is None for other in others):
            continue
        right = undone(part, whole, own, [other for other in others if other is not None])
        if right and not all(close(r, v) for r, v in zip(right, own, strict=True)):
            yield inner, right


def undone(
    part: Part, whole: list[np.ndarray], own: list[np.ndarray], others: list[list[np.ndarray]]
) -> list[np.ndarray]:
    """What is wanted of a part each time, NaN where nothing tells it; empty where it cannot be had."""
    found: list[np.ndarray] = []
    for k, wanted in enumerate(whole):
        with np.errstate(all="ignore"):
            made = part.undo(wanted, own[k], [other[k] for other in others])
        if made is None:
            return []
        found.append(np.where(np.isfinite(made), made, np.nan))
    return found if any(np.any(np.isfinite(each)) for each in found) else []


def worth(live: LiveCode, values: dict[Site, list[np.ndarray]], site: Site, visits: int) -> list[np.ndarray] | None:
    """What a part gave at each visit, a number as well."""
    node = live.node(site)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return [np.asarray(float(node.value))] * visits
    found = values.get(site, [])
    return found if len(found) == visits else None


def definition(live: LiveCode, site: Site) -> Site | None:
    """What a name stands for: the value of the only statement of its function that gives it one."""
    name = live.node(site).id
    path, function = function_at(live.statement(site.spot), site.path)
    if function is None:
        return None
    given = [p for p, n in walk(function) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)]
    if len(given) != 1:
        return None
    (target,) = given
    statement = at(function, target[:-1] if target[-1][0] == "targets" else target[:-2])
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    if target[-1][0] == "targets":
        return Site(*site.spot, (*path, *target[:-1], ("value", None)))
    if isinstance(statement.value, ast.Tuple) and isinstance(statement.targets[0], ast.Tuple):
        return Site(*site.spot, (*path, *target[:-2], ("value", None), ("elts", target[-1][1])))
    return None


def told_visits(healing: Healing) -> list[int]:
    """At which visits something is wanted, of an expression within a healed one.

    Of any other at all of them, but where nothing hangs on some in between: what the last step of each of several
    sequences would send on.
    """
    ends = np.cumsum([v.size for v in healing.present])[:-1]
    if healing.inner:
        return [k for k, rows in enumerate(np.split(np.diag(healing.slopes), ends)) if np.any(rows)]
    least = NOTHING * float(np.max(np.abs(healing.slopes), initial=0.0))
    told = [
        k for k, rows in enumerate(np.split(healing.slopes, ends, axis=1)) if np.max(np.abs(rows), initial=0) > least
    ]
    between = told and len(told) < told[-1] - told[0] + 1
    return told if between else list(range(len(healing.present)))


def at_some(healing: Healing, visits: list[int]) -> Healing:
    """The same at some of its visits alone."""
    present, shifts = ([values[k] for k in visits] for values in (healing.present, healing.shifts))
    ends = np.cumsum([v.size for v in healing.present])
    rows = np.concatenate([np.arange(ends[k] - healing.present[k].size, ends[k]) for k in visits])
    inner = healing.inner
    return healing._replace(
        present=present,
        shifts=shifts,
        first=next((n for n, k in enumerate(visits) if k >= healing.first), 0),
        slopes=healing.slopes[np.ix_(rows, rows)] if inner else healing.slopes[:, rows],
        missing=healing.missing[rows] if inner else healing.missing,
        by_value=None,
        goal=None,
    )


def as_healing(search: Search, site: Site, own: list[np.ndarray], right: list[np.ndarray]) -> Healing:
    """An expression with what is wanted of it, in the shape that is wanted; where anything will do, it stays."""
    present = [np.broadcast_to(v, r.shape) if v.size < r.size else v for v, r in zip(own, right, strict=True)]
    shifts = [np.where(np.isnan(r), 0.0, r - p) for r, p in zip(right, present, strict=True)]
    told = np.concatenate([np.isfinite(r).ravel() for r in right]).astype(float)
    missing = np.concatenate([s.ravel() for s in shifts])
    scale = float(np.max(np.abs(missing), initial=0.0))
    first = next((k for k, s in enumerate(shifts) if np.max(np.abs(s), initial=0.0) > 1e-9 * scale), 0)
    return Healing(site, present, shifts, first, search.wrong, np.diag(told), missing, inner=True)
