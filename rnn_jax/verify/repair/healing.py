"""What hangs on an expression, and the values that it would have to give for the gradients to come out right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnn_jax.verify.repair.live import Site

LIKELY = 1e-4  # relative: what is worth a run; sensitivities are right to ten digits, and conditions are bad
LARGEST = 1_500  # entries that are wanted
FREE = 1e-8  # of a solution's direction: an entry that moves so little along all that may be added to it is known


class Reach(NamedTuple):
    """What hangs on an expression: which gradients, and whether the loss does."""

    gradients: frozenset[str]
    loss: bool
    beyond: bool = False  # whether it moves entries of the wrong ones that are right, as in one vector of all weights
    covers: bool = True  # whether it moves all entries that are wrong: otherwise no values there can mend all


class Healing(NamedTuple):
    """The values that an expression would have to give."""

    site: Site
    present: list[np.ndarray]  # what it gives where it has been moved before
    shifts: list[np.ndarray]  # what is to be added to that
    first: int  # the first of its values that is not what is wanted
    healed: frozenset[str]  # the gradients that come out right with them
    slopes: np.ndarray  # d all gradients / d all values
    missing: np.ndarray  # all gradients, right minus present
    sure: bool = False  # whether the values are known to be right by more than these equations
    by_value: np.ndarray | None = (
        None  # d all gradients / d the values themselves, what they send on to later ones in it
    )
    goal: np.ndarray | None = None  # what those have to come to
    inner: bool = False  # whether they follow from those of an expression around it, by undoing operations

    def may_be(self, values: list[np.ndarray]) -> bool:
        """Whether the equations hold for these values, or for a multiple of them."""
        if self.by_value is None or self.goal is None:
            return True
        row = np.concatenate([v.ravel() for v in values])
        if len(row) != self.by_value.shape[1]:
            return False
        made = self.by_value @ row
        size = float(made @ made)
        share = float(made @ self.goal) / size if size else 0.0
        return bool(np.linalg.norm(share * made - self.goal) <= LIKELY * np.linalg.norm(self.goal))

    def may_lack(self, shifts: list[np.ndarray]) -> bool:
        """Whether the equations hold where the values are moved by these."""
        made = self.slopes @ np.concatenate([s.ravel() for s in shifts])
        return bool(np.linalg.norm(made - self.missing) <= LIKELY * np.linalg.norm(self.missing))

    @property
    def asked(self) -> list[np.ndarray]:
        """The shifts, NaN where an expression around it does not tell them."""
        if not self.inner:
            return self.shifts
        told = np.diag(self.slopes) != 0
        ends = np.cumsum([s.size for s in self.shifts])[:-1]
        kept = (np.reshape(t, s.shape) for t, s in zip(np.split(told, ends), self.shifts, strict=True))
        return [np.where(t, s, np.nan) for t, s in zip(kept, self.shifts, strict=True)]

    def in_a_row(self) -> Healing:
        """The same with all values as one long row: they have the shape of one weight after the other."""
        rows = [np.concatenate([v.ravel() for v in values]) for values in (self.present, self.shifts)]
        return self._replace(present=rows[:1], shifts=rows[1:], first=0)


def solution(columns: np.ndarray, wanted: np.ndarray, rcond: float | None = None) -> np.ndarray | None:
    """What the columns are to be taken times, to come nearest to what is wanted; None where no algorithm finds it."""
    try:
        return np.asarray(np.linalg.lstsq(columns, wanted, rcond=rcond)[0])
    except np.linalg.LinAlgError:  # numbers of a program that has run away
        return None


def known(healing: Healing) -> list[np.ndarray] | None:
    """What is wanted of a healed expression, NaN where the equations do not tell it; None where they tell nothing."""
    wanted = [p + s for p, s in zip(healing.present, healing.shifts, strict=True)]
    size = sum(v.size for v in wanted)
    if size > LARGEST:
        return None
    if healing.sure:
        return wanted
    _, singular, right = np.linalg.svd(healing.slopes, full_matrices=True)
    rank = int(np.sum(singular > FREE * np.max(singular, initial=0.0)))
    free = np.linalg.norm(right[rank:], axis=0) > FREE if rank < size else np.zeros(size, bool)
    if np.all(free):
        return None
    row = np.where(free, np.nan, np.concatenate([v.ravel() for v in wanted]))
    ends = np.cumsum([v.size for v in wanted])[:-1]
    return [part.reshape(v.shape) for part, v in zip(np.split(row, ends), wanted, strict=True)]


def tells_all(healing: Healing, first: int, last: int) -> bool:
    """Whether the equations leave nothing open of what is wanted at these visits; of too many values nobody asks."""
    wanted = known(healing)
    too_many = sum(v.size for v in healing.present) > LARGEST
    return too_many or (wanted is not None and all(np.all(np.isfinite(w)) for w in wanted[first:last]))
