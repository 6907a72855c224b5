"""Today and this week: contacts and cases side by side, each against the same point of the weeks before."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

from handoff import figures
from handoff.figures import Count, Share
from handoff.periods import Days

WEEKS: Final = 8
FEW_WEEKS: Final = 4
"""Fewer weeks than this do not say what is usual."""
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Contacts:
    """How enquirers got on in a stretch of days, those that still go on included."""

    begun: int
    going_on: int
    without_adviser: Share
    """Not passed on to a person (so far), of all."""
    danger: int


@dataclass(frozen=True, slots=True)
class Point:
    """How many there were in one of the weeks before; `day` is the last day that was counted."""

    day: date
    count: int


@dataclass(frozen=True, slots=True)
class Course:
    """A number by the last full hour, and by the same hour of the same weekday in the weeks before, the oldest first.

    Weeks from before the first fact there is are left out: nothing was counted then, and that is not none.
    """

    now: int
    before: tuple[Point, ...]

    @property
    def usual(self) -> float | None:
        """The median of the weeks before: one bank holiday or one bad week does not move it."""
        return median(point.count for point in self.before) if len(self.before) >= FEW_WEEKS else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Contacts and cases of the same days. They are never added: a case grows out of a contact."""

    days: Days
    contacts: Contacts
    cases: Count
    contact_course: Course
    case_course: Course


@dataclass(frozen=True, slots=True)
class Pulse:
    today: Stretch
    week: Stretch
    hour: int
    """The last full hour by the service's clock: up to there days are compared. 0: too early in the day."""


def pulse(conn: sqlite3.Connection, local: Callable[[datetime], datetime], now: datetime) -> Pulse:
    at = local(now)
    contacts = _history(conn, _begun, at, _first_day(conn, "contact_facts"))
    cases = _history(conn, figures.opened, at, _first_day(conn, "case_facts"))
    stretches = figures.today(local, now), figures.this_week(local, now)
    today, week = (
        Stretch(days, _contacts(conn, days), total, contacts.course(days), cases.course(days))
        for days, total in zip(stretches, figures.totals(conn, stretches, now), strict=True)
    )
    return Pulse(today, week, at.hour)


# --- within ----------------------------------------------------------------------------------------------------------

_CONTACTS = """
SELECT count(*), count(n.fact), coalesce(sum(stood <> 'handed_over'), 0), coalesce(sum(danger), 0)
  FROM contact_facts f LEFT JOIN contact_now n ON n.fact = f.id WHERE period >= ? AND period < ?
"""
_BEGUN = """
SELECT period, count(*) FROM contact_facts WHERE period IN (SELECT value FROM json_each(:days)) {} GROUP BY period
"""


@dataclass(frozen=True, slots=True)
class _History:
    """What was counted on whole days up to yesterday, and up to the hour on days of today's weekday."""

    whole: Mapping[date, int]
    by_hour: Mapping[date, int]
    since: date | None
    """The first day of which there are facts."""

    def course(self, days: Days) -> Course:
        before = [
            Point(days.last - WEEK * back, self._count(days, back))
            for back in range(WEEKS, 0, -1)
            if self.since is not None and days.first - WEEK * back >= self.since
        ]
        return Course(self._count(days, 0), tuple(before))

    def _count(self, days: Days, back: int) -> int:
        whole = (days.first - WEEK * back + timedelta(days=day) for day in range(days.count - 1))
        return sum(self.whole.get(day, 0) for day in whole) + self.by_hour.get(days.last - WEEK * back, 0)


def _history(
    conn: sqlite3.Connection,
    count: Callable[[sqlite3.Connection, Iterable[date], int], Mapping[date, int]],
    at: datetime,
    since: date | None,
) -> _History:
    today = at.date()
    days = [today - timedelta(days=back) for back in range(7 * (WEEKS + 1))]
    return _History(count(conn, days, 24), count(conn, days[::7], at.hour), since)


def _begun(conn: sqlite3.Connection, days: Iterable[date], before_hour: int) -> Mapping[date, int]:
    """How many contacts began on each of these days before an hour."""
    values = {"days": json.dumps([day.isoformat() for day in days]), "hour": before_hour}
    rows = conn.execute(_BEGUN.format("" if before_hour >= 24 else "AND hour < :hour"), values)
    return {date.fromisoformat(day): int(count) for day, count in rows}


def _contacts(conn: sqlite3.Connection, days: Days) -> Contacts:
    begun, going_on, without, danger = conn.execute(_CONTACTS, [f"{days.first}", f"{days.end}"]).fetchone()
    return Contacts(begun, going_on, Share(without, begun), danger)


def _first_day(conn: sqlite3.Connection, table: str) -> date | None:
    day = conn.execute(f"SELECT min(period) FROM {table}").fetchone()[0]
    return None if day is None else date.fromisoformat(day)
