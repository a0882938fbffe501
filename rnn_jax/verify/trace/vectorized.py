"""np.vectorize of functions that record."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.numbers import weak
from rnn_jax.verify.trace.recorder import active, hangs, plain, refuse


class Vectorize:
    """np.vectorize: the function for each element, one after another."""

    def __init__(self, pyfunc: Any, *args: Any, **kwargs: Any) -> None:
        self.real = np.vectorize(plain(pyfunc), *args, **kwargs)
        self.pyfunc = pyfunc
        if self.real.signature is not None:
            refuse("np.vectorize with a signature", "write a loop")

    @classmethod
    def of(cls, real: Any, pyfunc: Any) -> Vectorize:
        """The stand-in for one that was made before, of a function that may have its own."""
        made = cls.__new__(cls)
        made.real, made.pyfunc = real, pyfunc
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function of each element."""
        if hangs(list(kwargs.values())):
            refuse("np.vectorize with recorded keywords", "pass them by position")
        if active() is None:
            return self.real(*plain(args), **plain(kwargs))
        arrays = [dispatch.lifted(a) for a in args]
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        spread = [dispatch.function_of(np.broadcast_to, a, shape) for a in arrays]
        if not all(shape):
            return dispatch.wrap_all(self.real(*plain(args), **plain(kwargs)))
        # As NumPy does it: once for the dtypes, with its own number; then with Python's.
        first = None if self.real.otypes else self.pyfunc(*(a[(0,) * len(shape)] for a in spread), **kwargs)
        results = [self.pyfunc(*(weak(a[place]) for a in spread), **kwargs) for place in np.ndindex(shape)]
        self.layout = np.frompyfunc(lambda *each: 0, len(args), 1)(*(a.plain for a in arrays))
        if not isinstance(results[0], tuple):
            return self.gathered(results, shape, 0, first)
        columns = [list(column) for column in zip(*results, strict=True)]
        firsts = first or [None] * len(columns)
        return tuple(self.gathered(column, shape, k, firsts[k]) for k, column in enumerate(columns))

    def gathered(self, results: list[Any], shape: tuple[int, ...], output: int, first: Any) -> Any:
        """One result, of the dtype that np.vectorize gives it: what was said, or the first element's."""
        said = self.real.otypes
        dtype = np.dtype(said[output]) if said else np.asarray(plain(first)).dtype
        made = dispatch.lifted(results, dtype).reshape(shape)
        if made.ndim < 2:
            return made[()]
        laid = dispatch.wrap_all(np.empty_like(self.layout, dtype=dtype))
        laid[...] = made
        return laid
