"""How a training run stands: a bar with loss, speed and time left on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rnn_jax.progress import now_and_then

Show = Callable[[int, str], None]


@contextmanager
def meter(label: str, done: int, total: int, size: int, unit: str = "characters") -> Iterator[Show]:
    """Yield show(updates made, words about the loss). size: of one update, in the unit."""
    console, start, first = Console(stderr=True), time.monotonic(), done

    def speed(now: int) -> str:
        rate = (now - first) * size / max(1e-9, time.monotonic() - start)
        return f"{rate:,.0f} {unit}/s"

    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(label, total=total, completed=done, said="compiling")
            yield lambda now, said: bar.update(task, completed=now, said=f"{now:,} of {total:,}  {said}  {speed(now)}")
        return
    say = now_and_then()
    yield lambda now, said: say(f"{label}: {now:,} of {total:,}, {said}, {speed(now)}")
