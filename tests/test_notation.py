"""NOTATION.md against the code: quoted word for word, run equation by equation, and every equation shown to matter."""

import re
import tokenize
from functools import cache, partial

import jax
import numpy as np
import pytest

from notation_runner import BLOCKS, BOOK, ROOT, damages, masked, quoted, run, section
from reference import columns, differences, layer_norm, losses, model, rtrl, steps
from reference.noise import SILENCE, Noise
from reference.parameters import Gradients, Norm, Params, State
from rnn_jax import losses as jax_losses
from rnn_jax import model as jax_model
from rnn_jax.cells import CELLS
from rnn_jax.cells import Noise as JaxNoise
from rnn_jax.cells import Norm as JaxNorm
from rnn_jax.cells import Params as JaxParams
from rnn_jax.cells import State as JaxState

T, B, D, H, K = 5, 3, 7, 4, 6
WIDTHS = (4, 9), (8, 11)  # H of each direction in each of two layers
FORTH, BACK = range(T), range(T)[::-1]

# Both sides compute the same sums, at most in another order. The longest chain of roundings runs through two layers and
# T steps, forward and back, each with a product of up to 11 terms, 3 more sums, a tanh good to 2 units and 6 factors:
# n = 440 on either side. One rounding errs by eps / sqrt(12) in the mean square, and 2n of them, which fall at random
# and which no weight enlarges (see arrays), by sqrt(n / 6) * eps = 9 eps. The least of all the damages that are tried
# below changes something by 3%.
TOLERANCE = (2 * 2 * T * (11 + 3 + 2 + 6) / 6) ** 0.5 * np.finfo(float).eps
SEEN = 1e-2


def distance(ours, theirs) -> float:
    """The largest norm-relative distance between the arrays of two trees; infinite where shapes differ."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    pairs = list(zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True))
    if any(np.shape(a) != np.shape(b) for a, b in pairs):
        return np.inf
    return np.max([np.linalg.norm(np.ravel(a - b)) / np.linalg.norm(np.ravel(b)) for a, b in pairs])


def series(of_time, times=FORTH):
    return np.stack([of_time[t] for t in times])


def arrays(seed, **shapes):
    """Random arrays; the spectral norm of a matrix, which has a capital letter, is 1."""
    rng = np.random.default_rng(seed)
    drawn = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return {name: a / np.linalg.norm(a, 2) if name[0].isupper() else a for name, a in drawn.items()}


def turned(direction):
    return slice(None, None, -1 if direction == "reverse" else 1)


X = arrays(0, x=(T, B, D))["x"]
INDICES = np.array([[3, -1, 6], [0, 2, 2], [-1, 5, 2], [1, 1, 4], [6, 0, -1]])
ALL, SOME = np.ones((T, B), bool), np.random.default_rng(5).random((T, B)) < 0.6

# One layer

LAYERS = {"rnn": "R", "rnn-relu": "R", "lstm": "L", "gru": "G", "gru-before": "B"}
NORMED = {"rnn-norm": "R", "lstm-norm": "L", "gru-norm": "G"}
LAYERS |= NORMED
WITHOUT = {"rnn": "R3 R6", "rnn-relu": "R2 R5", "rnn-norm": "R3 R6"}


# What stands in the place of an equation where something is drawn by chance.
NOISY = {
    **{computed: f"{computed} Z1" for computed in ("R2", "R3", "G5", "B6")},
    **{computed: f"{computed} Z5" for computed in ("R4", "G6", "B7")},
    "R5": "Z7",
    "L4": "Z2 Z3",
    "L5": "Z4 Z1",
    "L6": "L6 Z5 Z6",
    "L7": "Z8",
    "L8": "Z9 Z10",
    **dict.fromkeys(["R1", "L1"], "Q1 Q2 Q3"),
    **dict.fromkeys(["R7", "L13"], "Q7 Q9"),
    **dict.fromkeys(["R9", "L15"], "Q10"),
    "G2": "Q1 Q2 Q4",
    "G13": "Q8 Q9",
    "G16": "Q11",
    "B2": "Q1 Q5",
    "B4": "Q6",
    "B11": "Q12",
    "B14": "Q13",
    "B17": "Q14",
}


# What is added to an equation where the cell is layer-normalised.
ADDED = {
    **dict.fromkeys(["I1", "I2"], "N4 N5"),
    **dict.fromkeys(["Q7", "Q8"], "N13 N14"),
    "Q2": "N6 N7",
    "Z3": "N8 N9",
    "Z9": "N10 N11 N12",
}


def program(cell, x, backward, noisy):
    """The labels of one step, in order."""
    inputs = section("I", backward=backward, without="I1 I3 I4" if x.ndim == 2 else "I2 I5")
    own = section(LAYERS[cell], backward=backward, without=WITHOUT.get(cell, ""))
    if noisy:
        own = tuple(label for old in own for label in NOISY.get(old, old).split())
    masks = section("M", backward=backward, without="" if LAYERS[cell] == "G" else "M6")
    last = ("Z11", "Z12")[: 2 if LAYERS[cell] == "L" else 1] if noisy and backward else ()
    order = own + inputs if backward else inputs + own
    if cell in NORMED:
        order = (*own, "N15", "N16", *inputs) if backward else order
        order = tuple(label for old in order for label in (old, *ADDED.get(old, "").split()))
    return masked(order, masks) + last


def draw_layer(cell, D, H, seed):
    """The parameters, the initial state, and the gradient of the final state."""
    GH, state = CELLS[cell].gates * H, (B, H)
    a = arrays(seed, U=(D, GH), W=(H, GH), b=(GH,), bh=(GH,), h=state, dh=state, s=state, ds=state)
    s, ds = (a["s"], a["ds"]) if LAYERS[cell] == "L" else (None, None)
    # A row of unit length has a sigma of 1 / sqrt(GH): so small a gain, and normalisation enlarges no rounding either.
    gains = arrays(seed + 1, gx=(GH,), gh=(GH,), gs=(H,), bs=(H,))
    norm = Norm(**{name: gains[name] / GH**0.5 for name in CELLS[cell].gains})
    return Params(a["U"], a["W"], a["b"], a["bh"], norm), State(a["h"], s), State(a["dh"], ds)


def layer_forward(book, cell, p, x, state0, mask, noise=SILENCE):
    H = len(p.W)
    sizes = {"D": len(p.U), "H": H, "W_rz": p.W[:, : 2 * H], "W_n": p.W[:, 2 * H :]}
    names = (
        dict(zip(p._fields[:4], p[:4], strict=True))
        | sizes
        | {"x": x, "m": mask[..., None], "h": {-1: state0.h}, "s": {-1: state0.s}}
    )
    names |= p.norm._asdict() | {"noisy": cell in NORMED or any(drawn is not None for drawn in noise)}
    without = {"kh": 1.0, "zh": np.zeros(T), "zs": np.zeros(T)}
    names |= without | {name: drawn for name, drawn in noise._asdict().items() if drawn is not None}
    return run(book, program(cell, x, False, names["noisy"]), names, FORTH)


def final(cell, names):
    return State(names["h"][T - 1], names["s"][T - 1] if LAYERS[cell] == "L" else None)


def layer_backward(book, cell, names, dh_out, dfinal):
    names |= {"dh_out": dh_out, "dh_next": dfinal.h, "ds_next": dfinal.s}
    g = run(book, program(cell, names["x"], True, names["noisy"]), names, BACK)
    dW = np.concatenate([g["dW_rz"], g["dW_n"]], -1) if cell == "gru-before" else g["dW"]
    dx = series(g["dx"]) if "dx" in g else None
    norm = Norm(*(g.get("d" + name) for name in Norm._fields))
    return Gradients(Params(g["dU"], dW, g["db"], g.get("dbh", g["db"]), norm), dx, State(g["dh_next"], g["ds_next"]))


def layer(cell, mask, x, book):
    """All that the cache holds, the hidden states, the final state and the gradients."""
    (p, state0, dfinal), dh_out = draw_layer(cell, D, H, seed=1), arrays(2, dh_out=(T, B, H))["dh_out"]
    derivation, options, _ = model.CELLS[cell]
    h, last, cache = derivation.forward(p, x, state0, mask, **options)
    names = layer_forward(book, cell, p, x, state0, mask)
    kept = {name: array for name, array in cache._asdict().items() if name in set(names) - {"x"}}
    kept = {name: array.hat if name in ("xn", "hn", "sn") else array for name, array in kept.items()}
    ours = {name: series(names[name], [*FORTH, -1] if len(kept[name]) > T else FORTH) for name in kept}
    gradients = layer_backward(book, cell, names, dh_out, dfinal)
    theirs = derivation.backward(p, cache, dh_out, dfinal, **options)
    return (ours, series(names["h"]), final(cell, names), gradients), (kept, h, last, theirs)


# Layers, directions and the readout


def draw_model(cell, directions):
    inputs, rows = D, []
    for level, widths in enumerate(WIDTHS):
        rows.append([draw_layer(cell, inputs, width, 10 * level + width) for width in widths[: len(directions)]])
        inputs = sum(widths[: len(directions)])
    layers, state0, dfinal = (tuple(tuple(drawn[part] for drawn in row) for row in rows) for part in range(3))
    return model.Params(layers, **arrays(4, V=(inputs, K), c=(K,))), state0, dfinal


def draw_noise(cell, directions):
    """Numbers in the place of what is drawn by chance, which no equation asks to be 0 or 1."""
    rng, widths = np.random.default_rng(6), [widths[: len(directions)] for widths in WIDTHS]
    kx = tuple(rng.random((steps, B, sum(row))) for steps, row in zip((T, 1), widths, strict=True))

    def layer(H):
        zh, zs = rng.random((2, T, B, H))
        return Noise(rng.random((B, H)), zh, zs if LAYERS[cell] == "L" else None)

    return model.Noise(kx, tuple(tuple(map(layer, row)) for row in widths))


def quiet(noise):
    """No noise in its place."""
    return model.Noise(tuple(np.ones_like(kx) for kx in noise.kx), [[SILENCE] * len(row) for row in noise.layers])


def in_order(noise, flip):
    """What is drawn for a layer, as it comes to it."""
    zh, zs = (None if z is None else z[flip] for z in noise[1:])
    return Noise(noise.kh, zh, zs)


def model_forward(book, cell, directions, p, x, state0, mask, noise):
    """The names of the readout and those of each layer in each direction."""
    below, layers, flips = x, [], [turned(direction) for direction in directions]
    for row, states, kx, drawn in zip(p.layers, state0, noise.kx, noise.layers, strict=True):
        runs = zip(row, states, map(in_order, drawn, flips), flips, strict=True)
        layers.append([layer_forward(book, cell, q, below[f], s0, mask[f], each) for q, s0, each, f in runs])
        outputs = [series(names["h"])[flip] for names, flip in zip(layers[-1], flips, strict=True)]
        below = run(book, section("K", backward=False), {"outputs": outputs, "kx": kx})["below"]
    return run(book, section("O", backward=False), {"h": below, "V": p.V, "c": p.c}, FORTH), layers


def finals(cell, layers):
    return tuple(tuple(final(cell, names) for names in row) for row in layers)


def whole(cell, directions, x, book, noise=None):
    """The logits, the final states and the gradients of two layers with a readout."""
    (p, state0, dfinal), do = draw_model(cell, directions), arrays(5, do=(T, B, K))["do"]
    drawn = quiet(draw_noise(cell, directions)) if noise is None else noise
    readout, layers = model_forward(book, cell, directions, p, x, state0, SOME, drawn)
    readout = run(book, section("O", backward=True), readout | {"do": do}, BACK)
    dbelow, gradients, flips = series(readout["dh_out"]), [], [turned(direction) for direction in directions]
    for row, dstates, kx in zip(layers[::-1], dfinal[::-1], drawn.kx[::-1], strict=True):
        dbelow = run(book, ["K4"], {"dbelow": dbelow, "kx": kx})["dbelow"]
        cuts = np.split(dbelow, np.cumsum([names["H"] for names in row])[:-1], -1)
        runs = zip(row, cuts, dstates, flips, strict=True)
        gradients.append([layer_backward(book, cell, names, cut[flip], d) for names, cut, d, flip in runs])
        dx = [g.x[flip] for g, flip in zip(gradients[-1], flips, strict=True) if g.x is not None]
        dbelow = run(book, ["K2"], {"dx": dx})["dbelow"] if dx else None
    dlayers = tuple(tuple(g.params for g in row) for row in gradients[::-1])
    dstate0 = tuple(tuple(g.state for g in row) for row in gradients[::-1])
    ours = model.Gradients(model.Params(dlayers, readout["dV"], readout["dc"]), dbelow, dstate0)
    o, last, cache = model.forward(p, x, state0, SOME, cell=cell, directions=directions, noise=noise)
    theirs = model.backward(p, cache, do, dfinal, cell=cell, directions=directions)
    return (series(readout["o"]), finals(cell, layers), ours), (o, last, theirs)


def last_state(cell, directions, book):
    """The logits of the last states, and the gradients, behind dropout of the last layer alone."""
    (p, state0, dfinal), do = draw_model(cell, directions), arrays(5, do=(1, B, K))["do"]
    silence, width = quiet(draw_noise(cell, directions)), sum(WIDTHS[-1][: len(directions)])
    kx = np.random.default_rng(7).random((T, B, width))
    _, layers = model_forward(book, cell, directions, p, X, state0, SOME, silence)
    ends = finals(cell, layers)
    h = run(book, section("Y", backward=False), {"h_final": [state.h for state in ends[-1]], "kx": kx})["h"]
    readout = run(book, section("O", backward=False), {"h": {0: h}, "V": p.V, "c": p.c})
    readout = run(book, section("O", backward=True), readout | {"do": do})
    dh_final = np.concatenate([state.h for state in dfinal[-1]], -1)
    names = {"dh_out": readout["dh_out"][0], "kx": kx, "dh_final": dh_final}
    dh_final = run(book, section("Y", backward=True), names)["dh_final"]
    # What a model hands on whose logits cost nothing, and whose final states cost this.
    parts = np.split(dh_final, np.cumsum([state.h.shape[1] for state in dfinal[-1]])[:-1], -1)
    cost = (*dfinal[:-1], tuple(state._replace(h=part) for state, part in zip(dfinal[-1], parts, strict=True)))
    options = {"cell": cell, "directions": directions}
    like = model.backward(p, model.forward(p, X, state0, SOME, **options)[2], np.zeros((T, B, K)), cost, **options)
    noise = model.Noise((None, kx), silence.layers)
    o, _, cache = model.forward(p, X, state0, SOME, noise=noise, head="last", **options)
    g = model.backward(p, cache, do, dfinal, **options)
    ours = (readout["o"][0], readout["dV"], readout["dc"], like.params.layers, like.x, like.state)
    return ours, (o[0], g.params.V, g.params.c, g.params.layers, g.x, g.state)


def noisy(cell, x, book):
    """The same with all that can be drawn by chance, in either direction."""
    directions = ("reverse", "forward")
    return whole(cell, directions, x, book, draw_noise(cell, directions))


# One example at a time


def in_columns(book):
    p = columns.Params(**arrays(1, U=(H, D), W=(H, H), V=(K, H), b=(H, 1), c=(K, 1)))
    a = arrays(2, x=(T, D, 1), h0=(H, 1), do=(T, K, 1), dh=(H, 1))
    o, kept = columns.forward(p, a["x"], a["h0"])
    theirs = columns.backward(p, kept, a["do"], a["dh"])
    names = run(book, section("C", backward=False), p._asdict() | {"x": a["x"], "h": {-1: a["h0"]}}, FORTH)
    g = run(book, section("C", backward=True), names | {"do": a["do"], "dh_next": a["dh"]}, BACK)
    ours = columns.Gradients(columns.Params(*(g["d" + name] for name in p._fields)), series(g["dx"]), g["dh_next"])
    return (series(g["o"]), g["h"], ours), (o, kept.h, theirs)


def step_by_step(book):
    p = arrays(1, Wax=(H, D), Waa=(H, H), Wya=(K, H), b=(H, 1), by=(K, 1))
    a = arrays(2, x=(D, 1), a0=(H, 1), dy=(T, K, 1), da=(H, 1))
    nothing, one = np.zeros((D, 1)), np.eye(D)[:, [2]]
    y, states, x = steps.forward(p, [None, a["x"], 2, None, 2], a["a0"])
    theirs, da0 = steps.backward(p, list(a["dy"]), states, x, a["da"])
    names = p | {"x": [nothing, a["x"], one, nothing, one], "a": {-1: a["a0"]}}
    names = run(book, section("S", backward=False), names, FORTH)
    g = run(book, section("S", backward=True), names | {"dy": a["dy"], "da_next": a["da"]}, BACK)
    ours = {name: g[name] for name in theirs}
    return (series(g["y"]), g["a"], ours, g["da_next"]), (np.stack(y), states, theirs, da0)


def real_time(x, book):
    p = rtrl.Params(**arrays(1, U=(D, H), W=(H, H), V=(H, K), b=(H,), c=(K,)))
    a, S = arrays(2, h0=(H,), do=(T, K), dh=(H,)), rtrl.initial(p)
    o, _, theirs, dh0 = rtrl.gradient(p, x, a["h0"], lambda t, o: a["do"][t], a["dh"])
    x, h = rtrl.as_rows(x, D, p.U.dtype), {-1: a["h0"]}
    for t in FORTH:
        h[t] = rtrl.step(p, x[t], h[t - 1])
        S = rtrl.advance(p, S, x[t], h[t - 1], h[t])
    names = {"x": x, "h": {-1: a["h0"]}, "do": a["do"], "dh_final": a["dh"], "T": T, "delta": np.eye(H)}
    names |= p._asdict() | {"S_U": np.zeros((H, D, H)), "S_W": np.zeros((H, H, H)), "S_b": np.zeros((H, H))}
    order = section("F", backward=False) + section("F", backward=True)
    g = run(book, order, names | {"S_h0": np.eye(H)}, FORTH)
    ours = rtrl.Params(*(g["d" + name] for name in p._fields))
    sensitivity = rtrl.Sensitivity(*(g["S_" + name] for name in S._fields))
    return (series(g["o"]), ours, g["dh0"], g["h"], sensitivity), (o, theirs, dh0, h, S)


# Losses and differences


def draw_loss(target, reduction):
    """Logits, targets, weights; the targets as rows; the weight of each step's loss."""
    o, y, weights = arrays(1, o=(T, B, K), y=(T, B, K), w=(T, B)).values()
    y, weights = np.where(SOME[..., None], np.abs(y), 0), np.abs(weights)
    y = np.where(SOME, y.argmax(-1), -1) if target == "indices" else y
    rows = np.where((y >= 0)[..., None], np.eye(K)[y], 0) if target == "indices" else y
    counted = ALL if target == "squares" else SOME
    return o, y, weights, rows, weights if reduction == "sum" else weights / weights[counted].sum()


def loss(target, reduction, book):
    """The loss, that of each step, and the gradient."""
    o, y, weights, rows, w = draw_loss(target, reduction)
    names, args = {"o": o, "y": rows, "w": w}, (o, y, weights, reduction)
    if target == "squares":
        g = run(book, ("E1", "X2", "E2"), names, FORTH)
        return (g["L"], series(g["do"])), (losses.squared_error(*args), losses.squared_error_gradient(*args))
    g = run(book, section("X", backward=False) + section("X", backward=True), names, FORTH)
    theirs = (losses.cross_entropy(*args), losses.cross_entropy_steps(o, y), losses.cross_entropy_gradient(*args))
    return (g["L"], series(g["l"]), series(g["do"])), theirs


def penalty(book):
    a, strength, L = arrays(1, V=(H, K), dV=(H, K)), 0.3, 2.5
    names = {"V": a["V"], "dV": a["dV"].copy(), "L": L, "strength": strength}
    g = run(book, section("P", backward=False) + section("P", backward=True), names)
    return (g["L"], g["dV"]), (L + losses.l2(a["V"], strength), a["dV"] + losses.l2_gradient(a["V"], strength))


def slope(label, book):
    x, v, u = arrays(1, x=(K,), v=(K,), u=(K,)).values()
    along, step = {
        "D1": (differences.complex_step, differences.COMPLEX_STEP),
        "D2": (differences.five_point, differences.FIVE_POINT_STEP),
    }[label]
    names = {"f": lambda x: np.sum(u * np.tanh(x)), "x": x, "v": v, "step": step}
    return run(book, [label], names)["slope"], along(names["f"], x, v)


def normalisation(book):
    """Of rows so near to their mean that the 1e-5 matters, and back."""
    a = arrays(1, z=(B, H), d=(B, H), gain=(H,))
    z = 3e-3 * a["z"]
    ours = run(book, ("N1", "N2"), {"z": z})
    ours = run(book, ("N3",), ours | {"dhat": a["gain"] * a["d"]})
    value, kept = layer_norm.normed(z, a["gain"])
    theirs = (value, *kept, layer_norm.normed_backward(a["d"], a["gain"], kept))
    return (a["gain"] * ours["hat"], ours["hat"], ours["sigma"], ours["dz"]), theirs


CASES = {
    **{f"{cell}, all steps": partial(layer, cell, ALL, X) for cell in LAYERS},
    **{f"{cell}, masked": partial(layer, cell, SOME, X) for cell in LAYERS},
    **{f"{cell}, indices": partial(layer, cell, SOME, INDICES) for cell in LAYERS},
    **{f"{cell}, two layers": partial(whole, cell, ("reverse",), X) for cell in LAYERS},
    **{f"{cell}, two directions": partial(whole, cell, ("forward", "reverse"), X) for cell in LAYERS},
    **{f"{cell}, noise": partial(noisy, cell, X) for cell in LAYERS},
    **{f"{cell}, last state": partial(last_state, cell, ("forward", "reverse")) for cell in LAYERS},
    "two directions, indices": partial(whole, "gru", ("forward", "reverse"), INDICES),
    "layer normalisation": normalisation,
    "columns": in_columns,
    "steps": step_by_step,
    "rtrl": partial(real_time, X[:, 0]),
    "rtrl, indices": partial(real_time, INDICES[:, 0]),
    **{f"{y}, {how}": partial(loss, y, how) for y in ("indices", "rows", "squares") for how in ("sum", "mean")},
    "penalty": penalty,
    "complex step": partial(slope, "D1"),
    "five points": partial(slope, "D2"),
}


class Recorder(dict):
    """A book that remembers what was read in it."""

    def __getitem__(self, label):
        self.read = {*getattr(self, "read", ()), label}
        return super().__getitem__(label)


@cache
def labels_of(case):
    CASES[case](book := Recorder(BOOK))
    return book.read


def test_every_line_in_a_block_is_an_equation_with_a_label_of_its_own():
    lines = [" ".join(line.split()) for line in BLOCKS.splitlines()]
    assert lines == [f"{label} {equation}" for label, equation in BOOK.items()]


PACKAGES = "reference", "rnn_jax"


def comments(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT:
                    yield f"{path.relative_to(ROOT)}:{token.start[0]}", token.string.lstrip("# ")


def test_comments_quote_the_equations_word_for_word():
    here, there = ([(*pair, where) for where, text in comments(p) for pair in quoted(text)] for p in PACKAGES)
    assert not [f"{where}: {label} {text}" for label, text, where in here + there if BOOK.get(label) != text]
    assert {label for label, _, _ in here} == set(BOOK)


def test_a_label_named_in_a_docstring_exists():
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for cited in re.findall(r"\(([A-Z]\d+(?:(?:, | to )[A-Z]\d+)*)\)", path.read_text("utf-8")):
            assert set(re.findall(r"\w\d+", cited)) <= set(BOOK), path


@pytest.mark.parametrize("case", CASES)
def test_the_code_computes_the_equations(case):
    assert distance(*CASES[case](BOOK)) <= TOLERANCE


def jax_noise(noise):
    return jax_model.Noise(noise.kx, tuple(tuple(JaxNoise(*each) for each in row) for row in noise.layers))


@pytest.mark.parametrize("noise", [False, True], ids=["", "noise"])
@pytest.mark.parametrize("x", [X, INDICES], ids=["vectors", "indices"])
@pytest.mark.parametrize("cell", LAYERS)
def test_jax_computes_the_forward_equations(cell, x, noise):
    directions = ("reverse", "forward")
    p, state0, _ = draw_model(cell, directions)
    noise = draw_noise(cell, directions) if noise else None
    drawn = quiet(draw_noise(cell, directions)) if noise is None else noise
    readout, layers = model_forward(BOOK, cell, directions, p, x, state0, SOME, drawn)
    theirs = jax_model.Params(
        tuple(tuple(JaxParams(*q[:4], JaxNorm(*q.norm)) for q in row) for row in p.layers), p.V, p.c
    )
    states = tuple(tuple(JaxState(*state) for state in row) for row in state0)
    with jax.enable_x64(True):
        forward = jax.jit(partial(jax_model.forward, cell=cell, directions=directions))
        given = None if noise is None else jax_noise(noise)
        o, last = jax.tree.map(np.asarray, forward(theirs, x, states, SOME, noise=given))
    ours = jax.tree.leaves((series(readout["o"]), finals(cell, layers)))
    assert distance(ours, jax.tree.leaves((o, last))) <= TOLERANCE


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("target", ["indices", "rows", "squares"])
def test_jax_computes_the_losses(target, reduction):
    o, y, weights, _, _ = draw_loss(target, reduction)
    (L, *_), _ = loss(target, reduction, BOOK)
    with jax.enable_x64(True):
        function = jax_losses.squared_error if target == "squares" else jax_losses.cross_entropy
        value = np.asarray(function(*map(jax.numpy.asarray, (o, y, weights)), reduction))
        penalty = np.asarray(jax_losses.l2(jax.numpy.asarray(o[0]), 0.3))
    ours = run(BOOK, section("P", backward=False), {"V": o[0], "strength": 0.3})["L"]
    assert distance((L, ours), (value, penalty)) <= TOLERANCE


def test_differences_agree_with_the_analytic_derivative():
    x, v, u = arrays(1, x=(K,), v=(K,), u=(K,)).values()
    exact = np.sum(u * (1 - np.tanh(x) ** 2) * v)
    assert distance(slope("D1", BOOK)[0], exact) <= TOLERANCE
    # The formula errs by step**4 / 30 times the fifth derivative, at most 16 for tanh, and by two roundings of each
    # value of f, which it weighs with 18 / 12 in all, over the step.
    step, eps = differences.FIVE_POINT_STEP, np.finfo(float).eps
    bound = step**4 / 30 * 16 * np.sum(abs(u * v**5)) + 1.5 * 2 * eps / step * np.sum(abs(u))
    assert abs(slope("D2", BOOK)[0] - exact) <= bound


@pytest.mark.parametrize("label", BOOK)
def test_no_equation_can_be_damaged_unseen(label):
    cases, by_value = [case for case in CASES if label in labels_of(case)], 0
    for damaged in damages(BOOK[label]):
        found = 0.0
        for case in cases:
            try:
                with np.errstate(all="ignore"):
                    found = distance(*CASES[case](BOOK | {label: damaged}))
            except (ValueError, KeyError, IndexError, TypeError, AttributeError):
                found = np.inf
            if not found <= SEEN:
                break
        assert not found <= SEEN, f"{label} {damaged} passes, {found:.1e} from the code"
        by_value += np.isfinite(found)
    assert by_value > 0
