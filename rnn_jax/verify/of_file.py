"""A file or notebook as the subject of a check: expressions in its namespace say what is what."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.naming import expand
from rnn_jax.verify.program import Program
from rnn_jax.verify.subject import Setting, Values, distinct
from rnn_jax.verify.trace.world import World


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
            (self.grads is None) != (self.update is None),
            f"{'both' if said.grads else 'neither'} --grads {'and' if said.grads else 'nor'} --update "
            f"{'were' if said.grads else 'was'} given; one of them would be right, as in --grads 'backward(X, Y)'",
        )
        texts = [text for text, _ in self.wrt]
        twice = [text for text in texts if texts.count(text) > 1]
        require(not twice, f"--wrt names {twice[0] if twice else ''} twice")
        self._set_up(said.setup or "")
        self.world = self.snapshot()
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

    def loss_beside(self) -> float | None:
        """The loss that the gradient function gives beside its gradients: f(x)[0] for --grads "f(x)[1:6]"."""
        tree = ast.parse((self.said.grads or "0").strip(), mode="eval").body
        if not (
            isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Call) and isinstance(tree.slice, ast.Slice)
        ):
            return None
        first = tree.slice.lower
        if not (isinstance(first, ast.Constant) and isinstance(first.value, int) and first.value > 0):
            return None
        try:
            self.prepare(Setting())
            value = self.program.evaluate(compile(f"({ast.unparse(tree.value)})[0]", "<--grads>", "eval"), "--grads")
            return float(value) if np.ndim(value) == 0 and isinstance(value, int | float | np.number) else None
        finally:
            self.world.restore()

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

    def snapshot(self) -> World:
        """The world as it is now."""
        return World(self.program.namespace)

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
            require(
                any(not np.array_equal(np.asarray(after[n]), np.asarray(before[n])) for n in before),
                f"--update {self.said.update!r} changed none of {', '.join(before)}",
            )
            return [(before[name] - after[name]) / self.said.lr for name in before]
        if self.call is not None:
            self.program.evaluate(self.call, "--call")
        return self.program.evaluate(self.grads, "--grads")


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
