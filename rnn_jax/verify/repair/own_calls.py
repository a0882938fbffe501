"""Sums that lack what a function of the program's own would give: dW += outer_of_patches(dW.shape, h, dy)."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.accumulators import Accumulator, Looking
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.probe import Trace
from rnn_jax.verify.repair.sums import added
from rnn_jax.verify.repair.totals import multiple
from rnn_jax.verify.repair.tree import ATOMS
from rnn_jax.verify.repair.trial import Trial
from rnn_jax.verify.repair.vocabulary import pure_functions

MOST_ARGUMENTS = 14  # in the place of one
MOST_CALLS = 300
COST = 1.5


def own_calls(trial: Trial, trace: Trace, stock: Stock, found: Accumulator) -> Iterator[Edit]:
    """A statement that adds what a function gives that the program calls elsewhere, called with other arrays."""
    texts = list(itertools.islice(dict.fromkeys(calls(trial.live, trace, stock, found)), MOST_CALLS))
    seen = Looking(trial).all({found.place: texts}) if texts else {}
    for text in texts:
        values = seen.get((found.place, text), [])
        if values and all(
            max(visits) < len(values) and adds_up([values[k] for k in visits], lacks)
            for visits, lacks in zip(found.visits, found.lacks, strict=True)
        ):
            yield from added(trial.live, found.place, found.text, Written(text, [], COST))


def adds_up(values: list[object], lacks: np.ndarray) -> bool:
    """Whether these are arrays that together are what a sum lacks, or a multiple of it."""
    arrays = [v for v in values if isinstance(v, np.ndarray) and v.shape == lacks.shape]
    return len(arrays) == len(values) and multiple(np.sum(arrays, axis=0), lacks)


def calls(live: LiveCode, trace: Trace, stock: Stock, found: Accumulator) -> Iterator[str]:
    """The calls of functions that change nothing with any arrays of as many axes, and the sum's shape for a shape."""
    pure, axes = pure_functions(live), found.lacks[0].ndim
    for spot in live.spots:
        for site, node in live.sites(spot):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in pure:
                continue
            given = trace.shapes.get(site, ())
            if given[:1] != ("array",) or len(given[2]) != axes:
                continue
            if node.keywords or len(node.args) < 2 or any(isinstance(a, ast.Starred) for a in node.args):
                continue
            choices = [
                arguments(a, trace.shapes.get(Site(*spot, (*site.path, ("args", k)))), stock, found.text)
                for k, a in enumerate(node.args)
            ]
            for chosen in itertools.product(*choices):
                yield f"{node.func.id}({', '.join(chosen)})"


def arguments(node: ast.expr, shape: tuple[object, ...] | None, stock: Stock, target: str) -> list[str]:
    """What may stand in the place of one argument."""
    own = ast.unparse(node)
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        return [f"{target}.shape"]
    if shape is None or shape[0] != "array":
        return [own]
    axes = len(shape[2])  # type: ignore[arg-type]
    arrays = [(t, v.shape[2]) for t, v in stock.items() if v.shape[0] == "array" and isinstance(parsed(t), ATOMS)]
    like = [t for t, each in arrays if len(each) == axes and not t.endswith(".T")]
    return sorted(like, key=lambda t: (t != own, not t.isidentifier(), len(t), t))[:MOST_ARGUMENTS]
