"""Functions of the caller's own as the subject of a check."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.gradients import short
from rnn_jax.verify.naming import expand
from rnn_jax.verify.subject import Setting, Values, distinct
from rnn_jax.verify.trace.world import World


class CallableSubject:
    """Functions of the caller's own, of no arguments or of the parameters."""

    def __init__(self, loss: Callable[..., Any], grads: Any, wrt: Any) -> None:
        require(callable(loss), f"loss is {loss!r}: a function that computes the loss would be right")
        require(callable(grads), f"grads is {short(grads)}: a function that computes the gradients would be right")
        self.held = {"wrt": wrt, "loss": loss, "grads": grads}
        self.world = self.snapshot()
        found = self.parameters()
        distinct(found)
        fixed = [name for name, value in found.items() if not value.flags.writeable]
        require(not fixed, f"{', '.join(fixed)} cannot be written to; a copy of it would be right")
        self.names = tuple(found)

    def _call(self, function: Callable[..., Any]) -> Any:
        """Call a function without arguments, or with the parameters as one or each as one of its own."""
        needed = required(function)
        wrt = self.held["wrt"]
        if not needed:
            return function()
        if isinstance(wrt, dict) and set(needed) <= set(wrt):
            return function(*(wrt[name] for name in needed))
        if len(needed) == 1:
            return function(wrt)
        if isinstance(wrt, dict | list | tuple) and len(needed) == len(wrt):
            return function(*(wrt.values() if isinstance(wrt, dict) else wrt))
        raise InputError(
            f"{getattr(function, '__name__', 'the function')} takes {len(needed)} arguments: none, one (wrt itself) "
            "or one for each parameter would be right"
        )

    def snapshot(self) -> World:
        """The world as it is now."""
        return World(self.held)

    def parameters(self) -> Values:
        """The parameters' arrays by name."""
        return expand("wrt" if isinstance(self.held["wrt"], np.ndarray) else "", self.held["wrt"])

    def prepare(self, setting: Setting) -> None:
        """Set the parameters."""
        for name, array in self.parameters().items():
            if name in setting.parameters:
                np.asarray(array)[...] = setting.parameters[name]

    def evaluate_loss(self) -> Any:
        """loss()."""
        return self._call(self.held["loss"])

    def evaluate_gradients(self, before: Values) -> Any:
        """grads()."""
        return self._call(self.held["grads"])


def required(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that a function cannot be called without."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind in kinds]
