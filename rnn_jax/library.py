"""What the commands do, as functions over pytrees: init, loss, train, generate.

All but `train`, which goes on for as long as its recipe says, compose with jax.jit, grad and vmap, and with optax.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Integer

from rnn_jax import begin, feeds, model, parts, planner, runs
from rnn_jax import generate as generating
from rnn_jax import train as training
from rnn_jax.arrays import Array
from rnn_jax.errors import InputError, require, require_whole
from rnn_jax.generate import Sampler
from rnn_jax.noise import NO_NOISE, Rates
from rnn_jax.planner import Execution
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec
from rnn_jax.text import NOTHING

__all__ = ["Execution", "Rates", "Recipe", "Sampler", "Spec", "generate", "init", "loss", "train"]


def init(spec: Spec, recipe: Recipe = Recipe(1)) -> model.Params:  # noqa: B008 (frozen)
    """Initial parameters, as the recipe's seed, init and forget_bias say, in its precision.

    Raises InputError for float64 where JAX has not been told of it (jax_enable_x64).
    """
    require(
        recipe.storage != "float64" or bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
        'the dtype is float64, for which jax.config.update("jax_enable_x64", True) is right',
    )
    made = begin.start(training.Plan(spec, recipe, feeds.Windows(1, 1)))
    return jax.tree.map(lambda a: jnp.asarray(a, recipe.storage), made)


def loss(
    spec: Spec,
    params: model.Params,
    x: Integer[Array, "T B"] | Float[Array, "T B D"],
    y: Integer[Array, "T' B"] | Float[Array, "T' B K"],
    mask: Bool[Array, "T B"] | None = None,
    recipe: Recipe = Recipe(1),  # noqa: B008 (frozen)
    plan: Execution = Execution(),  # noqa: B008 (frozen)
) -> Float[Array, ""]:
    """The loss of these sequences from states of zero, in the precision of the parameters.

    T' is T, or 1 where the spec's head is "last". What stands where the mask is off matters nowhere, be it NaN.
    recipe: its reduction and l2; what it drops is dropped in `train` alone. plan: how it is computed, on one device;
    forward mode (jax.jvp) is Execution("plain")'s. Raises InputError where shapes do not fit.
    """
    require(recipe.rates == NO_NOISE, "loss draws nothing, so that a recipe with rates is for train")
    checked(spec, x, y, mask)
    planner.check(plan, spec, x.shape[1])
    require(plan.parts == 1, f"parts is {plan.parts}, but a loss is of one part: train has several")
    recipe = replace(recipe, dtype=str(jnp.asarray(params.V).dtype))
    task = training.Plan(spec, recipe, feeds.Windows(len(x), 1))
    batch = feeds.Batch(x, y, jnp.ones(x.shape[:2], bool) if mask is None else mask, jnp.array(True))
    return training.loss(task, params, batch, training.zero_state(task, x.shape[1]), how=plan)[0]


def checked(spec: Spec, x: Array, y: Array, mask: Array | None) -> None:
    """Raise InputError unless the sequences, their targets and their mask fit each other."""
    require(isinstance(spec, Spec), f"the spec is a {type(spec).__name__}, but Spec(...) is right")
    for name, given in {"x": x, "y": y, **({} if mask is None else {"the mask": mask})}.items():
        require(
            isinstance(given, Array),
            f"{name} is a {type(given).__name__}, but an array is right: np.array(...) makes one",
        )
    require(x.ndim in (2, 3), f"x has shape {x.shape}, but (T, N, D), or (T, N) for indices, is right")
    T, N = x.shape[:2]
    require(T > 0 and N > 0, f"x has shape {x.shape}, but T and N must be at least 1")
    steps = (1 if spec.head == "last" else T, N)
    require(y.shape[:2] == steps, f"y has shape {y.shape}, but {steps} for classes, or ({steps[0]}, {N}, K), is right")
    require(
        mask is None or mask.shape == (T, N),
        f"the mask has shape {mask is not None and mask.shape}, but {(T, N)} is right",
    )
    require(
        mask is None or mask.dtype == bool,
        f"the mask has dtype {mask is not None and mask.dtype}, but bool is right: true where a step counts",
    )


def require_indices(name: str, indices: Array, most: int, counts: Array) -> None:
    """Raise InputError unless all indices that count are -1 to below `most`; arrays of numbers hold none."""
    if np.issubdtype(indices.dtype, np.integer):
        seen = np.asarray(indices)[np.asarray(counts)]
        wrong = seen[(seen < NOTHING) | (seen >= most)]
        require(not wrong.size, f"{name} holds {next(iter(wrong), None)}, but -1 to {most - 1} are right")


def train(
    spec: Spec,
    recipe: Recipe,
    x: Integer[Array, "T N"] | Float[Array, "T N D"],
    y: Integer[Array, "T' N"] | Float[Array, "T' N K"],
    mask: Bool[Array, "T N"] | None = None,
    *,
    batch: int | None = None,
    params: model.Params | None = None,
    plan: Execution | None = None,
) -> tuple[model.Params, Float[np.ndarray, " updates"]]:
    """The parameters after the recipe's updates, and the loss before each; from `params`, or from initial ones.

    batch: so many of the N sequences in an update, shuffled; all of them if None. plan: how updates are computed; what
    costs least (planner.of) if None, on several devices where JAX has them (`jax.config.update("jax_num_cpu_devices",
    2)` before anything is computed). Raises InputError where shapes do not fit, and where a loss or a weight is no
    finite number any more, which no training mends.
    """
    checked(spec, x, y, mask)
    T, N = x.shape[:2]
    require(isinstance(recipe, Recipe), f"the recipe is a {type(recipe).__name__}, but Recipe(...) is right")
    require_whole("the batch", N if batch is None else batch, most=N)
    if plan is not None:
        planner.check(plan, spec, batch or N, recipe.rates)
    require(not recipe.patience, f"patience is {recipe.patience}, but train holds nothing out that could get no better")
    whole = np.ones((T, N), bool) if mask is None else mask
    require(bool(np.any(whole)), "the mask is off everywhere, but some steps have to count")
    require_indices("x", x, spec.D, whole)
    require_indices("y", y, spec.K, training.counted(spec, whole))
    feed = feeds.InOrder(T, N, N) if batch is None else feeds.Shuffled(T, N, batch, recipe.seed)
    task, B = training.Plan(spec, recipe, feed), batch or N
    how = planner.of(task, B).execution if plan is None else plan
    data = feeds.on_device(feeds.Data(x, y, whole))
    data = parts.everywhere(data, how.parts)
    state = training.begin(task, init(spec, recipe) if params is None else jax.tree.map(jnp.array, params), B)
    state, losses = training.placed(state, how), []
    size = training.chunk(task, B)
    for done in range(0, recipe.updates, size):
        state, more = training.advance(task, data, state, min(size, recipe.updates - done), how)
        losses.append(np.asarray(more))
        require_finite(losses[-1], done)
    require(runs.finite(state.params), f"not all weights are finite after {recipe.updates:,} updates: {SMALLER}")
    return state.params, np.concatenate(losses)


SMALLER = "a smaller rate, or clip_norm, is right"


def require_finite(losses: Float[np.ndarray, " updates"], done: int) -> None:
    """Raise InputError where one of the losses after so many updates is no number: what follows it is none either."""
    lost = np.flatnonzero(~np.isfinite(losses))
    if lost.size:
        raise InputError(f"the loss after {done + lost[0]:,} updates is {losses[lost[0]]}: {SMALLER}")


def generate(
    spec: Spec,
    params: model.Params,
    prompt: Integer[Array, " T"],
    length: int,
    how: Sampler = Sampler(),  # noqa: B008 (frozen)
    seed: int = 0,
    rates: Rates = NO_NOISE,
) -> Integer[Array, " length"]:
    """The indices that follow a prompt; raises InputError for one that is empty or has unknown indices.

    rates: those that the network was trained with, for its zoneout to go on in the mean.
    """
    require(length >= 0, f"the length is {length}, but 0 or more is right")
    stream = generating.prime(spec, params, prompt, rates)
    return generating.go_on(spec, params, stream, jax.random.key(seed), length, how.checked(), rates)[1]
