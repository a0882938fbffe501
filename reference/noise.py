"""Dropout: what is drawn by chance is data, given beside the input, and None where nothing is drawn.

Between layers: Zaremba, Sutskever, Vinyals, Recurrent Neural Network Regularization (2014). In the recurrence, the
same mask at every step: Gal, Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural
Networks (2016).
"""

from typing import NamedTuple

import numpy as np

from reference.arrays import Inexact
from reference.checks import require


class Noise(NamedTuple):
    """What is drawn for one layer in one direction."""

    kh: Inexact[np.ndarray, "B H"] | None = None  # dropout of the state where it enters a product with W


SILENCE = Noise()


def dropped(
    values: Inexact[np.ndarray, "*shape"], k: Inexact[np.ndarray, "..."] | None
) -> Inexact[np.ndarray, "*shape"]:
    """The values times the mask k of zeros and 1/(1-p); its own derivative, for it is linear."""
    return values if k is None else values * k


def require_mask(name: str, mask: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raise InputError unless the mask can be stretched to the shape: an axis of 1 is the same everywhere."""
    if mask is not None:
        fits = mask.ndim == len(shape) and all(n in (1, size) for n, size in zip(mask.shape, shape, strict=True))
        require(fits, f"{name} has shape {mask.shape}, but {shape}, or 1 in the place of some of these, is right")
