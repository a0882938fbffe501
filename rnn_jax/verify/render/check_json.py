"""A check's report as JSON, with a schema version; findings before anything else that names a line.

The arrays of the gradients and the source stay out: the file is to be read by programs that have both. The smallest
case is there with all its numbers.
"""

import json
from dataclasses import fields

from rnn_jax.verify.check_report import SCHEMA, CheckReport, Parameter
from rnn_jax.verify.render.json import plain

APART = ("findings", "parameters", "program", "sources")


def dumps(report: CheckReport) -> str:
    """The report as indented JSON, verdict first."""
    head = {"schema": SCHEMA, "verdict": report.verdict, "program": report.program, "findings": plain(report.findings)}
    parameters = {"parameters": [as_plain(parameter) for parameter in report.parameters]}
    rest = {f.name: plain(getattr(report, f.name)) for f in fields(report) if f.name not in APART}
    return json.dumps(head | parameters | rest, indent=1, allow_nan=False) + "\n"


def as_plain(parameter: Parameter) -> dict[str, object]:
    """A parameter with its comparisons, without its arrays."""
    compared = [{"point": point} | plain(comparison) for point, comparison in parameter.comparisons]
    return {
        "name": parameter.name,
        "shape": plain(parameter.shape),
        "verdict": parameter.verdict,
        "comparisons": compared,
    }
