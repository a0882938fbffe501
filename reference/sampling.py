"""Text that goes on where a prompt ends, chosen from the same numbers as in JAX, in NumPy one step at a time."""

from collections.abc import Iterator, Sequence

import numpy as np

from reference import model, parameters
from reference.arrays import Inexact
from reference.checks import require


def choose(
    logits: Inexact[np.ndarray, " K"], number: float, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> int:
    """The next index: at temperature 0 the likeliest, else where the number in [0, 1) falls among the probabilities.

    top_k: so many of the likeliest are left, 0 for all. top_p: the likeliest that make up so much, one at least.
    """
    if temperature == 0:
        return int(np.argmax(logits))
    p = np.exp((logits - logits.max()) / temperature)
    p /= p.sum()
    if top_k or top_p < 1:
        order = np.argsort(-logits, kind="stable")
        count = int(np.sum(np.cumsum(p[order]) - p[order] < top_p))
        p[order[min(count, top_k) if top_k else count :]] = 0
    total = np.cumsum(p)
    return min(int(np.sum(total <= number * total[-1])), int(np.sum(total < total[-1])))


def go_on(
    p: model.Params,
    prompt: Sequence[int],
    state0: model.States,
    numbers: Sequence[float],
    *,
    cell: str = "rnn",
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    noise: model.Noise | None = None,
) -> Iterator[int]:
    """The indices that follow a prompt, each of whose indices is fed once; one for each number.

    noise: what a network that was trained with zoneout keeps of its old states in the mean.
    """
    require(len(prompt) > 0, "the prompt is empty, but one index or more is right")
    o, state, _ = model.forward(p, np.asarray(prompt)[:, None], state0, cell=cell, noise=noise)
    for number in numbers:
        index = choose(o[-1, 0], number, temperature, top_k, top_p)
        yield index
        o, state, _ = model.forward(p, np.array([[index]]), state, cell=cell, noise=noise)


def beam(
    p: model.Params,
    prompt: Sequence[int],
    state0: model.States,
    length: int,
    width: int,
    *,
    cell: str = "rnn",
    end: int = -1,
) -> tuple[list[int], float]:
    """The likeliest continuation that a beam search of so many at once finds, and log p of it.

    end: the index of what ends a text, if anything does: it is repeated behind that, at no cost.
    """
    require(width >= 1, f"the width is {width}, but 1 or more is right")
    o, state, _ = model.forward(p, np.asarray(prompt)[:, None], state0, cell=cell)
    kept: list[tuple[float, list[int], np.ndarray, model.States]] = [(0.0, [], o[-1, 0], state)]
    for _ in range(length):
        made = []
        for score, indices, logits, state in kept:
            logp = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            if end >= 0 and indices and indices[-1] == end:
                logp = np.where(np.arange(len(logits)) == end, 0.0, -np.inf)
            made += [(score + float(logp[k]), indices, state, k) for k in range(len(logits))]
        made.sort(key=lambda each: -each[0])
        kept = []
        for score, indices, state, k in made[:width]:
            o, after, _ = model.forward(p, np.array([[k]]), state, cell=cell)
            kept.append((score, [*indices, k], o[0, 0], after))
    return kept[0][1], kept[0][0]


def zero_state(p: model.Params, has_cell_state: bool) -> model.States:
    """The states (1, H) of zeros before a prompt."""
    zeros = [[np.zeros((1, q.W.shape[0])) for q in layer] for layer in p.layers]
    return tuple(tuple(parameters.State(h, h.copy() if has_cell_state else None) for h in layer) for layer in zeros)
