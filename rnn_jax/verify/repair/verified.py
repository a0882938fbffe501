"""An edit that mended one point, tried at others; and what is said of it."""

from __future__ import annotations

import difflib
import os
from dataclasses import replace

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify import lengths
from rnn_jax.verify.check_report import Fix
from rnn_jax.verify.fresh import fresh_inputs, fresh_values
from rnn_jax.verify.judge import Bench, Judgement, failing, judge
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.elsewhere import holds_elsewhere
from rnn_jax.verify.repair.live import LiveCode, lines_of
from rnn_jax.verify.repair.splice import mended
from rnn_jax.verify.report import Verdict
from rnn_jax.verify.subject import Setting, Values, moves_parameters

POINTS = 2
SEED = 20_000  # of the points at which fixes are tried: none that a check begins with


def holds(bench: Bench, live: LiveCode, edits: list[Edit], own: Values, over: dict[str, int]) -> list[Judgement] | None:
    """The judgements of the edited program at fresh points and at its own; None unless all gradients are right."""
    rng = np.random.default_rng(SEED)
    calm = replace(bench, rng=rng)
    zero = fresh_inputs(bench.subject)
    made: list[Judgement] = []
    with live.changed(changes(live, edits)):
        for k in range(POINTS + 1):
            inputs = {name: (0.5 * rng.normal(size=v.shape)).astype(v.dtype) for name, v in zero.items()}
            setting = Setting(fresh_values(own, rng, k + SEED), inputs) if k < POINTS else Setting()
            try:
                there = judge(calm, f"fresh {k + 1}", setting, own)
            except InputError:
                return None
            if there.doubt or failing(there):
                return None
            made.append(there)
        short = lengths.sweep(calm, made[0], over)
        if failing(lengths.at_lengths(made[0], short, over)):
            return None
        moving = moves_parameters(bench.subject, made[0].setting, bench.loss_first)
    with live.changed({}):
        if moving and not moves_parameters(bench.subject, made[0].setting, bench.loss_first):
            return None  # gradients that are right because a weight was set to 0 are none
        if set(lengths.sweep(calm, made[0], over)) - set(short):
            return None  # the program could be run at a length at which it now fails
    if not holds_elsewhere(bench, live, edits):
        return None
    verdicts = [c.verdict for each in made[:POINTS] for c in each.compared.values()]
    return made if Verdict.PASS in verdicts else None


def as_fix(live: LiveCode, edits: list[Edit], made: list[Judgement], tries: int) -> Fix | None:
    """The edits for a reader, with how well the gradients agreed; None where they cannot be written as text."""
    texts = mended(live, edits)
    if not texts:
        return None
    # Of a gradient that is 0 the error is all rounding, whatever it is a share of.
    tested = (c.error for each in made[:POINTS] for c in each.compared.values() if not c.zero and c.error == c.error)
    error = max(tested, default=0.0)
    agree = len(made[0].compared)
    file, text = next(iter(texts.items()))
    old, new = lines_of(live.sources[file].text), lines_of(text)
    blocks = [b for b in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if b[0] != "equal"]
    if not blocks:
        return None
    # Several places are shown as one stretch of the file.
    first, last = blocks[0], blocks[-1]
    before, after = tuple(old[first[1] : last[2]]), tuple(new[first[3] : last[4]])
    line = first[1] + 1 if before else first[1]
    shown, at_line = located(live, file, line)
    diff = "".join(
        f"{row}\n"
        for row in difflib.unified_diff(old, new, f"a/{name_of(file)}", f"b/{name_of(file)}", lineterm="", n=2)
    )
    return Fix(edits[-1].kind, shown, at_line, before, after, diff, agree, error, tries)


def name_of(file: str) -> str:
    """A file as a diff names it: from here where it lies below, else by its last part."""
    relative = os.path.relpath(file)
    return os.path.basename(file) if relative.startswith("..") else relative


def located(live: LiveCode, file: str, line: int) -> tuple[str, int]:
    """The file as the user named it and the line; of a notebook the cell."""
    subject = live.subject
    return subject.program.locate(file, line) if isinstance(subject, FileSubject) else (file, line)
