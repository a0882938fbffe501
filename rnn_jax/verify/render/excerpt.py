"""A blamed line of source for a terminal, marked and never wrapped."""

from functools import partial

from rich.cells import cell_len
from rich.text import Text

from rnn_jax.verify.check_report import CheckReport, Suspect
from rnn_jax.verify.render.clean import clean, source
from rnn_jax.verify.render.layout import Fitted, whole, wrapped
from rnn_jax.verify.render.words import place, should

GUTTER = "bold blue"
BLAME = "bold red"
PLUS = "bold green"


def excerpt(report: CheckReport, suspect: Suspect) -> Fitted:
    """The place, the line with its marker, and what should stand there."""
    following = next_line(report, suspect) if suspect.missing else None
    return Fitted(partial(lines, suspect, following))


def next_line(report: CheckReport, suspect: Suspect) -> str | None:
    """The line after the suspect's, where the source is known and holds something."""
    text = report.sources.get(suspect.file, ())
    return text[suspect.line] if suspect.line < len(text) and text[suspect.line].strip() else None


def digits(suspect: Suspect) -> int:
    """How wide the line numbers of an excerpt are."""
    return len(str(suspect.line + suspect.missing))


def lines(suspect: Suspect, following: str | None, width: int) -> list[Text]:
    """The excerpt in a width."""
    margin = digits(suspect)
    bar = f"{'':{margin}} | "
    room = max(width - len(bar), 20)
    cut, start, end = window(*marked(suspect), room)
    where = f"{clean(place(suspect.file, suspect.line))}{f'  in {clean(suspect.function)}' if suspect.function else ''}"
    made = [whole((f"{'':{margin}}--> ", GUTTER), where), whole((bar.rstrip(), GUTTER))]
    made.append(whole((f"{suspect.line:>{margin}} | ", GUTTER), cut))
    made += pointer(suspect, bar, cell_len(cut[:start]), max(1, cell_len(cut[start:end])), room)
    if following is not None:
        made.append(whole((f"{suspect.line + 1:>{margin}} | ", GUTTER), window(source(following), 0, 0, room)[0]))
    return [*made, whole((bar.rstrip(), GUTTER))]


def marked(suspect: Suspect) -> tuple[str, int, int]:
    """The line without tabs, and from where to where it is blamed."""
    raw, line = suspect.source.rstrip("\r\n"), source(suspect.source)
    indent = len(line) - len(line.lstrip())
    start = indent if suspect.column is None else len(source(raw[: suspect.column]))
    end = None if suspect.column is None else suspect.end_column
    stop = len(source(raw[:end])) if end is not None and end > (suspect.column or 0) else len(line.rstrip())
    return line, start, max(stop, start)


def window(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """As much of the text as there is room for, around what is marked, and where that lies in it."""
    if len(text) <= room:
        return text, start, end
    left = start if end - start >= room else max(0, min(start - (room - end + start) // 2, len(text) - room))
    cut = text[left : left + room]
    cut = f"…{cut[1:]}" if left else cut
    cut = f"{cut[:-1]}…" if left + room < len(text) else cut
    return cut, start - left, min(end - left, room)


def pointer(suspect: Suspect, bar: str, start: int, length: int, room: int) -> list[Text]:
    """The marker below the line with its words beside it, or below where they do not fit."""
    style = PLUS if suspect.missing else BLAME
    sign = "+" * 8 if suspect.missing else "^" * length
    words = clean(should(suspect))
    if start + len(sign) + 1 + len(words) <= room:
        return [whole((bar, GUTTER), (f"{'':{start}}{sign} {words}".rstrip(), style))]
    below = wrapped(words, room)
    indent = max(0, min(start, room - max(map(len, below))))
    rows = [f"{'':{start}}{sign}", *(f"{'':{indent}}{line}" for line in below)]
    return [whole((bar, GUTTER), (row, style)) for row in rows]
