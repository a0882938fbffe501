"""Standard streams that can write what we print wherever they lead."""

import codecs
import io
import sys

PLAIN = {
    "✓": "+",
    "✗": "x",
    "‖": "|",
    "·": ".",
    "½": "1/2",
    "²": "^2",
    "−": "-",
    "√": "sqrt",
    "━": "-",
    "╸": "-",
    "╺": "-",
}


def plainly(error: UnicodeError) -> tuple[str, int]:
    """An error handler for encodings: the nearest plain characters in the place of those that cannot be written."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(each, "?") for each in error.object[error.start : error.end]), error.end


def tolerate() -> None:
    """Have standard output and error write plain characters where their encoding lacks ours."""
    codecs.register_error("plainly", plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plainly")
