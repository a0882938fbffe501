"""One edit tried: the gradients of the changed program at a point, against the right ones."""

from __future__ import annotations

import ast
import contextlib
import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnn_jax.verify.compare import TOLERANCE
from rnn_jax.verify.judge import Bench, Judgement
from rnn_jax.verify.noise import norm
from rnn_jax.verify.of_file import FileSubject
from rnn_jax.verify.program import OverdueError, deadline
from rnn_jax.verify.repair.by_entry import Few, few
from rnn_jax.verify.repair.live import LiveCode, Spot
from rnn_jax.verify.subject import Values, evaluate_gradients, evaluate_loss, evaluate_twice

PATIENCE = 20  # how many times as long as the program itself an edited one may run: an edit may never end
LOOKING = 4.0  # seconds for a run in which every value is looked at
FEWEST, SHARE = 2, 0.05  # wrong entries of which one may say that they were mended
TELLING = 6  # entries of which all are one number times the right ones hardly by chance
NEAR = 1e-9  # relative
SHORTEST = 0.25  # seconds, where the program itself takes next to none


@dataclass(frozen=True)
class Outcome:
    """The gradients of an edited program, and which of them are wrong at the point where it was tried."""

    gradients: Values
    wrong: frozenset[str]


@dataclass
class Trial:
    """A wrong judgement, and the means to try edits at its point."""

    bench: Bench
    made: Judgement
    live: LiveCode
    limit: float
    calls: int = 1  # 2 where the gradients are right at a first call and wrong at the second
    tries: int = 0
    few: Few | None = None  # where some of the calls in it are enough
    left: frozenset[str] = frozenset()  # gradients that another fault makes wrong, which is looked for later

    @classmethod
    def of(cls, bench: Bench, made: Judgement, live: LiveCode) -> Trial:
        """Take the time of the program itself for a measure."""
        second = any("at the second: is it ever" in c.note for c in made.compared.values())
        trial = cls(bench, made, live, math.inf, 1 + second)
        start = time.perf_counter()
        with live.changed({}):
            manual = trial.gradients()
        trial.limit = max(SHORTEST, PATIENCE * (time.perf_counter() - start))
        if second:
            trial.made = replace(made, manual=manual)
        return trial

    def fewer(self) -> Trial:
        """The same with only as many calls in it as tell what is wrong, where the gradients come entry by entry."""
        try:
            with self.live.changed({}), short(self.bench, self.limit):
                found = few(self.made, self.live, self.gradients) if self.calls == 1 else None
        except (Exception, OverdueError):
            return self
        return replace(self, few=found[0], made=found[1]) if found is not None else self

    @property
    def whole(self) -> Trial:
        """The same with all calls in it."""
        return replace(self, few=None, made=self.few.whole) if self.few is not None else self

    @contextlib.contextmanager
    def patient(self) -> Iterator[None]:
        """Within, a run may take as long as it takes to look at everything in it."""
        before, self.limit = self.limit, max(self.limit, LOOKING)
        try:
            yield
        finally:
            self.limit = before

    def gradients(self) -> Values:
        """The gradients at the point, those of the second call where they are the wrong ones."""
        subject, setting, loss_first = self.bench.subject, self.made.setting, self.bench.loss_first
        with self.few.at_work() if self.few is not None else contextlib.nullcontext():
            if self.calls == 2:
                found = evaluate_twice(subject, setting, loss_first).second
            else:
                found = evaluate_gradients(subject, setting, loss_first)
        return {name: self.bench.declared.undo(g) for name, g in found.items()}

    def run(self, changes: dict[Spot, ast.stmt]) -> Outcome | None:
        """The outcome; None where the edited program fails, or is the same to the last bit as it was."""
        self.tries += 1
        try:
            with self.live.changed(changes), short(self.bench, self.limit):
                gradients = self.gradients()
        except (Exception, OverdueError):
            return None
        return Outcome(gradients, self.wrong(gradients))

    def wrong(self, gradients: Values) -> frozenset[str]:
        """Which gradients are not the right ones, to 16 times the noise as everywhere; but for those that are left."""
        noise = self.made.truth.noise
        return frozenset(
            name
            for name, right in self.made.wanted.items()
            if name not in self.left and not norm(gradients[name].astype(float) - right) <= TOLERANCE * noise[name]
        )

    @cached_property
    def right_entries(self) -> dict[str, np.ndarray]:
        """Of each wrong gradient the entries that are right as they are."""
        made = self.made
        return {
            n: np.abs(made.manual[n] - made.wanted[n]) <= TOLERANCE * made.truth.noise[n]
            for n in sorted(self.wrong(made.manual))
        }

    def by_one_number(self, gradients: Values) -> bool:
        """Whether all that is wrong is one number times the right ones, which it is not as it stands."""
        names = sorted(self.right_entries)
        right = np.concatenate([self.made.wanted[n].ravel() for n in names])
        if np.count_nonzero(right) < TELLING:
            return False
        return collinear(gradients, names, right) and not collinear(self.made.manual, names, right)

    def mended_entries(self, gradients: Values) -> int:
        """How many wrong entries of one vector of all weights come out right; 0 where a right one does not.

        Or where too few do to be no accident.
        """
        if len(self.made.wanted) != 1:
            return 0
        ((name, right),) = self.made.wanted.items()
        before = self.right_entries[name]
        now = np.abs(gradients[name] - right) <= TOLERANCE * self.made.truth.noise[name]
        # What should be 0 comes out so where everything does.
        more = int(np.count_nonzero(now & ~before & (right != 0)))
        enough = more >= max(FEWEST, SHARE * np.count_nonzero(~before))
        return more if enough and not np.any(before & ~now) else 0

    def same_loss(self, changes: dict[Spot, ast.stmt]) -> bool:
        """Whether the loss is what it was: no fix may change it."""
        try:
            with self.live.changed(changes), short(self.bench, self.limit):
                loss = evaluate_loss(self.bench.subject, self.made.setting)
        except (Exception, OverdueError):
            return False
        return loss == self.made.truth.recording.loss


def collinear(gradients: Values, names: list[str], right: np.ndarray) -> bool:
    """Whether these gradients, one after the other, are one number times the right ones."""
    found = np.concatenate([np.ravel(gradients[n]).astype(float) for n in names])
    share = float(found @ right) / float(right @ right)
    return bool(share) and norm(found - share * right) <= NEAR * abs(share) * norm(right)


@contextlib.contextmanager
def short(bench: Bench, limit: float) -> Iterator[None]:
    """The program's own deadline made short, its warnings and NumPy's held back."""
    subject = bench.subject
    before = subject.program.timeout if isinstance(subject, FileSubject) else None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            if isinstance(subject, FileSubject):
                subject.program.timeout = limit
                yield
            else:
                with deadline(limit):
                    yield
        finally:
            if isinstance(subject, FileSubject) and before is not None:
                subject.program.timeout = before
