"""What can be written at each place of a program, made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from rnn_jax.verify.repair.expressions import Expressions
from rnn_jax.verify.repair.harvest import Stock, alike, at_visits
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.monomials import Monomials


class Places:
    """The expressions of each place, made when they are asked for."""

    def __init__(self, stocks: dict[Site, Stock], numpy: str) -> None:
        self.whole, self.numpy = stocks, numpy
        self.stocks = {place: alike(stock) for place, stock in stocks.items()}
        self._made: dict[Site, Expressions] = {}
        self._monomials: dict[Site, Monomials] = {}
        self._visited: dict[tuple[Site, tuple[int, ...]], Monomials] = {}

    def get(self, place: Site) -> Expressions | None:
        """Those of a place that the program came by."""
        if place in self.stocks and place not in self._made:
            self._made[place] = Expressions(self.stocks[place], self.numpy)
        return self._made.get(place)

    def monomials(self, place: Site) -> Monomials | None:
        """The products at a place that the program came by."""
        if place in self.stocks and place not in self._monomials:
            self._monomials[place] = Monomials(self.stocks[place], self.numpy)
        return self._monomials.get(place)

    def visited(self, place: Site, visits: tuple[int, ...]) -> Monomials:
        """The products at some of the visits."""
        if (place, visits) not in self._visited:
            self._visited[place, visits] = Monomials(at_visits(self.whole[place], list(visits)), self.numpy)
        return self._visited[place, visits]

    def items(self) -> Iterator[tuple[Site, Expressions]]:
        """All of them."""
        for place in self.stocks:
            found = self.get(place)
            if found is not None:
                yield place, found
