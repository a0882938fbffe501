"""A check's report as JSON, with a schema version; findings before anything else that names a line.

The arrays of the gradients and the source stay out: the file is to be read by programs that have both.
"""

import json

from rnn_jax.verify.check_report import SCHEMA, CheckReport
from rnn_jax.verify.render.json import plain


def dumps(report: CheckReport) -> str:
    """The report as indented JSON, verdict first."""
    head = {"schema": SCHEMA, "verdict": report.verdict, "program": report.program, "findings": plain(report.findings)}
    parameters = [
        {"name": parameter.name, "shape": plain(parameter.shape), "verdict": parameter.verdict}
        | {"comparisons": [{"point": point} | plain(c) for point, c in parameter.comparisons]}
        for parameter in report.parameters
    ]
    rest = {key: value for key, value in plain(report).items() if key not in {*head, "sources"}}
    return json.dumps(head | rest | {"parameters": parameters}, indent=1, allow_nan=False) + "\n"
