"""For pytest: a `gradcheck` fixture, whose assertion prints the report.

def test_backward(gradcheck):
    gradcheck(lambda: forward(X, Y)[0], lambda: backward(X, Y), {"W": W, "U": U, "b": b})
"""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def gradcheck() -> Callable[..., Any]:
    """`rnn_jax.check` as an assertion, called as it is: fails with the report, or returns it."""
    from rnn_jax.verify.command import check

    def gradcheck(loss: Callable[..., Any], grads: Callable[..., Any], wrt: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        report = check(loss, grads, wrt, **options)
        report.raise_if_wrong()
        return report

    return gradcheck
