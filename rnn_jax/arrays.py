"""What counts as an array: NumPy's serve wherever JAX's do."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Integer

Array = jax.Array | np.ndarray
MOST = np.iinfo(np.int32).max  # no size is as large


def indices(given: Integer[Array, "*shape"]) -> Integer[Array, "*shape"]:
    """Indices of any integer type in one that holds -1 and every size.

    Compared as they are, -1 would be the largest number of an unsigned type, and a size beyond 127 no int8.
    """
    if np.issubdtype(given.dtype, np.unsignedinteger) and given.dtype.itemsize >= 4:
        given = jnp.minimum(given, np.array(MOST, given.dtype))  # what lies beyond has no row either way
    elif given.dtype.itemsize >= 4:
        return given
    return jnp.asarray(given, jnp.int32)
