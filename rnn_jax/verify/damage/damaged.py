"""The sweep back with some operations sending something else; only what that changes is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.damage.way import Sent, Way

Rule = Callable[[np.ndarray], Sent]  # from the gradient of an operation's result to what it sends


class Rules(NamedTuple):
    """What an operation sends in place of the right, by number, and what is added at elements besides."""

    instead: dict[int, Rule]
    added: Sent


class Damage(NamedTuple):
    """One way to go wrong."""

    kind: str
    words: str
    rules: Callable[[Way], Rules]
    reach: int  # the parameters that it can change, as bits
    cost: float = 1.0  # how far-fetched it is
    parts: tuple[Damage, ...] = ()  # of several at once


def damaged(way: Way, rules: Rules) -> np.ndarray:
    """The gradients of all elements under the rules: the right ones and what the rules change, swept alone."""
    change = way.change = np.zeros(way.tape.size)
    touched = bytearray(len(way.nodes))
    for number in rules.instead:
        touched[number] = 1
    send(way, change, touched, rules.added)
    for number in range(touched.rfind(1), -1, -1):
        node = way.nodes[number]
        if not touched[number] or number not in way.site_of:
            continue
        moved = change[node.where].reshape(node.shape)
        if number in rules.instead:
            send(way, change, touched, rules.instead[number](way.gradient(number) + moved))
            send(way, change, touched, [(ids, -share) for ids, share in way.sent(number)])
        elif moved.any():
            way.pass_on(change, touched, number, moved)
    way.change = None
    return way.adjoint + change


def send(way: Way, change: np.ndarray, touched: bytearray, sent: Sent) -> None:
    """Add shares to the elements that they go to, and mark whose those are."""
    for ids, share in sent:
        known = way.known.get(id(ids))
        once, owners = known if known is not None else (False, np.unique(way.owner(ids)).tolist())
        if once:
            change[ids] += share
        else:
            np.add.at(change, ids, share)
        for owner in owners:
            touched[owner] = 1
