"""What NumPy's functions are called, and their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any


def name_of(func: Any) -> str:
    """linalg.norm for np.linalg.norm, sum for np.sum, and scipy.special.softmax with its module."""
    module = str(getattr(func, "__module__", None) or "numpy")
    name = str(getattr(func, "__name__", func))
    if module.startswith("scipy."):
        return f"{'.'.join(part for part in module.split('.') if not part.startswith('_'))}.{name}"
    return f"{module.removeprefix('numpy').removeprefix('.')}.{name}".removeprefix(".")


@cache
def parameters(func: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the arguments that may be given by position; none where Python does not know."""
    try:
        found = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


def without_out(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """The arguments without `out`, be it given by name or by position; and `out`."""
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    names = parameters(func)
    at = names.index("out") if "out" in names else len(args)
    if at < len(args):
        out = args[at]
        kwargs |= dict(zip(names[at + 1 :], args[at + 1 :], strict=False))
        args = args[:at]
    return args, kwargs, out[0] if isinstance(out, tuple) and len(out) == 1 else out
