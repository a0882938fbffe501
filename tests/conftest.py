import jax
import pytest


@pytest.fixture(autouse=True)
def our_own_maths():
    """Float64 and no silent promotion, in every thread; a test of code that does not bear it (optax) undoes it."""
    before = jax.config.jax_enable_x64, jax.config.jax_numpy_dtype_promotion
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    yield
    jax.config.update("jax_enable_x64", before[0])
    jax.config.update("jax_numpy_dtype_promotion", before[1])
