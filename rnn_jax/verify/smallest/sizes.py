"""The whole numbers in a program that may be sizes, and the program run again with smaller ones."""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.program import NAME, Program


@dataclass(frozen=True, order=True)
class Spot:
    """Where a number stands: in the file (of a notebook: in its cells put together) or in --setup."""

    setup: bool
    line: int
    column: int


@dataclass(frozen=True)
class Size:
    """A number that may be a size, and what the program calls it: "" where it has no name."""

    spot: Spot
    value: int
    name: str = ""


Edits = dict[Spot, int]

# What is given to these is no size but data, or makes nothing smaller.
SEEDS = (
    "array",
    "asarray",
    "seed",
    "default_rng",
    "RandomState",
    "PRNGKey",
    "Random",
    "Generator",
    "round",
    "set_printoptions",
)
OTHERS = ("seed", "axis", "axes", "ndmin", "decimals", "precision", "rng", "random_state", "lr", "learning_rate")
MANY = 5
SHAPES = ("size", "shape")  # the names of NumPy's arguments say nothing


def sizes(program: Program, setup: str = "") -> list[Size]:
    """All numbers above 1 that may be sizes, in the order of the program."""
    signatures = parameters_of(program.tree)
    found = list(in_statements(program.tree.body, signatures, setup=False))
    return found + list(in_statements(ast.parse(setup.strip()).body, signatures, setup=True))


def parameters_of(tree: ast.Module) -> dict[str, list[str]]:
    """What each function of the file, or each class's constructor, calls its arguments."""
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            found[statement.name] = [a.arg for a in statement.args.args]
        elif isinstance(statement, ast.ClassDef):
            made = [s for s in statement.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"]
            found |= {statement.name: [a.arg for a in made[0].args.args[1:]]} if made else {}
    return found


def in_statements(body: list[ast.stmt], signatures: dict[str, list[str]], setup: bool) -> Iterator[Size]:
    """The sizes that statements bind, give to calls, or have as defaults of arguments; none in loops or branches."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from in_statements(statement.body, signatures, setup)
        elif isinstance(statement, ast.FunctionDef):
            yield from defaults(statement.args, setup)
        elif isinstance(statement, ast.Assign):
            name = statement.targets[0]
            yield from bound(name, statement.value, signatures, setup)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from bound(statement.target, statement.value, signatures, setup)
        elif isinstance(statement, ast.Expr):
            yield from within(statement.value, "", signatures, setup)


def defaults(arguments: ast.arguments, setup: bool) -> Iterator[Size]:
    """The defaults of a function's arguments."""
    plain = arguments.posonlyargs + arguments.args
    pairs = list(zip(plain[len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True))
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    for argument, default in pairs:
        if isinstance(default, ast.Constant) and not other(argument.arg):
            yield from number(default, argument.arg, setup)


def bound(target: ast.expr, value: ast.expr, signatures: dict[str, list[str]], setup: bool) -> Iterator[Size]:
    """The sizes in an assignment, those of T, B, H = 6, 3, 5 each by its own name."""
    both = isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)
    if both and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
        for each, part in zip(target.elts, value.elts, strict=True):  # type: ignore[attr-defined]
            yield from bound(each, part, signatures, setup)
        return
    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    if not other(name):
        yield from within(value, name if isinstance(value, ast.Constant) else "", signatures, setup)


def within(node: ast.AST, name: str, signatures: dict[str, list[str]], setup: bool) -> Iterator[Size]:
    """The sizes in an expression. A number in a sum, product or power is a part of the mathematics."""
    if isinstance(node, ast.Constant):
        yield from number(node, name, setup)
    elif isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in SEEDS:
            return
        yield from within(node.func, "", signatures, setup)
        known = signatures.get(called, [])
        for k, argument in enumerate(node.args):
            if k >= len(known) or not other(known[k]):
                yield from within(argument, known[k] if k < len(known) else "", signatures, setup)
        for keyword in node.keywords:
            if not other(keyword.arg or ""):
                yield from within(keyword.value, "" if keyword.arg in SHAPES else keyword.arg or "", signatures, setup)
    elif isinstance(node, ast.Dict):
        for key, each in zip(node.keys, node.values, strict=True):
            told = isinstance(key, ast.Constant) and isinstance(key.value, str)
            yield from within(each, key.value if told else "", signatures, setup)  # type: ignore[union-attr]
    elif not isinstance(node, ast.BinOp | ast.Compare | ast.Lambda) and not is_data(node):
        for child in ast.iter_child_nodes(node):
            yield from within(child, "", signatures, setup)


def is_data(node: ast.AST) -> bool:
    """Whether it is a list of more numbers than there are sizes."""
    return isinstance(node, ast.List | ast.Tuple | ast.Set) and len(node.elts) > MANY


def number(node: ast.Constant, name: str, setup: bool) -> Iterator[Size]:
    """The constant, if it can be made smaller."""
    if type(node.value) is int and node.value > 1:
        yield Size(Spot(setup, node.lineno, node.col_offset), node.value, name)


def other(name: str) -> bool:
    """Whether what is called so is no size."""
    return name.lower() in OTHERS or "seed" in name.lower()


def edited(tree: ast.Module, edits: Edits, setup: bool = False) -> ast.Module:
    """A copy of the tree with these numbers in the place of its own."""
    made = copy.deepcopy(tree)
    for node in ast.walk(made):
        if isinstance(node, ast.Constant):
            spot = Spot(setup, node.lineno, node.col_offset)
            node.value = edits.get(spot, node.value)
    return made


def rebuilt(subject: FileSubject, edits: Edits, timeout: float) -> FileSubject:
    """The program run again, in a module of its own, with these numbers. Raises InputError where it fails."""
    program = copy.copy(subject.program)
    program.tree, program.timeout = edited(program.tree, edits), timeout
    program.module = types.ModuleType(NAME)
    program.namespace = vars(program.module)
    program.namespace |= {"__file__": str(program.path.absolute()), "__rnn_jax__": True, "__builtins__": __builtins__}
    program.load()
    said = subject.said
    if said.setup and any(spot.setup for spot in edits):
        said = replace(said, setup=ast.unparse(edited(ast.parse(said.setup.strip()), edits, setup=True)))
    made = FileSubject(program, said)
    if is_inline(subject):
        made.inline()
    return made


def is_inline(subject: FileSubject) -> bool:
    """Whether statements of the file itself run again before every evaluation."""
    return any(not hasattr(statement, "file") for statement in subject.prelude)
