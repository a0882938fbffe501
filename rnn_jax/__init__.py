"""Hand-written back-propagation through time, verified against jax.grad."""

import importlib
from types import ModuleType

from rnn_jax._version import __version__
from rnn_jax.errors import InputError

__all__ = ["InputError", "__version__", "verify"]


def __getattr__(name: str) -> ModuleType:
    """`rnn_jax.verify(...)` without the cost of `reference/` for those who never ask for it."""
    if name == "verify":
        return importlib.import_module("rnn_jax.verify")
    raise AttributeError(f"module 'rnn_jax' has no attribute {name!r}")
