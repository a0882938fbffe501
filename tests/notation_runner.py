"""The equations of NOTATION.md, read from its text, run as they stand there, and damaged."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]


def quoted(text: str) -> list[tuple[str, str]]:
    """Label and equation, white space folded, of each line such as `R2   h[t] = tanh(a[t])`."""
    return [(label, " ".join(rest.split())) for label, rest in re.findall(r"^([A-Z]\d+)\s+(\S.*)$", text, re.M)]


BLOCKS = "".join(re.findall(r"^```\n(.*?)^```$", (ROOT / "NOTATION.md").read_text("utf-8"), re.M | re.S))
BOOK = dict(quoted(BLOCKS))

FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
    "exp": np.exp,
    "where": np.where,
    "einsum": np.einsum,
    "outer": np.outer,
    "split": lambda z, n: np.split(z, n, axis=-1),
    "join": lambda *parts: np.concatenate(parts, axis=-1),
    "add": lambda *terms: sum(terms),
    "onehot": lambda k, n: (np.asarray(k)[..., None] == np.arange(n)).astype(float),
    "mean": lambda z: z.mean(-1, keepdims=True),
    "logsumexp": lambda z: np.log(np.exp(z).sum(-1, keepdims=True)),
}


def norm(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What NOTATION.md calls so."""
    names = run(BOOK, ("N1", "N2"), {"z": z})
    return names["hat"], names["sigma"]


def norm_back(dhat: np.ndarray, hat: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return run(BOOK, ("N3",), {"dhat": dhat, "hat": hat, "sigma": sigma})["dz"]


FUNCTIONS |= {"norm": norm, "norm_back": norm_back}


@cache
def targets(label: str) -> tuple[str, ...]:
    """What stands on the left of an equation: h[t], or dz and dn."""
    statement = ast.parse(BOOK[label]).body[0]
    left = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    return tuple(ast.unparse(part) for part in (left.elts if isinstance(left, ast.Tuple) else [left]))


@cache
def section(letter: str, *, backward: bool, without: str = "") -> tuple[str, ...]:
    """The labels of a section, in order; the left side of a backward equation begins with d."""
    found = [label for label in BOOK if label[0] == letter and targets(label)[0].startswith("d") == backward]
    return tuple(label for label in found if label not in without.split())


@cache
def masked(labels: tuple[str, ...], masks: tuple[str, ...]) -> tuple[str, ...]:
    """Each equation of a mask directly after the one that computes its middle argument."""
    middle = {mask: ast.unparse(ast.parse(BOOK[mask]).body[0].value.args[1]) for mask in masks}
    return tuple(each for label in labels for each in (label, *(m for m in masks if middle[m] in targets(label))))


compiled = cache(partial(compile, filename="<an equation of NOTATION.md>", mode="exec"))


def run(book: dict[str, str], labels: Iterable[str], names: dict, times: Iterable[int] = (0,)) -> dict:
    """Execute the equations at each time, in order; every sum starts at 0, every series without entries."""
    for target in (target for label in labels for target in targets(label)):
        names.setdefault(target.removesuffix("[t]"), {} if target.endswith("[t]") else 0)
    for t in times:
        names["t"] = t
        for label in labels:
            exec(compiled(book[label]), FUNCTIONS, names)
    return names


def damages(text: str) -> Iterator[str]:
    """The equation with one thing wrong: a sign, a term, a factor, a transpose, an index, a function, an order."""
    statement = ast.parse(text).body[0]
    whole = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
    if isinstance(statement, ast.AugAssign):
        yield text.replace("+=", "=", 1)
    for node in ast.walk(statement.value):
        if isinstance(node, ast.expr):
            negative = [f"-({code(text, node)})"] if node in whole else []
            for wrong in [*negative, *wounds(node, partial(code, text))]:
                yield f"{text[: node.col_offset]}({wrong}){text[node.end_col_offset :]}"


def code(text: str, part: ast.expr) -> str:
    return text[part.col_offset : part.end_col_offset]


def wounds(node: ast.expr, code: Callable[[ast.expr], str]) -> list[str]:
    """What might wrongly stand in the place of one part of an equation."""
    match node:
        case ast.BinOp(p, ast.Add() | ast.Sub() as sign, q):
            other = "-" if isinstance(sign, ast.Add) else "+"
            return [f"({code(p)}) {other} ({code(q)})", code(p), code(q)]
        case ast.BinOp(p, ast.Mult() | ast.Div() | ast.Pow(), q):
            return [code(p), code(q)]
        case ast.Compare(p, [sign], [q]):
            return [f"({code(p)}) {'!=' if isinstance(sign, ast.Eq) else '<'} ({code(q)})"]
        case ast.Attribute(z, "T" | "imag") | ast.Call(
            ast.Name("tanh" | "sigmoid" | "relu" | "exp" | "logsumexp" | "mean"), [z]
        ):
            return [code(z)]
        case ast.Constant(int(number)):
            return [str(number + 1)]
        case ast.Constant(str(axes)) if "mk," in axes:
            return [repr(axes.replace("mk,", "km,"))]  # the transpose of W
        case ast.Call(ast.Name("where"), [m, p, q]):
            return [code(p), code(q), f"where({code(m)}, {code(q)}, {code(p)})"]
        case ast.Call(ast.Name("norm"), [z]):
            return [f"({code(z)}, {code(node)}[1])", f"({code(node)}[0], 1)"]
        case ast.Call(ast.Name("norm_back"), [p, *_]):
            return [code(p)]
        case ast.Call(ast.Name("split")):
            return [f"{code(node)}[::-1]"]
        case ast.Call(ast.Name("join" | "add" as name), parts):
            listed = f"[{', '.join(map(code, parts))}]"
            return [f"join(*{listed}[::-1])" if name == "join" else f"{listed}[0]"]
    return []
