"""The kind of mistake: which damage to the right gradient gives exactly the wrong numbers.

A kind is claimed as reproduced only where every wrong number comes out to rounding at every point at which it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.check_report import Diagnosis
from rnn_jax.verify.damage import speech
from rnn_jax.verify.damage.kinds import KINDS
from rnn_jax.verify.damage.search import Found, prepared, search
from rnn_jax.verify.damage.way import Way
from rnn_jax.verify.explain import Explanation, explain
from rnn_jax.verify.judge import Judgement, failing
from rnn_jax.verify.noise import norm
from rnn_jax.verify.trace.tape import Constant

__all__ = ["KINDS", "diagnose"]

SECONDS = 3.0  # for damages one by one, and again for two at once


def diagnose(made: list[Judgement], pairs: bool = True) -> tuple[Diagnosis, ...]:
    """The kinds of mistake that give the wrong gradients, the likeliest first: one, or one for each fault.

    Without `pairs` no two damages at once are tried, of which there are many.
    """
    wrong = [each for each in made if failing(each)]
    if not wrong or any(isinstance(each.truth.recording.output, Constant) for each in wrong):
        return ()
    if any(each.compared[n].note for each in wrong for n in failing(each)):
        return again(wrong)
    why = explain(made)
    if why is not None and "reaches 1 cell," not in why.words:
        return (explained(wrong, why),)
    found = searched(wrong, pairs)
    if why is not None and (len(found) != 1 or not found[0].reproduced):
        return (explained(wrong, why),)
    return found


def again(wrong: list[Judgement]) -> tuple[Diagnosis, ...]:
    """What a second call that differs by just the first tells."""
    errors = [abs(c.error - 1) for each in wrong for c in each.compared.values() if "second" in c.note]
    if errors and max(errors) < 1e-9:
        words = "the second call gives the sum of both: the gradient is never set back to zero"
        return (Diagnosis("never-zeroed", words, False, max(errors)),)
    return ()


def explained(wrong: list[Judgement], why: Explanation) -> Diagnosis:
    """What explain.py reproduced, as a diagnosis."""
    names = {n for each in wrong for n in failing(each)}
    numbers = [c.factor for each in wrong for c in each.compared.values() if c.factor is not None]
    kind, error = why.kind, 0.0
    if kind in ("scale", "sign") and numbers:
        if abs(numbers[0] - 2) < 1e-6 and len(names) < len(wrong[0].manual):
            kind = "double-count"
        error = max(
            norm(e.manual[n] - numbers[0] * e.wanted[n]) / (norm(e.manual[n]) or 1.0) for e in wrong for n in failing(e)
        )
    return Diagnosis(kind, why.words, True, error)


def searched(wrong: list[Judgement], pairs: bool) -> tuple[Diagnosis, ...]:
    """The damages that reproduce the numbers."""
    short = in_single(wrong)
    if short:
        return short
    apart: list[list[Way]] = []  # points at which the program took different branches are judged each by itself
    for way in prepared([Way(each) for each in wrong]):
        like = next((group for group in apart if way.like(group[0])), None)
        if like is None:
            apart.append([way])
        else:
            like.append(way)
    with np.errstate(all="ignore"):
        found = together(search(apart[0], SECONDS / len(apart), pairs))
        for group in apart[1:]:
            there = (
                {(each.damage.kind, each.names): each for each in together(search(group, SECONDS / len(apart), pairs))}
                if found
                else {}
            )
            found = [each for each in found if (each.damage.kind, each.names) in there]
    return tuple(each for one in found for each in worded(apart[0][0], one)) or consistent(
        [way for group in apart for way in group]
    )


def worded(way: Way, found: Found) -> Iterator[Diagnosis]:
    """A damage that was found, in words; of two at once each."""
    kinds = dict.fromkeys(part.kind for part in found.damage.parts) or {found.damage.kind: None}
    names = speech.listed([n for n in way.names if n in found.names])
    words = f"{found.damage.words}: this gives your {names}"
    for other in [o for o in found.same if o.words != found.damage.words][:1]:
        words += f"; the same numbers come from {other.words}"
    for kind in kinds:
        yield Diagnosis(kind, words, True, found.error)


def together(found: list[Found]) -> list[Found]:
    """Damages of one kind to several parameters, as one."""
    made: dict[str, Found] = {}
    for each in found:
        kind = each.damage.kind
        if kind in made:
            before = made[kind]
            words = f"{before.damage.words}, and {each.damage.words}"
            damage = before.damage._replace(words=words)
            made[kind] = Found(damage, before.names | each.names, max(before.error, each.error))
        else:
            made[kind] = each
    return list(made.values())


def in_single(wrong: list[Judgement]) -> tuple[Diagnosis, ...]:
    """What the numbers point to where all of them fit in 32 bits."""
    parts = [(each, n) for each in wrong for n in failing(each)]
    error = max(each.compared[n].error for each, n in parts)
    entries = np.concatenate([each.manual[n].ravel() for each, n in parts])
    short = np.array_equal(entries, entries.astype(np.float32).astype(float))
    if short and entries.size > 3 and np.any(entries != np.round(entries, 3)) and error < 1e-4:
        return (Diagnosis("precision", "every wrong number fits in float32", False, error),)
    return ()


def consistent(ways: list[Way]) -> tuple[Diagnosis, ...]:
    """What the numbers point to where nothing reproduces them: another target, of which a bias tells the counts."""
    for name in failing(ways[0].made):
        offs = [way.made.manual[name] - way.made.truth.gradients[name] for way in ways]
        off = offs[0].ravel()
        counts = off / (np.min(np.abs(off[np.abs(off) > 1e-9]), initial=np.inf) or 1.0)
        whole = np.max(np.abs(counts - np.round(counts)), initial=0.0) < 1e-9 and abs(off.sum()) < 1e-9
        if off.size > 2 and np.any(counts) and whole and all(np.allclose(o, offs[0], rtol=0, atol=1e-12) for o in offs):
            said = f"d{name} is off by whole numbers that cancel, the same at every point: targets of other classes"
            return (Diagnosis("loss-target", said, False, 0.0),)
    return ()
