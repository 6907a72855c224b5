"""The opening hours that count now: the newest ones a lead set at the desk, else the settings' own."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from handoff.domain import AdviserId
from handoff.errors import HandoffError
from handoff.hours import DAYS, MIDNIGHT, OpeningHours, Span, Week, week_from
from handoff.ledger import Ledger
from handoff.moments import from_ms, to_ms

MAX_CLOSED_DAYS = 100
MAX_VERSIONS = 1_000
SETTINGS = 0
"""The number of the version that is the settings' own."""


class Reason(StrEnum):
    """Why the service is closed on a day."""

    HOLIDAY = "holiday"
    TRAINING = "training"
    STAFFING = "staffing"
    EVENT = "event"
    MOURNING = "mourning"
    OTHER = "other"


class HoursChanged(HandoffError):
    """Somebody else has changed the opening hours since this page was loaded."""


@dataclass(frozen=True, slots=True)
class Version:
    """Hours as they were set. `adviser` and `at` are None for the settings' own."""

    number: int
    week: Week
    nation: str | None
    closed: Mapping[date, Reason]
    adviser: AdviserId | None = None
    at: datetime | None = None

    def opening(self, timezone: str) -> OpeningHours:
        return OpeningHours(timezone, self.week, self.nation, frozenset(self.closed))


class Timetable:
    """Answers what `OpeningHours` answers, from the newest version. Each answer looks whether there is a newer one:
    what another process wrote counts at once."""

    def __init__(self, ledger: Ledger, settings: OpeningHours) -> None:
        self._ledger = ledger
        self._settings = settings
        self._known: tuple[int, OpeningHours] = (SETTINGS, settings)

    def local(self, at: datetime) -> datetime:
        return self._settings.local(at)

    def is_open(self, at: datetime) -> bool:
        return self.opening.is_open(at)

    def next_opening(self, at: datetime) -> datetime | None:
        return self.opening.next_opening(at)

    def add(self, at: datetime, working: timedelta) -> datetime:
        return self.opening.add(at, working)

    def openings_on(self, day: date) -> list[tuple[datetime, datetime]]:
        return self.opening.openings_on(day)

    @property
    def opening(self) -> OpeningHours:
        """The hours as they are now, for several questions that must agree."""
        conn = self._ledger.reader()
        number = conn.execute("SELECT coalesce(max(number), 0) FROM hours_version").fetchone()[0]
        if number != self._known[0]:
            self._known = (number, self.version(conn).opening(self._settings.timezone))
        return self._known[1]

    def version(self, conn: sqlite3.Connection) -> Version:
        """The newest one; the settings' own while none was set."""
        row = conn.execute(f"{_VERSIONS} LIMIT 1").fetchone()
        return _version(row) if row else _of_settings(self._settings)

    def versions(self, conn: sqlite3.Connection, limit: int = 20) -> tuple[Version, ...]:
        """Newest first, without the settings' own."""
        return tuple(map(_version, conn.execute(f"{_VERSIONS} LIMIT ?", [limit])))

    def then(self, conn: sqlite3.Connection, days: Sequence[date]) -> Mapping[date, OpeningHours]:
        """The hours that counted at the end of each of these days: what was closed then stays closed, though newer
        versions have dropped it. Before the first version the settings' own count, or, where they are empty, the first.
        """
        versions = [(each.at, each.opening(self._settings.timezone)) for each in self.versions(conn, MAX_VERSIONS)]
        since = [(self.local(at).date(), opening) for at, opening in versions if at]
        before = since[-1][1] if since and not self._settings.week else self._settings
        return MappingProxyType(
            {day: next((opening for first, opening in since if first <= day), before) for day in days}
        )


def set_hours(conn: sqlite3.Connection, version: Version, adviser: AdviserId, seen: int, now: datetime) -> int:
    """Writes them as the newest; `seen` is the number of the one they were made from. Returns their number.

    Raises: HoursChanged when there is a newer one; ValueError when there are too many closed days.
    """
    if conn.execute("SELECT coalesce(max(number), 0) FROM hours_version").fetchone()[0] != seen:
        raise HoursChanged
    if len(version.closed) > MAX_CLOSED_DAYS:
        raise ValueError(f"more than {MAX_CLOSED_DAYS} closed days")
    closed = "; ".join(f"{day.isoformat()} {reason}" for day, reason in sorted(version.closed.items()))
    row = conn.execute(
        "INSERT INTO hours_version (week, nation, closed, adviser, at) VALUES (?, ?, ?, ?, ?) RETURNING number",
        [written(version.week), version.nation, closed, adviser, to_ms(now)],
    ).fetchone()
    return int(row[0])


def written(week: Week) -> str:
    """A week as `week_from` reads it."""
    days = (f"{DAYS[day]} {spans_written(week[day])}" for day in sorted(week) if week[day])
    return "; ".join(days)


def spans_written(spans: Iterable[Span]) -> str:
    """One day's: "10:00-12:00, 13:00-24:00"."""
    return ", ".join(f"{span.opens:%H:%M}-{'24:00' if span.closes == MIDNIGHT else f'{span.closes:%H:%M}'}"
                     for span in spans)  # fmt: skip


# --- within ----------------------------------------------------------------------------------------------------------

_VERSIONS = "SELECT number, week, nation, closed, adviser, at FROM hours_version ORDER BY number DESC"


def _version(row: sqlite3.Row) -> Version:
    number, week, nation, closed, adviser, at = row
    return Version(number, week_from(week), nation, _closed_from(closed), AdviserId(adviser), from_ms(at))


def _of_settings(settings: OpeningHours) -> Version:
    closed = MappingProxyType(dict.fromkeys(settings.closed_on, Reason.OTHER))
    return Version(SETTINGS, settings.week, settings.nation, closed)


def _closed_from(text: str) -> Mapping[date, Reason]:
    pairs = (part.split() for part in text.split(";") if part.strip())
    return MappingProxyType({date.fromisoformat(day): Reason(reason) for day, reason in pairs})
