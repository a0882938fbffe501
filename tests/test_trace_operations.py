"""Operations whose namesake in JAX is not as good as NumPy's everywhere."""

import numpy as np
import pytest

from rnn_jax.verify.adjoints import value_and_adjoints
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.subject import Setting, record

# In groups of one size each, as errors are measured by the largest entry; the third is where XLA's log1p on the CPU
# parts from NumPy's by up to 120 eps.
SIZES = (1e-9, 1e-3), (0.05, 0.4), (0.4135, 0.4145), (0.42, 0.9), (0.99, 0.9999)
SLOPES = {"log1p": lambda x: 1 / (1 + x), "arctanh": lambda x: 1 / ((1 - x) * (1 + x))}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", SLOPES)
def test_it_is_numpys_to_rounding(name, size):
    for sign in (1, -1):
        x = sign * np.linspace(*size, 101)
        made = record(CallableSubject(lambda x=x: np.sum(getattr(np, name)(x)), lambda: None, {"x": x}), Setting())
        slope = value_and_adjoints(made.recorder.tape, made.output)[made.ids["x"]]  # raises where the values part
        np.testing.assert_allclose(slope, SLOPES[name](x), rtol=4e-15)  # some ten roundings, each of eps / 2
