"""How far a long command is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield update(done, total), which shows progress on standard error."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    say = now_and_then()
    yield lambda done, total: say(f"{label}: {done} of {total}")


def now_and_then() -> Callable[[str], None]:
    """Print a line on standard error, unless the last one is less than ten seconds old."""
    last = time.monotonic()

    def say(line: str) -> None:
        nonlocal last
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    return say
