"""How a model is trained: optimiser, rate and its schedule, clipping, penalties; and optax's chain for it."""

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np
import optax

from rnn_jax.errors import check_seed, require, require_number, require_whole
from rnn_jax.losses import Reduction
from rnn_jax.noise import NO_NOISE, Rates

DTYPES = ("float32", "float64", "bfloat16")
INITS = ("uniform", "orthogonal")
OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adagrad", "adam", "adamw")
SCHEDULES = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class Recipe:
    """One way to train; raises InputError for what cannot be.

    rate: the learning rate, reached after `warmup` updates; by `schedule` it goes to 0 at the last of `updates`.
    clip_value, clip_norm: bounds of each entry, and of all gradients' norm together; 0 is none. weight_decay: of adamw;
    for the others it is added to the gradient, which is L2. l2: the strength of the penalty on V. rates: of dropout and
    zoneout. init, forget_bias: the initial weights, and what is added to the LSTM's forget bias. patience: measurements
    of what is held out without a better one after which training ends; 0 is never. dtype: of all numbers; bfloat16 is
    float32 but for the factors of matrix products, which are rounded to it and added up in float32.
    """

    updates: int
    optimizer: str = "adam"
    rate: float = 2e-3
    momentum: float = 0.9
    schedule: str = "constant"
    warmup: int = 0
    clip_value: float = 0.0
    clip_norm: float = 0.0
    weight_decay: float = 0.0
    l2: float = 0.0
    reduction: Reduction = "mean"
    rates: Rates = NO_NOISE
    init: str = "uniform"
    forget_bias: float = 0.0
    patience: int = 0
    dtype: str = "float32"
    seed: int = 0

    @property
    def storage(self) -> str:
        """The dtype of parameters, states and sums."""
        return "float64" if self.dtype == "float64" else "float32"

    def __post_init__(self) -> None:
        """Refuse what cannot be, in one sentence."""
        known_values = {
            "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "dtype": DTYPES, "init": INITS,
            "reduction": get_args(Reduction),
        }  # fmt: skip
        for name, known in known_values.items():
            value = getattr(self, name)
            require(value in known, f"the {name} {value!r} is unknown; one of {', '.join(known)} is right")
        numbers = ("rate", "momentum", "clip_value", "clip_norm", "weight_decay", "l2", "forget_bias")
        for name in numbers:
            require_number(name, getattr(self, name))
            value = getattr(self, name)
            require(math.isfinite(value), f"{name} is {value}, but a finite number is right")
            most = float(np.finfo(self.storage).max)
            require(abs(value) <= most, f"{name} is {value}, but {self.storage} holds no number beyond {most:.2g}")
        check_seed(self.seed)
        require_whole("updates", self.updates)
        require_whole("warmup", self.warmup, least=0)
        require_whole("patience", self.patience, least=0)
        require(isinstance(self.rates, Rates), f"rates is {self.rates!r}, but Rates(...) is right")
        require(self.rate > 0, f"the rate is {self.rate}, but more than 0 is right")
        require(0 <= self.momentum < 1, f"the momentum is {self.momentum}, but 0 or more and less than 1 is right")
        require(
            self.warmup < self.updates or not self.warmup,
            f"warmup is {self.warmup}, but less than the {self.updates} updates is right, for the rate to be reached",
        )
        for name in ("clip_value", "clip_norm", "weight_decay", "l2"):
            require(getattr(self, name) >= 0, f"{name} is {getattr(self, name)}, but 0 or more is right")


def rates(recipe: Recipe) -> optax.Schedule:
    """The learning rate by the number of the update."""
    rest = max(1, recipe.updates - recipe.warmup)
    after: optax.Schedule = {
        "constant": optax.constant_schedule(recipe.rate),
        "linear": optax.linear_schedule(recipe.rate, 0.0, rest),
        "cosine": optax.cosine_decay_schedule(recipe.rate, rest),
    }[recipe.schedule]
    if not recipe.warmup:
        return after
    return optax.join_schedules([optax.linear_schedule(0.0, recipe.rate, recipe.warmup), after], [recipe.warmup])


def optimizer(recipe: Recipe) -> optax.GradientTransformation:
    """The gradients clipped, decayed weights added, then the optimiser."""
    rate = rates(recipe) if recipe.warmup or recipe.schedule != "constant" else recipe.rate
    made = {
        "sgd": lambda: optax.sgd(rate),
        "momentum": lambda: optax.sgd(rate, recipe.momentum),
        "rmsprop": lambda: optax.rmsprop(rate),
        "adagrad": lambda: optax.adagrad(rate),
        "adam": lambda: optax.adam(rate),
        "adamw": lambda: optax.adamw(rate, weight_decay=recipe.weight_decay),
    }[recipe.optimizer]()
    before = []
    if recipe.clip_value:
        before.append(optax.clip(recipe.clip_value))
    if recipe.clip_norm:
        before.append(optax.clip_by_global_norm(recipe.clip_norm))
    if recipe.weight_decay and recipe.optimizer != "adamw":
        before.append(optax.add_decayed_weights(recipe.weight_decay))
    return optax.chain(*before, made) if before else made
