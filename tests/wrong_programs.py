"""What a check knows when it has found wrong gradients: for the tests of what comes after."""

import argparse
import shlex
import tomllib
from pathlib import Path

import numpy as np

from rnn_jax.verify import check, lengths
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.judge import Bench, failing, judge
from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program

WRONG = Path(__file__).parent.parent / "examples" / "wrong"
COMMANDS = {
    each["file"].removeprefix("wrong/"): each["command"]
    for each in tomllib.loads((WRONG / "index.toml").read_text())["example"]
}


def options(command):
    """The options of a command line that say what is what."""
    parser = argparse.ArgumentParser()
    for name in ("wrt", "loss", "grads", "setup", "call", "update", "until", "cells"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--lr", type=float, default=1.0)
    return parser.parse_args(shlex.split(command))


def judged(subject, declared=None):
    """The bench, the first judgement with wrong gradients, their names, and the sequences."""
    rng, notes = np.random.default_rng(0), []
    own = {name: np.array(value) for name, value in subject.parameters().items()}
    check.first_recording(subject, notes)
    over = lengths.sequences(subject, None)
    bench = Bench(subject, "float64", check.needs_loss_first(subject, own), declared or Declared(), rng)
    made = [judge(bench, name, setting, own) for name, setting in check.places(subject, own, 2, 1.0, rng, notes)]
    wrong = tuple(name for name in own if any(name in failing(each) for each in made))
    return bench, next(each for each in made if failing(each)), wrong, over


def of_file(path, command):
    """The same for a file and its command line."""
    said = options(command)
    program = Program(path, said.cells, said.until)
    program.load()
    subject = FileSubject(
        program, Expressions(said.wrt, said.loss, said.grads, said.setup, said.call, said.update, said.lr)
    )
    return judged(subject, Declared(lr=said.lr) if said.update else None)
