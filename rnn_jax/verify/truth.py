"""JAX's gradients of a recorded loss, what rounding does to them, and what is known of the recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnn_jax.verify.adjoints import Jitter, Ties, value_and_adjoints
from rnn_jax.verify.noise import norm
from rnn_jax.verify.replay import PartedError, replay
from rnn_jax.verify.subject import Recording, Setting, Subject, Values, record
from rnn_jax.verify.trace.places import NOWHERE, Place
from rnn_jax.verify.trace.recorder import Recorder
from rnn_jax.verify.trace.tape import Constant, Node, Tape

DRAWS = 3
TINY = 1e-7  # constants up to this size stand in a loss to keep log and division from 0


@dataclass(frozen=True)
class Truth:
    """Gradients at a point, the absolute norm of the noise of each, and the recording they are of."""

    recording: Recording
    gradients: Values
    noise: dict[str, float]
    kinks: tuple[str, ...] = ()
    others: tuple[Values, ...] = ()  # the gradients where ties at kinks are broken the other ways


@np.errstate(all="ignore")  # a loss that is not finite is told in words
def find(subject: Subject, setting: Setting, rng: np.random.Generator, eps: float) -> Truth:
    """Record the loss and differentiate it on the program's own trajectory; `eps` is the rounding to allow for."""
    made = record(subject, setting)
    gradients = differentiate(made)
    eps = max(eps, coarsest(made)[0])
    noise = {name: eps * norm(g) for name, g in gradients.items()}
    for _ in range(DRAWS):
        moved = differentiate(made, Jitter.of(made.recorder.tape, rng, eps))
        noise = {name: max(level, norm(moved[name] - gradients[name])) for name, level in noise.items()}
    kinks = tuple(dict.fromkeys(kinks_of(made.recorder.tape)))
    others = tuple(differentiate(made, tie=tie) for tie in (Ties.FIRST, Ties.SECOND)) if kinks else ()
    return Truth(made, gradients, noise, kinks, others)


def coarsest(made: Recording) -> tuple[float, Place]:
    """The rounding of the coarsest numbers that the forward writes down, and where it does."""
    found = (0.0, NOWHERE)
    for node in made.recorder.tape.nodes:
        if node.dtype.kind == "f" and node.op != "input" and float(np.finfo(node.dtype).eps) > found[0]:
            found = float(np.finfo(node.dtype).eps), node.place
    return found


def differentiate(made: Recording, jitter: Jitter | None = None, tie: float = Ties.HALF) -> Values:
    """The gradient of the recorded loss with respect to each parameter."""
    adjoint = value_and_adjoints(made.recorder.tape, made.output, jitter, tie)
    return {name: adjoint[ids] for name, ids in made.ids.items()}


def kinks_of(tape: Tape) -> list[str]:
    """Where maximum or minimum has two equal operands of which one is on the tape: either side's slope is accepted."""
    return [
        f"{node.place}: {node.op} of two equal numbers, a kink"
        for node in tape.nodes
        if node.op in PAIRS and tied(tape, node)
    ]


PAIRS = ("maximum", "minimum", "fmax", "fmin")
ORDERS = ("greater", "greater_equal", "less", "less_equal")
EXTREMES = ("max", "min", "amax", "amin", "maximum.reduce", "minimum.reduce", "ptp")


# What cancels, as a softmax's shift by its largest logit, is off from 0 by some roundings of what is added up.
CANCELLED = 64 * float(np.finfo(float).eps)


def corners_of(made: Recording) -> list[str]:
    """Kinks of other kinds, where there is no telling which slopes are meant: nobody is accused at such a point.

    The largest of equal numbers is none where nothing hangs on it, as on the number that a softmax is shifted by.
    """
    tape, found = made.recorder.tape, []
    adjoint = np.abs(value_and_adjoints(tape, made.output))
    least = CANCELLED * float(np.max(adjoint, initial=0.0))
    for node in tape.nodes:
        if (node.op in ORDERS and tied(tape, node)) or (
            node.op == "absolute" and not np.all(tape.recall(node.operands[0]))
        ):
            found.append(f"{node.place}: {node.op} at the very edge, a kink")
        elif node.op in EXTREMES and np.any(adjoint[node.where] > least):
            given, result = tape.recall(node.operands[0]), tape.values[node.where]
            if sum(int(np.sum(given == extreme)) for extreme in np.unique(result)) > result.size:
                found.append(f"{node.place}: {node.op} of equal numbers, a kink")
    return found


def tied(tape: Tape, node: Node) -> bool:
    """Whether two operands have an equal element."""
    first, second = (np.broadcast_to(tape.recall(o), node.shape) for o in node.operands)
    return bool(np.any(first == second))


def without_tiny(truth: Truth, values: Values) -> tuple[Truth, str] | None:
    """The truth of the loss without the tiny constants that are added in it, and where those stand.

    p - y is the gradient of -log(p), and that is what people write below -log(p + 1e-15).
    """
    tape = truth.recording.recorder.tape
    places = [node for node in tape.nodes if any(is_tiny(node, k) for k in range(len(node.operands)))]
    if not places:
        return None
    try:
        plain = recomputed(truth.recording, values, tape.nodes)
        pure = recomputed(truth.recording, values, [cleaned(node) for node in tape.nodes])
    except PartedError:
        return None
    # These two run on JAX's trajectory, not on NumPy's: what that changes counts as noise.
    apart = {n: norm(differentiate(plain)[n] - truth.gradients[n]) for n in truth.noise}
    noise = {n: max(level, apart[n]) for n, level in truth.noise.items()}
    constant = next(float(np.max(np.abs(o.value))) for o in places[0].operands if isinstance(o, Constant))
    return replace(truth, gradients=differentiate(pure), noise=noise, others=()), f"{constant:g} at {places[0].place}"


def is_tiny(node: Node, k: int) -> bool:
    """Whether this operand of an addition is a tiny constant."""
    operand = node.operands[k]
    if node.op not in ("add", "subtract") or not isinstance(operand, Constant) or operand.dtype.kind != "f":
        return False
    top = float(np.max(np.abs(operand.value), initial=0.0))
    return 0 < top <= TINY


def cleaned(node: Node) -> Node:
    """The node with 0 in the place of tiny constants."""
    operands = tuple(
        Constant(np.zeros_like(o.value)) if is_tiny(node, k) and isinstance(o, Constant) else o
        for k, o in enumerate(node.operands)
    )
    return node._replace(operands=operands)


def recomputed(made: Recording, values: Values, nodes: list[Node]) -> Recording:
    """The recording with these operations in place of its own, run again by JAX."""
    tape = Tape()
    tape.nodes, tape.guards = nodes, made.recorder.tape.guards
    tape.load(made.recorder.tape.values)
    tape.load(replay(tape, values))
    recorder = Recorder()
    recorder.tape = tape
    return replace(made, recorder=recorder)
