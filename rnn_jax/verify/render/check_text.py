"""A check's report for a terminal."""

import io

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rnn_jax.verify.check_report import CheckReport, Finding, Parameter
from rnn_jax.verify.render.text import MARK, STYLE, WIDTH
from rnn_jax.verify.report import Verdict


def render(report: CheckReport) -> RenderableType:
    """The whole report, for a rich console."""
    declared = f" with {report.declared}" if report.declared else ""
    head = Text(f"{report.program}: by hand against jax.grad of its own loss ({report.dtype}){declared}", "bold")
    parts: list[RenderableType] = [head, table(report)]
    for finding in report.findings:
        parts += told(finding)
    parts += [Text(f"  note: {note}", "yellow") for note in report.notes]
    parts.append(conclusion(report))
    return Group(*parts)


def plain(report: CheckReport) -> str:
    """The whole report as text without colour."""
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None).print(render(report))
    return stream.getvalue()


def table(report: CheckReport) -> Table:
    """A row for each parameter: the worst entry at the worst point, the error and the noise."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading, justify in (("", "left"), ("param", "left"), ("manual", "right"), ("autodiff", "right")):
        grid.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for heading, justify in (("error", "right"), ("noise", "right"), ("worst at", "left")):
        grid.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for parameter in report.parameters:
        grid.add_row(*row(parameter))
    return grid


def row(parameter: Parameter) -> list[Text]:
    """A parameter in figures."""
    point, c = parameter.worst
    verdict = parameter.verdict
    entries = ["", ""] if c.manual is None or c.autodiff is None else [f"{c.manual:+.6g}", f"{c.autodiff:+.6g}"]
    at = f"{list(c.worst)} {point}" if c.worst is not None else point
    return [
        Text(MARK[verdict], STYLE[verdict]),
        Text(parameter.name),
        *map(Text, entries),
        Text(f"{c.error:.1e}", STYLE[verdict]),
        Text(f"{c.noise:.0e}"),
        Text(at),
    ]


def told(finding: Finding) -> list[Text]:
    """A finding and its details."""
    line = ", line " if ", cell " in finding.file else ":"  # a notebook's, or a file's
    place = f"{finding.file}{line}{finding.line}: " if finding.line else ""
    style = "yellow" if finding.kind == "tape" else "bold red"
    return [Text(f"{place}{finding.message}", style), *(Text(f"  = {detail}") for detail in finding.details)]


def conclusion(report: CheckReport) -> Text:
    """The last line."""
    many = len(report.parameters)
    count = {v: sum(p.verdict is v for p in report.parameters) for v in Verdict}
    words = {
        Verdict.PASS: f"all {len(report.parameters)} gradients agree"
        if len(report.parameters) > 1
        else "the gradient agrees",
        Verdict.FAIL: f"{count[Verdict.FAIL]} of {many} gradients are wrong",
        Verdict.UNDECIDED: f"{count[Verdict.UNDECIDED]} of {many} gradients could not be judged",
    }[report.verdict]
    points = f"{len(report.points)} point{'s' * (len(report.points) > 1)}"
    spent = f"{points}, {report.operations:,} operations, {report.seconds.get('total', 0):.1f} s"
    return Text(f"{MARK[report.verdict]} {words} ({spent})", STYLE[report.verdict])


__all__ = ["WIDTH", "plain", "render"]
