"""Layer normalisation: the features of one example at one step get mean 0 and variance 1, and then a gain each.

Ba, Kiros, Hinton, Layer Normalization (2016), as their supplementary material has it for recurrent layers: what the
input and what the old state add to the pre-activations are normalised apart, each over the features of all gates, and
the LSTM's cell state where the output gate lets it be seen. (Theirs has the columns of the GRU's candidate apart from
those of its gates.) The shifts of the first two are the biases b and bh.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reference.arrays import Inexact

EPSILON = 1e-5  # PyTorch's; the paper leaves it open


class Normed(NamedTuple):
    """What the way back needs."""

    hat: Inexact[np.ndarray, "*shape F"]
    sigma: Inexact[np.ndarray, "*shape 1"]


def mean(z: Inexact[np.ndarray, "*shape F"]) -> Inexact[np.ndarray, "*shape 1"]:
    """The mean of the features, kept as an axis of 1."""
    return z.mean(-1, keepdims=True)


def normed(
    z: Inexact[np.ndarray, "*shape F"],
    gain: Inexact[np.ndarray, " F"] | None,
    shift: Inexact[np.ndarray, " F"] | float = 0.0,
) -> tuple[Inexact[np.ndarray, "*shape F"], Normed | None]:
    """The rows z normalised, times their gain; where there is none, z as it is."""
    if gain is None:
        return z, None
    # N1  sigma = (mean((z - mean(z))**2) + 1e-5)**0.5
    sigma = np.sqrt(mean((z - mean(z)) ** 2) + EPSILON)
    # N2  hat = (z - mean(z)) / sigma
    hat = (z - mean(z)) / sigma
    return gain * hat + shift, Normed(hat, sigma)


def normed_backward(
    d: Inexact[np.ndarray, "*shape F"], gain: Inexact[np.ndarray, " F"] | None, kept: Normed | None
) -> Inexact[np.ndarray, "*shape F"]:
    """The gradient of z from that of z normalised, times its gain."""
    if gain is None or kept is None:
        return d
    hat, sigma = kept
    dhat = gain * d
    # N3  dz = (dhat - mean(dhat) - hat * mean(dhat * hat)) / sigma
    return (dhat - mean(dhat) - hat * mean(dhat * hat)) / sigma


def gain_gradient(d: Inexact[np.ndarray, "T B F"], kept: Normed | None) -> Inexact[np.ndarray, " F"] | None:
    """The gradient of the gain, from that of what it scaled at every step."""
    return None if kept is None else np.einsum("tbf,tbf->f", d, kept.hat)


def together(steps: Sequence[Normed | None]) -> Normed | None:
    """What was kept at each step as arrays, time first."""
    kept = [step for step in steps if step is not None]
    return Normed(*map(np.stack, zip(*kept, strict=True))) if kept else None


def at(kept: Normed | None, t: int) -> Normed | None:
    """What was kept at step t."""
    return None if kept is None else Normed(kept.hat[t], kept.sigma[t])
