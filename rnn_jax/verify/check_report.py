"""What a check of someone's gradients found, as plain frozen data."""

import html
from dataclasses import dataclass, field

from rnn_jax.verify.report import Comparison, Verdict

SCHEMA = 1


@dataclass(frozen=True)
class Parameter:
    """One parameter: its verdict over all points, and the comparison at each."""

    name: str
    shape: tuple[int, ...]
    comparisons: tuple[tuple[str, Comparison], ...]  # (point, comparison)

    @property
    def verdict(self) -> Verdict:
        """FAIL if it is wrong anywhere; else PASS if some point could tell and none stands in doubt."""
        verdicts = [comparison.verdict for _, comparison in self.comparisons]
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        doubted = any(c.note and c.verdict is Verdict.UNDECIDED for _, c in self.comparisons)
        return Verdict.PASS if Verdict.PASS in verdicts and not doubted else Verdict.UNDECIDED

    @property
    def worst(self) -> tuple[str, Comparison]:
        """The point that tells most: the first where it is wrong, else where the error is largest."""
        wrong = [entry for entry in self.comparisons if entry[1].verdict is Verdict.FAIL]
        wrong = wrong or [entry for entry in self.comparisons if entry[1].note]
        return wrong[0] if wrong else max(self.comparisons, key=lambda entry: entry[1].multiple)


@dataclass(frozen=True)
class Finding:
    """Something wrong, or in doubt, with its place in the user's source where one is known."""

    kind: str  # gradient, scale, sign, state, tape, penalty, ...
    message: str
    file: str = ""
    line: int | None = None
    parameters: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """All parameters at all points, what was found, and what else should be known."""

    program: str
    parameters: tuple[Parameter, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    points: tuple[str, ...]
    loss: float
    operations: int
    dtype: str
    seed: int
    tolerance: float
    declared: str = ""
    command: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """FAIL if any gradient is wrong, else UNDECIDED if any could not be judged, else PASS."""
        verdicts = {parameter.verdict for parameter in self.parameters}
        return next((v for v in (Verdict.FAIL, Verdict.UNDECIDED) if v in verdicts), Verdict.PASS)

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return self.verdict is Verdict.PASS

    def raise_if_wrong(self) -> None:
        """Raise GradientError, with the report, unless every gradient is right."""
        if not self.ok:
            raise GradientError(str(self))

    def __str__(self) -> str:
        from rnn_jax.verify.render.check_text import plain

        return plain(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


class GradientError(AssertionError):
    """A gradient by hand is not the gradient, or could not be judged; the message is the report."""
