"""How an input reaches the hidden layer: a vector through a product, an index as a row of U."""

import numpy as np
from jaxtyping import Bool, Integer

from reference.arrays import Inexact
from reference.checks import require_shape

Input = Inexact[np.ndarray, "T B D"] | Integer[np.ndarray, "T B"]


def unpadded(x: Input, mask: Bool[np.ndarray, "T B"]) -> Input:
    """The input with 0 where the mask is off: what stands there, NaN or no index at all, must not matter.

    The gradient of a product with it is 0 times it, which is not 0 for every number. Raises InputError where the shapes
    differ.
    """
    require_shape("mask", mask, x.shape[:2], f"x {x.shape}")
    return np.where(mask.reshape(mask.shape + (1,) * (x.ndim - 2)), x, 0)


def project(x: Input, U: Inexact[np.ndarray, "D GH"]) -> Inexact[np.ndarray, "T B GH"]:
    """What the input adds to the pre-activations at every step; index -1 adds nothing."""
    if x.ndim == 2:
        # I2  xU[t] = onehot(x[t], D) @ U
        return np.where((x >= 0)[..., None], U[x], 0)
    # I1  xU[t] = x[t] @ U
    return x @ U


def project_backward(
    x: Input, U: Inexact[np.ndarray, "D GH"], da: Inexact[np.ndarray, "T B GH"]
) -> tuple[Inexact[np.ndarray, "D GH"], Inexact[np.ndarray, "T B D"] | None]:
    """The gradients dU (D, G·H) and dx (T, B, D), which is None for indices."""
    if x.ndim == 2:
        dU = np.zeros(U.shape, da.dtype)
        # I5  dU += onehot(x[t], D).T @ da[t]
        np.add.at(dU, x[x >= 0], da[x >= 0])
        return dU, None
    # I3  dU += x[t].T @ da[t]
    dU = np.einsum("tbd,tbg->dg", x, da)
    # I4  dx[t] = da[t] @ U.T
    return dU, da @ U.T
