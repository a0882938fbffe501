"""The blamed function with its lines marked, and the rest of its file, as rows for a page."""

import ast
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rnn_jax.verify.check_report import CheckReport, Finding, Suspect
from rnn_jax.verify.render.clean import source
from rnn_jax.verify.render.excerpt import marked
from rnn_jax.verify.render.words import OTHERS, place, should

AROUND = 12  # lines shown on both sides where no function can be told


@dataclass(frozen=True)
class Row:
    """A line of source in three parts, the middle one marked; or a remark between two lines."""

    number: int | None
    before: str
    marked: str = ""
    after: str = ""
    kind: str = ""  # blamed, possible or remark


@dataclass(frozen=True)
class SourceView:
    """A function, and what stands above and below it in the file."""

    place: str
    function: str
    above: tuple[Row, ...]
    rows: tuple[Row, ...]
    below: tuple[Row, ...]


def view(report: CheckReport, finding: Finding) -> SourceView | None:
    """The source around the likeliest suspect, or around the finding's own line; None where neither is known."""
    text = report.sources.get(finding.suspects[0].file if finding.suspects else finding.file, ())
    suspects = finding.suspects or at_its_line(finding, text)
    if not suspects:
        return None
    first = suspects[0]
    here = [suspect for suspect in suspects[: 1 + OTHERS] if suspect.file == first.file]
    where = place(first.file, first.line)
    if first.line > len(text):
        return SourceView(where, first.function, (), tuple(rows_of(first.line, first.source, here)), ())
    start, end = span(text, first.line)
    rows = [tuple(rows_of(number, line, here)) for number, line in enumerate(text, 1)]
    above, within, below = rows[: start - 1], rows[start - 1 : end], rows[end:]
    return SourceView(where, first.function, joined(above), joined(within), joined(below))


def at_its_line(finding: Finding, text: Sequence[str]) -> tuple[Suspect, ...]:
    """The finding's line as a suspect, where its source is known."""
    known = finding.line is not None and 0 < finding.line <= len(text)
    return (Suspect(finding.file, finding.line, text[finding.line - 1]),) if known and finding.line else ()


def joined(groups: Iterable[tuple[Row, ...]]) -> tuple[Row, ...]:
    """The rows of several lines in one."""
    return tuple(chain.from_iterable(groups))


def rows_of(number: int, line: str, suspects: Sequence[Suspect]) -> list[Row]:
    """A line of the file, with a remark below it if it is suspected."""
    found = next((suspect for suspect in suspects if suspect.line == number), None)
    if found is None:
        return [Row(number, source(line))]
    likeliest = found is suspects[0]
    kind = "blamed" if likeliest else "possible"
    text, start, end = marked(found)
    words = should(found) or ("" if likeliest else "possibly")
    style = "remark" if likeliest else "aside"
    remark = Row(None, " " * start, f"{'+' if found.missing else '^'} {words}", kind=style)
    if found.missing:
        return [Row(number, text), replace(remark, kind=f"{style} missing")]
    return [Row(number, text[:start], text[start:end], text[end:], kind), *[remark] * bool(words)]


def span(text: Sequence[str], line: int) -> tuple[int, int]:
    """The first and the last line of the innermost function around a line, or of its neighbourhood."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a stranger's escapes
            tree = ast.parse("\n".join(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a notebook's magic, say
        return neighbourhood(text, line)
    spans = [extent(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    around = [(start, end) for start, end in spans if start <= line <= end]
    return min(around, key=lambda pair: pair[1] - pair[0], default=neighbourhood(text, line))


def extent(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, int]:
    """The lines of a function, its decorators with it."""
    start = min([function.lineno, *(each.lineno for each in function.decorator_list)])
    return start, function.end_lineno or start


def neighbourhood(text: Sequence[str], line: int) -> tuple[int, int]:
    """Some lines on both sides."""
    return max(1, line - AROUND), min(len(text), line + AROUND)
