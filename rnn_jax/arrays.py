"""What counts as an array: NumPy's serve wherever JAX's do."""

import jax
import numpy as np

Array = jax.Array | np.ndarray
