"""When advisers are there: opening hours and bank holidays, and deadlines counted in working time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SUBDIVISIONS = MappingProxyType({"england": "ENG", "wales": "WLS", "scotland": "SCT", "northern_ireland": "NIR"})
"""The `holidays` package's names for the nations' bank holidays."""
HORIZON_DAYS = 400
"""How far ahead a deadline is looked for; past it the service counts as never open."""
MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Span:
    """Open from `opens` to `closes`, local time, on one day; closing at 00:00 means the end of that day."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.closes != MIDNIGHT and self.closes <= self.opens:
            raise ValueError(f"opening hours must end after they begin: {self.opens:%H:%M}-{self.closes:%H:%M}")


class Hours(Protocol):
    """When the service is open: `OpeningHours` as they were set once, or a `Timetable` that a lead may change."""

    def local(self, at: datetime) -> datetime: ...

    def is_open(self, at: datetime) -> bool: ...

    def next_opening(self, at: datetime) -> datetime | None:
        """In UTC; `at` itself when it is open now; None when that is never."""
        ...

    def add(self, at: datetime, working: timedelta) -> datetime:
        """The moment, in UTC, when so much opening time has passed since `at`."""
        ...

    def openings_on(self, day: date) -> list[tuple[datetime, datetime]]:
        """When the service opens and closes on that local day, in UTC, in order; empty when it stays closed."""
        ...


@dataclass(frozen=True, slots=True)
class OpenDay:
    """One day of the service, in local time. `holiday` is the bank holiday's name where the service keeps it."""

    day: date
    spans: tuple[Span, ...]
    """What the week says; empty when it is closed anyway."""
    holiday: str | None
    closed: bool
    """Closed on purpose on this very day."""
    clocks: timedelta
    """How far the clocks go on in the night or on the day: an hour, less an hour, or not at all."""

    @property
    def is_open(self) -> bool:
        return bool(self.spans) and self.holiday is None and not self.closed


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment as it may be said: codes and figures; the words are whoever says it."""

    day: str
    """today, tomorrow, or the weekday: mon, tue and so on."""
    on: str
    """30/11/2026"""
    at: str
    """09:00"""


def told(hours: Hours, then: datetime, now: datetime) -> Moment:
    """`then` in the service's own time, as seen from `now`."""
    local, today = hours.local(then), hours.local(now).date()
    day = {0: "today", 1: "tomorrow"}.get((local.date() - today).days, DAYS[local.weekday()])
    return Moment(day, f"{local.day}/{local.month}/{local.year}", f"{local:%H:%M}")


Week = Mapping[int, tuple[Span, ...]]
"""Weekday (0 is Monday) to its spans; a weekday that is missing is closed."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The service's hours. Nothing set means closed, always. `nation` None: bank holidays are ordinary days."""

    timezone: str = "Europe/London"
    week: Week = field(default_factory=dict)
    nation: str | None = None
    closed_on: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        ZoneInfo(self.timezone)
        if self.nation is not None and self.nation not in SUBDIVISIONS:
            raise ValueError(f"no nation {self.nation!r}; known are {', '.join(SUBDIVISIONS)}")

    def local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.timezone))

    def is_open(self, at: datetime) -> bool:
        return any(opens <= at < closes for opens, closes in self._spans_on(self.local(at).date()))

    def next_opening(self, at: datetime) -> datetime | None:
        """When the service is next open, in UTC (`at` itself when it is open now); None when that is never."""
        for opens, closes in self._spans_from(at):
            if at < closes:
                return max(at.astimezone(UTC), opens)
        return None

    def add(self, at: datetime, working: timedelta) -> datetime:
        """The moment, in UTC, when so much opening time has passed since `at`.

        With no opening hours ahead the plain time is added: a deadline must be something, and order needs no more.
        """
        left = working
        for opens, closes in self._spans_from(at):
            begins = max(at.astimezone(UTC), opens)
            if begins < closes and closes - begins >= left:
                return begins + left
            left -= max(closes - begins, timedelta())
        return at.astimezone(UTC) + working

    def days(self, first: date, count: int) -> tuple[OpenDay, ...]:
        """So many days from `first` on, one by one."""
        return tuple(self._day(first + timedelta(days=step)) for step in range(count))

    def _day(self, day: date) -> OpenDay:
        holiday = bank_holidays(self.nation, day.year).get(day) if self.nation else None
        begins, ends = (self._midnight(day + timedelta(days=step)).utcoffset() for step in (0, 1))
        clocks = (ends or timedelta()) - (begins or timedelta())
        return OpenDay(day, self.week.get(day.weekday(), ()), holiday, day in self.closed_on, clocks)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, MIDNIGHT, ZoneInfo(self.timezone))

    def openings_on(self, day: date) -> list[tuple[datetime, datetime]]:
        return self._spans_on(day)

    def _spans_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        if not self.week:
            return
        first = self.local(at).date()
        for days in range(HORIZON_DAYS):
            yield from self._spans_on(first + timedelta(days=days))

    def _spans_on(self, day: date) -> list[tuple[datetime, datetime]]:
        """That day's spans in UTC: on a day when the clocks change they are as long as they really are."""
        if day in self.closed_on or (self.nation is not None and day in bank_holidays(self.nation, day.year)):
            return []
        return [(self._utc(day, span.opens), self._closing(day, span)) for span in self.week.get(day.weekday(), ())]

    def _closing(self, day: date, span: Span) -> datetime:
        last = day + timedelta(days=1) if span.closes == MIDNIGHT else day
        return self._utc(last, span.closes)

    def _utc(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, ZoneInfo(self.timezone)).astimezone(UTC)


@lru_cache(maxsize=64)
def bank_holidays(nation: str, year: int) -> Mapping[date, str]:
    """A nation's bank holidays in a year, with their names."""
    import holidays  # imported late: it takes longer to load than the rest of the queue

    found = holidays.country_holidays("GB", subdiv=SUBDIVISIONS[nation], years=year, language="en_GB")
    return MappingProxyType(dict(found.items()))


def week_from(text: str) -> Week:
    """Reads "mon-fri 10:00-16:00; sat 10:00-12:00, 13:00-15:00". An empty text is a closed week.

    Raises: ValueError naming the part that cannot be read.
    """
    week: dict[int, tuple[Span, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        try:
            days, spans = part.split(None, 1)
            for day in _days(days.lower()):
                week[day] = tuple(sorted(map(_span, spans.split(",")), key=lambda span: span.opens))
        except ValueError as error:
            raise ValueError(f"opening hours {part!r} cannot be read; write: mon-fri 10:00-16:00") from error
    return week


def _days(text: str) -> list[int]:
    """ "fri-mon" goes on over the end of the week."""
    name, _, last_name = text.partition("-")
    first, last = DAYS.index(name), DAYS.index(last_name or name)
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def _span(text: str) -> Span:
    opens, closes = text.strip().split("-")
    return Span(time.fromisoformat(opens.strip()), _closes(closes.strip()))


def _closes(text: str) -> time:
    return MIDNIGHT if text == "24:00" else time.fromisoformat(text)
