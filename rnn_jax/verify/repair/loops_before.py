"""Sums that a loop makes for what comes after it: a gap behind the loop, of which each iteration lacks a part."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.accumulators import Accumulator
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.gaps import Gap
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.places import Places
from rnn_jax.verify.repair.sums import sums

TELLING = 1e-6  # relative: what is 0 but for rounding tells nothing
MOST_PLACES = 4  # of a loop


def in_earlier_loops(live: LiveCode, places: Places, gap: Gap, tried: set[tuple[Site, str, str]]) -> Iterator[Edit]:
    """A statement in a loop before a gap that adds to what the gap's name lacks there, over all iterations.

    Where the program comes by the gap several times, by what the first of them lacks; loops behind it in the block of
    another loop send on what the next iteration lacks.
    """
    (field, k), shifts = gap.place.path[-1], gap.healing.shifts
    above = Site(*gap.place.spot, gap.place.path[:-1])
    body = getattr(live.node(above), field)
    sizes = [float(np.max(np.abs(shift), initial=0.0)) for shift in shifts]
    first = next(n for n, size in enumerate(sizes) if size >= TELLING * max(sizes))
    in_loop = isinstance(live.node(above), ast.For | ast.While)
    for number in reversed(range(len(body) if in_loop else k or 0)):
        run = first - (number >= (k or 0))
        if isinstance(body[number], ast.For | ast.While) and run >= 0:
            loop = (*above.path, (field, number))
            own = [p for p in places.stocks if p.spot == above.spot and p.path[: len(loop)] == loop]
            inside = [p for p in own if gap.text in places.whole[p]]
            for place in sorted(inside, key=lambda p: (-(p.path[-1][1] or 0), len(p.path)))[:MOST_PLACES]:
                visits, rest = divmod(len(places.whole[place][gap.text].values), len(shifts))
                for products in (False, True) if visits and not rest else ():
                    of_one = list(range(run * visits, (run + 1) * visits))
                    found = Accumulator(place, gap.text, [of_one], [shifts[first]], False)
                    yield from sums(live, places, found, products, tried, images=True)
