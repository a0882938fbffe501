"""What a check of someone's gradients found, as plain frozen data."""

from dataclasses import dataclass, field

import numpy as np

from rnn_jax.verify.report import Comparison, Verdict

SCHEMA = 2


@dataclass(frozen=True)
class Suspect:
    """A place in the source where right quantities become a wrong one, or where one is missing."""

    file: str
    line: int
    source: str  # the line as it stands
    function: str = ""
    column: int | None = None  # of the blamed expression, counted from 0
    end_column: int | None = None
    expression: str = ""
    missing: bool = False  # something belongs right after this line, which is innocent itself
    expected: str = ""  # what the value should be: "the gradient of a[t]"
    variable: str = ""  # the loop's, and its value at the first iteration that is wrong
    iteration: str = ""


@dataclass(frozen=True)
class Fix:
    """An edit with which every gradient was right at fresh points."""

    kind: str
    file: str
    line: int
    before: tuple[str, ...]  # source lines from `line` on; empty for an insertion after `line`
    after: tuple[str, ...]
    diff: str
    agree: int  # how many gradients
    error: float  # the worst of theirs, relative
    tries: int  # edits tried until this one


@dataclass(frozen=True)
class Diagnosis:
    """The kind of mistake: `reproduced` if damaging the right gradient in that way gives the wrong numbers."""

    kind: str
    words: str
    reproduced: bool
    error: float  # the worst relative difference between the two


@dataclass(frozen=True)
class Curve:
    """The relative error of a quantity at each time step."""

    name: str
    steps: tuple[int, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Smallest:
    """The smallest case in which the gradient is wrong, with all its numbers."""

    sizes: dict[str, int]  # T, H or the program's own names for them
    values: dict[str, np.ndarray]  # parameters and inputs
    manual: dict[str, np.ndarray]  # the wrong gradients
    autodiff: dict[str, np.ndarray]
    words: str  # one line for a terminal


@dataclass(frozen=True)
class Parameter:
    """One parameter: its verdict over all points, and the comparison at each."""

    name: str
    shape: tuple[int, ...]
    comparisons: tuple[tuple[str, Comparison], ...]  # (point, comparison)
    manual: np.ndarray | None = field(default=None, repr=False, compare=False)  # at the worst point
    autodiff: np.ndarray | None = field(default=None, repr=False, compare=False)

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
    """Something wrong, or in doubt, with its place in the user's source where one is known.

    line: the root cause; for what is missing, the line after which it belongs.
    """

    kind: str  # of mistake, see diagnose.KINDS; tape, doubt, state, ... where the program itself is at fault
    message: str
    file: str = ""
    line: int | None = None
    parameters: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()  # the likeliest first, which is `line`
    diagnosis: Diagnosis | None = None
    fix: Fix | None = None
    curves: tuple[Curve, ...] = ()  # the blamed quantity's first, then a row for each parameter
    smallest: Smallest | None = None


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
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the lines of each file that a finding names
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
        from rnn_jax.verify.render.check_html import fragment

        return fragment(self)


class GradientError(AssertionError):
    """A gradient by hand is not the gradient, or could not be judged; the message is the report."""
