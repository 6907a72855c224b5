"""Stretches of whole days of the service's own calendar, and the months and comparisons made of them."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from handoff.errors import Refused


class WrongPeriod(Refused):
    """There is no such period."""


class Compare(StrEnum):
    """What a period is held against."""

    PREVIOUS = "previous"
    """As many days, just before it."""
    YEAR = "year"
    """The same days of the calendar, one year before."""


@dataclass(frozen=True, slots=True)
class Days:
    """From `first` on, up to and without `end`: so periods that follow each other share no day."""

    first: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.first:
            raise WrongPeriod(
                f"The period from {self.first} to {self.end} has no day in it: the second date is the first day "
                f"that is not counted. For the one day {self.first} write {self.first + timedelta(days=1)}."
            )

    @property
    def last(self) -> date:
        """The last day that is counted."""
        return self.end - timedelta(days=1)

    @property
    def count(self) -> int:
        return (self.end - self.first).days

    @property
    def is_of_whole_months(self) -> bool:
        return self.first.day == 1 and self.end.day == 1

    def months(self) -> tuple[str, ...]:
        """Every month it touches, as "2026-11", in order."""
        found, day = [], self.first.replace(day=1)
        while day < self.end:
            found.append(f"{day:%Y-%m}")
            day = (day + timedelta(days=32)).replace(day=1)
        return tuple(found)

    def compared(self, how: Compare) -> "Days":
        """Raises: WrongPeriod when it is longer than a year and would overlap the same days a year before, or is a
        leap day alone."""
        if how is Compare.PREVIOUS:
            return Days(self.first - timedelta(days=self.count), self.first)
        first, end = _year_before(self.first), _year_before(self.end)
        if first == end:
            raise WrongPeriod("There is no 29 February a year before it.")
        before = Days(first, end)
        if before.end > self.first:
            raise WrongPeriod("A period of more than a year overlaps the same days of the year before.")
        return before


def _year_before(day: date) -> date:
    """29 February's is 28 February's day after, 1 March: no day is counted in two years' periods."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 3, 1)
