"""Layers upon layers, in one direction of time or both, with a readout on top.

A layer that reads time backwards is the same layer on the reversed sequence; two directions lie side by
side in the features, in the order they are named. A step that the mask switches off leaves every state
as it was, so the padding after a short sequence is harmless in both directions.
"""

from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool

from reference import gru, gru_before, lstm, parameters, readout, rnn
from reference.arrays import Inexact
from reference.checks import require, require_known, require_shape
from reference.inputs import Input, unpadded
from reference.noise import SILENCE, dropped, in_time, require_mask
from reference.noise import Noise as LayerNoise
from reference.parameters import State

Direction = Literal["forward", "reverse"]
Head = Literal["each", "last"]
States = tuple[tuple[State, ...], ...]


class Cell(NamedTuple):
    """The derivation that holds the two passes through a layer, the options both take, and the gains it needs."""

    derivation: ModuleType
    options: dict[str, str]
    gains: tuple[str, ...] = ()


CELLS = {
    "rnn": Cell(rnn, {"activation": "tanh"}),
    "rnn-relu": Cell(rnn, {"activation": "relu"}),
    "lstm": Cell(lstm, {}),
    "gru": Cell(gru, {}),
    "gru-before": Cell(gru_before, {}),
    "rnn-norm": Cell(rnn, {"activation": "tanh"}, ("gx", "gh")),
    "lstm-norm": Cell(lstm, {}, ("gx", "gh", "gs", "bs")),
    "gru-norm": Cell(gru, {}, ("gx", "gh")),
}


class Params(NamedTuple):
    """All that the model learns: layers[l][d] is layer l in the d-th of its directions."""

    layers: tuple[tuple[parameters.Params, ...], ...]
    V: Inexact[np.ndarray, "H K"]  # H counts the features of all directions of the last layer
    c: Inexact[np.ndarray, " K"]


class Noise(NamedTuple):
    """What is drawn by chance for a whole model, by layer; None where nothing is."""

    kx: tuple[Inexact[np.ndarray, "_ B H"] | None, ...]  # dropout of what the layer hands on, at every step or for all
    layers: tuple[tuple[LayerNoise, ...], ...]  # what is drawn in each of its directions


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass."""

    layers: tuple[tuple[NamedTuple, ...], ...]
    h: Inexact[np.ndarray, "_ B H"]  # what the readout takes
    noise: Noise
    head: Head
    T: int


class Gradients(NamedTuple):
    """The gradient with respect to parameters, input (None for indices) and initial states."""

    params: Params
    x: Inexact[np.ndarray, "T B D"] | None
    state: States


def check(p: Params, state0: States, cell: str, directions: tuple[Direction, ...]) -> None:
    """Raise InputError unless the model's parts fit together."""
    require_known("cell", cell, CELLS)
    require(len(directions) > 0, "no direction is named, but some of forward, reverse are right")
    for direction in directions:
        require_known("direction", direction, ("forward", "reverse"))
    require(len(p.layers) > 0, "the model has no layers, but it needs at least one")
    for name, tree in (("parameters", p.layers), ("initial states", state0)):
        counts = [len(layer) for layer in tree]
        require(
            counts == [len(directions)] * len(p.layers),
            f"the {name} hold {counts} directions by layer, but {len(directions)} in each of "
            f"{len(p.layers)} layers are right",
        )
    for q in (q for layer in p.layers for q in layer):
        given = tuple(name for name, gain in q.norm._asdict().items() if gain is not None)
        right = CELLS[cell].gains
        require(given == right, f"the gains are {given}, but those of the cell {cell} are {right}")
    H = sum(q.W.shape[0] for q in p.layers[-1])
    require(p.V.ndim == 2, f"V has shape {p.V.shape}, but ({H}, K) is right")
    require_shape("V", p.V, (H, p.V.shape[1]), f"a last layer of {H} features")
    require_shape("c", p.c, (p.V.shape[1],), f"V {p.V.shape}")


def silence(p: Params) -> Noise:
    """Nothing drawn anywhere."""
    return Noise((None,) * len(p.layers), tuple((SILENCE,) * len(layer) for layer in p.layers))


def check_noise(noise: Noise, p: Params, steps: tuple[int, int]) -> None:
    """Raise InputError unless what was drawn fits the model and its T, B steps."""
    require(len(noise.kx) == len(p.layers), f"kx is of {len(noise.kx)} layers, but {len(p.layers)} are right")
    counts, right = [len(layer) for layer in noise.layers], [len(layer) for layer in p.layers]
    require(counts == right, f"the noise is of {counts} directions by layer, but {right} are right")
    for level, (kx, layer) in enumerate(zip(noise.kx, p.layers, strict=True)):
        require_mask(f"kx[{level}]", kx, (*steps, sum(q.W.shape[0] for q in layer)))


def forward(
    p: Params,
    x: Input,
    state0: States,
    mask: Bool[np.ndarray, "T B"] | None = None,
    *,
    cell: str = "rnn",
    directions: tuple[Direction, ...] = ("forward",),
    noise: Noise | None = None,
    head: Head = "each",
) -> tuple[Inexact[np.ndarray, "_ B K"], States, Cache]:
    """The logits (T, B, K), or (1, B, K) of the last states alone, the final states and the cache.

    Raises InputError where the arrays do not fit.
    """
    check(p, state0, cell, directions)
    require_known("head", head, ("each", "last"))
    derivation, options, _ = CELLS[cell]
    if mask is None:
        mask = np.ones(x.shape[:2], bool)
    noise = silence(p) if noise is None else noise
    check_noise(noise, p, x.shape[:2])
    below, finals, caches = unpadded(x, mask), [], []
    for layer, states, kx, drawn in zip(p.layers, state0, noise.kx, noise.layers, strict=True):
        runs = []
        for q, state, each, direction in zip(layer, states, drawn, directions, strict=True):
            time = slice(None, None, -1 if direction == "reverse" else 1)
            h, final, cache = derivation.forward(q, below[time], state, mask[time], in_time(each, time), **options)
            runs.append((h[time], final, cache))
        outputs, final, cache = zip(*runs, strict=True)
        # K1  below = join(*outputs)
        # K3  below = below * kx
        below = dropped(np.concatenate(outputs, -1), kx)
        finals.append(final)
        caches.append(cache)
    if head == "last":
        # Y1  h = join(*h_final)
        h = np.concatenate([state.h for state in finals[-1]], -1)
        # Y2  h = h * kx[-1]
        below = dropped(h, last_of(noise.kx[-1]))[None]
    return readout.forward(p.V, p.c, below), tuple(finals), Cache(tuple(caches), below, noise, head, len(x))


def last_of(kx: Inexact[np.ndarray, "_ B H"] | None) -> Inexact[np.ndarray, "B H"] | None:
    """The dropout of the last step."""
    return None if kx is None else kx[-1]


def added(states: tuple[State, ...], dh: Inexact[np.ndarray, "B H"]) -> tuple[State, ...]:
    """The gradients of a layer's final states, with more for the hidden ones side by side."""
    ends = np.cumsum([state.h.shape[1] for state in states])[:-1]
    parts = np.split(dh, ends, -1)
    return tuple(state._replace(h=state.h + part) for state, part in zip(states, parts, strict=True))


def backward(
    p: Params,
    cache: Cache,
    do: Inexact[np.ndarray, "T B K"],
    dfinal: States,
    *,
    cell: str = "rnn",
    directions: tuple[Direction, ...] = ("forward",),
) -> Gradients:
    """Gradients from those of the logits, do (T, B, K) or (1, B, K), and of the final states."""
    derivation, options, _ = CELLS[cell]
    dbelow: Any  # in the end None, where the input is indices
    dV, dc, dbelow = readout.backward(p.V, cache.h, do)
    if cache.head == "last":
        # Y3  dh_out = dh_out * kx[-1]
        dh_out = dropped(dbelow[0], last_of(cache.noise.kx[-1]))
        # Y4  dh_final += dh_out
        dfinal = (*dfinal[:-1], added(dfinal[-1], dh_out))
        dbelow = np.zeros((cache.T, *dh_out.shape), dh_out.dtype)
    dlayers, dstates = [], []
    stack = zip(p.layers, cache.layers, dfinal, cache.noise.kx, strict=True)
    for layer, caches, dfinals, kx in reversed(list(stack)):
        # K3  below = below * kx
        # K4  dbelow = dbelow * kx
        dbelow = dropped(dbelow, kx)
        # K1  below = join(*outputs)
        ends = np.cumsum([q.W.shape[0] for q in layer])[:-1]
        runs = []
        for q, kept, df, dh, direction in zip(
            layer, caches, dfinals, np.split(dbelow, ends, -1), directions, strict=True
        ):
            time = slice(None, None, -1 if direction == "reverse" else 1)
            g = derivation.backward(q, kept, dh[time], df, **options)
            runs.append(g if g.x is None else g._replace(x=g.x[time]))
        # K2  dbelow = add(*dx)
        dbelow = None if runs[0].x is None else sum(g.x for g in runs)
        dlayers.append(tuple(g.params for g in runs))
        dstates.append(tuple(g.state for g in runs))
    return Gradients(Params(tuple(reversed(dlayers)), dV, dc), dbelow, tuple(reversed(dstates)))
