"""A finding whose place is known, for a terminal: the headline, the source, facts, and then help."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from rich.console import RenderableType
from rich.text import Text

from rnn_jax.verify.check_report import CheckReport, Finding, Fix
from rnn_jax.verify.render import sparkline, words
from rnn_jax.verify.render.clean import clean, source
from rnn_jax.verify.render.excerpt import GUTTER, PLUS, digits, excerpt
from rnn_jax.verify.render.layout import Fitted, cropped, hanging, whole
from rnn_jax.verify.render.scale import floor_of

GAP = 6
HELP = "bold cyan"
DIFF = {"+": "green", "-": "red", "@": "cyan"}


def headline(report: CheckReport, finding: Finding) -> Iterator[RenderableType]:
    """What is wrong, and the blamed line."""
    style = "bold yellow" if finding.kind in words.DOUBTS else "bold red"
    yield hanging(f"{words.label(finding)}: ", finding.message, style)
    if finding.suspects:
        yield excerpt(report, finding.suspects[0])
    elif finding.line is not None:
        yield whole(("  --> ", GUTTER), clean(words.place(finding.file, finding.line)))


def facts(report: CheckReport, finding: Finding) -> Iterator[RenderableType]:
    """The error over time, the cause, details, the smallest case, and other suspects."""
    margin = " " * (digits(finding.suspects[0]) + 1 if finding.suspects else 2)
    if finding.curves and finding.curves[0].steps:
        yield hanging(f"{margin}  ", sparkline.told(finding.curves[0], floor_of(report, finding.parameters)))
    notes = [words.reason(finding.diagnosis)] if finding.diagnosis else []
    notes += finding.details
    notes += [f"smallest case: {finding.smallest.words}"] if finding.smallest else []
    for note in notes:
        yield hanging(f"{margin}= ", note)
    for suspect in finding.suspects[1 : 1 + words.OTHERS]:
        yield cropped(f"{margin}= ", source(words.other(suspect, finding.suspects[0].file)), "dim")


def advice(fix: Fix, diff: bool) -> Iterator[RenderableType]:
    """The edit, in words or as a diff, and what came of it."""
    tried = clean(words.tried(fix))
    if diff and fix.diff:
        yield from difference(fix.diff)
        yield whole((tried, "green"))
    elif len(fix.before) == len(fix.after) == 1:
        yield Fitted(partial(in_one_line, f"`{source(fix.after[0]).strip()}`", tried))
    else:
        yield whole(("help: ", HELP), edit_in_words(fix))
        yield from block(fix)
        yield whole("      ", (tried, "green"))


def in_one_line(edit: str, tried: str, width: int) -> list[Text]:
    """The edit and what came of it side by side, or one below the other where they do not fit."""
    if len("help: " + edit) + GAP + len(tried) <= width:
        return [whole(("help: ", HELP), edit, " " * GAP, (tried, "green"))]
    return [whole(("help: ", HELP), edit), whole(("      " + tried, "green"))]


def edit_in_words(fix: Fix) -> str:
    """What is to be done where the lines alone do not say it."""
    if not fix.before:
        return f"insert after line {fix.line}"
    lines = f"line {fix.line}" if len(fix.before) == 1 else f"lines {fix.line} to {fix.line + len(fix.before) - 1}"
    return f"{'replace' if fix.after else 'remove'} {lines}"


def block(fix: Fix) -> Iterator[Text]:
    """The lines that go and those that come."""
    for sign, style, line in chain((("-", "red", x) for x in fix.before), (("+", PLUS, x) for x in fix.after)):
        yield whole((f"  {sign} {source(line)}", style))


def difference(diff: str) -> Iterator[Text]:
    """A unified diff in colours; its lines stay as they are, to be applied."""
    for line in diff.splitlines():
        heading = line.startswith(("--- ", "+++ "))
        yield whole((clean(line, keep="\t"), "bold" if heading else DIFF.get(line[:1], "")))
