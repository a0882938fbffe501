"""What a model is made of: all that has to be known to make its parameters, and nothing that training changes."""

from dataclasses import dataclass
from typing import Literal, get_args

from rnn_jax.cells import CELLS
from rnn_jax.errors import require
from rnn_jax.model import Direction, Head

Predicts = Literal["characters", "classes", "numbers"]


@dataclass(frozen=True)
class Spec:
    """Sizes and kinds; raises InputError for what cannot be.

    D: how many indices there are, or how many numbers in a vector of the input. H: hidden units of a layer in one
    direction. K: logits. head: whether each step has logits, or the last state alone. predicts: characters of the
    vocabulary that it reads itself, one after the other; classes; or numbers, whose loss is the squared error.
    """

    D: int
    H: int
    K: int
    cell: str = "lstm"
    layers: int = 1
    directions: tuple[Direction, ...] = ("forward",)
    second_bias: bool = False
    head: Head = "each"
    predicts: Predicts = "characters"

    def __post_init__(self) -> None:
        """Refuse what cannot be, in one sentence."""
        for name in ("D", "H", "K", "layers"):
            require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}, but 1 or more is right")
        for name, known in (("head", get_args(Head)), ("predicts", get_args(Predicts))):
            value = getattr(self, name)
            require(value in known, f"the {name} is {value!r}, but one of {', '.join(known)} is right")
        ways = bool(self.directions) and set(self.directions) <= set(get_args(Direction))
        require(ways, f"the directions are {self.directions!r}, but some of 'forward', 'reverse' are right")
        require(self.cell in CELLS, f"the cell {self.cell!r} is unknown; one of {', '.join(CELLS)} is right")
