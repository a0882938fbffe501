"""Characters to indices and back."""

from collections.abc import Iterable, Sequence

import numpy as np

from rnn_jax.errors import InputError

NOTHING = -1  # the index that adds nothing as an input and counts nothing as a target


def vocabulary(text: Iterable[str]) -> tuple[str, ...]:
    """The distinct characters of `text`, sorted; a character's place is its index."""
    return tuple(sorted(set(text)))


def encode(symbols: Iterable[str | None], vocabulary: Sequence[str]) -> np.ndarray:
    """The indices (T,) of the symbols, -1 for None; raises InputError for one that is not in the vocabulary."""
    place = {symbol: index for index, symbol in enumerate(vocabulary)}
    symbols = list(symbols)
    for symbol in symbols:
        if symbol is not None and symbol not in place:
            raise InputError(f"the symbol {symbol!r} is not in the vocabulary, which is {''.join(vocabulary)!r}")
    return np.array([NOTHING if symbol is None else place[symbol] for symbol in symbols], np.int32)


def decode(indices: Iterable[int], vocabulary: Sequence[str]) -> str:
    """The characters at the indices; raises InputError for one that the vocabulary does not reach."""
    indices = [int(index) for index in indices]
    for index in indices:
        if not 0 <= index < len(vocabulary):
            raise InputError(f"the index {index} is not in the vocabulary, which has 0 to {len(vocabulary) - 1}")
    return "".join(vocabulary[index] for index in indices)


def pad(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of different length side by side: indices (T, B), padded with -1, and the mask (T, B)."""
    if not sequences or min(len(sequence) for sequence in sequences) == 0:
        raise InputError(
            f"the lengths are {[len(s) for s in sequences]}, but one sequence or more, none empty, is right"
        )
    T, B = max(len(sequence) for sequence in sequences), len(sequences)
    padded, mask = np.full((T, B), NOTHING, np.int32), np.zeros((T, B), bool)
    for column, sequence in enumerate(sequences):
        padded[: len(sequence), column] = sequence
        mask[: len(sequence), column] = True
    return padded, mask
