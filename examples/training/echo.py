# %% [markdown]
# # Training in Python
#
# A network that has to say what it read two steps ago, from functions over pytrees: `init`, `loss`, `train` and
# `generate` compose with `jax.jit`, `jax.grad`, `jax.vmap` and optax. Run it as it is: `python examples/training/echo.py`.

# %%
import jax
import jax.numpy as jnp
import numpy as np
import optax

from rnn_jax.library import Recipe, Sampler, Spec, generate, init, loss, train

rng = np.random.default_rng(0)
x = rng.integers(0, 4, (12, 256)).astype(np.int32)  # (T, N): twelve symbols each
y = np.concatenate([np.full((2, 256), -1, np.int32), x[:-2]])  # -1: nothing is asked for yet
spec = Spec(D=4, H=24, K=4, cell="gru", second_bias=True, predicts="classes")

# %% [markdown]
# ## In one call
#
# All updates are made inside compiled calls; the losses come back.

# %%
recipe = Recipe(updates=600, optimizer="adam", rate=0.01, clip_norm=1.0)
params, losses = train(spec, recipe, x, y, batch=64)
print(f"loss before the first update {losses[0]:.3f} (ln 4 is {np.log(4):.3f}), before the last {losses[-1]:.5f}")
assert losses[-1] < 0.01

# %% [markdown]
# ## Step by step
#
# `loss` is a pure function: it has a gradient, and any optimiser of optax takes that.

# %%
optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.01))


@jax.jit
def update(params, state):
    value, gradient = jax.value_and_grad(lambda p: loss(spec, p, x, y))(params)
    change, state = optimizer.update(gradient, state)
    return optax.apply_updates(params, change), state, value


mine = init(spec, Recipe(1, seed=1))
state = optimizer.init(mine)
for _ in range(100):
    mine, state, value = update(mine, state)
print(f"after 100 updates of one's own {value:.3f}")

# %% [markdown]
# ## Five at once
#
# Parameters are a pytree, so five networks are one with a leading axis.

# %%
five = jax.tree.map(lambda *each: jnp.stack(each), *(init(spec, Recipe(1, seed=k)) for k in range(5)))
slopes = jax.jit(jax.vmap(jax.grad(lambda p: loss(spec, p, x, y))))(five)
norms = jax.vmap(optax.global_norm)(slopes)
print("norms of the gradients at five starts", np.round(np.asarray(norms), 3))

# %% [markdown]
# ## What it says
#
# Fed with what it says itself, it goes round in the last three symbols for ever.

# %%
said = generate(spec, params, np.array([1, 2, 0, 3]), length=8, how=Sampler(temperature=0.0))
print("after 1 2 0 3 it says", *said.tolist())
