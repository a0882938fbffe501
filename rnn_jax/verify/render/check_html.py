"""A check's report as one HTML page that needs no script and nothing from outside, or as a part of a page."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from rnn_jax.verify.check_report import CheckReport, Finding, Parameter
from rnn_jax.verify.render import check_text, entries, heat, sparkline, words
from rnn_jax.verify.render.clean import clean
from rnn_jax.verify.render.finding_text import edit_in_words
from rnn_jax.verify.render.literals import assignments
from rnn_jax.verify.render.scale import floor_of
from rnn_jax.verify.render.source_view import view
from rnn_jax.verify.render.text import MARK
from rnn_jax.verify.report import Verdict

MAPS = 12  # gradients whose entries are shown, at most


def page(report: CheckReport) -> str:
    """The report as a whole page."""
    return rendered("page", report, heading=1)


def fragment(report: CheckReport) -> str:
    """The report as an element with its own style, for a notebook."""
    return rendered("fragment", report, heading=3)


def rendered(name: str, report: CheckReport, heading: int) -> str:
    """A template with all that it shows."""
    return environment().get_template(f"{name}.html.jinja").render(heading=heading, **shown(report))


@cache
def environment() -> Environment:
    """Where the templates come from, and what is done to every text that they show."""
    return Environment(
        loader=FunctionLoader(template),
        autoescape=True,
        finalize=printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def template(name: str) -> str:
    """The text of a template."""
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def printable(value: Any) -> Any:
    """A text without control characters or line ends; what the templates themselves have made stays."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def shown(report: CheckReport) -> dict[str, Any]:
    """All that the templates show, by name."""
    return {
        "report": report,
        "newline": Markup("\n"),
        "mark": MARK[report.verdict],
        "outcome": words.outcome(report),
        "header": words.header(report),
        "effort": words.effort(report),
        "parameters": [figures(parameter) for parameter in report.parameters],
        "findings": list(findings(report)),
        "facts": facts(report),
        "command": report.command.split("\n") if report.command else [],
        "text": check_text.plain(report).splitlines(),
    }


def figures(parameter: Parameter) -> dict[str, str]:
    """A parameter's row."""
    point, c = parameter.worst
    entry = c.manual is not None and c.autodiff is not None
    return {
        "verdict": str(parameter.verdict),
        "mark": MARK[parameter.verdict],
        "name": parameter.name,
        "shape": " x ".join(map(str, parameter.shape)) or "a number",
        "manual": f"{c.manual:+.6g}" if entry else "",
        "autodiff": f"{c.autodiff:+.6g}" if entry else "",
        "error": f"{c.error:.1e}",
        "noise": f"{c.noise:.0e}",
        "at": f"{list(c.worst)} {point}" if c.worst is not None else point,
    }


def findings(report: CheckReport) -> Iterator[dict[str, Any]]:
    """Each finding in parts; the entries of a gradient with the first that names it."""
    wrong = {p.name: p for p in report.parameters if p.verdict is Verdict.FAIL}
    for finding in report.findings:
        mine = [wrong.pop(name) for name in finding.parameters if name in wrong]
        maps = [made for made in (entries.of_entries(report, p) for p in mine[:MAPS]) if made]
        yield parts(report, finding) | {"maps": maps, "left_out": len(mine[MAPS:])}


def parts(report: CheckReport, finding: Finding) -> dict[str, Any]:
    """What is shown of a finding."""
    floor = floor_of(report, finding.parameters)
    curve = finding.curves[0] if finding.curves and finding.curves[0].steps else None
    fix, first = finding.fix, finding.suspects[0] if finding.suspects else None
    return {
        "label": words.label(finding),
        "message": finding.message,
        "place": words.place(finding.file, finding.line) if finding.line else "",
        "source": view(report, finding),
        "should": words.should(first) if first else "",
        "reason": words.reason(finding.diagnosis) if finding.diagnosis else "",
        "curve": sparkline.told(curve, floor) if curve else "",
        "details": finding.details,
        "others": [words.other(s, first.file) for s in finding.suspects[1 : 1 + words.OTHERS]] if first else [],
        "fix": fix,
        "edit": edit_in_words(fix) if fix else "",
        "diff": [(diff_style(line), line) for line in diff_lines(finding)],
        "tried": words.tried(fix) if fix else "",
        "time": heat.over_time(report, finding),
        "smallest": smallest(finding),
    }


DIFF = {"+": "add", "-": "gone", "@": "hunk"}


def diff_style(line: str) -> str:
    """The class of a line of a diff."""
    return "" if line.startswith(("--- ", "+++ ")) else DIFF.get(line[:1], "")


def diff_lines(finding: Finding) -> list[str]:
    """The edit as a diff; without its heading where only the lines are known."""
    fix = finding.fix
    if fix is None:
        return []
    return fix.diff.splitlines() or [*(f"-{line}" for line in fix.before), *(f"+{line}" for line in fix.after)]


def smallest(finding: Finding) -> dict[str, Any] | None:
    """The smallest case in words and in numbers."""
    case = finding.smallest
    if case is None:
        return None
    numbers = [("values", case.values), ("gradients by hand", case.manual), ("gradients by autodiff", case.autodiff)]
    return {
        "words": case.words,
        "sizes": ", ".join(f"{name}={size}" for name, size in case.sizes.items()),
        "numbers": [line for title, arrays in numbers if arrays for line in (f"# {title}", *assignments(arrays), "")],
    }


def facts(report: CheckReport) -> list[tuple[str, str]]:
    """What the report was made with."""
    seconds = ", ".join(f"{name} {spent:.1f}" for name, spent in report.seconds.items())
    said = [
        ("program", report.program),
        ("dtype", report.dtype),
        ("seed", str(report.seed)),
        ("tolerance", f"{report.tolerance:g} times the rounding noise"),
        ("points", ", ".join(report.points)),
        ("loss", f"{report.loss:.9g}"),
        ("operations", f"{report.operations:,}"),
        ("declared", report.declared),
        ("versions", ", ".join(f"{name} {number}" for name, number in report.versions.items())),
        ("seconds", seconds),
    ]
    return [(name, value) for name, value in said if value]
