"""Small real problems, made from code: the five that the project began with."""

from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

import numpy as np

from rnn_jax import cells, initial, model, text
from rnn_jax.arrays import Array
from rnn_jax.errors import require
from rnn_jax.losses import Reduction

NAMES = ("ada", "emmy", "grace", "hedy", "sofya", "mary")


@dataclass(frozen=True)
class Problem:
    """Sequences of symbols to predict, and the network that its founding text predicts them with.

    Inputs and targets are indices into the vocabulary, (T, B), -1 for none; the mask is off in the padding.
    """

    name: str
    about: str
    vocabulary: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray
    H: int
    cell: str  # the cell whose parameters `founding` makes
    founding: Callable[[], model.Params]
    reduction: Reduction = "sum"
    l2: float = 0.0  # strength of the penalty on V

    def parameters(self, cell: str) -> model.Params:
        """The founding parameters for the founding cell; for any other, uniform ones from a fixed seed; float64."""
        require(cell in cells.CELLS, f"the cell {cell!r} is unknown; one of {', '.join(cells.CELLS)} is right")
        if cell == self.cell:
            return self.founding()
        D = len(self.vocabulary)
        return initial.uniform(
            np.random.RandomState(0), D, self.H, D, cell=cell, second_bias=cell in ("gru", "gru-norm")
        )


def simple(U: Array, W: Array, V: Array) -> model.Params:
    """A one-layer model without biases from matrices (D, H), (H, H) and (H, K)."""
    layer = cells.Params(U, W, np.zeros(W.shape[0]))
    return model.Params(((layer,),), V, np.zeros(V.shape[1]))


def learn() -> Problem:
    """One word of five letters and a full network: column-form parameters from one seed, biases unused."""

    def founding() -> model.Params:
        rng = np.random.RandomState(42)
        U, _bu, W, _bw, V, _bv = (rng.randn(5, n) for n in (5, 1, 5, 1, 5, 1))
        return simple(U.T, W.T, V.T)

    vocabulary = tuple("learn")
    letters = text.encode("learn", vocabulary)[:, None]
    y = np.concatenate([letters[1:], np.full((1, 1), text.NOTHING, np.int32)])
    about = "the word learn, letter by letter; after the last letter no target"
    return Problem("learn", about, vocabulary, letters, y, np.ones((5, 1), bool), 5, "rnn", founding)


def alphabet(seed: int = 1) -> Problem:
    """The letter that follows each of the 26, A after Z; small normal weights.

    From one start in four or so (0, 3 and 9 of the first 12), gradient descent at a rate of 0.01 passes through a phase
    that blows one ulp up to 1e-6 or more of the loss; from the default two programs agree to 1e-14 all the way.
    """

    def founding() -> model.Params:
        rng = np.random.RandomState(seed)
        W, U, V = (rng.randn(*shape) * 0.01 for shape in ((10, 10), (10, 26), (26, 10)))
        return simple(U.T, W.T, V.T)

    x = np.arange(26, dtype=np.int32)[:, None]
    mask = np.ones((26, 1), bool)
    about = "the next letter of the alphabet, A after Z"
    return Problem("alphabet", about, tuple(ascii_uppercase), x, np.roll(x, -1, 0), mask, 10, "rnn", founding)


def words(names: tuple[str, ...] = NAMES) -> Problem:
    """Names of different length, side by side: nothing comes before the first letter, a newline after the last."""
    vocabulary = ("\n", *ascii_lowercase)
    H, D = 8, len(vocabulary)

    def founding() -> model.Params:
        rng = np.random.RandomState(1)
        Wax, Waa, Wya = (rng.randn(*shape) * 0.01 for shape in ((H, D), (H, H), (D, H)))
        return simple(Wax.T, Waa.T, Wya.T)

    x, mask = text.pad([text.encode([None, *name], vocabulary) for name in names])
    y, _ = text.pad([text.encode([*name, "\n"], vocabulary) for name in names])
    about = f"{len(names)} names, padded and masked; nothing starts a name, a newline ends it"
    return Problem("words", about, vocabulary, x, y, mask, H, "rnn", founding)


def hello() -> Problem:
    """The letters of hello through an LSTM, with a penalty on the readout."""
    vocabulary = tuple("helo")
    H, D = 3, len(vocabulary)

    def founding() -> model.Params:
        rng = np.random.RandomState(4)
        U, W, b, V, c = (rng.rand(*shape) for shape in ((D, 4 * H), (H, 4 * H), (4 * H,), (H, D), (D,)))
        return model.Params(((cells.Params(U, W, b),),), V, c)

    letters = text.encode("hello", vocabulary)[:, None]
    mask = np.ones((4, 1), bool)
    about = "the next letter of hello, with a penalty on V"
    return Problem("hello", about, vocabulary, letters[:-1], letters[1:], mask, H, "lstm", founding, l2=1e-3)


def theory() -> Problem:
    """A random sequence of indices through the network of the derivation: uniform weights, the mean loss."""
    rng = np.random.RandomState(7)
    vocabulary, T, H = tuple("abcdefg"), 20, 16
    D = len(vocabulary)
    sequence = rng.randint(D, size=(T + 1, 1)).astype(np.int32)

    def founding() -> model.Params:
        made = initial.uniform(np.random.RandomState(8), D, H, D)
        return simple(made.layers[0][0].U, made.layers[0][0].W, made.V)

    about = "a random sequence of seven symbols, the mean loss of a step"
    mask = np.ones((T, 1), bool)
    return Problem("theory", about, vocabulary, sequence[:-1], sequence[1:], mask, H, "rnn", founding, "mean")


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "learn": learn,
    "alphabet": alphabet,
    "words": words,
    "hello": hello,
    "theory": theory,
}
