"""What finite-difference checkers say of the same gradients: `jax.test_util.check_grads` and torch's `gradcheck`.

Both are asked at the points at which mutants are known to be wrong, and with their own tolerances for float64.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mutation.base import Base, settings
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.program import modules_kept
from rnn_jax.verify.subject import Setting, Values, evaluate_gradients, evaluate_loss

Ask = Callable[["NumPyFunction"], bool]


@dataclass
class NumPyFunction:
    """Someone's loss and gradients as functions of the parameters' arrays, in order."""

    subject: FileSubject
    at: Setting

    def __post_init__(self) -> None:
        own = {name: np.array(value) for name, value in self.subject.parameters().items()}
        self.values: Values = own | self.at.parameters

    def setting(self, arrays: Any) -> Setting:
        """The point at which the parameters are these."""
        given = {name: np.asarray(array) for name, array in zip(self.values, arrays, strict=True)}
        return Setting(given, self.at.inputs)

    def loss(self, *arrays: Any) -> np.ndarray:
        """The loss."""
        return np.asarray(evaluate_loss(self.subject, self.setting(arrays)))

    def gradients(self, *arrays: Any) -> tuple[np.ndarray, ...]:
        """The gradients."""
        found = evaluate_gradients(self.subject, self.setting(arrays), loss_first=True)
        return tuple(np.asarray(found[name], dtype=float) for name in self.values)


def jax_accepts(function: NumPyFunction) -> bool:
    """Whether check_grads raises nothing."""
    import jax
    from jax.test_util import check_grads

    with jax.enable_x64(True):
        arrays = [jax.numpy.asarray(value) for value in function.values.values()]
        shapes = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays)
        number = jax.ShapeDtypeStruct((), np.float64)

        @jax.custom_vjp
        def loss(*given: Any) -> Any:
            return jax.pure_callback(function.loss, number, *given)

        def back(given: Any, cotangent: Any) -> Any:
            return tuple(cotangent * g for g in jax.pure_callback(function.gradients, shapes, *given))

        loss.defvjp(lambda *given: (loss(*given), given), back)
        try:
            check_grads(loss, tuple(arrays), order=1, modes=("rev",))
        except AssertionError:
            return False
        return True


def torch_accepts(function: NumPyFunction) -> bool:
    """Whether gradcheck is content."""
    import torch

    class Loss(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *given: Any) -> Any:
            ctx.save_for_backward(*given)
            return torch.tensor(float(function.loss(*(g.detach().numpy() for g in given))), dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            found = function.gradients(*(g.detach().numpy() for g in ctx.saved_tensors))
            return tuple(cotangent * torch.from_numpy(np.array(g)) for g in found)

    arrays = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in function.values.values()]
    return bool(torch.autograd.gradcheck(Loss.apply, arrays, raise_exception=False))


def peers() -> dict[str, Ask]:
    """Those that are installed."""
    found: dict[str, Ask] = {"check_grads": jax_accepts}
    if importlib.util.find_spec("torch"):
        found["gradcheck"] = torch_accepts
    return found


def asked(base: Base, source: str, ask: Ask) -> tuple[bool | None, float]:
    """Whether a peer finds anything in a version of a program, and the seconds; None where it fails."""
    with base.written(source) as file, modules_kept():
        return at_points(base, file, ask)


def at_points(base: Base, file: Path, ask: Ask) -> tuple[bool | None, float]:
    """One point after the other, until something is found."""
    subject = base.subject(file)
    start = time.perf_counter()
    try:
        found = any(not ask(NumPyFunction(subject, each)) for each in settings(subject))
    except Exception:  # whatever a peer makes of a program that it cannot run
        return None, time.perf_counter() - start
    return found, time.perf_counter() - start
