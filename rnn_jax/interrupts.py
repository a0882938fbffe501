"""Ctrl-C: it ends a program that is being loaded at once, and one that trains when it has saved.

Half a module raises anything but KeyboardInterrupt, so that while one is loaded there is nothing to be caught.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STATUS = 130  # what a shell makes of an interrupted command


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Within this Ctrl-C ends the process without a word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(STATUS))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Within, a first Ctrl-C or SIGTERM is only noted, for updates under way to be finished; a second stops at once.

    It is noted from before anything is compiled: an exception in the middle of that can be lost.
    """
    noted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True
        print("stopping after these updates", file=sys.stderr, flush=True)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: noted
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
