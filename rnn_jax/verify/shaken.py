"""The reference with elementary functions that are good to one eps only, as anybody's may be.

Where a gate saturates, tanh of one library and tanh of another differ in the last bit, and 1 - tanh² in all of them:
the same program in a higher precision cannot show that, nor can inputs that move by one eps.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class ShakenNumPy:
    """NumPy, but that tanh, exp and log are off by one eps, up or down at random."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw the errors from `rng`."""
        self._rng = rng

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def _shake(self, y: Any) -> Any:
        return y * (1 + self._rng.choice([-1, 1], np.shape(y)).astype(y.dtype) * np.finfo(y.dtype).eps)

    def tanh(self, z: Any) -> Any:
        """tanh, off by one eps."""
        return self._shake(np.tanh(z))

    def exp(self, z: Any) -> Any:
        """exp, off by one eps."""
        return self._shake(np.exp(z))

    def log(self, z: Any) -> Any:
        """log, off by one eps."""
        return self._shake(np.log(z))


@contextmanager
def shaken(rng: np.random.Generator) -> Iterator[None]:
    """Give the modules of `reference` the shaken NumPy while the block runs."""
    modules = [m for name, m in sys.modules.items() if name.startswith("reference.") and getattr(m, "np", None) is np]
    try:
        for module in modules:
            module.np = ShakenNumPy(rng)  # type: ignore[attr-defined]
        yield
    finally:
        for module in modules:
            module.np = np  # type: ignore[attr-defined]
