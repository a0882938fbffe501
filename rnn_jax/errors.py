"""Bad input, told in one sentence: what was wrong, the offending value, what would be right."""

from numbers import Integral, Real

MOST = 2**31 - 1  # of whatever is counted: JAX's indices have 32 bits


class InputError(ValueError):
    """The caller's input does not fit; the message is one sentence for a person."""


def require(condition: bool, sentence: str) -> None:
    """Raise InputError with `sentence` unless `condition` holds."""
    if not condition:
        raise InputError(sentence)


def require_whole(name: str, value: object, least: int = 1, most: int = MOST) -> None:
    """Raise InputError for what is no whole number, or none of those that are right."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}, but a whole number is right")
    require(int(value) >= least, f"{name} is {value}, but {least} or more is right")
    require(int(value) <= most, f"{name} is {value}, but {most} or less is right")


def require_number(name: str, value: object) -> None:
    """Raise InputError for what is no number."""
    fits = isinstance(value, Real) and not isinstance(value, bool)
    require(fits, f"{name} is {value!r}, but a number is right")


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that JAX's and NumPy's generators do not both take."""
    fits = isinstance(seed, Integral) and not isinstance(seed, bool)
    require(fits, f"the seed is {seed!r}, but a whole number is right")
    require(0 <= seed < 2**32, f"the seed is {seed}, but 0 to {2**32 - 1} are right")
