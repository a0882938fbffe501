"""`ndarray.flat` of an array that records."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.recorder import concrete, wrap


class Flat:
    """`ndarray.flat`: all elements in one row, to read, write and iterate."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.at = 0  # for next()

    def __getitem__(self, key: Any) -> Any:
        key = concrete(key)
        return wrap(self.array.plain.flat[key], np.asarray(self.array.known_ids.flat[key]))

    def __setitem__(self, key: Any, value: Any) -> None:
        places = np.arange(self.array.size)[concrete(key)]
        row = dispatch.lifted(value)
        row = row.ravel() if row.size != 1 else row.reshape(())
        self.array[np.unravel_index(places, self.array.shape)] = (
            row if row.ndim == 0 else dispatch.function(np.resize, (row, np.shape(places)), {})
        )

    def __iter__(self) -> Any:
        return iter(self.array.ravel())

    def __next__(self) -> Any:
        self.at += 1
        if self.at > self.array.size:
            raise StopIteration
        return self[self.at - 1]

    def __len__(self) -> int:
        return self.array.size

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.array.ravel()

    def copy(self) -> Any:
        """All elements, as an array."""
        return self.array.flatten()
