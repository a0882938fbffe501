"""What a terminal of 80 columns shows of a training run."""

import io

import pytest
from rich.console import Console

from rnn_jax import meter


@pytest.mark.parametrize("name", ["big", "a-name-that-is-longer-than-a-terminal-has-room-for"])
def test_speed_time_left_and_loss_are_seen_on_80_columns(name):
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    now = iter(range(0, 1000, 5))
    said = "loss 0.9468, held out 0.5531 (0.798 bits a character, perplexity 1.74)"
    with meter.bar_on(console, get_time=lambda: next(now)) as bar:
        task = bar.add_task(name, total=1_000_000, how_far="")
        for done in (400_000, 600_000):
            meter.moved(bar, task, done, "1,000,000 of 1,000,000, 1,234,567 characters/s", said)
        console.file.truncate(0)
        console.print(bar.get_renderable())
    shown = console.file.getvalue()
    assert "1,000,000 of 1,000,000, 1,234,567 characters/s 0:00:" in shown
    assert said in shown
