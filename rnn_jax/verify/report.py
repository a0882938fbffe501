"""What a verification found, as plain frozen data; every rendering is made from this alone."""

from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = 1


class Verdict(StrEnum):
    """Right to rounding, wrong, or too ill-conditioned at this point to say."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"


class Opinion(StrEnum):
    """Whom the complex step agrees with, where it was asked."""

    BOTH = "both"
    AUTODIFF = "autodiff"
    MANUAL = "manual"
    NEITHER = "neither"


@dataclass(frozen=True)
class Comparison:
    """One array by hand against the same by autodiff.

    `error` is ‖manual - autodiff‖ / ‖autodiff‖, `noise` the same for rounding alone, `multiple` their ratio.
    Where autodiff is zero both are absolute. They are infinite where an array is not finite or of another shape.
    """

    name: str
    verdict: Verdict
    error: float
    noise: float
    multiple: float
    norm: float  # ‖autodiff‖
    worst: tuple[int, ...] | None = None  # where the two differ most, and the two entries there
    manual: float | None = None
    autodiff: float | None = None
    factor: float | None = None  # where manual is autodiff times a number, that number
    opinion: Opinion | None = None
    zero: bool = False  # both are zero to rounding, so that nothing was tested
    note: str = ""

    @property
    def symbol(self) -> str:
        """U for U as for U[1,reverse]."""
        return self.name.split("[")[0]


@dataclass(frozen=True)
class Case:
    """One implementation at one point. Where the forwards part, the gradients are not judged."""

    implementation: str
    point: str
    forward: tuple[Comparison, ...]
    gradients: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()
    error: str = ""  # the implementation raised this

    @property
    def verdict(self) -> Verdict:
        """FAIL if anything is wrong, else UNDECIDED if anything is, else PASS."""
        if self.error:
            return Verdict.FAIL
        verdicts = {comparison.verdict for comparison in (*self.forward, *self.gradients)}
        opinions = {comparison.opinion for comparison in self.gradients} - {None, Opinion.BOTH}
        if Verdict.FAIL in verdicts or opinions:
            return Verdict.FAIL
        return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.PASS


@dataclass(frozen=True)
class Report:
    """All cases of one run, what it was run with, and where the time went."""

    cases: tuple[Case, ...]
    dtype: str
    seed: int
    configs: int
    tolerance: float  # in multiples of the noise
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """That of the worst case."""
        verdicts = {case.verdict for case in self.cases}
        return next((v for v in (Verdict.FAIL, Verdict.UNDECIDED) if v in verdicts), Verdict.PASS)

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees."""
        return self.verdict is Verdict.PASS

    def __str__(self) -> str:
        from rnn_jax.verify.render.text import plain

        return plain(self)
