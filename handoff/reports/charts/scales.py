"""Where a number stands on an axis, and which numbers the axis names. Pure."""

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from handoff.reports.model import Unit

STEPS: Final = (1, 2, 5, 10)
CLOCK: Final = (10.0, 30.0, *(60.0 * each for each in (1, 2, 5, 10, 20, 30, 60, 120, 240, 360, 720, 1440)))
"""Round lengths of time, in seconds; beyond the last, whole days."""
FINEST: Final = 0.1
"""Tables have one decimal at most."""
ABOUT: Final = 5
"""So many stretches between the ends of an axis, more or less."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Takes numbers from `low` to `high` to places from `begin` to `end`; `begin` may be the greater."""

    low: float
    high: float
    begin: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


def scale(values: tuple[float, ...], begin: float, end: float, unit: Unit, about: int = ABOUT) -> Scale:
    """An axis with zero on it that holds all `values` and names round ones."""
    low, high = min((0.0, *values)), max((0.0, *values))
    step = _step((high - low) / about, unit)
    first, last = floor(low / step), ceil(high / step) or (1 if low == 0 else 0)
    ticks = tuple(each * step for each in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], begin, end, ticks)


def _step(least: float, unit: Unit) -> float:
    """The smallest round one that is not below `least`."""
    match unit:
        case Unit.COUNT:
            return _round(max(least, 1.0))
        case Unit.SECONDS if least <= CLOCK[-1]:
            return next(each for each in CLOCK if each >= least)
        case Unit.SECONDS:
            return CLOCK[-1] * _round(least / CLOCK[-1])
        case _:
            return _round(max(least, FINEST))


def _round(least: float) -> float:
    """1, 2, 5, 10, 20, 50, … and their tenths."""
    size = 10.0 ** floor(log10(least))
    return next(each * size for each in STEPS if each * size >= least * (1 - 1e-9))
