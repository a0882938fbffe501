"""The gradient of the plain scan by jax.grad, compiled."""

from __future__ import annotations

from typing import Any

import gradient_jitted
from versus import Prepared


def prepare(case: dict[str, Any]) -> Prepared:
    """Gradients of the mean loss of a character model."""
    return gradient_jitted.prepared(case, "plain")
