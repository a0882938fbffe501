"""NOTATION.md against the code: quoted word for word, run equation by equation, and every equation shown to matter."""

import ast
import re
import tokenize
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
import pytest

import rnn_jax.cells
import rnn_jax.losses
import rnn_jax.model
from reference import columns, differences, gru, losses, model, rtrl, steps
from reference.parameters import Gradients, Params, State

ROOT = Path(__file__).parents[1]
T, B, D, H, K = 5, 3, 7, 4, 6
WIDTHS = (4, 9), (2, 8)  # H of each direction in each of two layers

# Both sides do the same sums, at most in another order. The longest chain of roundings runs through T steps forward and
# back, each with a product of H terms, up to 3 more sums, a tanh good to 2 units and at most 6 products either way:
# n = 2 * 5 * (4 + 3 + 2 + 6) = 150 roundings of eps / 2 on either side, hence n * eps if all fell the same way. They
# fall at random: sqrt(n) * eps = 12 eps = 2.7e-15. W, of norm about 1, lets no step enlarge what it is given by much.
EPS = np.finfo(float).eps
TOLERANCE = 12 * EPS


# NOTATION.md, and how its equations are run


def quoted(text: str) -> list[tuple[str, str]]:
    """The labels and equations, white space folded, of lines such as `R2   h[t] = tanh(a[t])`."""
    return [(label, " ".join(rest.split())) for label, rest in re.findall(r"^([A-Z]\d+)\s+(\S.*)$", text, re.M)]


BLOCKS = re.findall(r"^```\n(.*?)^```$", (ROOT / "NOTATION.md").read_text("utf-8"), re.M | re.S)
PAIRS = quoted("".join(BLOCKS))
BOOK = dict(PAIRS)

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
    "logsumexp": lambda z: np.log(np.exp(z).sum(-1, keepdims=True)),
}


@cache
def targets(label: str) -> tuple[str, ...]:
    """What stands on the left of an equation: h[t], or dz and dn."""
    statement = ast.parse(BOOK[label]).body[0]
    left = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    return tuple(ast.unparse(part) for part in (left.elts if isinstance(left, ast.Tuple) else [left]))


@cache
def section(letter: str, backward: bool, without: str = "") -> list[str]:
    """The labels of a section, in order; the left sides of its backward equations begin with d."""
    found = [label for label in BOOK if label[0] == letter and targets(label)[0].startswith("d") == backward]
    return [label for label in found if label not in without.split()]


@cache
def masked(labels: tuple[str, ...], masks: tuple[str, ...]) -> list[str]:
    """Each equation of a mask directly after the one that computes its middle argument."""
    middle = {label: ast.unparse(ast.parse(BOOK[label]).body[0].value.args[1]) for label in masks}
    return [each for label in labels for each in (label, *(m for m in masks if middle[m] in targets(label)))]


compiled = cache(partial(compile, filename="NOTATION.md", mode="exec"))


def run(book: dict[str, str], labels: list[str], names: dict, times=range(T)) -> dict:
    """Execute the equations at each time, in order; every sum starts at 0."""
    for target in (target for label in labels for target in targets(label)):
        names.setdefault(target.removesuffix("[t]"), {} if target.endswith("[t]") else 0)
    for t in times:
        names["t"] = t
        for label in labels:
            exec(compiled(book[label]), FUNCTIONS, names)
    return names


def series(of_time: dict[int, np.ndarray], times=range(T)) -> np.ndarray:
    return np.stack([of_time[t] for t in times])


# The cases: each evaluates a book of equations and the code on the same arrays, and returns what both expose

CASES: dict[str, Callable[[dict[str, str]], tuple]] = {}
LAYERS = {
    "rnn": ("R", "R3 R6"),
    "rnn-relu": ("R", "R2 R5"),
    "lstm": ("L", ""),
    "gru": ("G", ""),
    "gru-before": ("B", ""),
}


def arrays(seed: int, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    # Matrices have a norm of about 1 wherever their products are formed, and nothing is 0.
    scale = {"U": D**-0.5, "W": H**-0.5, "V": H**-0.5}
    return {name: scale.get(name, 1) * rng.standard_normal(shape) for name, shape in shapes.items()}


def indices(size: int) -> np.ndarray:
    x = np.random.default_rng(7).integers(-1, size, (T, B))
    x[1, 1] = -1
    return x


def random_mask() -> np.ndarray:
    return np.random.default_rng(3).random((T, B)) < 0.6


def draw_layer(cell: str, inputs: int, H: int, seed: int) -> tuple[Params, State, State]:
    """The parameters, the initial state and the gradient of the final state of one layer."""
    GH, S = rnn_jax.cells.CELLS[cell].gates * H, (B, H)
    a = arrays(seed, U=(inputs, GH), W=(H, GH), b=(GH,), bh=(GH,), h=S, dh=S, s=S, ds=S)
    s, ds = (a["s"], a["ds"]) if cell == "lstm" else (None, None)
    return Params(a["U"], a["W"], a["b"], a["bh"]), State(a["h"], s), State(a["dh"], ds)


def layer_program(cell: str, x: np.ndarray, backward: bool) -> list[str]:
    letter, without = LAYERS[cell]
    inputs = section("I", backward, "I1 I3 I4" if x.ndim == 2 else "I2 I5")
    own = section(letter, backward, without)
    return masked(
        (*own, *inputs) if backward else (*inputs, *own), tuple(section("M", backward, "" if letter == "G" else "M6"))
    )


def layer_forward(book, cell: str, p: Params, x, state0: State, mask) -> dict:
    H = len(p.W)
    views = {"D": len(p.U), "H": H, "W_rz": p.W[:, : 2 * H], "W_n": p.W[:, 2 * H :]}
    names = p._asdict() | views | {"x": x, "m": mask[..., None], "h": {-1: state0.h}, "s": {-1: state0.s}}
    return run(book, layer_program(cell, x, False), names)


def layer_backward(book, cell: str, names: dict, dh_out, dfinal: State) -> Gradients:
    names |= {"dh_out": dh_out, "dh_next": dfinal.h, "ds_next": dfinal.s}
    g = run(book, layer_program(cell, names["x"], True), names, reversed(range(T)))
    dW = np.concatenate([g["dW_rz"], g["dW_n"]], -1) if cell == "gru-before" else g["dW"]
    dx = series(g["dx"]) if "dx" in g else None
    return Gradients(Params(g["dU"], dW, g["db"], g.get("dbh", g["db"])), dx, State(g["dh_next"], g["ds_next"]))


def final(names: dict, cell: str) -> State:
    return State(names["h"][T - 1], names["s"][T - 1] if cell == "lstm" else None)


def layer(cell: str, mask: np.ndarray, x: np.ndarray, book):
    """One layer: everything in the cache, the states and all gradients."""
    p, state0, dfinal = draw_layer(cell, D, H, seed=1)
    dh_out = arrays(2, dh_out=(T, B, H))["dh_out"]
    names = layer_forward(book, cell, p, x, state0, mask)
    derivation, options = model.CELLS[cell]
    h, last, cache = derivation.forward(p, x, state0, mask, **options)
    kept = {k: v for k, v in cache._asdict().items() if k not in ("x", "mask")}
    lengths = {name: [*range(T), -1] if name in ("h", "s") else range(T) for name in kept}
    ours = {name: series(names[name], lengths[name]) for name in kept}
    grads = layer_backward(book, cell, names, dh_out, dfinal)
    theirs = derivation.backward(p, cache, dh_out, dfinal, **options)
    return (ours, series(names["h"]), final(names, cell), grads), (kept, h, last, theirs)


def draw_model(cell: str, directions: tuple[str, ...], inputs: int) -> tuple[model.Params, tuple, tuple]:
    layers = []
    for level, widths in enumerate(WIDTHS):
        used = widths[: len(directions)]
        layers.append([draw_layer(cell, inputs, width, seed=10 * level + width) for width in used])
        inputs = sum(used)
    p, state0, dfinal = (tuple(tuple(each[part] for each in row) for row in layers) for part in range(3))
    return model.Params(p, **arrays(4, V=(inputs, K), c=(K,))), state0, dfinal


def model_forward(book, cell: str, directions, p: model.Params, x, state0, mask) -> tuple[dict, list, tuple]:
    """The names of the readout, those of each layer and direction, and the final states."""
    below, layers = x, []
    for row, states in zip(p.layers, state0, strict=True):
        flips = [slice(None, None, -1 if direction == "reverse" else 1) for direction in directions]
        runs = [
            (flip, layer_forward(book, cell, q, below[flip], state, mask[flip]))
            for flip, q, state in zip(flips, row, states, strict=True)
        ]
        below = run(book, ["K1"], {"outputs": [series(names["h"])[flip] for flip, names in runs]}, [0])["below"]
        layers.append(runs)
    readout = run(book, section("O", False), {"h": below, "V": p.V, "c": p.c})
    return readout, layers, tuple(tuple(final(names, cell) for _, names in runs) for runs in layers)


def whole_model(cell: str, directions, x: np.ndarray, book):
    """Two layers with a readout: logits, final states and all gradients."""
    p, state0, dfinal = draw_model(cell, directions, D)
    mask, do = random_mask(), arrays(5, do=(T, B, K))["do"]
    readout, layers, finals = model_forward(book, cell, directions, p, x, state0, mask)
    o, last, cache = model.forward(p, x, state0, mask, cell=cell, directions=directions)
    run(book, section("O", True), readout | {"do": do}, [])
    readout = run(book, section("O", True), readout | {"do": do}, reversed(range(T)))
    dbelow, grads = series(readout["dh_out"]), []
    for runs, row, dstates in zip(layers[::-1], p.layers[::-1], dfinal[::-1], strict=True):
        shares = np.split(dbelow, np.cumsum([len(q.W) for q in row])[:-1], -1)
        grads.append(
            [
                layer_backward(book, cell, names, share[flip], dstate)
                for (flip, names), share, dstate in zip(runs, shares, dstates, strict=True)
            ]
        )
        dx = [g.x[flip] for g, (flip, _) in zip(grads[-1], runs, strict=True) if g.x is not None]
        dbelow = run(book, ["K2"], {"dx": dx}, [0])["dbelow"] if dx else None
    dlayers, dstates = (
        tuple(tuple(getattr(g, part) for g in row) for row in grads[::-1]) for part in ("params", "state")
    )
    ours = model.Gradients(model.Params(dlayers, readout["dV"], readout["dc"]), dbelow, dstates)
    theirs = model.backward(p, cache, do, dfinal, cell=cell, directions=directions)
    return (series(readout["o"]), finals, ours), (o, last, theirs)
