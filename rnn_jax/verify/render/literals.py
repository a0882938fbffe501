"""Arrays as NumPy literals, every digit of them, one statement for each name."""

import numpy as np

from rnn_jax.verify.render.clean import clean
from rnn_jax.verify.smallest.literal import literal


def assignments(values: dict[str, np.ndarray]) -> list[str]:
    """One statement for each name, in lines."""
    text = "\n".join(f"{clean(name)} = {literal(np.asarray(array))}" for name, array in values.items())
    return text.split("\n")
