"""What should be known beside the verdict: how long it takes, and what was not tested."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from rnn_jax.verify.judge import Bench, Judgement
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.subject import Recording, Subject
from rnn_jax.verify.trace.tape import Use
from rnn_jax.verify.truncation import zero_start

SLOW = 1.0  # seconds for one run of the loss
RUNS_FIRST, RUNS_A_POINT = 3, 21  # of the loss: before the points, and at each; counted, not derived


def beforehand(seconds: float, points: int, explaining: bool, warn: Callable[[str], None]) -> None:
    """Say how long it takes where that is long. seconds: for the first runs of the loss."""
    each = seconds / RUNS_FIRST
    if each > SLOW:
        minutes = math.ceil(each * RUNS_A_POINT * (points + 1) / 60)
        warn(
            f"one run of the loss takes {each:.1f} s: the verdict takes some {minutes} minutes"
            + (", what explains a wrong one far longer; --quick leaves that out" if explaining else "")
        )


def remarks(bench: Bench, made: list[Judgement]) -> list[str]:
    """What should be known of all points together."""
    said = [f"--scale mean: divided by {bench.terms[0]}"] if bench.terms else []
    if all(zero_start(each.truth.recording) for each in made):
        said.append("the state before the first step is 0 at every point: what hangs on it alone was not tested")
    looked_up = [set(read_once(each.truth.recording)) for each in made]
    tables = sorted(set.intersection(*looked_up))
    return said + [f"no row of {name} is read twice: what adds up where one is was not tested" for name in tables]


def read_once(made: Recording) -> Iterator[str]:
    """The tables of which some rows are read once and none twice: `dE[tokens] += dx` is right for those alone."""
    tape = made.recorder.tape
    reads = np.zeros(len(tape.values), int)
    for node in tape.nodes:
        for operand in node.operands:
            if isinstance(operand, Use):
                np.add.at(reads, operand.where, 1)
    for name, ids in made.ids.items():
        if ids.ndim == 2 and ids.size:
            rows = reads[ids].max(axis=1)
            if rows.min() == 0 and rows.max() == 1 and rows.sum() > 1:
                yield name


def another_loss(subject: Subject, first: Recording) -> list[str]:
    """A remark where what gives the gradients gives another loss beside them."""
    beside = subject.loss_beside() if isinstance(subject, FileSubject) else None
    # The same function at the same point: what rounding parts them by is far below a billionth.
    if beside is None or abs(beside - first.loss) <= 1e-9 * abs(first.loss):
        return []
    return [f"--loss is {first.loss:.9g}, but what --grads gives beside its gradients is {beside:.9g}"]
