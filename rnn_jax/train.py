"""Training: many updates inside one compiled call, each the same pure function of the state and the update's number."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Float, Integer

from rnn_jax import feeds, initial, losses, model
from rnn_jax.arrays import Array
from rnn_jax.recipe import Recipe, optimizer
from rnn_jax.spec import Spec


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
    dtype = plan.recipe.dtype
    made = jax.tree.map(lambda a: jnp.asarray(a, dtype), params)
    return State(made, optimizer(plan.recipe).init(made), zero_state(plan, B), jnp.zeros((), jnp.int32))


def zero_state(plan: Plan, B: int) -> model.States:
    """The state before a sequence."""
    spec = plan.spec
    zeros = initial.zero_state(B, spec.H, cell=spec.cell, layers=spec.layers, directions=len(spec.directions))
    return jax.tree.map(lambda a: jnp.asarray(a, plan.recipe.dtype), zeros)


def loss(
    plan: Plan, params: model.Params, batch: feeds.Batch, state0: model.States
) -> tuple[Float[Array, ""], model.States]:
    """The loss that is trained on, penalty included, and the states after the last step."""
    recipe, spec = plan.recipe, plan.spec
    o, final = model.forward(params, batch.x, state0, batch.mask, cell=spec.cell, directions=spec.directions)
    total = losses.cross_entropy(o, batch.y, batch.mask.astype(o.dtype), recipe.reduction)
    return total + losses.l2(params.V, recipe.l2) if recipe.l2 else total, final


def update(plan: Plan, data: feeds.Data, state: State) -> tuple[State, Float[Array, ""]]:
    """One update, and the loss before it."""
    batch = plan.feed.batch(data, state.step)
    hidden = jax.tree.map(lambda h: jnp.where(batch.fresh, 0, h), state.hidden)
    (value, final), gradients = jax.value_and_grad(loss, argnums=1, has_aux=True)(plan, state.params, batch, hidden)
    change, opt = optimizer(plan.recipe).update(gradients, state.optimizer, state.params)
    return State(optax.apply_updates(state.params, change), opt, final, state.step + 1), value


@functools.partial(jax.jit, static_argnames=("plan", "updates"), donate_argnames="state")
def advance(plan: Plan, data: feeds.Data, state: State, updates: int) -> tuple[State, Float[Array, " updates"]]:
    """So many updates at once, and their losses; `state` is used up."""
    return lax.scan(lambda state, _: update(plan, data, state), state, length=updates)


def chunk(plan: Plan, B: int) -> int:
    """How many updates are made at once: by the work in each alone, so that a run that goes on is cut as it was.

    About a tenth of a second's at 100 GFLOP/s, 20 µs an update and 1 µs a step; 1, 2 or 5 times a power of ten.
    """
    spec = plan.spec
    gates = {"lstm": 4, "gru": 3, "gru-before": 3}.get(spec.cell, 1)
    weights = spec.layers * len(spec.directions) * gates * spec.H * (spec.H + max(spec.D, spec.H)) + spec.H * spec.K
    seconds = 2e-5 + 6e-11 * weights * plan.feed.T * B + 1e-6 * plan.feed.T
    wanted = max(1.0, 0.1 / seconds)
    power = 10 ** int(np.floor(np.log10(wanted)))
    return max(each for each in (power, 2 * power, 5 * power) if each <= wanted)


@functools.partial(jax.jit, static_argnames="plan")
def evaluate(plan: Plan, params: model.Params, data: feeds.Data) -> Float[Array, ""]:
    """The mean loss of a step, in nats, over all windows of held-out data, the hidden state carried through them."""

    def window(carried: Carried, step: jax.Array) -> tuple[Carried, None]:
        hidden, total, count = carried
        batch = plan.feed.batch(data, step)
        o, final = model.forward(
            params, batch.x, hidden, batch.mask, cell=plan.spec.cell, directions=plan.spec.directions
        )
        steps = losses.cross_entropy_steps(o, batch.y) * batch.mask
        return Carried(final, total + steps.sum(), count + batch.mask.sum()), None

    nothing = jnp.zeros((), plan.recipe.dtype)
    start = Carried(zero_state(plan, data.x.shape[1]), nothing, nothing)
    (_, total, count), _ = lax.scan(window, start, jnp.arange(plan.feed.windows))
    return total / count


class Carried(NamedTuple):
    """What goes from one window of held-out data to the next."""

    hidden: model.States
    total: Array  # nats
    characters: Array
