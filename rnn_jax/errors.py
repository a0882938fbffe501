"""Bad input, told in one sentence: what was wrong, the offending value, what would be right."""


class InputError(ValueError):
    """The caller's input does not fit; the message is one sentence for a person."""


def require(condition: bool, sentence: str) -> None:
    """Raise InputError with `sentence` unless `condition` holds."""
    if not condition:
        raise InputError(sentence)


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that JAX's and NumPy's generators do not both take."""
    require(0 <= seed < 2**32, f"the seed is {seed}, but 0 to {2**32 - 1} are right")
