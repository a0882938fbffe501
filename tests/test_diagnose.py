"""The kind of mistake: each kind is found where it was made, and none where no damage gives the numbers."""

import argparse
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

from rnn_jax.verify.check import needs_loss_first, places
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.diagnose import KINDS, diagnose
from rnn_jax.verify.judge import Bench, judge
from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program, modules_kept

EXAMPLES = Path(__file__).parent.parent / "examples"
COMMANDS = {
    f"{folder}/{Path(example['file']).stem}": example
    for folder in ("wrong", "founding")
    for example in tomllib.loads((EXAMPLES / folder / "index.toml").read_text())["example"]
}


def judgements(subject, lr=None, points=2, dtype="float64"):
    """The judgement at the program's own values and at fresh ones."""
    rng = np.random.default_rng(0)
    own = {name: np.array(array) for name, array in subject.parameters().items()}
    declared = Declared.parse(None, None, None, None, lr)
    bench = Bench(subject, dtype, needs_loss_first(subject, own), declared, rng)
    return [judge(bench, point, setting, own) for point, setting in places(subject, own, points, 1.0, rng, [])]


def of_example(name):
    """The diagnoses of a program in examples/."""
    example = COMMANDS[name]
    parser = argparse.ArgumentParser()
    for option in ("wrt", "loss", "grads", "setup", "call", "update", "cells"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--lr", type=float, default=1.0)
    said = parser.parse_args(shlex.split(example["command"]))
    with modules_kept():
        program = Program(EXAMPLES / example["file"], said.cells, None, 60.0)
        program.load()
        expressions = Expressions(said.wrt, said.loss, said.grads, said.setup, said.call, said.update, said.lr)
        return diagnose(judgements(FileSubject(program, expressions), said.lr if said.update else None))


REPRODUCED = {
    "wrong/previous_state_index": "index-shift",
    "wrong/wraps_at_zero": "wraps-at-zero",
    "wrong/skips_first_step": "skips-step",
    "wrong/derivative_at_preactivation": "derivative-point",
    "wrong/sigmoid_for_tanh": "derivative-function",
    "wrong/relu_of_gradient": "derivative-of-gradient",
    "wrong/derivative_order": "derivative-order",
    "wrong/added_after_derivative": "added-after-derivative",
    "wrong/lstm_dropped_cell_path": "dropped-path",
    "wrong/missing_transpose": "missing-transpose",
    "wrong/assign_not_add": "assign-not-add",
    "wrong/discarded_sum": "never-computed",
}


@pytest.mark.parametrize("name", REPRODUCED)
def test_the_kind_of_an_example(name):
    found = of_example(name)
    assert [(each.kind, each.reproduced) for each in found] == [(REPRODUCED[name], True)], found
    assert found[0].error < 1e-13
    assert found[0].kind in KINDS
