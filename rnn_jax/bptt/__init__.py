"""The proven backward pass as the fast path: recurrences whose gradient is the one by hand, as jax.custom_vjp.

Each takes the pre-activations that do not hang on the state, all steps at once, and gives the states. What makes it
faster than autodiff of a scan: the gradient of W is one large product after the loop and not one small one in each
step; a sigmoid is (1 + tanh(a / 2)) / 2, of an LSTM's W the halves taken before the loop; the loop back multiplies with
a transpose that is made once; and what is cheap to compute again is not stored.

On a GPU cuDNN has an LSTM of its own, which cudnn.py calls.

Reverse mode, and what is made of it again, works; forward mode does not: `plan="plain"` of model.forward has that.
Where jax.jvp stands inside or around jax.jit it is JAX that says so, in words of its own.
"""

import jax.numpy as jnp
from jaxtyping import Bool, Float

from rnn_jax.arrays import Array
from rnn_jax.bptt import gru, lstm, simple
from rnn_jax.bptt.common import How, Steps, total_bias
from rnn_jax.cells import Params, State

CELLS = ("rnn", "lstm", "gru")


def run(
    cell: str, p: Params, xU: Float[Array, "T B GH"], state0: State, mask: Bool[Array, "T B"] | None, reverse: bool
) -> tuple[State, Steps]:
    """The final state and the hidden states (T, B, H) of one layer, as model.scan_layer gives them."""
    try:
        return recurrence(cell, p, xU, state0, mask, How.now(reverse))
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise TypeError(
            'the backward pass by hand has reverse mode alone: plan="plain" of rnn_jax.model.forward has forward mode'
        ) from error


def recurrence(
    cell: str, p: Params, xU: Float[Array, "T B GH"], state0: State, mask: Bool[Array, "T B"] | None, how: How
) -> tuple[State, Steps]:
    """The final state and the hidden states, by the cell's own rule."""
    if cell == "lstm":
        assert state0.s is not None  # model.check has seen to it
        h, last, s = lstm.lstm(xU + total_bias(p), p.W, state0.h, state0.s, mask, how)
        return State(last, s), h
    if cell == "gru":
        H = p.W.shape[0]
        bh = jnp.zeros_like(p.b) if p.bh is None else p.bh
        # The part bh_n stays where r[t] scales it; the others may be added to the input's part.
        outside = p.b + jnp.where(jnp.arange(3 * H) < 2 * H, bh, 0)
        h, last = gru.gru(xU + outside, p.W, bh[2 * H :], state0.h, mask, how)
        return State(last), h
    h, last = simple.rnn(xU + total_bias(p), p.W, state0.h, mask, how)
    return State(last), h
