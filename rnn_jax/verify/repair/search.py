"""Edits of a wrong program while they are tried: which of them mended it, and what values would."""

from __future__ import annotations

import ast
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.repair.edit import Edit, changes
from rnn_jax.verify.repair.force import Forcing
from rnn_jax.verify.repair.gaps import Gap
from rnn_jax.verify.repair.healing import Healing
from rnn_jax.verify.repair.known import NOTHING, Known, within
from rnn_jax.verify.repair.live import Site, Spot
from rnn_jax.verify.repair.probe import instrumented, watching
from rnn_jax.verify.repair.right_values import by_dependence, by_name, in_nests, in_parts, in_slices, with_shares
from rnn_jax.verify.repair.trial import Trial

AHEAD = 3  # statements
FIRST = 8  # statements of which the right values are worked out before any of them is looked into
LONGEST = 0.8  # seconds for the equations of one expression
FAR_FETCHED = 2.9  # edits that cost this much are taken only if there is no other
MISSING = {"missing-term", "dropped-path", "assign-not-add"}  # kinds of mistake by which statements are missing


class Part(NamedTuple):
    """An edit that mends some of what is wrong: what it leaves wrong, and if that is all, how many entries it mends."""

    edit: Edit
    left: frozenset[str]
    entries: int


@dataclass
class Search(Known):
    """What is known of a wrong program, and what has been found."""

    until: float
    seconds: float
    stage_until: float = float("inf")
    found: list[Edit] = field(default_factory=list)
    partial: list[Part] = field(default_factory=list)
    healings: dict[Site, Healing | None] = field(default_factory=dict)
    hints: frozenset[str] = frozenset()  # kinds of mistake that leave the same numbers
    refuted: set[str] = field(default_factory=set)  # texts of edits that failed at other points
    failed: set[int] = field(default_factory=set)  # these edits
    scaled: list[Edit] = field(default_factory=list)  # with these all that is wrong is the right one times one number
    gaps: list[Gap] = field(default_factory=list)  # where a name would have to hold something else
    lacking: dict[str, Site] = field(default_factory=dict)  # sums that lack something, and where that may be added
    broken: list[Exception] = field(default_factory=list)  # what went wrong in one way of looking, or another

    @classmethod
    def of(cls, trial: Trial, seconds: float, broken: list[Exception] | None = None) -> Search:
        """Watch one run, and see what hangs on what."""
        until = time.perf_counter() + seconds
        live = trial.live
        made, sites = instrumented(live, live.spots)
        with watching(sites, live) as trace, trial.patient():
            trial.run(made)
        with watching(sites, live) as forward, trial.patient():
            trial.same_loss(made)
        forcing, rng = Forcing(trial), np.random.default_rng(0)
        with forcing.at_work():
            reach = {site: forcing.reach(site, rng) for site in forcing.sites if site in trace.seen}
        of_loss = [site for site, shape in forward.shapes.items() if shape[0] in ("array", "float", "int")]
        wrong = trial.wrong(trial.made.manual)
        broken = [] if broken is None else broken
        return cls(trial, trace, forcing, reach, wrong, forward, of_loss, until, seconds, broken=broken)

    def over(self) -> bool:
        """Whether the time is used up, that of the stage or all of it."""
        return time.perf_counter() > min(self.until, self.stage_until)

    def near(self) -> bool:
        """Whether an edit that one would think of has mended all."""
        return any(edit.cost < FAR_FETCHED and id(edit) not in self.failed for edit in self.found)

    def stage(self, share: float) -> None:
        """Begin a stage that may take so much of all the time."""
        self.stage_until = time.perf_counter() + share * self.seconds

    def attempt(self, edits: Iterable[Edit], enough: int = 1_000_000) -> None:
        """Try edits, and keep those with which every gradient is right, the loss being what it was.

        Where one way of finding edits goes wrong the others go on, and `broken` says so.
        """
        try:
            self.attempt_each(edits, enough)
        except Exception as error:
            self.broken.append(error)

    def attempt_each(self, edits: Iterable[Edit], enough: int) -> None:
        """Try one after the other."""
        for edit in edits:
            if self.over() or len(self.found) >= enough:
                return
            made = changes(self.live, [edit])
            few = self.trial.few
            other = few is not None and not few.callers.isdisjoint(made)  # who makes the calls may make others, edited
            part = self.part(self.trial.whole if other else self.trial, edit, made)
            if part is not None and few is not None and not other:
                part = self.part(self.trial.whole, edit, made)
            if part is None or not self.trial.same_loss(made):
                continue
            if part.left:
                self.partial.append(part)
            else:
                self.found.append(edit)

    def part(self, trial: Trial, edit: Edit, made: dict[Spot, ast.stmt]) -> Part | None:
        """What an edit mends; None where that is nothing, or where it spoils what is right."""
        outcome = trial.run(made)
        if outcome is None or not outcome.wrong <= self.wrong:
            return None
        if outcome.wrong == self.wrong and trial.by_one_number(outcome.gradients):
            self.scaled.append(edit)
        entries = trial.mended_entries(outcome.gradients) if outcome.wrong == self.wrong else 0
        return Part(edit, outcome.wrong, entries) if outcome.wrong < self.wrong or entries else None

    def heal(self, site: Site) -> Healing | None:
        """The values that would mend what hangs on the site, worked out once."""
        if site not in self.healings:
            reach = self.reach.get(site)
            wanted = reach.gradients & self.wrong if reach is not None and not reach.loss else frozenset()
            fit = (
                reach is not None and wanted and reach.gradients <= self.wrong and (reach.covers or wanted < self.wrong)
            )
            found = self.forcing.heal(site, wanted, LONGEST) if fit else None
            whole = found is not None and found.healed == self.wrong
            self.healings[site] = self.told(found) if found is not None and whole else found
        return self.healings[site]

    def told(self, found: Healing) -> Healing:
        """The healing by right values that are known for something, where some of those heal too."""
        shapes = [v.shape for v in found.present]
        runs, nests = self.runs(found.site, len(shapes)), self.nests(found.site, len(shapes))
        known: dict[bytes, list[np.ndarray]] = {}
        for right in itertools.chain(
            by_name(self.quantities.simplest, shapes, runs),
            by_name(self.quantities.but_one, shapes, runs),
            by_name(self.quantities.of_operands, shapes, runs),
            in_nests(self.quantities.simplest, shapes, nests),
            in_nests(self.quantities.of_operands, shapes, nests),
            self.dependent(shapes),
            by_name(in_parts(self.quantities.simplest, shapes), shapes, runs),
            by_name(in_slices(self.quantities.in_their_shapes, shapes), shapes),
            with_shares(self.quantities.in_their_shapes, found.present),
        ):
            if found.may_be(right):
                known.setdefault(b"".join(v.tobytes() for v in right), right)
        until = time.perf_counter() + LONGEST
        late = lambda: time.perf_counter() > until  # noqa: E731
        told = next(self.forcing.forced_by(found, known.values(), late), None)
        shares = itertools.chain(self.quantities.of_uses, self.quantities.through_functions)
        lacking = (each for each in by_name(shares, shapes, runs) if found.may_lack(each))
        told = told if told is not None else next(self.forcing.moved_by(found, lacking, late), None)
        return told._replace(sure=True) if told is not None else found

    def dependent(self, shapes: list[tuple[int, ...]]) -> Iterator[list[np.ndarray]]:
        """How the forward depends on the wrong parameters, where the gradients seem to carry that with them."""
        if self.forward_in_time and max((len(shape) for shape in shapes), default=0) > 1:
            yield from by_dependence(self.sensitivities, shapes)
        sizes = [int(np.prod(shape)) for shape in shapes]
        for values in self.of_one_entry if len(shapes) > 1 else ():
            if [v.size for v in values] == sizes:
                yield [v.reshape(shape) for v, shape in zip(values, shapes, strict=True)]

    def healing_some(self) -> Iterator[Healing]:
        """The expressions that can mend some of what is wrong, where there is more than one fault."""
        for statement in self.doubtful:
            if self.order(statement)[0] > 1:
                return
            for site in sorted(self.sites_of[statement], key=lambda s: len(s.path)):
                reach = self.reach.get(site, NOTHING)
                if self.over():
                    return
                if reach.loss or len(reach.gradients) < 2 or not reach.gradients <= self.wrong:
                    continue
                found = self.forcing.heal(site, reach.gradients, LONGEST, partly=True)
                if found is not None and found.healed < self.wrong:
                    yield found

    def healing(self) -> Iterator[Healing]:
        """The expressions that can mend all that is wrong, the likeliest statements first, the outermost of each.

        What lies within comes after the outermost of the next few statements; what was looked at already, and is known
        to be right for something, before all else.
        """
        order = [site for *_, site in sorted(self.able(), key=lambda each: each[:3])]
        sure = [site for site in order if (found := self.healings.get(site)) is not None and found.sure]
        barren: list[Site] = []
        for site in [*sure, *(site for site in order if site not in sure)]:
            if self.over():
                return
            if any(within(site, b) for b in barren):  # what lies within a barren expression only acts through it
                continue
            found = self.heal(site)
            if found is None or found.healed != self.wrong:
                barren.append(site)
            else:
                yield found

    def able(self) -> list[tuple[int, int, int, Site]]:
        """The expressions on which just what is wrong hangs, in order: when they are due, their statement, how deep."""
        telling = [statement for statement in self.doubtful if self.order(statement)[0] == 0]
        found: list[tuple[int, int, int, Site]] = []
        for number, statement in enumerate(telling):
            sites = [s for s in self.sites_of[statement] if self.reach.get(s, NOTHING).gradients == self.wrong]
            for site in sites:
                inner = any(site != other and within(site, other) for other in sites)
                found.append((number + AHEAD * inner, number, len(site.path), site))
        return found

    def look_ahead(self) -> None:
        """Work out the right values of the first few statements, before what could give them is looked for."""
        for place, number, _, site in self.able():
            if place == number < FIRST and not self.over():
                self.heal(site)

    def terms_within(self, site: Site) -> Iterator[Healing]:
        """The terms of a sum that can mend all by themselves."""
        node = self.live.node(site)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for side in ("left", "right"):
                inner = Site(site.file, site.number, (*site.path, (side, None)))
                found = self.heal(inner)
                if found is not None and found.healed == self.wrong:
                    yield found
                    yield from self.terms_within(inner)
