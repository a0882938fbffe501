"""From hidden states to logits: one affine map, shared by all steps."""

import numpy as np

from reference.arrays import Inexact


def forward(
    V: Inexact[np.ndarray, "H K"], c: Inexact[np.ndarray, " K"], h: Inexact[np.ndarray, "T B H"]
) -> Inexact[np.ndarray, "T B K"]:
    """The logits of every step."""
    # O1  o[t] = h[t] @ V + c
    return h @ V + c


def backward(
    V: Inexact[np.ndarray, "H K"], h: Inexact[np.ndarray, "T B H"], do: Inexact[np.ndarray, "T B K"]
) -> tuple[Inexact[np.ndarray, "H K"], Inexact[np.ndarray, " K"], Inexact[np.ndarray, "T B H"]]:
    """The gradients dV (H, K), dc (K,) and dh (T, B, H)."""
    # O1  o[t] = h[t] @ V + c
    # O2  dV += h[t].T @ do[t]
    dV = np.einsum("tbh,tbk->hk", h, do)
    # O3  dc += do[t].sum(0)
    dc = do.sum((0, 1))
    # O4  dh_out[t] = do[t] @ V.T
    return dV, dc, do @ V.T
