"""Training: many updates inside one compiled call, each the same pure function of the state and the update's number."""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Bool, Float, Integer

from rnn_jax import feeds, initial, losses, model, noise, parts, segments
from rnn_jax.arrays import Array, indices
from rnn_jax.cells import CELLS
from rnn_jax.planner import Execution
from rnn_jax.products import in_blocks, in_half
from rnn_jax.recipe import Recipe, optimizer
from rnn_jax.spec import Spec
from rnn_jax.text import NOTHING

ALONE = Execution()
DROPS = 2_000_003  # added to the seed for noise, so that it hangs on nothing else that is drawn


@dataclass(frozen=True)
class Plan:
    """All that decides what an update does; two runs with one plan, data and start are the same."""

    spec: Spec
    recipe: Recipe
    feed: feeds.Feed


class State(NamedTuple):
    """All that an update changes."""

    params: model.Params
    optimizer: optax.OptState
    hidden: model.States  # where the last update's sequences ended
    step: Integer[Array, ""]  # updates made so far


def begin(plan: Plan, params: model.Params, B: int) -> State:
    """The state before the first update, in the recipe's precision; B: sequences side by side."""
    dtype = plan.recipe.storage
    made = jax.tree.map(lambda a: jnp.asarray(a, dtype), params)
    return State(made, optimizer(plan.recipe).init(made), zero_state(plan, B), jnp.zeros((), jnp.int32))


def zero_state(plan: Plan, B: int) -> model.States:
    """The state before a sequence."""
    spec = plan.spec
    zeros = initial.zero_state(B, spec.H, cell=spec.cell, layers=spec.layers, directions=len(spec.directions))
    return jax.tree.map(lambda a: jnp.asarray(a, plan.recipe.storage), zeros)


def logits(
    plan: Plan,
    params: model.Params,
    batch: feeds.Batch,
    state0: model.States,
    drawn: model.Noise | None,
    how: Execution = ALONE,
) -> tuple[Float[Array, "T' B K"], model.States]:
    """What the model says, in the precision of the recipe, and the states after the last step."""
    recipe, spec = plan.recipe, plan.spec
    x = batch.x if jnp.issubdtype(batch.x.dtype, jnp.integer) else batch.x.astype(recipe.storage)
    mask = None if plan.feed.whole else batch.mask
    options: dict[str, Any] = {"cell": spec.cell, "directions": spec.directions, "head": spec.head}
    with in_half(recipe.dtype == "bfloat16"), in_blocks(how.blocks):
        return model.forward(params, x, state0, mask, noise=drawn, plan=how.plan, **options)


def counted(spec: Spec, mask: Bool[Array, "T B"]) -> Bool[Array, "T' B"]:
    """Which targets count: none in the padding, and none of a sequence that is all padding."""
    return mask if spec.head == "each" else jnp.any(mask, axis=0, keepdims=True)


def weights(plan: Plan, batch: feeds.Batch, dtype: jnp.dtype) -> Float[Array, "T' B"]:
    """How much each target counts."""
    return counted(plan.spec, jnp.asarray(batch.mask)).astype(dtype)


def targets(plan: Plan, batch: feeds.Batch) -> Array:
    """The targets, with nothing in the place of those that do not count: a weight of 0 makes no 0 of what is NaN."""
    if plan.feed.whole:
        return batch.y
    counts = counted(plan.spec, jnp.asarray(batch.mask))
    return (
        jnp.where(counts, indices(batch.y), NOTHING) if batch.y.ndim == 2 else jnp.where(counts[..., None], batch.y, 0)
    )


def loss(
    plan: Plan,
    params: model.Params,
    batch: feeds.Batch,
    state0: model.States,
    drawn: model.Noise | None = None,
    how: Execution = ALONE,
) -> tuple[Float[Array, ""], model.States]:
    """The loss that is trained on, penalty included, or this part's share of it; and the states after the last step."""
    recipe = plan.recipe

    def part(batch: feeds.Batch, states: model.States) -> segments.Sums:
        o, final = logits(plan, params, batch, states, drawn, how)
        w, y = weights(plan, batch, o.dtype), targets(plan, batch)
        if plan.spec.predicts == "numbers":
            return losses.squared_error(o, y.astype(o.dtype), w), w.sum(), final
        return losses.cross_entropy(o, y, w), jnp.where(losses.has_target(o, y), w, 0).sum(), final

    if how.segment:
        total, count, final = segments.summed(part, batch, state0, how.segment)
    else:
        total, count, final = part(batch, state0)
    if recipe.reduction == "mean":
        total = total / parts.added(count, how.parts)
    return total + losses.l2(params.V, recipe.l2 / how.parts) if recipe.l2 else total, final


def update(plan: Plan, data: feeds.Data, state: State, how: Execution = ALONE) -> tuple[State, Float[Array, ""]]:
    """One update, and the loss before it."""
    recipe, batch = plan.recipe, plan.feed.batch(data, state.step)
    hidden = jax.tree.map(lambda h: jnp.where(batch.fresh, 0, h), state.hidden)
    drawn = None
    if recipe.rates != noise.NO_NOISE:
        key = jax.random.fold_in(jax.random.key(recipe.seed + DROPS), state.step)
        T, B = batch.mask.shape
        drawn = parts.of_noise(noise.draw(key, plan.spec, recipe.rates, T, B, recipe.storage), how.parts)
    (value, final), gradients = jax.value_and_grad(loss, argnums=1, has_aux=True)(
        plan, state.params, parts.of_batch(batch, how.parts), hidden, drawn, how
    )
    value, gradients = parts.added((value, gradients), how.parts)
    change, opt = optimizer(recipe).update(gradients, state.optimizer, state.params)
    return State(optax.apply_updates(state.params, change), opt, final, state.step + 1), value


@functools.partial(jax.jit, static_argnames=("plan", "updates", "how"), donate_argnames="state")
def advance(
    plan: Plan, data: feeds.Data, state: State, updates: int, how: Execution = ALONE
) -> tuple[State, Float[Array, " updates"]]:
    """So many updates at once, and their losses; `state` is used up."""

    def some(data: feeds.Data, state: State) -> tuple[State, Array]:
        return lax.scan(lambda state, _: update(plan, data, state, how), state, length=updates)

    places = State(parts.ALL, parts.ALL, parts.PARTED, parts.ALL)
    made: tuple[State, Array] = parts.split(some, how.parts, (parts.ALL, places), (places, parts.ALL))(data, state)
    return made


def placed(state: State, how: Execution) -> State:
    """The state where `advance` leaves it: from anywhere else its first call would be compiled for that alone."""
    params, optimizer, step = parts.everywhere((state.params, state.optimizer, state.step), how.parts)
    return State(params, optimizer, parts.everywhere(state.hidden, how.parts, parts.PARTED), step)


def chunk(plan: Plan, B: int) -> int:
    """How many updates are made at once: by the work in each alone, so that a run that goes on is cut as it was.

    About 0.4 s at 300 GFLOP/s, 20 µs an update and 1 µs a step; 1, 2 or 5 times a power of ten. Some, for what is
    allocated for the first is there for the others.
    """
    spec = plan.spec
    gates = CELLS[spec.cell].gates
    weights = spec.layers * len(spec.directions) * gates * spec.H * (spec.H + max(spec.D, spec.H)) + spec.H * spec.K
    seconds = 2e-5 + 2e-11 * weights * plan.feed.T * B + 1e-6 * plan.feed.T
    wanted = max(1.0, 0.4 / seconds)
    power = 10 ** int(np.floor(np.log10(wanted)))
    return max(each for each in (power, 2 * power, 5 * power) if each <= wanted)


class Score(NamedTuple):
    """What a model is worth on what is held out: sums over all targets.

    nats: of the loss (half the squared error of numbers). right: targets that are the likeliest, or errors squared.
    """

    nats: Float[Array, ""]
    right: Float[Array, ""]
    targets: Float[Array, ""]


@functools.partial(jax.jit, static_argnames=("plan", "how"))
def evaluate(plan: Plan, params: model.Params, data: feeds.Data, how: Execution = ALONE) -> Score:
    """The score over all batches of the plan's feed, the hidden state carried where they follow one another."""
    spec, dtype = plan.spec, plan.recipe.storage
    drawn = None if plan.recipe.rates == noise.NO_NOISE else noise.expected(spec, plan.recipe.rates, dtype)

    def one(
        params: model.Params, data: feeds.Data, carried: tuple[model.States, Score], step: jax.Array
    ) -> tuple[tuple[model.States, Score], None]:
        hidden, score = carried
        batch = parts.of_batch(plan.feed.batch(data, step), how.parts)
        hidden = jax.tree.map(lambda h: jnp.where(batch.fresh, 0, h), hidden)
        o, final = logits(plan, params, batch, hidden, drawn, how)
        w, y = weights(plan, batch, o.dtype), targets(plan, batch)
        if spec.predicts == "numbers":
            squares = jnp.sum((o - y) ** 2, axis=-1)
            more = Score((w * squares).sum() / 2, (w * squares).sum(), w.sum() * spec.K)
        else:
            w = w * (y >= 0)
            hits = (jnp.argmax(o, axis=-1) == y).astype(o.dtype)
            more = Score((w * losses.cross_entropy_steps(o, y)).sum(), (w * hits).sum(), w.sum())
        return (final, jax.tree.map(jnp.add, score, more)), None

    def all_of_it(params: model.Params, data: feeds.Data, hidden: model.States) -> Score:
        start = hidden, Score(*(jnp.zeros((), dtype) for _ in range(3)))
        (_, total), _ = lax.scan(
            functools.partial(one, params, data), start, jnp.arange(plan.feed.count, dtype=jnp.int32)
        )
        return parts.added(total, how.parts)

    B = jax.eval_shape(plan.feed.batch, data, jnp.zeros((), jnp.int32)).mask.shape[1]
    places = parts.ALL, parts.ALL, parts.PARTED
    made: Score = parts.split(all_of_it, how.parts, places, parts.ALL)(params, data, zero_state(plan, B))
    return made
