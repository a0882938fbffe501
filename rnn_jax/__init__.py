"""Hand-written back-propagation through time, verified against jax.grad."""

import importlib
from typing import Any

from rnn_jax._version import __version__
from rnn_jax.errors import InputError

__all__ = ["InputError", "__version__", "check", "verify"]


def __getattr__(name: str) -> Any:
    """`rnn_jax.check(...)` and `rnn_jax.verify(...)` without their cost for those who never ask for them."""
    if name == "verify":
        return importlib.import_module("rnn_jax.verify")
    if name == "check":
        import random

        import numpy as np

        # To import JAX moves NumPy's global random state; whoever seeded it must not notice.
        kept = np.random.get_state(), random.getstate()  # noqa: NPY002
        try:
            return importlib.import_module("rnn_jax.verify.command").check
        finally:
            np.random.set_state(kept[0])  # noqa: NPY002
            random.setstate(kept[1])
    raise AttributeError(f"module 'rnn_jax' has no attribute {name!r}")
