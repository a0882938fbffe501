"""What a model is made of: all that has to be known to make its parameters, and nothing that training changes."""

from dataclasses import dataclass

from rnn_jax.cells import CELLS
from rnn_jax.errors import require
from rnn_jax.model import Direction


@dataclass(frozen=True)
class Spec:
    """Sizes and kinds; raises InputError for what cannot be.

    D: how many indices there are, or how many numbers in a vector of the input. H: hidden units of a layer in one
    direction. K: logits.
    """

    D: int
    H: int
    K: int
    cell: str = "lstm"
    layers: int = 1
    directions: tuple[Direction, ...] = ("forward",)
    second_bias: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be, in one sentence."""
        for name in ("D", "H", "K", "layers"):
            require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}, but 1 or more is right")
        require(self.cell in CELLS, f"the cell {self.cell!r} is unknown; one of {', '.join(CELLS)} is right")
