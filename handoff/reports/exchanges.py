"""Whether told numbers leave a hidden one open: is there another table of whole numbers that tells the same?

A reader who knows every told number, every sum, and that nothing hidden is less than its floor, can say what a hidden
number is exactly when no such other table differs in it. So each hidden number is given a proof: an *exchange*, a few
numbers one more and a few one less, all hidden, with every sum unchanged. What an exchange still needs hidden for
that is its price, and a cheap one is taken. It proves for all the numbers in it at once, and a number hidden later
takes no proof away.

Cheapest paths as complementary suppression: Gusfield, "A graph theoretic approach to data security", SIAM J. Comput.
17 (1988), for one table; Castro, "A shortest-paths heuristic for statistical data protection in positive tables",
INFORMS J. Comput. 19 (2007), for larger ones.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

Place = int
"""Which number: its place in `Sums`."""
Exchange = Mapping[Place, int]
"""By how much each number changes: 1 or -1."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is tried first: the cheap (nothing else counts), or the nearly settled."""

    for_each_unsettled: int
    for_each_changed: int
    dearest: int
    """No number counts for more than this."""
    patience: int
    """So many part-made exchanges are looked at, then there is none."""


SEARCHES: Final = (
    Search(300, 0, 10**9, 1_500),
    Search(20_000, 1_000, 10**9, 5_000),
    Search(5_000, 1_000, 5_000, 5_000),
)
"""A careful one; one in a hurry for numbers that stand in many sums; and one that takes almost any price."""

_Unsettled = frozenset[tuple[int, int]]
"""Sums, and by how much each is more than it was."""


@dataclass(slots=True)
class Sums:
    """Numbers, and which of them add up to which. `price`: what hiding each costs; 0 for one that is hidden."""

    value: list[int] = field(default_factory=list)
    low: list[int] = field(default_factory=list)
    """What a reader knows it is not less than."""
    high: list[int | None] = field(default_factory=list)
    """What a reader knows it is not more than, where something is known."""
    price: list[int] = field(default_factory=list)
    members: list[list[tuple[Place, int]]] = field(default_factory=list)
    """For each sum its numbers: 1 for a part, -1 for the total."""
    sums_of: list[list[tuple[int, int]]] = field(default_factory=list)
    """For each number the sums it stands in, with the same sign."""

    def number(self, value: int, low: int, high: int | None, price: int) -> Place:
        self.value.append(value)
        self.low.append(low)
        self.high.append(high)
        self.price.append(price)
        self.sums_of.append([])
        return len(self.value) - 1

    def add_up(self, total: Place, parts: Collection[Place]) -> None:
        """Raises: ValueError when they do not."""
        if self.value[total] != sum(self.value[part] for part in parts):
            raise ValueError("The parts of a total do not add up to it.")
        members = [(total, -1), *((part, 1) for part in parts)]
        for place, sign in members:
            self.sums_of[place].append((len(self.members), sign))
        self.members.append(members)

    def may(self, place: Place, change: int) -> bool:
        """Whether a reader could believe it, changed so."""
        high = self.high[place]
        return self.value[place] > self.low[place] if change < 0 else high is None or self.value[place] < high

    def settling(self, at: int, by: int) -> Iterator[tuple[Place, int]]:
        """Which number of a sum could change, and how, to bring it back from `by` towards what it was."""
        for place, sign in self.members[at]:
            change = -sign if by > 0 else sign
            if self.may(place, change):
                yield place, change


def found(sums: Sums, place: Place, still: Collection[Place] = ()) -> Exchange | None:
    """An exchange that changes this number and none of `still`, and needs little else hidden; None: there is none."""
    for search in SEARCHES:
        exchange = _Way(sums, frozenset(still), search).found(place)
        if exchange is not None:
            return exchange
    return None


# --- within ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Way:
    """A* over what is unsettled: the same sums unsettled again, at no less a price, are not looked at again."""

    sums: Sums
    still: frozenset[Place]
    search: Search
    best: dict[_Unsettled, int] = field(default_factory=dict)
    dearest: dict[tuple[int, bool], int | None] = field(default_factory=dict)
    queue: list[tuple[int, int, int, dict[Place, int], _Unsettled]] = field(default_factory=list)
    tries: Iterator[int] = field(default_factory=count)

    def found(self, place: Place) -> Exchange | None:
        for change in (1, -1):
            if self.sums.may(place, change):
                self._consider(self._price(place), {place: change}, _turned(self.sums, (), place, change))
        while self.queue:
            _, price, made, exchange, unsettled = heappop(self.queue)
            if not unsettled or made > self.search.patience:
                return None if unsettled else exchange
            if price == self.best[unsettled]:
                self._widen(price, exchange, unsettled)
        return None

    def _price(self, place: Place) -> int:
        return min(self.sums.price[place], self.search.dearest)

    def _widen(self, price: int, exchange: dict[Place, int], unsettled: _Unsettled) -> None:
        """Always the first sum first: those of one table are settled before the next is begun."""
        for other, change in self.sums.settling(*min(unsettled)):
            if other not in exchange and other not in self.still:
                then = _turned(self.sums, unsettled, other, change)
                self._consider(price + self._price(other), {**exchange, other: change}, then)

    def _consider(self, price: int, exchange: dict[Place, int], unsettled: _Unsettled) -> None:
        if unsettled in self.best and self.best[unsettled] <= price:
            return
        ahead = [self._ahead(at, by > 0) for at, by in unsettled]
        if None not in ahead:
            self.best[unsettled] = price
            rest = sum(each or 0 for each in ahead) // 2
            rank = price + rest + self.search.for_each_changed * len(exchange)
            heappush(self.queue, (rank, price, next(self.tries), exchange, unsettled))

    def _ahead(self, at: int, is_more: bool) -> int | None:
        """What settling this sum costs at least (a number may settle two: half is counted); None: it cannot be."""
        key = (at, is_more)
        if key not in self.dearest:
            ways = self.sums.settling(at, 1 if is_more else -1)
            prices = [self._price(place) for place, _ in ways if place not in self.still]
            self.dearest[key] = min(prices) + 2 * self.search.for_each_unsettled if prices else None
        return self.dearest[key]


def _turned(sums: Sums, unsettled: Collection[tuple[int, int]], place: Place, change: int) -> _Unsettled:
    """What is unsettled once this number changes too."""
    by = dict(unsettled)
    for at, sign in sums.sums_of[place]:
        by[at] = by.get(at, 0) + sign * change
    return frozenset((at, amount) for at, amount in by.items() if amount)
