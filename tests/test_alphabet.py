"""The alphabet: the hand-written gradient trains a network that knows its letters, and JAX goes the same way."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from reference import columns, conventions, losses
from rnn_jax import initial, problems, text
from rnn_jax import losses as jax_losses
from rnn_jax import model as jax_model

LEARNING_RATE = 0.01
PROBLEM = problems.alphabet()


def column_parameters():
    made = PROBLEM.parameters("rnn")
    q = made.layers[0][0]
    canonical = {"U": q.U, "W": q.W, "b": q.b, "V": made.V, "c": made.c}
    return columns.Params(**conventions.to("columns", "rnn", canonical))


def update(params):
    """One step of gradient descent by hand: the loss before it, and the parameters after it."""
    x = np.eye(26)[PROBLEM.x[:, 0]][..., None]
    h0 = np.zeros((PROBLEM.H, 1))
    o, cache = columns.forward(params, x, h0)
    rows = o[..., 0][:, None]  # (T, 1, K), as the losses have it
    do = losses.cross_entropy_gradient(rows, PROBLEM.y)[:, 0, :, None]
    g = columns.backward(params, cache, do, h0).params
    loss = losses.cross_entropy(rows, PROBLEM.y)
    return loss, columns.Params(*(p - LEARNING_RATE * dp for p, dp in zip(params, g, strict=True)))


def complete(params, prompt, length):
    indices = text.encode(prompt, PROBLEM.vocabulary).tolist()
    return text.decode(columns.generate(params, indices, length), PROBLEM.vocabulary)


def test_trained_by_hand_it_goes_on_with_the_alphabet():
    params = column_parameters()
    assert complete(params, "ABCDEFG", 4) != "HIJK"
    for step in range(1, 10_001):  # noqa: B007  told below
        loss, params = update(params)
        if loss < 2 and complete(params, "ABCDEFG", 4) == "HIJK":
            break
    print(f"HIJK after {step} updates, loss {loss:.3f}")
    assert complete(params, "ABCDEFG", 4) == "HIJK"
    assert loss < 2  # of 26·log(26) = 84.7 at the start: it is no lucky guess


def test_jax_follows_the_same_losses():
    steps = 1000

    def loss(params):
        o, _ = jax_model.forward(params, PROBLEM.x, initial.zero_state(1, PROBLEM.H))
        return jax_losses.cross_entropy(o, PROBLEM.y)

    def step(params, _):
        value, g = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, dp: p - LEARNING_RATE * dp, params, g), value

    params = jax.tree.map(jnp.asarray, PROBLEM.parameters("rnn"))
    _, theirs = jax.jit(lambda params: lax.scan(step, params, length=steps))(params)
    ours, by_hand = [], column_parameters()
    for _ in range(steps):
        value, by_hand = update(by_hand)
        ours.append(value)
    assert np.asarray(theirs)[0] > np.asarray(theirs)[-1] + 10  # it did learn in the meantime
    print(f"the losses differ by {np.max(np.abs(np.asarray(theirs) / ours - 1)):.1e} at most")
    np.testing.assert_allclose(np.asarray(theirs), ours, rtol=1e-10, atol=0)
