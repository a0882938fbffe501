"""Layers of recurrent cells, in one direction of time or both, as lax.scan, with a readout on top."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Bool, Float, Integer

from rnn_jax import bptt
from rnn_jax.arrays import Array, indices
from rnn_jax.bptt import cudnn
from rnn_jax.cells import CELLS, State, dropped, normed, zoned
from rnn_jax.cells import Noise as LayerNoise
from rnn_jax.cells import Params as LayerParams
from rnn_jax.errors import require
from rnn_jax.products import halving, product
from rnn_jax.text import NOTHING

Direction = Literal["forward", "reverse"]
Head = Literal["each", "last"]
Plan = Literal["plain", "fast", "cudnn"]
Input = Float[Array, "T B D"] | Integer[Array, "T B"]
States = tuple[tuple[State, ...], ...]


class Params(NamedTuple):
    """All that the model learns: layers[l][d] is layer l in the d-th of its directions."""

    layers: tuple[tuple[LayerParams, ...], ...]
    V: Float[Array, "H K"]  # H counts the features of all directions of the last layer
    c: Float[Array, " K"]


class Noise(NamedTuple):
    """What is drawn by chance for a model, by layer, as data beside the input; None where nothing is (noise.draw)."""

    kx: tuple[Float[Array, "_ B H"] | None, ...]  # dropout of what the layer hands on, at every step or for all
    layers: tuple[tuple[LayerNoise, ...], ...]  # what is drawn in each of its directions


def project(x: Input, U: Float[Array, "D GH"]) -> Float[Array, "T B GH"]:
    """What the input adds to the pre-activations; an index reads a row of U, and -1 adds nothing.

    Inside jit the values of indices cannot be seen: one that has no row becomes NaN, so that it cannot pass unnoticed.
    """
    if x.ndim == 2:
        x = indices(x)
        # I2  xU[t] = onehot(x[t], D) @ U
        rows = jnp.asarray(U).at[x].get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)
        return jnp.where((x == NOTHING)[..., None], 0, rows)
    # I1  xU[t] = x[t] @ U
    return product(x, U)


def unpadded(x: Input, mask: Bool[Array, "T B"] | None) -> Input:
    """The input with 0 where the mask is off: 0 times whatever stands there would not be 0 if that is no number."""
    return x if mask is None else jnp.where(mask if x.ndim == 2 else mask[..., None], x, 0)


def scan_layer(
    p: LayerParams,
    x: Input,
    state0: State,
    mask: Bool[Array, "T B"] | None,
    noise: LayerNoise,
    *,
    cell: str,
    direction: Direction,
    plan: Plan = "plain",
) -> tuple[State, Float[Array, "T B H"]]:
    """The final state and the hidden states (T, B, H) of one layer in one direction of time."""
    if plan == "fast" and cell in bptt.CELLS and not jax.tree.leaves(noise):
        return bptt.run(cell, p, project(x, p.U), state0, mask, direction == "reverse")
    shape = (*x.shape[:2], p.W.shape[0])
    kept = jax.tree.map(lambda z: jnp.broadcast_to(z, shape), noise._replace(kh=None))

    def step(state: State, inputs: tuple[Array, Array | None, LayerNoise]) -> tuple[State, Array]:
        xU, m, z = inputs
        new = CELLS[cell].step(p, xU, state, noise.kh)
        # Z1  h[t] = zh[t] * h[t-1] + (1 - zh[t]) * h[t]
        # Z3  s[t] = zs[t] * s[t-1] + (1 - zs[t]) * v[t]
        s = None if new.s is None or state.s is None else zoned(new.s, state.s, z.zs)
        new = State(zoned(new.h, state.h, z.zh), s)
        # M1  h[t] = where(m[t], h[t], h[t-1])
        # M4  s[t] = where(m[t], s[t], s[t-1])
        kept = new if m is None else jax.tree.map(lambda n, old: jnp.where(m[:, None], n, old), new, state)
        return kept, kept.h

    # N4  xn[t], x_sigma[t] = norm(xU[t])
    # N5  xU[t] = gx * xn[t]
    xU = normed(project(x, p.U), p.norm.gx)
    return lax.scan(step, state0, (xU, mask, kept), reverse=direction == "reverse")


def forward(
    p: Params,
    x: Input,
    state0: States,
    mask: Bool[Array, "T B"] | None = None,
    *,
    cell: str = "rnn",
    directions: tuple[Direction, ...] = ("forward",),
    noise: Noise | None = None,
    head: Head = "each",
    plan: Plan = "plain",
) -> tuple[Float[Array, "_ B K"], States]:
    """The logits (T, B, K), or (1, B, K) of the last states alone, and the final states.

    Where the mask is off a step leaves every state as it was. plan: how gradients are made, by autodiff of the scan,
    "fast" by hand where there is such a way (bptt), or by "cudnn" on a GPU (bptt.cudnn); these in reverse mode only,
    and cuDNN's once only. In half precision (products.in_half) autodiff has reverse mode only as well.
    Raises InputError where shapes do not fit, and where cuDNN cannot do it.
    """
    check(p, x, state0, mask, cell=cell, directions=directions)
    noise = silence(p) if noise is None else noise
    T, B = x.shape[:2]
    check_noise(noise, p, T, B, cell)
    if plan == "cudnn":
        below, finals = by_cudnn(p, unpadded(x, mask), state0, mask, noise, cell=cell, directions=directions)
    else:
        below, finals = by_layer(p, unpadded(x, mask), state0, mask, noise, cell=cell, directions=directions, plan=plan)
    if head == "last":
        # Y1  h = join(*h_final)
        h = jnp.concatenate([state.h for state in finals[-1]], axis=-1)[None]
        # Y2  h = h * kx[-1]
        below = dropped(h, None if noise.kx[-1] is None else noise.kx[-1][-1:])
    # O1  o[t] = h[t] @ V + c
    return product(below, p.V) + p.c, finals


def by_layer(
    p: Params,
    x: Input,
    state0: States,
    mask: Bool[Array, "T B"] | None,
    noise: Noise,
    *,
    cell: str,
    directions: tuple[Direction, ...],
    plan: Plan,
) -> tuple[Float[Array, "T B H"], States]:
    """What the last layer hands on, and all final states, one layer and direction after the other."""
    below, finals = x, []
    for layer, states, kx, drawn in zip(p.layers, state0, noise.kx, noise.layers, strict=True):
        runs = [
            scan_layer(q, below, state, mask, each, cell=cell, direction=direction, plan=plan)
            for q, state, each, direction in zip(layer, states, drawn, directions, strict=True)
        ]
        final, outputs = zip(*runs, strict=True)
        # K1  below = join(*outputs)
        # K3  below = below * kx
        below = dropped(jnp.concatenate(outputs, axis=-1), kx)
        finals.append(final)
    return below, tuple(finals)


def by_cudnn(
    p: Params,
    x: Input,
    state0: States,
    mask: Bool[Array, "T B"] | None,
    noise: Noise,
    *,
    cell: str,
    directions: tuple[Direction, ...],
) -> tuple[Float[Array, "T B H"], States]:
    """The same by cuDNN: as many layers at once as have nothing drawn between them."""
    drawn = bool(jax.tree.leaves(noise.layers))
    kinds = {str(each.dtype) for each in jax.tree.leaves((p, state0, x if x.ndim == 3 else ()))}
    other = "bfloat16" if halving() else max(kinds - {cudnn.DTYPE}, default=cudnn.DTYPE)
    why_not = cudnn.unfit(cell, other, drawn)
    require(not why_not, why_not)
    widths = [[q.W.shape[0] for q in layer] for layer in p.layers]
    require(all(len(set(each)) == 1 for each in widths), f'plan="cudnn" has one H for both directions, not {widths}')
    below = x
    finals: list[tuple[State, ...]] = []
    for at in cudnn.together(widths, [kx is not None for kx in noise.kx]):
        made, below = cudnn.stack(p.layers[at], below, state0[at], mask, directions[0] == "reverse")
        below = dropped(below, noise.kx[at][-1])
        finals += made
    return below, tuple(finals)


def silence(p: Params) -> Noise:
    """Nothing drawn anywhere."""
    return Noise((None,) * len(p.layers), tuple((LayerNoise(),) * len(layer) for layer in p.layers))


def check(
    p: Params, x: Input, state0: States, mask: Array | None, *, cell: str, directions: tuple[Direction, ...]
) -> None:
    """Raise InputError unless all shapes fit: shapes are known inside jit too."""
    require(cell in CELLS, f"the cell {cell!r} is unknown; one of {', '.join(CELLS)} is right")
    known = directions and set(directions) <= {"forward", "reverse"}
    require(bool(known), f"the directions are {directions!r}, but some of 'forward', 'reverse' are right")
    require(x.ndim in (2, 3), f"x has shape {x.shape}, but (T, B, D), or (T, B) for indices, is right")
    T, B = x.shape[:2]
    require(T > 0 and B > 0, f"x has shape {x.shape}, but T and B must be at least 1")
    indices = jnp.issubdtype(x.dtype, jnp.integer)
    require(indices == (x.ndim == 2), f"x of shape {x.shape} has dtype {x.dtype}, but only indices are integers")
    shape = None if mask is None else mask.shape
    require(shape in (None, (T, B)), f"the mask has shape {shape}, but x {x.shape} asks for {(T, B)}")
    require(len(p.layers) > 0, "the model has no layers, but it needs at least one")
    for name, tree in (("parameters", p.layers), ("initial states", state0)):
        counts = [len(layer) for layer in tree]
        require(
            counts == [len(directions)] * len(p.layers),
            f"the {name} hold {counts} directions by layer, but {len(directions)} in each of "
            f"{len(p.layers)} layers are right",
        )
    features = p.layers[0][0].U.shape[0] if x.ndim == 2 else x.shape[2]
    for level, (layer, states) in enumerate(zip(p.layers, state0, strict=True)):
        for q, state in zip(layer, states, strict=True):
            check_layer(f"layer {level}: ", q, state, features, B, cell)
        features = sum(q.W.shape[0] for q in layer)
    K = p.V.shape[-1]
    require(p.V.shape == (features, K), f"V has shape {p.V.shape}, but {features} features ask for ({features}, K)")
    require(p.c.shape == (K,), f"c has shape {p.c.shape}, but V {p.V.shape} asks for {(K,)}")


def check_layer(where: str, p: LayerParams, state: State, D: int, B: int, cell: str) -> None:
    """Raise InputError unless one layer in one direction fits its input of D features and B examples."""
    H, gates = p.W.shape[0], CELLS[cell].gates
    require((state.s is not None) == CELLS[cell].has_cell_state, f"{where}only the LSTM's state has a cell state s")
    given = tuple(name for name, gain in p.norm._asdict().items() if gain is not None)
    right = CELLS[cell].gains
    require(given == right, f"{where}the gains are {given}, but those of the cell {cell} are {right}")
    expected = {"U": (D, gates * H), "W": (H, gates * H), "b": (gates * H,), "bh": (gates * H,)}
    expected |= {"gx": (gates * H,), "gh": (gates * H,), "gs": (H,), "bs": (H,)}
    arrays = p._asdict() | p.norm._asdict() | {"h0": state.h, "s0": state.s}
    for name, shape in (expected | {"h0": (B, H), "s0": (B, H)}).items():
        if arrays[name] is not None:
            require(
                arrays[name].shape == shape,
                f"{where}{name} has shape {arrays[name].shape}, but D = {D}, B = {B}, H = {H} and "
                f"{gates} gate(s) ask for {shape}",
            )


def check_noise(noise: Noise, p: Params, T: int, B: int, cell: str) -> None:
    """Raise InputError unless what was drawn fits the model."""
    require(len(noise.kx) == len(p.layers), f"kx is of {len(noise.kx)} layers, but {len(p.layers)} are right")
    counts, right = [len(layer) for layer in noise.layers], [len(layer) for layer in p.layers]
    require(counts == right, f"the noise is of {counts} directions by layer, but {right} are right")
    for level, (kx, layer, drawn) in enumerate(zip(noise.kx, p.layers, noise.layers, strict=True)):
        check_mask(f"kx[{level}]", kx, (T, B, sum(q.W.shape[0] for q in layer)))
        for q, each in zip(layer, drawn, strict=True):
            check_layer_noise(f"layer {level}: ", each, q, T, B, cell)


def check_layer_noise(where: str, noise: LayerNoise, p: LayerParams, T: int, B: int, cell: str) -> None:
    """Raise InputError unless what was drawn fits one layer in one direction."""
    has_cell_state = CELLS[cell].has_cell_state
    require(noise.zs is None or has_cell_state, f"{where}zs is given, but only the LSTM has a cell state to keep")
    H = p.W.shape[0]
    check_mask(f"{where}kh", noise.kh, (B, H))
    for name, z in (("zh", noise.zh), ("zs", noise.zs)):
        check_mask(where + name, z, (T, B, H))


def check_mask(name: str, mask: Array | None, shape: tuple[int, ...]) -> None:
    """Raise InputError unless the mask can be stretched to the shape: an axis of 1 is the same everywhere."""
    if mask is not None:
        fits = len(mask.shape) == len(shape) and all(n in (1, size) for n, size in zip(mask.shape, shape, strict=True))
        require(fits, f"{name} has shape {mask.shape}, but {shape}, or 1 in the place of some of these, is right")
