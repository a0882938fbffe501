"""A fault planted in one function of `reference`: its source with one line changed, in the place of the real one."""

import importlib
import inspect
import sys
import textwrap
from types import FunctionType

import pytest


def plant(monkeypatch: pytest.MonkeyPatch, module_name: str, function_name: str, right: str, wrong: str) -> None:
    """Exchange `right` for `wrong` in the function, wherever it has been imported to."""
    module = importlib.import_module(module_name)
    original = getattr(module, function_name)
    lines = inspect.getsource(inspect.unwrap(original)).splitlines()
    # Comments quote the equations, and would be changed in the code's place.
    source = textwrap.dedent("\n".join(line for line in lines if not line.strip().startswith("#")))
    assert source.count(right) == 1, f"{right!r} stands {source.count(right)} times in {function_name}"
    namespace = dict(vars(module))
    exec(compile(source.replace(right, wrong), f"<planted in {module_name}>", "exec"), namespace)
    faulty = namespace[function_name]
    assert isinstance(faulty, FunctionType)
    for name, other in list(sys.modules.items()):
        if name.split(".")[0] in ("reference", "rnn_jax") and getattr(other, function_name, None) is original:
            monkeypatch.setattr(other, function_name, faulty)
