"""Fresh random values of the same shapes, at which every term of a gradient shows."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from rnn_jax.verify.of_file import FileSubject, root
from rnn_jax.verify.subject import Subject, Values


def fresh_values(own: Values, rng: np.random.Generator, number: int, gain: float = 1.0) -> Values:
    """Values for every parameter at the random point of this number, counted from 0.

    Matrices with rows or columns at right angles at the first point and every second after, so that a gradient neither
    dies out nor explodes through time; normally distributed ones between. Vectors of moderate size. `gain` multiplies
    the matrices: with 2, say, many a recurrent network is chaotic.
    """
    made = {}
    for name, value in own.items():
        array = rng.normal(size=value.shape)
        rows, columns = value.shape if value.ndim == 2 else (0, 0)
        if min(rows, columns) > 1:
            array = gain * (orthogonal(array) if number % 2 == 0 else array / np.sqrt(min(rows, columns)))
        else:
            array = array * 0.4
        made[name] = array.astype(value.dtype)
    return made


def orthogonal(array: np.ndarray) -> np.ndarray:
    """The nearest matrix whose shorter side is orthonormal."""
    tall = array.shape[0] >= array.shape[1]
    q, r = np.linalg.qr(array if tall else array.T)
    q = q * np.sign(np.diag(r))
    return q if tall else q.T


def fresh_inputs(subject: Subject) -> dict[str, np.ndarray]:
    """Names that both loss and gradients are given and that are all zero: initial states, which hide terms."""
    if not isinstance(subject, FileSubject):
        return {}
    said = subject.said
    beside = "\n".join(text for text in (said.grads, said.call, said.update) if text)
    parameters = {root(text) for text, _ in subject.wrt}
    found = {}
    for text in arguments(said.loss):
        if text not in arguments(beside, "exec") or root(text) in parameters:
            continue
        value = current(subject, text)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size and not value.any():
            found[text] = np.array(value)
    return found


def arguments(text: str, mode: str = "eval") -> list[str]:
    """The names that stand as arguments in the calls of an expression."""
    try:
        tree = ast.parse(text, mode=mode)
    except SyntaxError:
        return []
    given = [a for call in ast.walk(tree) if isinstance(call, ast.Call) for a in call.args]
    given += [k.value for call in ast.walk(tree) if isinstance(call, ast.Call) for k in call.keywords]
    return list(dict.fromkeys(ast.unparse(a) for a in given if isinstance(a, ast.Name | ast.Attribute)))


def current(subject: FileSubject, text: str) -> Any:
    """The value of a name after the setup."""
    from rnn_jax.verify.subject import Setting

    try:
        subject.prepare(Setting())
        return eval(text, subject.program.namespace)
    except Exception:
        return None
    finally:
        subject.world.restore()
