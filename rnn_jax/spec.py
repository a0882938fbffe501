"""What a model is made of: all that has to be known to make its parameters, and nothing that training changes."""

from dataclasses import dataclass
from itertools import permutations
from typing import Literal, get_args

from rnn_jax.cells import CELLS
from rnn_jax.errors import require, require_whole
from rnn_jax.model import Direction, Head

Predicts = Literal["characters", "classes", "numbers"]
WAYS = tuple(order for n in (1, 2) for order in permutations(get_args(Direction), n))
MOST_LAYERS = 256  # each is compiled on its own: more would keep the compiler for an hour


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
            require_whole(name, getattr(self, name))
        require(self.layers <= MOST_LAYERS, f"layers is {self.layers:,}, but {MOST_LAYERS} or fewer is right")
        for name, known in (("head", get_args(Head)), ("predicts", get_args(Predicts))):
            value = getattr(self, name)
            require(value in known, f"the {name} is {value!r}, but one of {', '.join(known)} is right")
        ways = self.directions in WAYS
        require(ways, f"the directions are {self.directions!r}, but one of {', '.join(map(str, WAYS))} is right")
        require(self.cell in tuple(CELLS), f"the cell {self.cell!r} is unknown; one of {', '.join(CELLS)} is right")
        second = self.second_bias
        require(isinstance(second, bool), f"second_bias is {second!r}, but True or False is right")
