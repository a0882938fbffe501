"""How a sum that was found is written."""

import pytest

from rnn_jax.verify.repair.terms import added_up


@pytest.mark.parametrize(
    ("texts", "plus", "written"),
    [
        (["a * m", "b * m"], [True, True], "(a + b) * m"),
        (["a * (h > 0)", "b * (h > 0)"], [True, False], "(a - b) * (h > 0)"),
        (["m * a * n", "b * n * m"], [True, True], "(a + b) * m * n"),
        (["a", "b"], [True, True], "a + b"),
        (["a", "b"], [False, True], "b - a"),
        (["a * m", "m"], [True, True], "a * m + m"),
        (["x @ m", "y @ m"], [True, True], "x @ m + y @ m"),
        (["a", "b", "c"], [True, True, True], "a + b + c"),
    ],
)
def test_what_terms_have_in_common_is_written_once(texts, plus, written):
    assert added_up(texts, plus) == written
