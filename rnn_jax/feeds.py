"""What each update is fed, by its number alone: windows of a text, shuffled sequences, or some made on the spot."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Bool, Float, Integer

from rnn_jax import drawn
from rnn_jax.arrays import Array
from rnn_jax.errors import check_seed, require, require_whole
from rnn_jax.problems import Problem


class Batch(NamedTuple):
    """One update's sequences; `fresh` says that they go on from nothing, and not from where the last update ended.

    T' is T, or 1 where only the last state is read out.
    """

    x: Integer[Array, "T B"] | Float[Array, "T B D"]
    y: Integer[Array, "T' B"] | Float[Array, "T' B K"]
    mask: Bool[Array, "T B"]  # all true where the feed is `whole`
    fresh: Bool[Array, ""]


class Data(NamedTuple):
    """The arrays that batches are cut from, time first; all empty where batches are made on the spot."""

    x: Array
    y: Array
    mask: Array


NOTHING = Data(*(np.zeros(0, np.int32) for _ in range(3)))


@dataclass(frozen=True)
class Windows:
    """`Data` of (S, B, ...) as windows of T steps one after the other, from the beginning again.

    whole: no step of them is padding.
    """

    T: int
    count: int
    whole: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        positive(T=self.T, count=self.count)

    def batch(self, data: Data, step: Integer[Array, ""]) -> Batch:
        """The batch of an update by its number, counted from 0."""
        which = step % self.count
        x, y, mask = (lax.dynamic_slice_in_dim(each, which * self.T, self.T) for each in data)
        return Batch(x, y, mask, which == 0)


@dataclass(frozen=True)
class Shuffled:
    """`Data` of N sequences as batches of B, in another order each time through; what is over is left to the next."""

    T: int
    N: int
    B: int
    seed: int
    whole: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        positive(T=self.T, N=self.N, B=self.B)
        require(self.B <= self.N, f"B is {self.B}, but there are {self.N} sequences")
        check_seed(self.seed)

    @property
    def count(self) -> int:
        """Batches each time through."""
        return self.N // self.B

    def batch(self, data: Data, step: Integer[Array, ""]) -> Batch:
        """The batch of an update by its number, counted from 0."""
        key = jax.random.fold_in(jax.random.key(self.seed), step // self.count)
        places = step % self.count * self.B + jnp.arange(self.B)
        x, y, mask = (each[:, shuffled(places, self.N, key)] for each in data)
        return Batch(x, y, mask, jnp.array(True))


@dataclass(frozen=True)
class InOrder:
    """`Data` of N sequences as batches of B in their order; the mask is off where the last has none left."""

    T: int
    N: int
    B: int
    whole = False  # the last batch may be short

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        positive(T=self.T, N=self.N, B=self.B)

    @property
    def count(self) -> int:
        """Batches in all."""
        return -(-self.N // self.B)

    def batch(self, data: Data, step: Integer[Array, ""]) -> Batch:
        """The batch by its number, counted from 0."""
        places = step % self.count * self.B + jnp.arange(self.B)
        x, y, mask = (each[:, jnp.minimum(places, self.N - 1)] for each in data)
        return Batch(x, y, mask & (places < self.N), jnp.array(True))


@dataclass(frozen=True)
class Drawn:
    """Sequences of a kind that are made on the spot, B at a time, the same for the same seed and number.

    size: what the kind calls its length, see `drawn`. count: batches that are measured.
    """

    kind: str
    size: int
    B: int
    seed: int
    count: int = 1
    whole = True

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(
            self.kind in drawn.KINDS, f"the kind {self.kind!r} is unknown; one of {', '.join(drawn.KINDS)} is right"
        )
        positive(size=self.size, B=self.B, count=self.count)

    @property
    def T(self) -> int:  # noqa: N802 (NOTATION.md)
        """Steps of each sequence."""
        return drawn.KINDS[self.kind].steps(self.size)

    def batch(self, data: Data, step: Integer[Array, ""]) -> Batch:
        """The batch by its number, counted from 0."""
        key = jax.random.fold_in(jax.random.key(self.seed), step)
        x, y = drawn.KINDS[self.kind].make(key, self.size, self.B)
        return Batch(x, y, jnp.ones(x.shape[:2], bool), jnp.array(True))


Feed = Windows | Shuffled | InOrder | Drawn
FEEDS = {kind.__name__.lower(): kind for kind in (Windows, Shuffled, InOrder, Drawn)}


def shuffled(places: Integer[Array, " B"], N: int, key: Array) -> Integer[Array, " B"]:
    """Where these places go when N things are shuffled, without making the whole order.

    Eight rounds of a Feistel network mix the two halves of a number's bits, which is a permutation of all numbers of so
    many bits; one that falls outside N is mixed again, as often as it takes (Black, Rogaway, Ciphers with Arbitrary
    Finite Domains, 2002, section 5).
    """
    half = max(1, math.ceil(math.log2(max(2, N)) / 2))
    low = jnp.uint32(2**half - 1)
    keys = jax.random.bits(key, (8,), jnp.uint32)

    def mixed(n: Array) -> Array:
        left, right = n >> half, n & low
        for k in keys:
            made = (right ^ k) * jnp.uint32(0x9E3779B1)
            made = (made ^ (made >> 15)) * jnp.uint32(0x85EBCA77)
            left, right = right, left ^ ((made ^ (made >> 13)) & low)
        return (left << half) | right

    def outside(n: Array) -> Array:
        return jnp.any(n >= N)

    once = mixed(places.astype(jnp.uint32))
    return lax.while_loop(outside, lambda n: jnp.where(n >= N, mixed(n), n), once).astype(jnp.int32)


def of_problem(problem: Problem) -> tuple[Windows, Data]:
    """All of a problem's sequences in each update."""
    return Windows(len(problem.x), 1, bool(problem.mask.all())), Data(problem.x, problem.y, problem.mask)


def of_text(indices: Integer[np.ndarray, " N"], T: int, B: int) -> tuple[Windows, Data]:
    """A long text in B streams side by side, each as long as the others; an update reads T characters of each.

    What does not fill a last window is left out. Raises InputError where the text is too short for one window.
    """
    positive(T=T, B=B)
    windows = (len(indices) - 1) // B // T
    require(
        windows >= 1,
        f"the text has {len(indices):,} characters, but {B} streams of {T} steps need {B * T + 1:,}: "
        "fewer streams or shorter ones are right",
    )
    S = windows * T
    x, y = (np.ascontiguousarray(indices[k : k + B * S].reshape(B, S).T.astype(np.int32)) for k in (0, 1))
    return Windows(T, windows, True), Data(x, y, np.ones((S, B), bool))


def of_sequences(data: Data, held_out: Data, B: int, seed: int) -> tuple[Shuffled, Data, InOrder, Data]:
    """Sequences side by side to be trained on in shuffled batches of B, and others to be measured."""
    positive(B=B)
    T, N = data.x.shape[:2]
    require(B <= N, f"{B} sequences are to be fed at once, but there are {N:,}: a smaller --batch is right")
    rest = held_out.x.shape[1]
    return Shuffled(T, N, B, seed, bool(np.all(data.mask))), data, InOrder(T, rest, min(rest, 256)), held_out


def positive(**sizes: int) -> None:
    """Raise InputError for a size that is no whole number, below 1 or too large."""
    for name, value in sizes.items():
        require_whole(name, value)


def on_device(data: Data) -> Data:
    """The arrays where JAX computes."""
    return Data(*(jnp.asarray(each) for each in data))
