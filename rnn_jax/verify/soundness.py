"""Whether the tape tells the whole of the program: asked of the program itself, unrecorded, before anyone is accused.

A value can leave the tape without a sign (`math.exp` through a name that was hidden, a number that went through text).
Then what is replayed at other parameters is not what the program computes there, and the slope of the program is not
that of the tape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_jax.verify import truth
from rnn_jax.verify.noise import norm
from rnn_jax.verify.replay import PartedError, replay
from rnn_jax.verify.subject import Recording, Setting, Subject, Values, evaluate_loss
from rnn_jax.verify.trace.tape import Constant, Tape, Use

# The recording and the program round the same operations differently, each as they do at parameters one eps away: that
# change, or eps of the loss and of a thousandth of the largest number on the tape, is what rounding explains. The
# right examples at 583 points, chaotic and long ones and float32 among them, part by up to 12 of it. A lost dependency
# changes the loss by a share of what the move itself does: where rounding nears a thousandth of that, it is no test.
SHARE = 1e-3
MARGIN = 64

# Five-point differences of a smooth loss at these steps, of which one has to agree: the first errs where the loss bends
# much, the last where it is large and flat.
STEPS = (3e-2, 3e-3, 3e-4, 3e-5, 3e-6)
# Their floor is 1e-11 at best (facts of the field: 3e-12 to 9e-12); what a lost dependency takes away is no millionth.
SLOPE = 1e-6


@dataclass(frozen=True)
class Sound:
    """What was found: `told` where the tape is proven wrong; `tested` where it could be tested at all."""

    tested: bool
    told: str = ""


def test(
    subject: Subject, recording: Recording, setting: Setting, values: Values, adjoints: Values, rng: np.random.Generator
) -> Sound:
    """Compare the program with its tape, in value at another point and in slope at this one."""
    plain = evaluate_loss(subject, setting)
    if not abs(plain - recording.loss) <= MARGIN * coarsest(recording, values) * abs(plain):
        return Sound(True, f"the program's loss is {plain:.12g}, the recording's {recording.loss:.12g}")
    direction = {name: rng.normal(size=v.shape) * (rms(v) or 0.1) for name, v in values.items()}
    replayed = replays(subject, recording, setting, values, direction)
    if replayed.told:
        return replayed
    sloped = slopes(subject, recording, setting, values, direction, adjoints)
    return sloped if sloped.told else Sound(replayed.tested or sloped.tested)


def replays(subject: Subject, recording: Recording, setting: Setting, values: Values, direction: Values) -> Sound:
    """The loss at a second point by the program and by the tape; nearer where the program decides otherwise there."""
    tape = recording.recorder.tape
    if isinstance(recording.output, Constant):
        return Sound(False)
    eps = coarsest(recording, values)
    for far in (1.0, 0.1, 1e-3, 1e-5):
        there = {n: (v + far * direction[n]).astype(v.dtype) for n, v in values.items()}
        try:
            ours = replay(tape, there)[recording.output.where]
        except PartedError:
            continue
        theirs = evaluate_loss(subject, Setting(there, setting.inputs))
        if not (np.isfinite(theirs) and np.all(np.isfinite(ours))):
            continue
        scale = max(abs(theirs), abs(recording.loss), float(np.max(np.abs(tape.values), initial=0.0)) * 1e-3)
        allowed = MARGIN * eps * scale
        if norm(ours - theirs) > allowed:  # what rounding does to this loss, be it chaotic
            moved = [changed(tape, recording.output, there, ours, sign * eps) for sign in (-1, 1)]
            allowed = MARGIN * max(*moved, eps * scale)
        if allowed > SHARE * abs(theirs - recording.loss):
            continue
        if norm(ours - theirs) > allowed:
            return Sound(
                True,
                f"at parameters moved by {far:g} of their size the program's loss is {theirs:.12g}, "
                f"the recording's {float(ours[0]):.12g}",
            )
        return Sound(True)
    return Sound(False)


def changed(tape: Tape, output: Use, there: Values, ours: np.ndarray, eps: float) -> float:
    """How far the replayed loss moves where all parameters move by eps of themselves."""
    try:
        return norm(replay(tape, {n: (v * (1 + eps)).astype(v.dtype) for n, v in there.items()})[output.where] - ours)
    except PartedError:
        return math.inf


def slopes(
    subject: Subject, recording: Recording, setting: Setting, values: Values, direction: Values, adjoints: Values
) -> Sound:
    """The program's slope along a direction, by differences, and the tape's."""
    ours = float(sum(np.vdot(adjoints[n], direction[n]) for n in values))

    def along(step: float) -> float:
        moved = {n: (v + step * direction[n]).astype(v.dtype) for n, v in values.items()}
        return evaluate_loss(subject, Setting(moved, setting.inputs))

    size = sum(norm(adjoints[n]) * norm(direction[n]) for n in values)
    return sides(along, ours, recording.loss, coarsest(recording, values), size)


def sides(along: Callable[[float], float], ours: float, loss: float, eps: float, size: float) -> Sound:
    """Whether some five-point difference agrees with a slope, within what it can be good to."""
    told, tested = "", False
    for step in STEPS:
        try:
            f = [along(k * step) for k in (-2, -1, 1, 2)]
        except Exception:  # a domain left, an overflow raised: another step may do
            continue
        slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step)
        rounding = 16 * eps * max(abs(loss), *map(abs, f)) / step
        if not np.isfinite(slope) or rounding > 0.1 * size:
            continue
        tested = True
        if abs(slope - ours) <= SLOPE * size + rounding:
            return Sound(True)
        coarse = abs(slope - (f[2] - f[1]) / (2 * step))  # where the loss bends that much, a step says nothing
        if not told or coarse < 1e-3 * abs(slope - ours):
            told = f"along a random direction the program's slope is {slope:.9g}, the recording's {ours:.9g}"
    return Sound(tested, told)


def coarsest(recording: Recording, values: Values) -> float:
    """The rounding of the coarsest number that the loss went through."""
    return max(truth.coarsest(recording)[0], *(float(np.finfo(v.dtype).eps) for v in values.values()))


def rms(value: np.ndarray) -> float:
    """The root of the mean square."""
    return norm(value) / math.sqrt(value.size) if value.size else 0.0
