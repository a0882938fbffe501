"""What is checked: parameters, a loss and gradients by hand, wherever they live, to be evaluated at any values."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.gradients import named, short
from rnn_jax.verify.naming import expand
from rnn_jax.verify.program import Program
from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.places import NOWHERE
from rnn_jax.verify.trace.recorder import Recorder, operand, plain, recording
from rnn_jax.verify.trace.tape import Operand
from rnn_jax.verify.trace.world import World

Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Setting:
    """Where to evaluate: parameters by name (their own where absent), and inputs in place of the program's."""

    parameters: Values = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


class Subject(Protocol):
    """A program with a loss and gradients. Whatever it changes is put back after each question."""

    names: tuple[str, ...]
    world: World

    def parameters(self) -> Values:
        """The parameters' arrays themselves."""

    def prepare(self, setting: Setting) -> None:
        """What goes before the loss and before the gradients."""

    def evaluate_loss(self) -> Any:
        """The loss as the program gives it."""

    def evaluate_gradients(self, before: Values) -> Any:
        """The gradients as the program gives them; `before` holds the parameters as they were."""


@dataclass(frozen=True)
class Expressions:
    """What a user says of their file, as Python in the file's own namespace."""

    wrt: str
    loss: str
    grads: str | None = None
    setup: str | None = None
    call: str | None = None
    update: str | None = None
    lr: float = 1.0


class FileSubject:
    """A file that was run, and expressions in its namespace."""

    def __init__(self, program: Program, said: Expressions) -> None:
        self.program, self.said = program, said
        self.prelude: list[ast.stmt] = []
        self.loss = parsed("--loss", said.loss)
        self.grads = parsed("--grads", said.grads) if said.grads is not None else None
        self.call = parsed("--call", said.call, "exec") if said.call is not None else None
        self.update = parsed("--update", said.update, "exec") if said.update is not None else None
        self.wrt = [(text, parsed("--wrt", text)) for text in split(said.wrt)]
        require(bool(self.wrt), "--wrt names no parameter; W,U,b for arrays of those names would be right")
        require(
            self.grads is not None or self.update is not None,
            "neither --grads nor --update was given; --grads 'backward(X, Y)' would be right",
        )
        self._set_up(said.setup or "")
        self.world = World(program.namespace)
        found = self.parameters()
        distinct(found)
        self.names = tuple(found)

    def _set_up(self, text: str) -> None:
        """Run the setup. What of it comes after the parameters were made is run again before every evaluation.

        A cache that the setup computes from the parameters has to follow them when they change.
        """
        statements = parsed_statements("--setup", text)
        roots = {root(each) for each, _ in self.wrt}
        made = max((k + 1 for k, statement in enumerate(statements) if roots & assigned(statement)), default=0)
        for number, statement in enumerate(statements):
            if number >= made and self._exist():
                self.prelude = statements[number:]
                break
            self._execute(statement)
        kept = World(self.program.namespace) if self.prelude else None
        for statement in self.prelude:  # errors in it are told now
            self._execute(statement)
        if kept is not None:
            kept.restore()
        self._known()

    def gradients_are_left_over(self) -> bool:
        """Whether --grads only names what the file computed when it ran."""
        return (
            self.call is None
            and self.said.grads is not None
            and not any(
                isinstance(node, ast.Call) for node in ast.walk(ast.parse(self.said.grads.strip(), mode="eval"))
            )
        )

    def inline(self) -> None:
        """Take what the file does at its top level after the parameters are made for a part of the loss."""
        bound = {root(text) for text, _ in self.wrt}
        body = self.program.tree.body
        last = max((k for k, statement in enumerate(body) if bound & assigned(statement)), default=-1)
        self.prelude = body[last + 1 :] + self.prelude

    def _exist(self) -> bool:
        try:
            return all(eval(code, self.program.namespace) is not None for _, code in self.wrt)
        except Exception:
            return False

    def _known(self) -> None:
        for text, code in self.wrt:
            try:
                eval(code, self.program.namespace)
            except Exception as error:
                raise InputError(
                    f"--wrt {text}: {type(error).__name__}: {error} (in {self.program.path.name})"
                    f"{close(text, self.program.namespace)}"
                ) from error

    def _execute(self, statement: ast.stmt) -> None:
        module = ast.Module([statement], type_ignores=[])
        file = getattr(statement, "file", str(self.program.path.absolute()))
        self.program.run(compile(module, file, "exec"), file.strip("<>") if file.startswith("<") else None)

    def parameters(self) -> Values:
        """The parameters' arrays by name, a container's each by its own."""
        found: Values = {}
        for text, code in self.wrt:
            found |= expand(text, eval(code, self.program.namespace))
        return found

    def prepare(self, setting: Setting) -> None:
        """Set what the setting says, then run the part of the setup that may depend on it."""
        waiting = dict(setting.inputs)
        later = set().union(*(binds(statement) for statement in self.prelude))
        for name in [n for n in waiting if root(n) not in later]:
            self._set(name, waiting.pop(name))
        for name, array in self.parameters().items():
            if name in setting.parameters:
                np.asarray(array)[...] = setting.parameters[name]
        for statement in self.prelude:
            self._execute(statement)
            for name in [n for n in waiting if root(n) in binds(statement)]:
                self._set(name, waiting[name])

    def _set(self, name: str, value: Any) -> None:
        self.program.namespace["__rnn_jax_value__"] = value
        self.program.run(compile(f"{name} = __rnn_jax_value__", "<setting>", "exec"))

    def evaluate_loss(self) -> Any:
        """--loss."""
        return self.program.evaluate(self.loss, "--loss")

    def evaluate_gradients(self, before: Values) -> Any:
        """--grads after --call, or what --update changed."""
        if self.update is not None:
            self.program.evaluate(self.update, "--update")
            after = self.parameters()
            return {name: (before[name] - after[name]) / self.said.lr for name in before}
        if self.call is not None:
            self.program.evaluate(self.call, "--call")
        return self.program.evaluate(self.grads, "--grads")


class CallableSubject:
    """Functions of the caller's own, of no arguments or of the parameters."""

    def __init__(self, loss: Callable[..., Any], grads: Any, wrt: Any) -> None:
        require(callable(loss), f"loss is {loss!r}: a function that computes the loss would be right")
        require(callable(grads), f"grads is {short(grads)}: a function that computes the gradients would be right")
        self.held = {"wrt": wrt, "loss": loss, "grads": grads}
        self.world = World(self.held)
        found = self.parameters()
        distinct(found)
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

    def parameters(self) -> Values:
        """The parameters' arrays by name."""
        return expand("", self.held["wrt"])

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


@dataclass(frozen=True)
class Recording:
    """A loss that was recorded: its tape, its value, and the ids of each parameter."""

    recorder: Recorder
    loss: float
    output: Operand
    ids: dict[str, np.ndarray]


def record(subject: Subject, setting: Setting) -> Recording:
    """Evaluate the loss with arrays that record."""
    recorder = Recorder()
    with subject.world.recorded(), recording(recorder):
        ids = mark(subject, recorder, setting)
        subject.prepare(Setting(inputs={k: dispatch.wrap_all(v) for k, v in setting.inputs.items()}))
        value, output = scalar(subject.evaluate_loss())
    return Recording(recorder, value, output, ids)


def mark(subject: Subject, recorder: Recorder, setting: Setting, tracked: bool = True) -> dict[str, np.ndarray]:
    """Give the parameters their values and, where they are to be tracked, their ids."""
    found = {}
    for name, array in subject.parameters().items():
        if name in setting.parameters:
            array.plain[...] = setting.parameters[name]  # type: ignore[attr-defined]
        if tracked:
            found[name] = recorder.tape.add("input", name, (), array.plain, NOWHERE)  # type: ignore[attr-defined]
            array.ids[...] = found[name]  # type: ignore[attr-defined]
    return found


def scalar(value: Any) -> tuple[float, Operand]:
    """The loss as a number, and where it stands on the tape."""
    return number_of(plain(value)), operand(value)


def number_of(number: Any) -> float:
    """The loss as a plain number. Raises InputError where it is no single one."""
    numeric = isinstance(number, np.ndarray | np.number | int | float) and np.asarray(number).dtype.kind in "fiu"
    if not numeric or np.size(number) != 1:
        shape = f"an array of shape {np.shape(number)}" if numeric else f"a {type(number).__name__}"
        raise InputError(
            f"the loss is {shape}; one number would be right (an index, or np.sum of it times a cotangent)"
        )
    return float(np.asarray(number).reshape(()))


def evaluate_loss(subject: Subject, setting: Setting) -> float:
    """The loss by the program itself, unrecorded."""
    try:
        subject.prepare(setting)
        return number_of(subject.evaluate_loss())
    finally:
        subject.world.restore()


@dataclass(frozen=True)
class Calls:
    """The gradients of a first and of a second call right after it."""

    first: Values
    second: Values
    moved: bool  # the first call changed the parameters, so that the second is of another point


def evaluate_gradients(subject: Subject, setting: Setting, loss_first: bool) -> Values:
    """The gradients by the program itself."""
    try:
        subject.prepare(setting)
        return once(subject, loss_first)
    finally:
        subject.world.restore()


def evaluate_twice(subject: Subject, setting: Setting, loss_first: bool) -> Calls:
    """The gradients of two calls in a row, the random generators set back between them."""
    try:
        subject.prepare(setting)
        before = {name: np.array(array) for name, array in subject.parameters().items()}
        state = subject.world.random_state()
        first = once(subject, loss_first)
        after = subject.parameters()
        moved = any(not np.array_equal(before[n], after[n], equal_nan=True) for n in before)
        state()
        return Calls(first, once(subject, loss_first), moved)
    finally:
        subject.world.restore()


def loss_after(subject: Subject, setting: Setting) -> float:
    """The loss after one call for the gradients."""
    try:
        subject.prepare(setting)
        state = subject.world.random_state()
        once(subject, loss_first=True)
        state()
        return number_of(subject.evaluate_loss())
    finally:
        subject.world.restore()


def once(subject: Subject, loss_first: bool) -> Values:
    """One call for the gradients, after one for the loss where they need it."""
    if loss_first:
        subject.evaluate_loss()
    before = {name: np.array(plain(array)) for name, array in subject.parameters().items()}
    raw = plain(subject.evaluate_gradients(before))
    return named(raw, before)


def parsed(option: str, text: str, mode: str = "eval") -> Any:
    """An expression, compiled; its mistakes told with the option."""
    try:
        return compile(text.strip(), f"<{option}>", mode)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{option} {text!r} is not Python: {error}") from error


def parsed_statements(option: str, text: str) -> list[ast.stmt]:
    """The statements of a setup."""
    try:
        statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{option} {text!r} is not Python: {error}") from error
    for statement in statements:
        statement.file = f"<{option}>"  # type: ignore[attr-defined]
    return statements


def split(text: str) -> list[str]:
    """W,P['a,b'],net.layers[0] at its outer commas."""
    try:
        tree = ast.parse(f"({text.strip().rstrip(',')},)" if text.strip() else "()", mode="eval").body
    except SyntaxError as error:
        raise InputError(f"--wrt {text!r} is not a list of names or expressions, by comma: W,U,net.b") from error
    assert isinstance(tree, ast.Tuple)
    return [ast.unparse(element) for element in tree.elts]


def binds(statement: ast.stmt) -> set[str]:
    """The names that a statement assigns to, or whose attributes or items it assigns to."""
    found = assigned(statement)
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found.add(root(ast.unparse(node)))
    return found


def assigned(statement: ast.stmt) -> set[str]:
    """The names that a statement binds, outside functions and classes; augmented assignment binds nothing new."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AugAssign):
        return set()
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def root(text: str) -> str:
    """Net for net.layers[0].W."""
    node: Any = ast.parse(text, mode="eval").body
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else text


def close(text: str, namespace: dict[str, Any]) -> str:
    """A hint at names that are nearly right."""
    if root(text) in namespace:
        return ""
    names = [k for k in namespace if not k.startswith("__")]
    near = [k for k in names if k.lower() == root(text).lower()] or difflib.get_close_matches(root(text), names, 3, 0.6)
    have = ", ".join(sorted(k for k, v in namespace.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"))
    return f"; did you mean {' or '.join(near)}?" if near else f"; the file's arrays are {have or 'none'}"


def distinct(found: Values) -> None:
    """Raise InputError where two parameters share memory: one cannot be changed without the other."""
    names = list(found)
    for k, name in enumerate(names):
        for other in names[:k]:
            if np.may_share_memory(found[name], found[other]) and np.shares_memory(found[name], found[other]):
                raise InputError(f"{other} and {name} are the same memory: name one of them in --wrt")
