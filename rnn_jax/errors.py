"""Bad input, told in one sentence: what was wrong, the offending value, what would be right."""


class InputError(ValueError):
    """The caller's input does not fit; the message is one sentence for a person."""


def require(condition: bool, sentence: str) -> None:
    """Raise InputError with `sentence` unless `condition` holds."""
    if not condition:
        raise InputError(sentence)
