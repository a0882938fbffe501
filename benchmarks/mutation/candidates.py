"""All edits of a program, and those of them that make a wrong program."""

from __future__ import annotations

import random
from collections.abc import Iterator

from mutation.base import Base, Computed, same_gradients, same_loss
from mutation.edit import KINDS, Edit, Mutant, applied
from mutation.indices import indices, ranges, slices
from mutation.names import axes, exchanged_names, exchanged_parts, functions
from mutation.operators import constants, dropped_parts, operators, signs, swapped, transposes
from mutation.scope import Scope, scope_of
from mutation.sites import sites
from mutation.statements import assigned, dropped, exchanged

MAKERS = (
    operators, signs, transposes, swapped, dropped_parts, constants, indices, slices, ranges, dropped, exchanged,
    assigned, exchanged_names, exchanged_parts, functions, axes,
)  # fmt: skip


def candidates(source: str, scope: Scope) -> list[tuple[Edit, str]]:
    """Every edit with the text that it makes, each text once."""
    found: dict[str, Edit] = {}
    for site in sites(source, scope):
        for maker in MAKERS:
            for edit in maker(site):
                made = applied(source, (edit,))
                if made is not None:
                    found.setdefault(made, edit)
    return [(edit, made) for made, edit in found.items()]


class Judge:
    """Which versions of a right program are wrong ones."""

    def __init__(self, base: Base) -> None:
        self.base = base
        right = base.values(base.source)
        if right is None:
            raise RuntimeError(f"{base.path} does not run")
        self.right = right

    def live(self, source: str) -> list[Computed] | None:
        """What a wrong version computes; None if it fails, has another loss, or the right gradients."""
        made = self.base.values(source)
        if made is None or not same_loss(made, self.right) or same_gradients(made, self.right):
            return None
        return made


class Pool:
    """The candidates of several programs, drawn evenly over kinds and programs, the same for the same seed."""

    def __init__(self, bases: list[Base], seed: int) -> None:
        self.random = random.Random(seed)
        self.judges = {base.name: Judge(base) for base in bases}
        self.waiting: dict[tuple[str, str], list[tuple[Edit, str]]] = {}
        self.taken = dict.fromkeys(self.judges, 0)
        for base in bases:
            for edit, made in candidates(base.source, scope_of(base)):
                self.waiting.setdefault((edit.kind, base.name), []).append((edit, made))
        for entries in self.waiting.values():
            self.random.shuffle(entries)

    def draw(self) -> Iterator[Mutant]:
        """Live mutants, of each kind in turn, from the program that has given the fewest."""
        kinds = [kind for kind in KINDS if any(key[0] == kind for key in self.waiting)]
        while kinds:
            for kind in list(kinds):
                mutant = self.one(kind)
                if mutant is None:
                    kinds.remove(kind)
                else:
                    yield mutant

    def one(self, kind: str) -> Mutant | None:
        """The next live mutant of a kind."""
        while True:
            names = [name for name in self.taken if self.waiting.get((kind, name))]
            if not names:
                return None
            name = min(names, key=lambda n: (self.taken[n], self.random.random()))
            edit, made = self.waiting[kind, name].pop()
            if self.judges[name].live(made) is not None:
                self.taken[name] += 1
                return Mutant(name, (edit,), made)

    def pairs(self, singles: list[Mutant], count: int) -> Iterator[Mutant]:
        """Programs with two of these mistakes, at lines of their own, neither of which hides the other."""
        by_base = {name: [m for m in singles if m.base == name] for name in self.taken}
        usable = [name for name, found in by_base.items() if len(found) > 1]
        tries, given = 0, set()
        while usable and len(given) < count and tries < 40 * count:
            name = usable[tries % len(usable)]
            tries += 1
            one, two = self.random.sample(by_base[name], 2)
            mutant = self.pair(one, two)
            if mutant is not None and mutant.id not in given:
                given.add(mutant.id)
                yield mutant

    def pair(self, one: Mutant, two: Mutant) -> Mutant | None:
        """Two mistakes in one program, if it differs from the right one and from each alone."""
        a, b = sorted((one.edits[0], two.edits[0]), key=lambda e: e.start)
        if a.end_line >= b.line:
            return None
        judge = self.judges[one.base]
        source = applied(judge.base.source, (a, b))
        made = judge.live(source) if source is not None else None
        if made is None:
            return None
        for alone in (one, two):
            values = judge.base.values(alone.source)
            if values is None or same_gradients(made, values):
                return None
        return Mutant(one.base, (a, b), source)
