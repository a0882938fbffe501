"""How PyTorch, Keras and Flax call the arrays of a recurrent layer, turn them, and order their gates.

Here U (D, G·H) and W (H, G·H) act from the right, with the gates in ORDER (NOTATION.md, sections R, L, G, B).
reference/conventions.py says the same independently, and a test holds the two against each other.
"""

from typing import NamedTuple

from rnn_jax.errors import require

ORDER = {"rnn": "a", "rnn-relu": "a", "lstm": "ifgo", "gru": "rzn", "gru-before": "rzn"}


class Part(NamedTuple):
    """An array of theirs, and the gates of one of our fields that it holds, side by side.

    Two parts of one name are its two rows, in their order.
    """

    name: str
    field: str  # U, W, b or bh
    gates: str
    transposed: bool = False


Layout = tuple[Part, ...]


class Readout(NamedTuple):
    """The arrays of the readout: the last word of each name is theirs, the word before is how we call the module."""

    weight: str
    bias: str
    transposed: bool = False


def torch(gates: str) -> Layout:
    """torch.nn.RNN, LSTM, GRU: y = W x + b, and two biases."""
    matrices = Part("weight_ih", "U", gates, transposed=True), Part("weight_hh", "W", gates, transposed=True)
    return (*matrices, Part("bias_ih", "b", gates), Part("bias_hh", "bh", gates))


def keras(gates: str, *biases: str) -> Layout:
    """keras.layers.SimpleRNN, LSTM, GRU, whose gates c, h are called g, n here; with reset_after two rows of biases."""
    matrices = Part("kernel", "U", gates), Part("recurrent_kernel", "W", gates)
    return (*matrices, *(Part("bias", field, gates) for field in biases))


def linen(gates: str, biased: str, second: str = "", iota: str = "if") -> Layout:
    """flax.linen.LSTMCell, OptimizedLSTMCell, GRUCell: a Dense for each gate on each side, i or h; one is biased."""
    inputs = [Part(f"{iota if gate == 'f' else 'i' + gate}/kernel", "U", gate) for gate in gates]
    hidden = [Part(f"h{gate}/kernel", "W", gate) for gate in gates]
    return (
        *inputs,
        *hidden,
        *(Part(f"{biased}{gate}/bias", "b", gate) for gate in gates),
        *(Part(f"h{gate}/bias", "bh", gate) for gate in second),
    )


def dense(gates: str, biased: str, prefix: str) -> Layout:
    """A Dense for each side, with the gates side by side; one of the two has the bias."""
    matrices = Part(f"{prefix}i/kernel", "U", gates), Part(f"{prefix}h/kernel", "W", gates)
    return (*matrices, Part(f"{prefix}{biased}/bias", "b", gates))


LAYOUTS: dict[str, dict[str, Layout]] = {
    "torch": {"rnn": torch("a"), "rnn-relu": torch("a"), "lstm": torch("ifgo"), "gru": torch("rzn")},
    "keras": {
        "rnn": keras("a", "b"),
        "rnn-relu": keras("a", "b"),
        "lstm": keras("ifgo", "b"),
        "gru": keras("zrn", "b", "bh"),
        "gru-before": keras("zrn", "b"),
    },
    # The bias of hn stands inside r * (...): Flax resets after the product.
    "flax": {
        "rnn": dense("a", "i", ""),
        "rnn-relu": dense("a", "i", ""),
        "lstm": linen("ifgo", "h"),
        "gru": linen("rzn", "i", second="n"),
    },
    # This GRUCell resets after the product too, but without a bias there. `if` is a word of Python's.
    "flax-nnx": {
        "rnn": dense("a", "i", "dense_"),
        "rnn-relu": dense("a", "i", "dense_"),
        "lstm": linen("ifgo", "h", iota="if_"),
        "gru": dense("rzn", "i", "dense_"),
    },
    "flax-nnx-optimized": {"lstm": dense("ifgo", "h", "dense_")},
}

READOUTS = {
    "torch": Readout("readout.weight", "readout.bias", transposed=True),
    "keras": Readout("dense/kernel", "dense/bias"),
    "flax": Readout("readout/kernel", "readout/bias"),
    "flax-nnx": Readout("readout/kernel", "readout/bias"),
    "flax-nnx-optimized": Readout("readout/kernel", "readout/bias"),
}

CLASSES = {
    "torch": {
        "rnn": "torch.nn.RNN",
        "rnn-relu": "torch.nn.RNN(nonlinearity='relu')",
        "lstm": "torch.nn.LSTM",
        "gru": "torch.nn.GRU",
    },
    "keras": {
        "rnn": "keras.layers.SimpleRNN",
        "rnn-relu": "keras.layers.SimpleRNN(activation='relu')",
        "lstm": "keras.layers.LSTM",
        "gru": "keras.layers.GRU",
        "gru-before": "keras.layers.GRU(reset_after=False)",
    },
    "flax": {
        "rnn": "flax.linen.SimpleCell",
        "rnn-relu": "flax.linen.SimpleCell(activation_fn=flax.linen.relu)",
        "lstm": "flax.linen.LSTMCell or OptimizedLSTMCell",
        "gru": "flax.linen.GRUCell",
    },
    "flax-nnx": {
        "rnn": "flax.nnx.SimpleCell",
        "rnn-relu": "flax.nnx.SimpleCell(activation_fn=flax.nnx.relu)",
        "lstm": "flax.nnx.LSTMCell",
        "gru": "flax.nnx.GRUCell",
    },
    "flax-nnx-optimized": {"lstm": "flax.nnx.OptimizedLSTMCell"},
}


def layout(framework: str, cell: str) -> Layout:
    """The arrays of a cell; raises InputError for a framework that is unknown or has no such cell."""
    require_framework(framework)
    able = ", ".join(name for name, cells in LAYOUTS.items() if cell in cells)
    wanted = f"one of {able} is right" if able else f"one of {', '.join(ORDER)} can be written for others"
    require(cell in LAYOUTS[framework], f"{framework} has no cell like {cell!r}; {wanted}")
    return LAYOUTS[framework][cell]


def require_framework(framework: str) -> None:
    """Raise InputError for a framework that is unknown."""
    require(framework in LAYOUTS, f"the framework {framework!r} is unknown; one of {', '.join(LAYOUTS)} is right")
