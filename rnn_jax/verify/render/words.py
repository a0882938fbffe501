"""What every rendering of a check's report says in the same words."""

import math

from rnn_jax.verify.check_report import CheckReport, Diagnosis, Finding, Fix, Parameter, Suspect
from rnn_jax.verify.report import Verdict

DOUBTS = ("tape", "doubt")  # kinds of finding that accuse nobody
OTHERS = 2  # suspects told beside the likeliest


def place(file: str, line: int | None) -> str:
    """file.py:31, or the cell and the line in it for a notebook."""
    if line is None:
        return file
    return f"{file}{', line ' if ', cell ' in file else ':'}{line}"


def label(finding: Finding) -> str:
    """How grave a finding is."""
    return "warning" if finding.kind in DOUBTS else "error"


def outcome(report: CheckReport) -> str:
    """The verdict in words: 3 of 5 gradients are wrong."""
    many = len(report.parameters)
    count = {v: sum(p.verdict is v for p in report.parameters) for v in Verdict}
    if report.verdict is Verdict.PASS:
        return f"all {many} gradients agree" if many > 1 else "the gradient agrees"
    one = count[report.verdict] == 1
    what = ("is wrong" if one else "are wrong") if report.verdict is Verdict.FAIL else "could not be judged"
    return f"{count[report.verdict]} of {many} gradients {what}"


def effort(report: CheckReport) -> str:
    """What was done for the verdict: points, operations, seconds."""
    points = f"{len(report.points)} point{'s' * (len(report.points) > 1)}"
    return f"{points}, {report.operations:,} operations, {report.seconds.get('total', 0):.1f} s"


def header(report: CheckReport) -> str:
    """What was compared with what."""
    declared = f" with {report.declared}" if report.declared else ""
    return f"{report.program}: by hand against jax.grad of its own loss ({report.dtype}){declared}"


def should(suspect: Suspect) -> str:
    """What belongs there, and from which iteration on."""
    since = f"from {suspect.variable}={suspect.iteration} on" if suspect.variable and suspect.iteration else ""
    if suspect.missing:
        said = f"missing here: {suspect.expected}" if suspect.expected else "something is missing here"
    else:
        said = f"should be {suspect.expected}" if suspect.expected else "wrong" if since else ""
    glue = ", " if suspect.expected else " "
    return f"{said}{glue}{since}" if since else said


def reason(diagnosis: Diagnosis) -> str:
    """The kind of mistake, with how surely it is known."""
    if diagnosis.reproduced:
        return f"reproduced: {diagnosis.words} ({f'to {diagnosis.error:.0e}' if diagnosis.error else 'exactly'})"
    return f"consistent with: {diagnosis.words}"


def other(suspect: Suspect, file: str) -> str:
    """A less likely place in one line; the file only where it is another one."""
    where = f"line {suspect.line}" if suspect.file == file else place(suspect.file, suspect.line)
    return f"or {'after ' if suspect.missing else ''}{where}: {suspect.source.strip()}"


def tried(fix: Fix) -> str:
    """What happened when the edit was tried."""
    agree = f"all {fix.agree} gradients agree" if fix.agree > 1 else "the gradient agrees"
    return f"tried: with this edit {agree} ({fix.error:.0e})"


def agreeing(parameters: list[Parameter]) -> str:
    """The right gradients together, with the worst error of theirs."""
    error = max(p.worst[1].error for p in parameters)
    times = max(1, math.ceil(max(p.worst[1].multiple for p in parameters)))
    size = f"{times} times the rounding noise" if times > 1 else "rounding noise"
    return f"{', '.join(p.name for p in parameters)} (<= {error:.1e}, {size})"
