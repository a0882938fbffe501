"""`rnn-jax check FILE` and `rnn_jax.check(loss, grads, wrt)`: from what a user says to a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_jax.errors import InputError, require
from rnn_jax.files import write_text
from rnn_jax.verify.accuse import QUICK, Depth
from rnn_jax.verify.check import check as judge
from rnn_jax.verify.check_report import CheckReport
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.program import Program, modules_kept
from rnn_jax.verify.smallest.emit import emit
from rnn_jax.verify.smallest.shrink import Case


@dataclass(frozen=True)
class Intent:
    """What a user declares, as text; see declared.py."""

    truncate: int | None = None
    clip: str | None = None
    scale: str | None = None
    sign: str | None = None
    truth: str | None = None
    vary: str | None = None


def check_file(
    path: Path,
    said: Expressions,
    intent: Intent | None = None,
    *,
    cells: str | None = None,
    until: str | None = None,
    timeout: float = 60.0,
    points: int = 2,
    seed: int = 0,
    dtype: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda text: None,
    command: str = "",
    depth: Depth = Depth(),  # noqa: B008 (frozen)
    emit_test: Path | None = None,
) -> CheckReport:
    """Judge the gradients of a file or notebook. Raises InputError, with the place, for what cannot be run.

    depth: how far to look for the line, the cause and a fix. emit_test: where to write the smallest wrong case.
    """
    intent = intent or Intent()
    if said.lr == 0:
        raise InputError("--lr 0: the learning rate with which --update was called would be right")
    lr = said.lr if said.update is not None else None
    declared = Declared.parse(intent.truncate, intent.clip, intent.scale, intent.sign, lr)
    with modules_kept():
        program = Program(path, cells, until, timeout)
        program.load()
        subject = FileSubject(program, said)
        cases: list[Case] = []
        report = judge(
            subject, program=path.name, points=points, seed=seed, dtype=dtype, declared=declared, vary=intent.vary,
            cell=intent.truth, progress=progress, warn=warn, command=command, depth=depth, on_case=cases.append,
        )  # fmt: skip
        if emit_test is not None and not report.ok:
            require(bool(cases), "--emit-test: no small case was found in which the gradients are wrong")
            write_text(emit_test, emit(cases[0], emit_test, until=until, command=command))
        return report


def check(
    loss: Callable[..., Any],
    grads: Callable[..., Any],
    wrt: Any,
    *,
    points: int = 2,
    seed: int = 0,
    dtype: str | None = None,
    truncate: int | None = None,
    clip: str | None = None,
    scale: str | None = None,
    sign: str | None = None,
    quick: bool = False,
) -> CheckReport:
    """Compare hand-written gradients with JAX's of the same NumPy loss.

    loss: a function of no arguments, of `wrt`, or of its entries one by one; it gives one number.
    grads: likewise; it gives the gradients as a dict, tuple, list or object.
    wrt: the parameters: an array, or a dict, list, tuple or object of arrays. They are changed in place and put back.
    quick: give the verdict alone, without a look for the line, the cause and a fix.
    truncate, clip, scale, sign: what is meant, as with `rnn-jax check`: 40, "value:5" or "norm:1", "mean", "negative".

    Raises InputError for what cannot be run or recorded.
    """
    declared = Declared.parse(truncate, clip, scale, sign)
    name = getattr(grads, "__name__", "gradients")
    program = name if name != "<lambda>" else "gradients"
    return judge(
        CallableSubject(loss, grads, wrt), program=program, points=points, seed=seed, dtype=dtype, declared=declared,
        depth=QUICK if quick else Depth(),
    )  # fmt: skip
