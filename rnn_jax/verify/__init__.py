"""Where hand-written gradients meet autodiff: the only place that knows both `reference/` and `rnn_jax/`.

The package itself can be called: `rnn_jax.verify(only=["lstm"])` is `rnn_jax.verify.run.verify(...)`.
"""

import sys
from types import ModuleType
from typing import Any

from rnn_jax.verify.report import Report
from rnn_jax.verify.run import verify

__all__ = ["Report", "verify"]


class _CallableModule(ModuleType):
    """A function and a package of one name: both `rnn_jax.verify(...)` and `rnn_jax.verify.compare` work."""

    def __call__(self, *args: Any, **kwargs: Any) -> Report:
        return verify(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
