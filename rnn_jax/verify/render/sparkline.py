"""An error over time in one line of characters."""

from collections.abc import Sequence
from math import isnan

from rnn_jax.verify.check_report import Curve
from rnn_jax.verify.render.scale import bottom_of, buckets, level, worst_of

BLOCKS = "·▁▂▃▄▅▆▇█"  # a dot for what is right
MOST = 40


def told(curve: Curve, floor: float) -> str:
    """The curve in a line: its name, the steps, the spark line, and whether it grows."""
    steps = f"t={curve.steps[0]}..{curve.steps[-1]}" if len(curve.steps) > 1 else f"t={curve.steps[0]}"
    line = f"error of {curve.name} over {steps}   {spark(curve.errors, floor)}   {growth(curve.errors, floor)}"
    return line.rstrip()


def spark(errors: Sequence[float], floor: float) -> str:
    """One character for each error, or for the worst of neighbours where there are many."""
    bottom, worst = bottom_of(errors, floor), worst_of(errors, floor)
    return "".join(BLOCKS[max(level(e, floor, bottom, worst) for e in group)] for group in buckets(errors, MOST))


def growth(errors: Sequence[float], floor: float) -> str:
    """Which way the error grows, if it grows all the way and takes more than one step to it."""
    clamped = [floor if error <= floor else error for error in errors]
    if any(map(isnan, clamped)) or len(set(clamped)) < 3:
        return ""
    if clamped == sorted(clamped):
        return "grows forwards"
    return "grows backwards" if clamped == sorted(clamped, reverse=True) else ""
