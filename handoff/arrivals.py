"""When cases for people come, how long one takes, how long enquirers stay: measured from the facts of past weeks.

Counted are live cases, by the day and hour at which they were opened, local time. Hours in which the service was
closed (nights, bank holidays, days closed on purpose) are neither hours nor arrivals. Half an hour open counts as
half, and the hour that a clock change gives or takes as the time it really was.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp, inf
from statistics import stdev
from typing import Final

from handoff.hours import OpeningHours
from handoff.timetable import Timetable

WEEKS: Final = 12
"""Looked back over so many whole weeks, unless it is said over how many."""
LONGEST: Final = timedelta(hours=4)
"""Nobody is busy with, or waits for, one conversation longer in one go: it rested over a night or was forgotten."""
LEAST: Final = 20
"""Fewer answers, or fewer who left, tell no handling time or patience."""
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One hour of one day: how long the service was open in it, and what came."""

    open_h: float
    cases: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The same hour of the same weekday, over the weeks."""

    days: int
    """How many days it was open: what the mean stands on."""
    cases: int
    open_h: float
    per_hour: float
    """Cases for each hour that the service was open."""
    spread: float | None
    """The standard deviation of the days' own rates; None for one day."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    first: date
    last: date
    """Both counted."""
    days: Mapping[date, Mapping[int, Stretch]]
    """Every day that was open at all, with its open hours."""
    holidays: tuple[date, ...]
    """Bank holidays left out."""
    closed: tuple[date, ...]
    """Days closed on purpose, left out."""
    outside: int
    """Live cases that came while the service was closed."""
    beside: int
    """Messages and call-backs: they are work too, but nobody sits and waits for it."""

    @property
    def weeks(self) -> int:
        return ((self.last - self.first).days + 1) // 7

    @property
    def cases(self) -> int:
        return sum(each.cases for hours in self.days.values() for each in hours.values())

    def on(self, weekday: int) -> tuple[date, ...]:
        """The open days of that weekday (0 is Monday)."""
        return tuple(day for day in self.days if day.weekday() == weekday)

    def cell(self, weekday: int, hour: int) -> Cell | None:
        """None when the service was never open then."""
        found = [self.days[day][hour] for day in self.on(weekday) if hour in self.days[day]]
        if not found:
            return None
        cases, open_h = sum(each.cases for each in found), sum(each.open_h for each in found)
        rates = [each.cases / each.open_h for each in found]
        return Cell(len(found), cases, open_h, cases / open_h, stdev(rates) if len(rates) > 1 else None)

    @property
    def hours(self) -> range:
        """From the first hour that is ever open to the last."""
        known = {hour for hours in self.days.values() for hour in hours}
        return range(min(known), max(known) + 1) if known else range(0)


@dataclass(frozen=True, slots=True)
class Times:
    """What one live conversation takes, and how long enquirers wait before they leave."""

    handled: int
    """How many conversations the handling time is the mean of."""
    handling: timedelta | None
    """From the claim to the close, the wrap-up included; None when there are fewer than LEAST."""
    too_long: int
    """Conversations of more than LONGEST, left out."""
    answered: int
    left: int
    """Who left before an answer."""
    patience: timedelta | None
    """The mean time an enquirer is ready to wait; None when fewer than LEAST left, or nobody was answered."""

    @property
    def left_share(self) -> float | None:
        """None when there are fewer than LEAST in all."""
        both = self.answered + self.left
        return self.left / both if both >= LEAST else None


@dataclass(frozen=True, slots=True)
class Team:
    """Who could answer: accounts that may hold cases and are not disabled."""

    advisers: int
    at_once: float | None
    """How many conversations one holds at once, on average; None when there is nobody."""


def yesterday(timetable: Timetable, now: datetime) -> date:
    """The last day that is over."""
    return timetable.local(now).date() - timedelta(days=1)


def newest(conn: sqlite3.Connection) -> date | None:
    """The day on which the last case of all was opened that has ended; None when none has."""
    found = conn.execute("SELECT max(period) FROM case_facts").fetchone()[0]
    return date.fromisoformat(found) if found else None


def read(conn: sqlite3.Connection, timetable: Timetable, last: date, weeks: int = WEEKS) -> Arrivals:
    """Whole weeks up to `last`, which is counted."""
    first = last - timedelta(days=7 * weeks - 1)
    days = [first + timedelta(days=step) for step in range(7 * weeks)]
    live, beside = _counted(conn, first, last)
    then = timetable.then(conn, days)
    hours = {day: _open_hours(day, opening) for day, opening in then.items()}
    kinds = [opening.days(day, 1)[0] for day, opening in then.items()]
    shut = [each for each in kinds if each.spans and not each.is_open]
    found = {
        day: {hour: Stretch(open_h, live.get((day, hour), 0)) for hour, open_h in spans.items()}
        for day, spans in hours.items()
        if spans
    }
    inside = sum(each.cases for spans in found.values() for each in spans.values())
    holidays = tuple(each.day for each in shut if each.holiday is not None)
    closed = tuple(each.day for each in shut if each.holiday is None)
    return Arrivals(first, last, found, holidays, closed, sum(live.values()) - inside, beside)


def times(conn: sqlite3.Connection, first: date, last: date) -> Times:
    """Of live cases opened from `first` to `last`, both counted. A handling time is taken from cases that were never
    put back: between two holders nobody was busy with them."""
    values = {"first": first.isoformat(), "last": last.isoformat(), "longest": int(LONGEST.total_seconds())}
    waits: dict[int, int] = {}
    left = handled = seconds = too_long = 0
    for wait, is_left, cases, timed, total, longer in conn.execute(_TIMES, values):
        handled, seconds, too_long = handled + timed, seconds + total, too_long + longer
        left += cases if is_left else 0
        if wait is not None:
            waits[wait] = cases
    handling = timedelta(seconds=seconds / handled) if handled >= LEAST and seconds else None
    return Times(handled, handling, too_long, sum(waits.values()), left, patience(waits, left))


def patience(waits: Mapping[int, int], left: int) -> timedelta | None:
    """The mean patience, if it is exponential, from how long those waited who were answered (seconds to how many).

    The facts do not say when somebody left. But of those who would have had to wait for v, the share e^(-θv) stays:
    each one who was answered after v stands for e^(θv) who came, so that the θ is looked for with which the sum of
    e^(θv) - 1 is how many left (inverse probability weighting: Horvitz and Thompson, 1952). Waits above LONGEST are
    left out. None when it cannot be told.
    """
    known = {wait / 3600: cases for wait, cases in waits.items() if 0 < wait <= LONGEST.total_seconds()}
    if left < LEAST or sum(known.values()) < LEAST:
        return None
    low, high = 0.0, 1.0
    while _would_leave(known, high) < left:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _would_leave(known, middle) < left else (low, middle)
    return timedelta(hours=1 / high)


def team(conn: sqlite3.Connection) -> Team:
    advisers, places = conn.execute(_TEAM).fetchone()
    return Team(advisers, places / advisers if advisers else None)


# --- within ----------------------------------------------------------------------------------------------------------

_COUNTED: Final = """
SELECT period, hour, lane IS 'messages' OR lane IS 'call_backs', count(*) FROM case_facts
 WHERE period BETWEEN ? AND ? GROUP BY 1, 2, 3
"""
_TIMES: Final = """
SELECT answer_wait_s, answer_wait_s IS NULL AND outcome = 'left', count(*),
       count(*) FILTER (WHERE answer_wait_s IS NOT NULL AND put_back = 0 AND handling_s <= :longest),
       coalesce(sum(handling_s) FILTER (WHERE answer_wait_s IS NOT NULL AND put_back = 0
           AND handling_s <= :longest), 0),
       count(*) FILTER (WHERE answer_wait_s IS NOT NULL AND put_back = 0 AND handling_s > :longest)
  FROM case_facts WHERE period BETWEEN :first AND :last AND lane IS NOT 'messages' AND lane IS NOT 'call_backs'
 GROUP BY 1, 2
"""
_TEAM: Final = """
SELECT count(*), coalesce(sum(capacity), 0) FROM adviser
 WHERE disabled_at IS NULL AND capacity > 0 AND role IN ('adviser', 'senior', 'lead')
"""


def _counted(conn: sqlite3.Connection, first: date, last: date) -> tuple[dict[tuple[date, int], int], int]:
    """Live cases by day and hour; and how many others."""
    live: dict[tuple[date, int], int] = {}
    beside = 0
    for period, hour, is_beside, cases in conn.execute(_COUNTED, [first.isoformat(), last.isoformat()]):
        if is_beside:
            beside += cases
        else:
            live[date.fromisoformat(period), hour] = cases
    return live, beside


def _open_hours(day: date, opening: OpeningHours) -> dict[int, float]:
    """How long it was open in each local hour of that day; an hour the clocks repeat has two."""
    found: dict[int, float] = {}
    for opens, closes in opening.openings_on(day):
        for begins, ends in _in_quarters(opens, closes):
            hour = opening.local(begins).hour
            found[hour] = found.get(hour, 0.0) + (ends - begins) / _HOUR
    return found


def _in_quarters(opens: datetime, closes: datetime) -> Iterable[tuple[datetime, datetime]]:
    """No hour of any clock begins inside a quarter of an hour of UTC."""
    while opens < closes:
        ends = min(closes, opens.replace(minute=opens.minute // 15 * 15, second=0, microsecond=0) + _HOUR / 4)
        yield opens, ends
        opens = ends


def _would_leave(waits: Mapping[float, int], rate: float) -> float:
    """The sum of e^(rate·v) - 1; endless once it is beyond any number of people."""
    if rate * max(waits) > 600:
        return inf
    return sum(cases * (exp(rate * wait) - 1) for wait, cases in waits.items())
