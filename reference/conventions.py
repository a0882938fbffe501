"""Names, transposes, gate orders and signs: the canonical parameters as other code writes them, as data.

Canonical: U (D, G·H), W (H, G·H), b (G·H,), bh (G·H,), V (H, K), c (K,), in
a_t = x_t U + b + h_{t-1} W + bh and o_t = h_t V + c; bh, V and c may be absent. The gates stand in the order
i, f, g, o (LSTM) and r, z, n with h = (1-z) n + z h_{t-1} (GRU).

A row of the table names one array of theirs, the canonical field and the gates that it holds, and whether it is
transposed or negated. Such a map moves entries and flips signs, no more: it is orthogonal, so the functions
that convert parameters convert gradients too, and <dU, U> + <dW, W> + ... is the same on both sides.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from reference.checks import require

__all__ = ["GATES", "Entry", "Convention", "CONVENTIONS", "to", "back", "fold_biases"]

Given = Mapping[str, Shaped[np.ndarray, "..."] | None]
Arrays = dict[str, Shaped[np.ndarray, "..."]]

# "gru" resets the recurrent product, n = tanh(x U_n + b_n + r (h W_n + bh_n)), as PyTorch does; "gru-before"
# resets the state, n = tanh(x U_n + b_n + (r h) W_n + bh_n). The plain RNN's pre-activation counts as a gate.
GATES = {"rnn": "a", "lstm": "ifgo", "gru": "rzn", "gru-before": "rzn"}


class Entry(NamedTuple):
    """One array of another convention, and the part of a canonical field that it holds."""

    theirs: str
    ours: str
    gates: str = ""  # along its gate axis, in their order; empty for the canonical order
    transposed: bool = False  # a matrix as its transpose, a vector of n as (n, 1)
    negated: bool = False
    row: int | None = None  # where the two biases share one array, the row that is this one
    optional: bool = False


class Convention(NamedTuple):
    """Where a convention is documented, and the entries of each cell that it can express."""

    source: str
    cells: dict[str, tuple[Entry, ...]]


def _readout(V: str, c: str, transposed: bool = False) -> tuple[Entry, ...]:
    return tuple(Entry(theirs, ours, transposed=transposed, optional=True) for theirs, ours in ((V, "V"), (c, "c")))


def _columns(U: str, W: str, V: str, b: str, c: str) -> tuple[Entry, ...]:
    hidden = (Entry(U, "U", transposed=True), Entry(W, "W", transposed=True), Entry(b, "b", transposed=True))
    return (*hidden, *_readout(V, c, transposed=True))


def _keras(gates: str, *biases: Entry) -> tuple[Entry, ...]:
    return (Entry("kernel", "U", gates), Entry("recurrent_kernel", "W", gates), *biases, *_DENSE)


def _linen(gates: str, *biases: Entry) -> tuple[Entry, ...]:
    kernels = (Entry(f"{side}{g}.kernel", ours, g) for side, ours in (("i", "U"), ("h", "W")) for g in gates)
    return (*kernels, *biases, *_DENSE)


def _paper(negated: str) -> tuple[Entry, ...]:
    entries = (
        Entry(theirs + subscript, ours, gate, transposed=True, negated=gate in negated, optional=ours == "bh")
        for theirs, ours in (("W", "U"), ("U", "W"), ("b", "b"), ("bh", "bh"))
        for gate, subscript in (("r", "_r"), ("z", "_z"), ("n", ""))
    )
    return (*entries, *_readout("V", "c", transposed=True))


_BH = Entry("bh", "bh", optional=True)
_CANONICAL = (Entry("U", "U"), Entry("W", "W"), Entry("b", "b"), _BH, *_readout("V", "c"))
_DENSE = _readout("readout.kernel", "readout.bias")
_PYTORCH = (
    Entry("weight_ih_l{layer}{suffix}", "U", transposed=True),
    Entry("weight_hh_l{layer}{suffix}", "W", transposed=True),
    Entry("bias_ih_l{layer}{suffix}", "b"),
    Entry("bias_hh_l{layer}{suffix}", "bh"),
    Entry("readout.weight", "V", transposed=True, optional=True),
    Entry("readout.bias", "c", optional=True),
)
_LINEN_LSTM = _linen("ifgo", *(Entry(f"h{gate}.bias", "b", gate) for gate in "ifgo"))
_LINEN_GRU = _linen("rzn", *(Entry(f"i{gate}.bias", "b", gate) for gate in "rzn"), Entry("hn.bias", "bh", "n"))
_NNX = (Entry("dense_i.kernel", "U"), Entry("dense_h.kernel", "W"), Entry("dense_i.bias", "b"), *_DENSE)
# `if` is a reserved word in Python.
_NNX_LSTM = tuple(entry._replace(theirs=entry.theirs.replace("if.", "if_.")) for entry in _LINEN_LSTM)

# A dot separates module and parameter, and the readout is a Linear or Dense called "readout": a bare "bias" would be
# that of Keras's cell. Conventions without a gate order of their own (columns, steps, char-rnn) stack gates in ours.
CONVENTIONS: dict[str, Convention] = {
    "columns": Convention(
        "Goodfellow, Bengio, Courville, Deep Learning, equation 10.8: a_t = b + W h_{t-1} + U x_t",
        dict.fromkeys(GATES, (*_columns(*"UWVbc"), _BH._replace(transposed=True))),
    ),
    "steps": Convention(
        "DeepLearning.AI, Sequence Models, week 1, Dinosaurus Island",
        dict.fromkeys(GATES, _columns("Wax", "Waa", "Wya", "b", "by")),
    ),
    # This bh is the one hidden bias, our b; our recurrent bias bh has no place here.
    "char-rnn": Convention(
        "Karpathy, min-char-rnn.py", dict.fromkeys(GATES, _columns("Wxh", "Whh", "Why", "bh", "by"))
    ),
    "pytorch": Convention("torch.nn.RNN, LSTM and GRU: Variables", dict.fromkeys(("rnn", "lstm", "gru"), _PYTORCH)),
    "keras": Convention(
        "keras.layers.SimpleRNN, LSTM (i, f, c, o), GRU (z, r, h; reset_after=True is our gru, False our gru-before)",
        {
            "rnn": _keras("a", Entry("bias", "b")),
            "lstm": _keras("ifgo", Entry("bias", "b", "ifgo")),
            "gru": _keras("zrn", Entry("bias", "b", "zrn", row=0), Entry("bias", "bh", "zrn", row=1)),
            "gru-before": _keras("zrn", Entry("bias", "b", "zrn")),
        },
    ),
    "flax": Convention(
        "flax.linen.SimpleCell, LSTMCell and OptimizedLSTMCell, GRUCell",
        {
            "rnn": (Entry("i.kernel", "U"), Entry("h.kernel", "W"), Entry("i.bias", "b"), *_DENSE),
            "lstm": _LINEN_LSTM,
            "gru": _LINEN_GRU,
        },
    ),
    # The documentation of this GRU has a b_hn, its code has none.
    "flax-nnx": Convention("flax.nnx.SimpleCell, LSTMCell, GRUCell", {"rnn": _NNX, "lstm": _NNX_LSTM, "gru": _NNX}),
    "flax-nnx-optimized": Convention(
        "flax.nnx.OptimizedLSTMCell", {"lstm": (*_NNX[:2], Entry("dense_h.bias", "b"), *_DENSE)}
    ),
    # Both papers call the input matrix W and the recurrent one U, and leave out the biases, whose names are ours. Both
    # reset before the product; "gru" is the later variant in their names (and Cho's arXiv version 1).
    "cho": Convention(
        "Cho et al. 2014, arXiv:1406.1078, section 2.3: h = z h_{t-1} + (1-z) n",
        dict.fromkeys(("gru", "gru-before"), _paper(negated="")),
    ),
    # 1 - σ(a) = σ(-a): the same cell, every parameter of z negated.
    "chung": Convention(
        "Chung et al. 2014, arXiv:1412.3555, section 3.2: h = (1-z) h_{t-1} + z n",
        dict.fromkeys(("gru", "gru-before"), _paper(negated="z")),
    ),
}


def to(name: str, cell: str, params: Given, *, layer: int = 0, reverse: bool = False) -> Arrays:
    """Write canonical parameters, or their gradients, as the convention `name` has them; fresh arrays.

    params holds U (D, G·H), W (H, G·H), b (G·H,) and, where they are not None or absent, bh (G·H,), V (H, K),
    c (K,). The PyTorch names carry the layer and the direction, the others neither. Sources: CONVENTIONS.

    Where theirs always has a recurrent bias (PyTorch; the GRUs of Keras and linen), zeros stand for an absent bh,
    and the way back gives a bh of zeros: pass bh with gradients. Else back(name, cell, to(...)) is params, bit
    for bit. Raises InputError (a ValueError) for an unknown name or cell, a layer or direction that the names
    cannot carry, arrays missing, unexpected or of the wrong shape, and a bh for which theirs has no place.
    """
    entries = _entries(name, cell, layer, reverse)
    ours = _checked("the canonical parameters", cell, _CANONICAL, params)
    if "bh" in ours:
        _require_place(name, cell, entries, ours["bh"])
    elif any(entry.ours == "bh" and not entry.optional for entry in entries):
        ours["bh"] = np.zeros_like(ours["b"])
    blocks = {e.ours: _split(_gates(cell, e), ours[e.ours]) for e in _CANONICAL if e.ours in ours}
    theirs: dict[str, list[np.ndarray]] = {}
    for entry in entries:
        if entry.ours in ours:
            held = [blocks[entry.ours][gate] for gate in _gates(cell, entry)]
            array = np.concatenate([-block for block in held] if entry.negated else held, axis=-1)
            theirs.setdefault(entry.theirs, []).append(np.atleast_2d(array).T if entry.transposed else array)
    return {key: np.array(rows[0] if len(rows) == 1 else rows, order="C") for key, rows in theirs.items()}


def back(name: str, cell: str, theirs: Given, *, layer: int = 0, reverse: bool = False) -> Arrays:
    """Read one layer's parameters, or their gradients, from the convention `name`; the inverse of `to`.

    theirs holds their names and shapes, with or without the readout. Returns fresh U (D, G·H), W (H, G·H),
    b (G·H,) and, where theirs has them, bh (G·H,), V (H, K), c (K,); gates without a recurrent bias of theirs
    (r and z in linen's GRU) have zeros in bh. Sources: CONVENTIONS. Raises InputError (a ValueError) as `to` does.
    """
    entries = _entries(name, cell, layer, reverse)
    arrays = _checked(f"the {name} parameters", cell, entries, theirs)
    blocks: dict[str, dict[str, np.ndarray]] = {}
    for entry in entries:
        if entry.theirs in arrays:
            array = arrays[entry.theirs] if entry.row is None else arrays[entry.theirs][entry.row]
            if entry.transposed:
                array = array.T if len(_SHAPES[entry.ours]) == 2 else array[:, 0]
            held = _split(_gates(cell, entry), -array if entry.negated else array)
            blocks.setdefault(entry.ours, {}).update(held)
    ours = {}
    for entry in _CANONICAL:
        if entry.ours in blocks:
            held, gates = blocks[entry.ours], _gates(cell, entry)
            zeros = np.zeros_like(next(iter(held.values())))
            joined = np.concatenate([held.get(gate, zeros) for gate in gates], axis=-1)
            ours[entry.ours] = np.ascontiguousarray(joined)
    return ours


def fold_biases(cell: str, params: Given) -> Arrays:
    """Add bh to b wherever the cell merely adds the two, so that a convention with one bias can express it.

    That is every gate but n of "gru", where r multiplies bh_n: unless bh_n is all zeros it stays, as (0, 0, bh_n);
    in every other case the result has no bh. The same function, up to the rounding of b + bh. Not for gradients:
    that of b + bh is the gradient of either bias, not the sum. Shapes and errors as for `to`; fresh arrays.
    """
    _require_cell(cell)
    checked = _checked("the canonical parameters", cell, _CANONICAL, params)
    ours = {key: array.copy() for key, array in checked.items()}
    if "bh" in ours:
        b, bh = ours["b"], ours.pop("bh")
        multiplied = np.repeat([cell == "gru" and gate == "n" for gate in GATES[cell]], b.size // len(GATES[cell]))
        ours["b"] = np.where(multiplied, b, b + bh)
        if np.any(bh[multiplied]):
            ours["bh"] = np.where(multiplied, bh, np.zeros_like(bh))
    return ours


# GH stands for the gates of the entry times H.
_SHAPES = {"U": ("D", "GH"), "W": ("H", "GH"), "b": ("GH",), "bh": ("GH",), "V": ("H", "K"), "c": ("K",)}


def _gates(cell: str, entry: Entry) -> str:
    return (entry.gates or GATES[cell]) if "GH" in _SHAPES[entry.ours] else "-"


def _split(gates: str, array: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(gates, np.split(array, len(gates), axis=-1), strict=True))


def _require_cell(cell: str) -> None:
    require(cell in GATES, f"there is no cell {cell!r}, only {', '.join(GATES)}")


def _entries(name: str, cell: str, layer: int, reverse: bool) -> tuple[Entry, ...]:
    require(name in CONVENTIONS, f"there is no convention {name!r}, only {', '.join(CONVENTIONS)}")
    _require_cell(cell)
    cells = CONVENTIONS[name].cells
    require(cell in cells, f"{name} cannot express the cell {cell!r}, only {', '.join(cells)}")
    require(layer >= 0, f"layer is {layer}, but layers count from 0")
    carried = any("{layer}" in entry.theirs for entry in cells[cell])
    require(
        carried or not (layer or reverse),
        f"the names of {name} cannot carry layer={layer}, reverse={reverse}, so convert each layer without them",
    )
    suffix = "_reverse" if reverse else ""
    return tuple(e._replace(theirs=e.theirs.format(layer=layer, suffix=suffix)) for e in cells[cell])


def _require_place(name: str, cell: str, entries: tuple[Entry, ...], bh: np.ndarray) -> None:
    kept = "".join(_gates(cell, entry) for entry in entries if entry.ours == "bh")
    # Bytes, not values: a -0.0 would come back as 0.0.
    blocks = {g: a for g, a in _split(GATES[cell], bh).items() if g not in kept and (not kept or any(a.tobytes()))}
    right = f"add it to b with fold_biases({cell!r}, params) first"
    if cell == "gru" and np.any(blocks.get("n", 0)):
        right = "r multiplies bh_n, which cannot be added to b, so use pytorch, keras or flax"
    require(
        not blocks,
        f"{name} has no recurrent bias for {', '.join(blocks)} in the cell {cell!r}, "
        f"but bh goes up to {max((np.abs(a).max(initial=0) for a in blocks.values()), default=0):.3g} there: {right}",
    )


def _checked(whose: str, cell: str, entries: tuple[Entry, ...], given: Given) -> Arrays:
    arrays = {key: np.asarray(array) for key, array in given.items() if array is not None}
    known = dict.fromkeys(entry.theirs for entry in entries)
    unexpected = [key for key in arrays if key not in known]
    require(not unexpected, f"{whose} have {', '.join(unexpected)}, but {cell!r} knows only {', '.join(known)}")
    # A bias in three arrays is there with all three or not at all.
    needed = {entry.ours for entry in entries if not entry.optional or entry.theirs in arrays}
    missing = dict.fromkeys(e.theirs for e in entries if e.ours in needed and e.theirs not in arrays)
    require(not missing, f"{whose} lack {', '.join(missing)}: there is only {', '.join(arrays) or 'nothing'}")
    present = [entry for entry in entries if entry.theirs in arrays]
    _require_shapes(whose, cell, present, arrays)
    for family in (("U",), ("W",), ("b", "bh")):
        dtypes = {str(arrays[entry.theirs].dtype) for entry in present if entry.ours in family}
        require(len(dtypes) < 2, f"{whose} mix {sorted(dtypes)} in {family[0]}, but one dtype is right")
    return arrays


def _require_shapes(whose: str, cell: str, present: list[Entry], arrays: Arrays) -> None:
    sizes = {"1": 1, "2": 2}
    for entry in present:
        letters, shape = _stored_shape(entry), arrays[entry.theirs].shape
        if len(letters) == len(shape):
            sizes = {letter: size for letter, size in zip(letters, shape, strict=True) if letter != "GH"} | sizes
    # W alone ties H to the number of gates: where it is wrong it is to be named before what it misleads.
    for entry in sorted(present, key=lambda entry: entry.ours != "W"):
        letters, shape, G = _stored_shape(entry), arrays[entry.theirs].shape, len(_gates(cell, entry))
        sizes |= {"GH": G * sizes["H"]} if "H" in sizes else {}
        right = [sizes.get(letter, letter.replace("G", str(G))) for letter in letters]
        text = ", ".join(map(str, right)) + "," * (len(right) == 1)
        require(list(shape) == right, f"{whose} have {entry.theirs} of shape {shape}, but {cell!r} asks for ({text})")


def _stored_shape(entry: Entry) -> tuple[str, ...]:
    letters = _SHAPES[entry.ours]
    if entry.transposed:
        letters = letters[::-1] if len(letters) == 2 else (*letters, "1")
    return letters if entry.row is None else ("2", *letters)
