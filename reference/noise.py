"""Dropout and zoneout: what is drawn by chance is data, given beside the input, and None where nothing is drawn.

Between layers: Zaremba, Sutskever, Vinyals, Recurrent Neural Network Regularization (2014). In the recurrence, the
same mask at every step: Gal, Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural
Networks (2016). Zoneout: Krueger et al., Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations (2017).
"""

from typing import NamedTuple

import numpy as np

from reference.arrays import Inexact
from reference.checks import require


class Noise(NamedTuple):
    """What is drawn for one layer in one direction."""

    kh: Inexact[np.ndarray, "B H"] | None = None  # dropout of the state where it enters a product with W
    zh: Inexact[np.ndarray, "T B H"] | None = None  # how much of the old hidden state is kept: 0 or 1, or any share
    zs: Inexact[np.ndarray, "T B H"] | None = None  # the same of the LSTM's cell state


SILENCE = Noise()


def dropped(
    values: Inexact[np.ndarray, "*shape"], k: Inexact[np.ndarray, "..."] | None
) -> Inexact[np.ndarray, "*shape"]:
    """The values times the mask k of zeros and 1/(1-p); its own derivative, for it is linear."""
    return values if k is None else values * k


def zoned(
    new: Inexact[np.ndarray, "B H"], old: Inexact[np.ndarray, "B H"], z: Inexact[np.ndarray, "T B H"] | None, t: int
) -> Inexact[np.ndarray, "B H"]:
    """The new state of step t, with the share z[t] of the old one in its place."""
    return new if z is None else z[t] * old + (1 - z[t]) * new


def zoned_backward(
    d: Inexact[np.ndarray, "B H"], z: Inexact[np.ndarray, "T B H"] | None, t: int
) -> tuple[Inexact[np.ndarray, "B H"] | float, Inexact[np.ndarray, "B H"]]:
    """The gradients of the old state, as far as it was kept, and of the new one."""
    return (0.0, d) if z is None else (d * z[t], d * (1 - z[t]))


def fitted(noise: Noise, shape: tuple[int, int, int], has_cell_state: bool = False) -> Noise:
    """The noise of a layer, what is the same at every step stretched over all; raises InputError where it cannot be.

    shape: T, B, H.
    """
    require(noise.zs is None or has_cell_state, "zs is given, but only the LSTM has a cell state to keep")
    require_mask("kh", noise.kh, shape[1:])
    for name, z in (("zh", noise.zh), ("zs", noise.zs)):
        require_mask(name, z, shape)
    return Noise(noise.kh, *(None if z is None else np.broadcast_to(z, shape) for z in (noise.zh, noise.zs)))


def in_time(noise: Noise, time: slice) -> Noise:
    """The noise of a layer that reads time in this order."""
    return noise._replace(**{name: z if z is None else z[time] for name, z in (("zh", noise.zh), ("zs", noise.zs))})


def require_mask(name: str, mask: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raise InputError unless the mask can be stretched to the shape: an axis of 1 is the same everywhere."""
    if mask is not None:
        fits = mask.ndim == len(shape) and all(n in (1, size) for n, size in zip(mask.shape, shape, strict=True))
        require(fits, f"{name} has shape {mask.shape}, but {shape}, or 1 in the place of some of these, is right")
