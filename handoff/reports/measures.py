"""What is measured rather than counted: how long something took, and how much one person did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil
from typing import Final

MOST_OF_TEN: Final = 9
"""Of ten, so many waited no longer than what is told as the long wait."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Lengths, in whatever unit they were counted."""

    n: int
    middle: float
    """The median; between two, the mean of both."""
    most: int
    """Nine of ten took no longer (nearest rank)."""


@dataclass(frozen=True, slots=True)
class Load:
    """What advisers closed in one month; whose is whose is not said."""

    month: str
    closed: tuple[int, ...]
    """For each adviser who closed any, the fewest first."""
    handled_s: int

    @property
    def cases(self) -> int:
        return sum(self.closed)


def spread(lengths: Sequence[int]) -> Spread | None:
    """Of lengths, the shortest first; None when there are none."""
    n = len(lengths)
    if not n:
        return None
    middle = (lengths[(n - 1) // 2] + lengths[n // 2]) / 2
    return Spread(n, middle, lengths[ceil(n * MOST_OF_TEN / 10) - 1])


def together(parts: Iterable[Sequence[int]]) -> Sequence[int]:
    """The shortest first; what is in order already is only laid together."""
    return sorted(chain.from_iterable(parts))
