"""Intentions that a user declares: truncation, clipping, scale, sign. What is declared is no fault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.adjoints import Jitter, Ties, value_and_adjoints
from rnn_jax.verify.noise import norm
from rnn_jax.verify.subject import Recording, Values


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
        pair = None
        if clip is not None:
            kind, _, number = clip.partition(":")
            try:
                pair = kind, float(number)
            except ValueError:
                pair = kind, 0.0
            if kind not in ("value", "norm") or not pair[1] > 0:
                raise InputError(f"--clip {clip!r} is not value:C or norm:C with a positive C, as in value:5")
        return cls(truncate, pair, scale, sign, lr)

    def __str__(self) -> str:
        said = [f"--truncate {self.truncate}"] if self.truncate else []
        said += [f"--clip {self.clip[0]}:{self.clip[1]:g}"] if self.clip else []
        said += [f"--scale {self.scale}"] if self.scale else []
        said += [f"--sign {self.sign}"] if self.sign else []
        return " ".join(said)

    def truth(self, made: Recording, jitter: Jitter | None, tie: float = Ties.HALF) -> Values:
        """The gradients that the program is to have, before clipping, scale and sign."""
        adjoint = value_and_adjoints(made.recorder.tape, made.output, jitter, tie)
        return {name: adjoint[ids] for name, ids in made.ids.items()}

    def undo(self, by_hand: np.ndarray) -> np.ndarray:
        """The hand-written gradient with the declared sign taken back."""
        return -by_hand if self.sign else by_hand

    def apply(self, gradients: Values) -> Values:
        """Clipping, as declared."""
        if self.clip is None:
            return gradients
        kind, limit = self.clip
        if kind == "value":
            return {n: np.clip(g, -limit, limit) for n, g in gradients.items()}
        whole = float(np.sqrt(sum(norm(g) ** 2 for g in gradients.values())))
        return {n: g * min(1.0, limit / whole) if whole else g for n, g in gradients.items()}

    def update_noise(self, value: np.ndarray) -> float:
        """What rounding does to a gradient that was read off a change of the weights."""
        return 0.0 if self.lr is None else float(np.finfo(value.dtype).eps) * norm(value) / abs(self.lr)
