"""What each recurrent cell does in one time step; jax.grad needs no more than this."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from rnn_jax.arrays import Array
from rnn_jax.products import product


class Norm(NamedTuple):
    """The gains of a layer-normalised cell; all None in any other."""

    gx: Float[Array, " GH"] | None = None  # of what the input adds to the pre-activations
    gh: Float[Array, " GH"] | None = None  # of what the old state adds
    gs: Float[Array, " H"] | None = None  # of the LSTM's cell state, and its shift
    bs: Float[Array, " H"] | None = None


class Params(NamedTuple):
    """One recurrent layer in one direction; G gates stand side by side in the columns."""

    U: Float[Array, "D GH"]  # input to hidden
    W: Float[Array, "H GH"]  # hidden to hidden
    b: Float[Array, " GH"]
    bh: Float[Array, " GH"] | None = None  # a second bias, beside the recurrent product
    norm: Norm = Norm()


class State(NamedTuple):
    """What a layer carries from one step to the next; only the LSTM has a cell state s."""

    h: Float[Array, "B H"]
    s: Float[Array, "B H"] | None = None


class Noise(NamedTuple):
    """What is drawn by chance for one layer in one direction; None where nothing is."""

    kh: Float[Array, "B H"] | None = None  # dropout of the state where it enters a product with W
    zh: Float[Array, "T B H"] | None = None  # how much of the old hidden state is kept: 0 or 1, or any share
    zs: Float[Array, "T B H"] | None = None  # the same of the LSTM's cell state


Drop = Float[Array, "B H"] | None
Step = Callable[[Params, Float[Array, "B GH"], State, Drop], State]


class Cell(NamedTuple):
    """A step from the input's share of the pre-activations (B, G·H), the old state and its dropout to the new state."""

    step: Step
    gates: int
    has_cell_state: bool = False
    normalised: bool = False

    @property
    def gains(self) -> tuple[str, ...]:
        """The fields of Norm that it needs."""
        return (("gx", "gh", "gs", "bs") if self.has_cell_state else ("gx", "gh")) if self.normalised else ()


def dropped(values: Float[Array, "*shape"], k: Float[Array, "..."] | None) -> Float[Array, "*shape"]:
    """The values times the mask k of zeros and 1/(1-p)."""
    return values if k is None else values * k


def zoned(new: Float[Array, "B H"], old: Float[Array, "B H"], z: Float[Array, "B H"] | None) -> Float[Array, "B H"]:
    """The new state with the share z of the old one in its place."""
    return new if z is None else z * old + (1 - z) * new


EPSILON = 1e-5  # PyTorch's; the paper leaves it open


def normed(z: Float[Array, "*shape F"], gain: Float[Array, " F"] | None) -> Float[Array, "*shape F"]:
    """The rows z normalised, times their gain; where there is none, z as it is.

    Ba, Kiros, Hinton, Layer Normalization (2016).
    """
    if gain is None:
        return z
    centred = z - z.mean(-1, keepdims=True)
    # N1  sigma = (mean((z - mean(z))**2) + 1e-5)**0.5
    sigma = jnp.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    # N2  hat = (z - mean(z)) / sigma
    return gain * (centred / sigma)


def recurrent(p: Params, h: Float[Array, "B H"], kh: Drop) -> Float[Array, "B GH"]:
    """The old state's share of the pre-activations."""
    # Q1  hq[t] = h[t-1] * kh
    # Q2  hW[t] = hq[t] @ W
    # N6  hn[t], h_sigma[t] = norm(hW[t])
    # N7  hW[t] = gh * hn[t]
    share = normed(product(dropped(h, kh), p.W), p.norm.gh)
    return share if p.bh is None else share + p.bh


def tanh_step(p: Params, xU: Float[Array, "B H"], state: State, kh: Drop = None) -> State:
    """The simple recurrent cell (R1, R2)."""
    # R1  a[t] = xU[t] + h[t-1] @ W + b + bh
    # Q3  a[t] = xU[t] + hW[t] + b + bh
    a = xU + p.b + recurrent(p, state.h, kh)
    # R2  h[t] = tanh(a[t])
    return State(jnp.tanh(a))


def relu_step(p: Params, xU: Float[Array, "B H"], state: State, kh: Drop = None) -> State:
    """The simple recurrent cell with a rectifier, whose slope at 0 is taken as 0 (R1, R3)."""
    # R1  a[t] = xU[t] + h[t-1] @ W + b + bh
    # Q3  a[t] = xU[t] + hW[t] + b + bh
    a = xU + p.b + recurrent(p, state.h, kh)
    # R3  h[t] = relu(a[t])
    return State(jax.nn.relu(a))


def lstm_step(p: Params, xU: Float[Array, "B GH"], state: State, kh: Drop = None) -> State:
    """The LSTM with a forget gate, gates in the order i, f, g, o (L1 to L5)."""
    # L1  a[t] = xU[t] + h[t-1] @ W + b + bh
    # Q3  a[t] = xU[t] + hW[t] + b + bh
    a = xU + p.b + recurrent(p, state.h, kh)
    # L2  a_i, a_f, a_g, a_o = split(a[t], 4)
    a_i, a_f, a_g, a_o = jnp.split(a, 4, axis=-1)
    # L3  i[t], f[t], g[t], o[t] = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
    i, f, g, o = jax.nn.sigmoid(a_i), jax.nn.sigmoid(a_f), jnp.tanh(a_g), jax.nn.sigmoid(a_o)
    assert state.s is not None  # model.check has seen to it
    # L4  s[t] = f[t] * s[t-1] + i[t] * g[t]
    # Z2  v[t] = f[t] * s[t-1] + i[t] * g[t]
    v = f * state.s + i * g
    # N8  sn[t], s_sigma[t] = norm(v[t])
    # N9  v[t] = gs * sn[t] + bs
    seen = normed(v, p.norm.gs) + (0 if p.norm.bs is None else p.norm.bs)
    # L5  h[t] = o[t] * tanh(s[t])
    # Z4  h[t] = o[t] * tanh(v[t])
    return State(o * jnp.tanh(seen), v)


def gru_step(p: Params, xU: Float[Array, "B GH"], state: State, kh: Drop = None) -> State:
    """The GRU with the reset gate after the recurrent product, gates in the order r, z, n (G1 to G5)."""
    # G1  x_r, x_z, x_n = split(xU[t] + b, 3)
    x_r, x_z, x_n = jnp.split(xU + p.b, 3, axis=-1)
    # G2  h_r, h_z, h_n[t] = split(h[t-1] @ W + bh, 3)
    # Q4  h_r, h_z, h_n[t] = split(hW[t] + bh, 3)
    h_r, h_z, h_n = jnp.split(recurrent(p, state.h, kh), 3, axis=-1)
    # G3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    # G4  n[t] = tanh(x_n + r[t] * h_n[t])
    n = jnp.tanh(x_n + r * h_n)
    # G5  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
    return State((1 - z) * n + z * state.h)


def gru_before_step(p: Params, xU: Float[Array, "B GH"], state: State, kh: Drop = None) -> State:
    """The GRU with the reset gate before the recurrent product, gates in the order r, z, n (B1 to B6)."""
    H = p.W.shape[0]
    # B1  x_r, x_z, x_n = split(xU[t] + b + bh, 3)
    x_r, x_z, x_n = jnp.split(xU + p.b if p.bh is None else xU + p.b + p.bh, 3, axis=-1)
    # B2  h_r, h_z = split(h[t-1] @ W_rz, 2)
    # Q1  hq[t] = h[t-1] * kh
    # Q5  h_r, h_z = split(hq[t] @ W_rz, 2)
    hq = dropped(state.h, kh)
    h_r, h_z = jnp.split(product(hq, p.W[:, : 2 * H]), 2, axis=-1)
    # B3  r[t], z[t] = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    # B4  q[t] = r[t] * h[t-1]
    # Q6  q[t] = r[t] * hq[t]
    q = r * hq
    # B5  n[t] = tanh(x_n + q[t] @ W_n)
    n = jnp.tanh(x_n + product(q, p.W[:, 2 * H :]))
    # B6  h[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]
    return State((1 - z) * n + z * state.h)


CELLS = {
    "rnn": Cell(tanh_step, gates=1),
    "rnn-relu": Cell(relu_step, gates=1),
    "lstm": Cell(lstm_step, gates=4, has_cell_state=True),
    "gru": Cell(gru_step, gates=3),
    "gru-before": Cell(gru_before_step, gates=3),
    "rnn-norm": Cell(tanh_step, gates=1, normalised=True),
    "lstm-norm": Cell(lstm_step, gates=4, has_cell_state=True, normalised=True),
    "gru-norm": Cell(gru_step, gates=3, normalised=True),
}
