"""Where in the user's program something happened."""

import os
import sys
import sysconfig
from functools import cache
from types import CodeType, FrameType
from typing import NamedTuple

OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
TRACE = os.path.dirname(os.path.abspath(__file__)) + os.sep
LIBRARIES = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")})


class Place(NamedTuple):
    """A point in the user's source: file and line, and the instruction, for the column."""

    file: str
    line: int
    code: CodeType | None = None
    instruction: int = 0

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line}" if self.line else "outside the program"


NOWHERE = Place("", 0)


@cache
def foreign(file: str) -> bool:
    """Whether a source file is a library's or our own, not the user's."""
    return file.startswith((OURS, *LIBRARIES, "<frozen"))


def here() -> Place:
    """The innermost line that is the user's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(OURS) and not file.startswith(TRACE):
            return NOWHERE  # beyond here lies whoever called for the check
        if not foreign(file):
            return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return NOWHERE
