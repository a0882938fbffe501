"""Arrays as NumPy literals, every digit of them."""

import sys

import numpy as np

from rnn_jax.verify.render.clean import clean

WIDTH = 88
USUAL = ("float64", "int64", "bool", "complex128")  # what np.array makes of such numbers unasked


def assignments(values: dict[str, np.ndarray]) -> list[str]:
    """One statement for each name, in lines."""
    text = "\n".join(f"{clean(name)} = {literal(np.asarray(array))}" for name, array in values.items())
    return text.split("\n")


def literal(array: np.ndarray) -> str:
    """An expression that makes the same array again."""
    kind = str(array.dtype)
    if array.size == 0:
        return f"np.zeros({array.shape}, dtype=np.{kind})"
    with np.printoptions(nanstr="np.nan", infstr="np.inf"):
        body = np.array2string(
            array, WIDTH, separator=", ", threshold=sys.maxsize, floatmode="unique", prefix="np.array("
        )
    return f"np.array({body})" if kind in USUAL else f"np.array({body}, dtype=np.{kind})"
