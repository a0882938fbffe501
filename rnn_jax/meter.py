"""How a training run stands: a bar with speed, time left and loss on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from rnn_jax.progress import now_and_then

Show = Callable[[int, str], None]
BAR, NAME = 10, 12  # columns at most, so that the longest numbers fit beside them into 80


class Bar(Progress):
    """A bar, and below it what was measured: side by side they would not fit into 80 columns."""

    said = "compiling"

    def get_renderables(self) -> Iterator[RenderableType]:
        """The two lines."""
        yield from super().get_renderables()
        yield Text(self.said, no_wrap=True, overflow="ellipsis")


def bar_on(console: Console, **options: Any) -> Bar:
    """The bar, with what cannot be cut: how far, how fast, and how long it takes."""
    name = Column(no_wrap=True, overflow="ellipsis", max_width=NAME)
    columns = TextColumn("{task.description}", table_column=name), BarColumn(BAR), TextColumn("{task.fields[how_far]}")
    return Bar(*columns, TimeRemainingColumn(), console=console, transient=True, **options)


def moved(bar: Bar, task: TaskID, now: int, how_far: str, said: str) -> None:
    """Show that so many updates are made."""
    bar.said = said
    bar.update(task, completed=now, how_far=how_far)


@contextmanager
def meter(label: str, done: int, total: int, size: int, unit: str = "characters") -> Iterator[Show]:
    """Yield show(updates made, words about the loss). size: of one update, in the unit."""
    console, start, first = Console(stderr=True), time.monotonic(), done

    def how_far(now: int) -> str:
        rate = (now - first) * size / max(1e-9, time.monotonic() - start)
        return f"{now:,} of {total:,}, {rate:,.0f} {unit}/s"

    if console.is_terminal:
        with bar_on(console) as bar:
            task = bar.add_task(label, total=total, completed=done, how_far=how_far(done))
            yield lambda now, said: moved(bar, task, now, how_far(now), said)
        return
    say = now_and_then()
    yield lambda now, said: say(f"{label}: {how_far(now)}, {said}")
