"""A report as JSON, with a schema version; what is not finite becomes null."""

import dataclasses
import json
import math
from typing import Any

import numpy as np

from rnn_jax.verify.report import SCHEMA, Report


def plain(value: Any) -> Any:
    """Dataclasses and tuples as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def dumps(report: Report) -> str:
    """The report as indented JSON, verdicts first."""
    cases = [plain(case) | {"verdict": case.verdict} for case in report.cases]
    head = {"schema": SCHEMA, "verdict": report.verdict}
    return json.dumps(head | plain(report) | {"cases": cases}, indent=1, allow_nan=False) + "\n"
