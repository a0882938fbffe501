import jax
import pytest


@pytest.fixture(autouse=True)
def our_own_maths():
    """Float64 and no silent promotion; a test of code that does not bear it (optax) undoes it for itself."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        yield
