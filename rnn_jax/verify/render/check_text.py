"""A check's report for a terminal."""

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rnn_jax.verify.check_report import CheckReport, Finding, Parameter
from rnn_jax.verify.render import words
from rnn_jax.verify.render.clean import clean
from rnn_jax.verify.render.finding_text import advice, facts, headline
from rnn_jax.verify.render.layout import hanging, whole
from rnn_jax.verify.render.text import MARK, STYLE, WIDTH
from rnn_jax.verify.report import Verdict

LONGEST = 24  # name in the table


def render(report: CheckReport, diff: bool = False) -> RenderableType:
    """The whole report, for a rich console; fixes as unified diffs if asked."""
    located = any(finding.suspects for finding in report.findings)
    return Group(*(with_places(report, diff) if located else without_places(report)))


def plain(report: CheckReport, diff: bool = False) -> str:
    """The whole report as text without colour."""
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None).print(render(report, diff), crop=False)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def without_places(report: CheckReport) -> Iterator[RenderableType]:
    """The table, and then what was found."""
    yield Text(clean(words.header(report)), "bold")
    yield table(report.parameters)
    for finding in report.findings:
        yield from told(finding)
    yield from (Text(f"  note: {clean(note)}", "yellow") for note in report.notes)
    yield conclusion(report, words.effort(report))


def with_places(report: CheckReport, diff: bool) -> Iterator[RenderableType]:
    """Each root cause with its line, the figures once, below the first."""
    for number, finding in enumerate(report.findings):
        if number:
            yield ""
        yield from headline(report, finding)
        if not number:
            yield from figures(report)
        yield from facts(report, finding)
        if finding.fix:
            yield from advice(finding.fix, diff)
    if len(report.findings) > 1:
        yield ""
    if report.command:
        yield whole(("repro: ", "bold"), clean(report.command, keep="\n"))
    notes = [f"declared: {report.declared}"] * bool(report.declared) + list(report.notes)
    yield from (hanging("note: ", note, "yellow") for note in notes)
    yield conclusion(report, f"{report.dtype}, {words.effort(report)}")


def figures(report: CheckReport) -> Iterator[RenderableType]:
    """The parameters, the right ones in one line where others are wrong."""
    right = [p for p in report.parameters if p.verdict is Verdict.PASS]
    rest = tuple(p for p in report.parameters if p.verdict is not Verdict.PASS)
    yield Padding(table(rest or report.parameters), (0, 0, 0, 2))
    if right and rest:
        yield hanging(f"  {MARK[Verdict.PASS]} ", words.agreeing(right), STYLE[Verdict.PASS])


def table(parameters: tuple[Parameter, ...]) -> Table:
    """A row for each parameter: the worst entry at the worst point, the error and the noise."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading, justify in (("", "left"), ("param", "left"), ("manual", "right"), ("autodiff", "right")):
        grid.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for heading, justify in (("error", "right"), ("noise", "right"), ("worst at", "left")):
        grid.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for parameter in parameters:
        grid.add_row(*row(parameter))
    return grid


def row(parameter: Parameter) -> list[Text]:
    """A parameter in figures."""
    point, c = parameter.worst
    verdict = parameter.verdict
    entries = ["", ""] if c.manual is None or c.autodiff is None else [f"{c.manual:+.6g}", f"{c.autodiff:+.6g}"]
    return [
        Text(MARK[verdict], STYLE[verdict]),
        Text(short(clean(parameter.name))),
        *map(Text, entries),
        Text(f"{c.error:.1e}", STYLE[verdict]),
        Text(f"{c.noise:.0e}"),
        Text(clean(f"{list(c.worst)} {point}" if c.worst is not None else point)),
    ]


def short(name: str) -> str:
    """The name, or its beginning where it would push the figures out of the table."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def told(finding: Finding) -> list[Text]:
    """A finding and its details."""
    place = f"{words.place(finding.file, finding.line)}: " if finding.line else ""
    style = "yellow" if finding.kind == "tape" else "bold red"
    lines = [Text(clean(f"{place}{finding.message}"), style)]
    return lines + [Text(f"  = {clean(detail)}") for detail in finding.details]


def conclusion(report: CheckReport, effort: str) -> Text:
    """The last line."""
    return Text(f"{MARK[report.verdict]} {words.outcome(report)} ({effort})", STYLE[report.verdict])


__all__ = ["WIDTH", "plain", "render"]
