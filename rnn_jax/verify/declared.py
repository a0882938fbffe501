"""Intentions that a user declares: truncation, clipping, scale, sign. What is declared is no fault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.noise import norm
from rnn_jax.verify.subject import Recording, Values
from rnn_jax.verify.truncation import truncated


@dataclass(frozen=True)
class Declared:
    """truncate: cells that each step's loss reaches; clip: ("value" | "norm", C); scale: "mean"; sign: "negative"."""

    truncate: int | None = None
    clip: tuple[str, float] | None = None
    scale: str | None = None
    sign: str | None = None
    lr: float | None = None  # the gradients are changes of the weights, divided by this

    @classmethod
    def parse(
        cls, truncate: int | None, clip: str | None, scale: str | None, sign: str | None, lr: float | None = None
    ) -> Declared:
        """From the options' texts. Raises InputError."""
        require(truncate is None or truncate >= 1, f"--truncate {truncate}: 1 or more cells would be right")
        require(scale in (None, "mean"), f"--scale {scale!r} is not mean")
        require(sign in (None, "negative"), f"--sign {sign!r} is not negative")
        return cls(truncate, None if clip is None else parsed_clip(clip), scale, sign, lr)

    def __str__(self) -> str:
        said = [f"--truncate {self.truncate}"] if self.truncate else []
        said += [f"--clip {self.clip[0]}:{self.clip[1]:g}"] if self.clip else []
        said += [f"--scale {self.scale}"] if self.scale else []
        said += [f"--sign {self.sign}"] if self.sign else []
        return " ".join(said)

    def undo(self, by_hand: np.ndarray) -> np.ndarray:
        """The hand-written gradient with the declared sign taken back."""
        return -by_hand if self.sign else by_hand

    def apply(self, gradients: Values, made: Recording, manual: Values, terms: list[int]) -> Values:
        """The gradients that the program is meant to have. `terms` remembers by what a mean divides: one number."""
        if self.truncate is not None:
            cut = truncated(made, self.truncate)
            if cut is None:
                raise InputError(f"--truncate {self.truncate}: the loss holds no recurrence that could be truncated")
            gradients = cut
        if self.scale is not None:
            terms[:] = terms or [number_of_terms(gradients, manual)]
            gradients = {name: g / terms[0] for name, g in gradients.items()}
        return gradients if self.clip is None else clipped(gradients, *self.clip)

    def update_noise(self, value: np.ndarray) -> float:
        """What rounding does to a gradient that was read off a change of the weights."""
        return 0.0 if self.lr is None else float(np.finfo(value.dtype).eps) * norm(value) / abs(self.lr)


def parsed_clip(text: str) -> tuple[str, float]:
    """value:5 or norm:1."""
    kind, _, number = text.partition(":")
    try:
        limit = float(number)
    except ValueError:
        limit = 0.0
    require(
        kind in ("value", "norm") and limit > 0,
        f"--clip {text!r} is not value:C or norm:C with a positive C, as in value:5",
    )
    return kind, limit


def clipped(gradients: Values, kind: str, limit: float) -> Values:
    """Every entry within the limit, or all gradients together within that norm."""
    if kind == "value":
        return {n: np.clip(g, -limit, limit) for n, g in gradients.items()}
    whole = norm(np.concatenate([g.ravel() for g in gradients.values()]))
    return {n: g * min(1.0, limit / whole) if whole else g for n, g in gradients.items()}


def number_of_terms(gradients: Values, manual: Values) -> int:
    """The whole number by which the gradients seem to have been divided: one for all of them."""
    truth = np.concatenate([gradients[n].ravel() for n in manual])
    by_hand = np.concatenate([manual[n].ravel().astype(float) for n in manual])
    share = float(np.vdot(truth, by_hand))
    terms = float(np.vdot(truth, truth)) / share if share else 0.0
    return max(1, round(terms)) if np.isfinite(terms) else 1
