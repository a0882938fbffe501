"""The verdict at one point: each gradient against JAX's, and before anyone is accused, second thoughts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from rnn_jax.errors import require
from rnn_jax.verify import soundness, truth
from rnn_jax.verify.compare import TOLERANCE, compare
from rnn_jax.verify.declared import Declared
from rnn_jax.verify.noise import norm
from rnn_jax.verify.report import Comparison, Verdict
from rnn_jax.verify.subject import (
    Calls,
    Setting,
    Subject,
    Values,
    evaluate_gradients,
    evaluate_loss,
    evaluate_twice,
    loss_after,
    mark,
    once,
)
from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.recorder import Recorder, RecordingError, recording
from rnn_jax.verify.truth import DRAWS, Truth

IN_DOUBT = "was not judged: the recording does not tell all of the program"


@dataclass(frozen=True)
class Judgement:
    """What was found at one point."""

    point: str
    setting: Setting
    values: Values  # of the parameters
    truth: Truth
    wanted: Values  # the truth with what was declared
    manual: Values
    compared: dict[str, Comparison]
    notes: tuple[str, ...] = ()
    beside: bool = False  # the recording is sound, but the loss sides with the gradient by hand
    doubt: str = ""  # why the recording cannot be trusted here
    sound: bool = True  # whether the recording could be tested here at all


@dataclass(frozen=True)
class Bench:
    """What all points have in common."""

    subject: Subject
    dtype: str
    loss_first: bool
    declared: Declared
    rng: np.random.Generator
    terms: list[int] = field(default_factory=list)  # by what a declared mean divides

    @property
    def eps(self) -> float:
        """The rounding to allow for. Float32 in a float64 program is a fault, not a noise."""
        return float(np.finfo(self.dtype).eps)


def judge(bench: Bench, point: str, setting: Setting, own: Values) -> Judgement:
    """All gradients at one point."""
    found = truth.find(bench.subject, setting, bench.rng, bench.eps)
    values = {name: setting.parameters.get(name, array) for name, array in own.items()}
    calls = evaluate_twice(bench.subject, setting, bench.loss_first)
    manual = {name: bench.declared.undo(g) for name, g in calls.first.items()}
    late = ", ".join(name for name in manual if name not in found.noise)
    require(not late, f"{late} is no array before --setup has run to its end; an array from the start would be right")
    made = Judgement(point, setting, values, found, {}, manual, {})
    made = compared(bench, made)
    notes = [f"{kink} ({point}): there its derivative is a convention, and either is accepted" for kink in found.kinks]
    coarse, place = truth.coarsest(found.recording)
    if coarse > bench.eps:
        notes.append(f"{place} rounds the forward to lower precision, which blurs its gradient: see --dtype float32")
    if failing(made):
        made = second_thoughts(bench, made)
        tiny = truth.without_tiny(found, values) if failing(made) else None
        if tiny:
            bare = compared(bench, replace(made, truth=replace(tiny[0], noise=widest(made, tiny[0]))))
            if not failing(bare):
                made = replace(bare, truth=found)
                notes.append(f"these are the gradients of the loss without the {tiny[1]}")
    if failing(made):
        made = cornered(made)
    else:
        leaking, note = second_call(bench, made, calls)
        made = replace(made, compared=leaking)
        notes += [note] if note else []
    return replace(doubted(bench, made), notes=(*notes, *made.notes))


def failing(made: Judgement) -> list[str]:
    """The parameters whose gradients are wrong here."""
    return [name for name, c in made.compared.items() if c.verdict is Verdict.FAIL]


def cornered(made: Judgement) -> Judgement:
    """What is wrong beside a kink whose slopes are a convention is not held against anyone at this very point."""
    corners = truth.corners_of(made.truth.recording)
    if not corners:
        return made
    judged = {n: replace(made.compared[n], verdict=Verdict.UNDECIDED) for n in failing(made)}
    return replace(made, compared=made.compared | judged, notes=(f"{corners[0]}; not judged at {made.point}",))


def widest(made: Judgement, other: Truth) -> dict[str, float]:
    """For each gradient the larger of two noises."""
    return {name: max(made.truth.noise[name], level) for name, level in other.noise.items()}


def compared(bench: Bench, made: Judgement) -> Judgement:
    """Each gradient against JAX's; at kinks against the nearest of the one-sided ones."""
    best: Judgement | None = None
    for gradients in (made.truth.gradients, *made.truth.others):
        wanted = bench.declared.apply(gradients, made.truth.recording, made.manual, bench.terms)
        reach = max((norm(g) for g in wanted.values()), default=0.0)
        found = {}
        for name, by_hand in made.manual.items():
            noise = made.truth.noise[name] + bench.declared.update_noise(made.values[name])
            c = compare(name, by_hand.astype(float), wanted[name], noise, bench.dtype, reach)
            # Where JAX has no number there is nothing to accuse anyone with: a norm at 0, say.
            found[name] = c if np.all(np.isfinite(wanted[name])) else replace(c, verdict=Verdict.UNDECIDED)
        other = replace(made, wanted=wanted, compared=found)
        if best is None or len(failing(other)) < len(failing(best)):
            best = other
    assert best is not None
    return best


@np.errstate(invalid="ignore")  # a gradient that is not finite is called wrong, not warned of
def second_thoughts(bench: Bench, made: Judgement) -> Judgement:
    """Before anyone is accused: what rounding does to the hand-written gradients themselves, every result shaken.

    Right code may compute its gradient on a trajectory of its own (products in another order, in a chaotic network),
    or from what has lost digits (1 - h² where tanh saturates). A float32 inside a float64 program is not shaken
    by an eps of float64, so that it stays visible.
    """
    noise = dict(made.truth.noise)
    for _ in range(DRAWS):
        for name, array in shaken(bench, made).items():
            change = norm(bench.declared.undo(array) - made.manual[name])
            noise[name] = max(noise[name], change) if math.isfinite(change) else noise[name]
    return compared(bench, replace(made, truth=replace(made.truth, noise=noise)))


def shaken(bench: Bench, made: Judgement) -> Values:
    """The hand-written gradients with every result off by one eps; where that cannot be recorded, the parameters."""
    eps, subject, setting = bench.eps, bench.subject, made.setting
    try:
        with subject.world.recorded(), recording(Recorder(bench.rng, eps)):
            mark(subject, Recorder(), setting, tracked=False)
            subject.prepare(Setting(inputs={k: dispatch.wrap_all(v) for k, v in setting.copied().inputs.items()}))
            return {name: np.array(array) for name, array in once(subject, bench.loss_first).items()}
    except RecordingError:
        signs = {n: bench.rng.choice([-1.0, 1.0], v.shape) for n, v in made.values.items()}
        moved = {n: (v * (1 + eps * signs[n])).astype(v.dtype) for n, v in made.values.items()}
        return evaluate_gradients(subject, replace(setting, parameters=moved), bench.loss_first)


@np.errstate(invalid="ignore")
def second_call(bench: Bench, made: Judgement, calls: Calls) -> tuple[dict[str, Comparison], str]:
    """FAIL for gradients that are right at the first call and others at the second, though the loss is the same."""
    leaks = {n: norm(calls.second[n] - g) > TOLERANCE * made.truth.noise[n] for n, g in calls.first.items()}
    if not any(leaks.values()):
        return made.compared, ""
    if bench.declared.lr is not None:
        # Momentum adds a share of what was; all of it, to rounding, is what a sum gives that is never set to zero.
        leaks = {n: leaking and doubled(bench, made, calls, n) for n, leaking in leaks.items()}
        if not any(leaks.values()):
            note = "a second update from the same weights differs: momentum, or a gradient never set to zero?"
            return made.compared, note
    first, second = made.truth.recording.loss, loss_after(bench.subject, made.setting)
    if abs(second - first) > 1e-9 * abs(first):
        return at_second_state(bench, made), "the loss is another when asked again: the program carries a state along"
    found = dict(made.compared)
    for name, c in made.compared.items():
        if leaks[name]:
            error = norm(calls.second[name] - calls.first[name]) / (c.norm or 1.0)
            note = f"is right at the first call, off by {error:.1e} at the second: is it ever set to zero?"
            found[name] = replace(c, verdict=Verdict.FAIL, error=error, multiple=math.inf, note=note)
    return found, ""


def doubled(bench: Bench, made: Judgement, calls: Calls, name: str) -> bool:
    """Whether the second call gives twice what the first gave."""
    noise = made.truth.noise[name] + bench.declared.update_noise(made.values[name])
    return norm(calls.second[name] - 2 * calls.first[name]) <= TOLERANCE * noise < norm(calls.first[name])


def at_second_state(bench: Bench, made: Judgement) -> dict[str, Comparison]:
    """The gradients of a second call, judged in the state that the first one left behind."""
    subject, outer = bench.subject, bench.subject.world
    try:
        subject.prepare(made.setting.copied())
        once(subject, bench.loss_first)
        for name, array in subject.parameters().items():
            np.asarray(array)[...] = made.values[name]
        subject.world = subject.snapshot()
        setting = Setting(inputs=made.setting.inputs)
        there = truth.find(subject, setting, bench.rng, bench.eps)
        manual = evaluate_gradients(subject, setting, bench.loss_first)
        by_hand = {name: bench.declared.undo(g) for name, g in manual.items()}
        later = second_thoughts(bench, replace(made, setting=setting, truth=there, manual=by_hand))
    finally:
        subject.world = outer
        outer.restore()
    note = "is right at the first call, wrong at the second, whose state is another"
    return {
        name: replace(later.compared[name], note=note) if name in failing(later) else c
        for name, c in made.compared.items()
    }


def doubted(bench: Bench, made: Judgement) -> Judgement:
    """UNDECIDED for all where the program itself, unrecorded, contradicts the recording or sides with the accused."""
    recorded = made.truth.recording
    sound = soundness.test(bench.subject, recorded, made.setting, made.values, made.truth.gradients, bench.rng)
    told, beside = sound.told, False
    if not told and failing(made) and not any(made.compared[n].note for n in failing(made)):
        told = contradicted(bench, made)
        beside = bool(told)
    if told:
        judged = {n: replace(c, verdict=Verdict.UNDECIDED, note=IN_DOUBT) for n, c in made.compared.items()}
        return replace(made, compared=judged, doubt=told, beside=beside)
    return replace(made, sound=sound.tested)


def contradicted(bench: Bench, made: Judgement) -> str:
    """Whether the program's slope towards what was written by hand sides against JAX's gradient."""
    for name in failing(made):
        manual, auto = made.manual[name].astype(float), made.truth.gradients[name]
        direction = manual - auto
        size = norm(direction)
        if not (np.isfinite(size) and size > 0):
            continue
        direction = direction / size * (soundness.rms(made.values[name]) or 0.1) * math.sqrt(direction.size)

        def along(step: float, name: str = name, direction: np.ndarray = direction) -> float:
            moved = (made.values[name] + step * direction).astype(made.values[name].dtype)
            parameters = made.setting.parameters | {name: moved}
            return evaluate_loss(bench.subject, replace(made.setting, parameters=parameters))

        slopes = [float(np.vdot(g, direction)) for g in (auto, manual)]
        scale = norm(direction) * max(norm(auto), norm(manual))
        eps = soundness.coarsest(made.truth.recording, made.values)
        ours, theirs = (soundness.sides(along, slope, made.truth.recording.loss, eps, scale) for slope in slopes)
        if ours.told and not theirs.told:
            return f"d{name}: {ours.told}, that of the gradient by hand {slopes[1]:.9g}"
    return ""
