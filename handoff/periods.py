"""Stretches of whole days of the service's own calendar, and the months and comparisons made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
        """Raises: WrongPeriod when it is longer than a year and would overlap the same days a year before."""
        if how is Compare.PREVIOUS:
            return Days(self.first - timedelta(days=self.count), self.first)
        before = Days(_year_before(self.first), _year_before(self.end))
        if before.end > self.first:
            raise WrongPeriod("A period of more than a year overlaps the same days of the year before.")
        return before


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, whole days of the service's own calendar, both counted."""

    first: date
    last: date
    begins: datetime
    ends: datetime
    """UTC; a day on which the clocks change has 23 or 25 hours. `ends` is not in it."""


def period_of(local: Callable[[datetime], datetime], first: date, last: date, now: datetime) -> Period:
    """`local` takes a moment to the service's own clock. Raises: ValueError when it ends before it begins."""
    if last < first:
        raise ValueError("a period ends on or after the day on which it begins")
    zone = local(now).tzinfo
    begins = datetime.combine(first, time(), zone)
    ends = datetime.combine(last + timedelta(days=1), time(), zone)
    return Period(first, last, begins.astimezone(UTC), ends.astimezone(UTC))


def _year_before(day: date) -> date:
    """29 February's is 28 February's day after, 1 March: no day is counted in two years' periods."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 3, 1)
