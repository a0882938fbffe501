"""How a run went, as lines of JSON beside its checkpoints: one for each chunk of updates, and curves of them.

A line has `updates`, the mean `loss` of the chunk, `seconds` since the command began, and where it was measured
`held_out`: the mean loss of a target there, with `bits`, `perplexity`, `accuracy` or `squared_error` as it applies.
"""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

from rnn_jax.errors import InputError, require
from rnn_jax.files import write_text
from rnn_jax.runs import Measured
from rnn_jax.spec import Spec

FILE = "metrics.jsonl"
LONG = 1e6  # from which on a number is shown with an exponent


def read(path: Path, updates: int | None = None) -> list[dict[str, Any]]:
    """The lines of a file, up to those of so many updates; what a killed run has left half written is no line."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    found = []
    for line in text.splitlines():
        try:
            each = json.loads(line)
            number, _ = int(each["updates"]), float(each["loss"])
        except (ValueError, KeyError, TypeError):
            continue
        if updates is None or number <= updates:
            found.append(each)
    return found


class Lines:
    """The file of a run that goes on; what was noted beyond its checkpoint will be noted again."""

    def __init__(self, folder: Path, updates: int) -> None:
        self.path = folder / FILE
        if self.path.exists():
            write_text(self.path, "".join(json.dumps(each) + "\n" for each in read(self.path, updates)))

    def note(self, **values: Any) -> None:
        """Add a line; raises InputError where it cannot be written."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}") from error


def told(found: Measured, spec: Spec) -> dict[str, float]:
    """What was measured of a model that predicts what this one does."""
    if spec.predicts == "numbers":
        return {"loss": found.loss, "squared_error": found.right}
    shared = {"loss": found.loss, "accuracy": found.right}
    if spec.predicts == "classes":
        return shared
    return shared | {"bits": found.loss / math.log(2), "perplexity": math.exp(min(found.loss, 700.0))}


def in_words(values: dict[str, float]) -> str:
    """The same for a reader: the loss first, in the unit of what is trained on."""
    return f"{in_digits(values['loss'], 4)} ({beside(values)})"


def beside(values: dict[str, float]) -> str:
    """What a loss means to a reader."""
    if "bits" in values:
        return f"{in_digits(values['bits'], 3)} bits a character, perplexity {in_digits(values['perplexity'], 2)}"
    if "squared_error" in values:
        return f"squared error {in_digits(values['squared_error'], 5)}"
    return f"{100 * values['accuracy']:.1f}% right"


def in_digits(value: float, places: int) -> str:
    """A number with so many decimal places; with an exponent where it would be long."""
    return f"{value:.{places}f}" if abs(value) < LONG else f"{value:.{places}e}"


def require_plottable(out: Path) -> None:
    """Raise InputError where curves could not be drawn into a file; ask before long work, not after."""
    require(
        out.suffix in (".svg", ".png", ".pdf"), f"--plot is {out}, but a name that ends in .svg, .png or .pdf is right"
    )
    found = importlib.util.find_spec("matplotlib")
    require(found is not None, "--plot needs matplotlib: pip install 'rnn_jax[plot]' is right")


def plot(folder: Path, out: Path) -> None:
    """Draw the curves of a run; raises InputError where there are none."""
    lines = read(folder / FILE)
    require(bool(lines), f"{folder / FILE} has no lines to be plotted")
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.plot([each["updates"] for each in lines], [each["loss"] for each in lines], lw=0.8, label="trained on")
    held_out = [(each["updates"], each["held_out"]["loss"]) for each in lines if "held_out" in each]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), "o-", ms=3, label="held out")
    axes.set(xlabel="updates", ylabel="loss of a target", title=folder.name)
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(out)
    except (OSError, ValueError) as error:
        raise InputError(f"{out} cannot be written: {error}") from error
    finally:
        pyplot.close(figure)
