"""The gradient by hand in JAX, compiled: rnn_jax/bptt/, on one device as all of these."""

from __future__ import annotations

from typing import Any

import gradient_jitted
from versus import Prepared


def prepare(case: dict[str, Any]) -> Prepared:
    """Gradients of the mean loss of a character model."""
    return gradient_jitted.prepared(case, "fast")
