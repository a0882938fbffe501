"""The same program on shorter sequences: from which length on a gradient is wrong says much about why."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.fresh import arguments, current
from rnn_jax.verify.judge import Bench, Judgement, failing, judge
from rnn_jax.verify.of_file import FileSubject, root
from rnn_jax.verify.report import Verdict
from rnn_jax.verify.subject import Setting, record

LENGTHS = (1, 2, 3)


def sequences(subject: Any, vary: str | None) -> dict[str, int]:
    """The inputs that run over time, and along which axis: as --vary says, or those of equal leading length."""
    if not isinstance(subject, FileSubject):
        require(vary is None, "vary is for files")
        return {}
    if vary is not None:
        return dict(spoken(subject, part) for part in vary.split(","))
    said = subject.said
    beside = "\n".join(text for text in (said.grads, said.call, said.update) if text)
    spoken_of = {ast.unparse(node) for node in ast.walk(ast.parse(said.loss.strip())) if isinstance(node, ast.expr)}
    names = [n for n in arguments(beside, "exec") if n in spoken_of]
    parameters = {root(text) for text, _ in subject.wrt}
    found = {n: length(current(subject, n)) for n in names if root(n) not in parameters}
    lengths = [size for size in found.values() if size is not None]
    most = max(lengths, default=0)
    # An input whose gradient is asked for keeps its length: beside it nothing can be cut short.
    kept = [np.shape(array)[:2] for n, array in subject.parameters().items() if n in names]
    if any(most in shape for shape in kept):
        return {}
    return {
        n: 0
        for n, size in found.items()
        if size == most and most > 1 and (lengths.count(most) > 1 or len(lengths) == 1)
    }


def length(value: Any) -> int | None:
    """The number of steps of a list over time or of an array's leading axis."""
    if isinstance(value, list | tuple) and value and not isinstance(value[0], str):
        return len(value)
    return len(value) if isinstance(value, np.ndarray) and value.ndim else None


def spoken(subject: FileSubject, part: str) -> tuple[str, int]:
    """x=0 as a name and an axis."""
    name, _, axis = part.strip().partition("=")
    require(axis.strip().isdigit(), f"--vary {part!r} is not NAME=AXIS, as in x=0,y=0")
    value = current(subject, name.strip())
    parameters = {root(text) for text, _ in subject.wrt}
    require(name.strip() not in parameters, f"--vary {part}: the gradient of {name} is asked for: it keeps its length")
    if value is None:
        raise InputError(f"--vary {name}: {subject.program.path.name} knows no such name")
    axes = value.ndim if isinstance(value, np.ndarray) else 1
    require(int(axis) < axes, f"--vary {part}: {name} has {axes} axes, counted from 0")
    return name.strip(), int(axis)


def cut(value: Any, axis: int, steps: int) -> Any:
    """The first steps of a sequence."""
    if isinstance(value, np.ndarray):
        return np.array(value[(slice(None),) * axis + (slice(steps),)])
    return value[:steps]


def sweep(bench: Bench, made: Judgement, over: dict[str, int]) -> dict[int, tuple[str, ...]]:
    """The parameters that are wrong at each length that the program can be run at, in the parameters' own order."""
    found = {}
    for steps in LENGTHS:
        for setting in shortened(bench, made, over, steps):
            try:
                found[steps] = wrong_at(bench, made, setting)
                break
            except InputError:  # a length that the program was not made for
                continue
    return found


def shortened(bench: Bench, made: Judgement, over: dict[str, int], steps: int) -> list[Setting]:
    """The same point with the inputs cut to so many steps: with a global T that follows, and without."""
    subject = bench.subject
    if not isinstance(subject, FileSubject) or not over:
        return []
    wholes = {name: made.setting.inputs.get(name, current(subject, name)) for name in over}
    full = {
        np.shape(wholes[n])[axis] if isinstance(wholes[n], np.ndarray) else len(wholes[n]) for n, axis in over.items()
    }
    counts = [n for n, v in subject.program.namespace.items() if type(v) is int and {v} == full]
    shorter = {n: cut(wholes[n], axis, steps) for n, axis in over.items()}
    inputs = made.setting.inputs | shorter
    return [Setting(made.setting.parameters, inputs | more) for more in (dict.fromkeys(counts, steps), {})]


def wrong_at(bench: Bench, made: Judgement, setting: Setting) -> tuple[str, ...]:
    """The parameters that are wrong with shorter inputs."""
    there = judge(replace(bench, terms=[]), made.point, setting, made.values)
    return () if there.doubt else tuple(failing(there))


def runs_over_time(bench: Bench, made: Judgement, over: dict[str, int]) -> bool:
    """Whether what can be cut short is time: each step is operations of its own, where a batch is done in one."""
    counts = []
    for steps in LENGTHS:
        for setting in shortened(bench, made, over, steps):
            try:
                counts.append(len(record(bench.subject, setting).recorder.tape.nodes))
                break
            except InputError:
                continue
    return len(set(counts)) > 1


def sentences(found: dict[int, tuple[str, ...]], names: tuple[str, ...], over: dict[str, int]) -> list[str]:
    """From which length on which gradients are wrong, those alike in one, and what was cut short."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(words(found, name), []).append(name)
    said = [f"{', '.join(group)}: {text}" for text, group in alike.items() if text]
    axes = ", ".join(name if axis == 0 else f"{name} (axis {axis})" for name, axis in over.items())
    return [*said, f"T was varied by cutting {axes} short"] if said else []


def wrong_when_short(bench: Bench, made: Judgement, over: dict[str, int]) -> Judgement:
    """The judgement at one, two and three steps, as a point of its own; PASS where no length could be run."""
    return at_lengths(made, sweep(bench, made, over), over)


def at_lengths(made: Judgement, found: dict[int, tuple[str, ...]], over: dict[str, int]) -> Judgement:
    """What a sweep over lengths found, as a judgement."""
    if not any(found.get(steps) for steps in LENGTHS[1:]):
        found = {}  # one step alone may be spread over what was not cut, by broadcasting, and accuses nobody
    wrong = {name: steps for steps in sorted(found, reverse=True) for name in found[steps]}
    judged = {}
    for name, c in made.compared.items():
        note = f"is right at the program's own length, wrong when {', '.join(over)} are cut to T={wrong.get(name)}"
        judged[name] = replace(c, verdict=Verdict.FAIL, note=note) if name in wrong else c
    return replace(made, point="shorter", compared=judged)


def words(found: dict[int, tuple[str, ...]], name: str) -> str:
    """From which length on a gradient is wrong."""
    right = [steps for steps, wrong in found.items() if name not in wrong]
    wrong = [steps for steps, wrong in found.items() if name in wrong]
    if not found:
        return ""
    if not wrong:
        return f"right up to T={max(right)}, wrong at the program's own length"
    if right and max(right) < min(wrong):
        return f"right at T={max(right)}, wrong from T={min(wrong)}"
    return "wrong at T=1 already" if 1 in wrong else f"wrong at T={', '.join(map(str, wrong))}"
