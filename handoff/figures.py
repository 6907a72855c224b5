"""Live figures: what came in and how long it waited, counted from facts and from the cases that are still open.

A figure always stands beside its n. Practice is never counted. Nothing here changes when somebody is forgotten.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from statistics import median
from typing import Final, NamedTuple

from handoff.domain import DANGER_TIER
from handoff.moments import to_ms
from handoff.periods import Days

ENOUGH: Final = 5
"""Below so many, a median or a share says nothing, and may point at somebody."""
UNSAID: Final = "not_said"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long those who were answered waited for the first answer, nights and weekends included."""

    n: int
    half: timedelta | None
    """The median; None when there is not enough to say."""
    most: timedelta | None
    """Nine of ten waited no longer (nearest rank)."""


@dataclass(frozen=True, slots=True)
class Share:
    """`met` of `n`; `percent` is None when there is not enough to say."""

    met: int
    n: int

    @property
    def percent(self) -> int | None:
        return None if self.n < ENOUGH else round(100 * self.met / self.n)


@dataclass(frozen=True, slots=True)
class Count:
    """What happened to the cases opened in a period, all of them or those of one `code`."""

    code: str
    opened: int
    answered: int
    abandoned: int
    """Ended before anybody answered."""
    danger: int
    waits: Waits
    in_time: Share
    """Answered by their deadline, of those answered and those that are still open past it."""


@dataclass(frozen=True, slots=True)
class Figures:
    days: Days
    total: Count
    lanes: tuple[Count, ...]
    concerns: tuple[Count, ...]
    channels: tuple[Count, ...]


class _Case(NamedTuple):
    """A row of _CASES; there may be tens of thousands."""

    day: str
    lane: str
    concern: str
    channel: str
    tier: int
    wait_s: int | None
    """None: not answered."""
    in_time: int
    """1 or 0, as `left` and `is_late`."""
    left: int
    is_late: int
    """Still open, not answered, and past its deadline."""


def today(local: Callable[[datetime], datetime], now: datetime) -> Days:
    """The service's own day."""
    day = local(now).date()
    return Days(day, day + timedelta(days=1))


def this_week(local: Callable[[datetime], datetime], now: datetime) -> Days:
    """From Monday to today."""
    day = local(now).date()
    return Days(day - timedelta(days=day.weekday()), day + timedelta(days=1))


def of(conn: sqlite3.Connection, days: Days, now: datetime) -> Figures:
    """Cases opened in these days, as they stand now. A case's concern is what it was closed as, else what was heard."""
    cases = _cases(conn, days, now)
    return Figures(
        days,
        _count("all", cases),
        _by(cases, lambda case: case.lane),
        _by(cases, lambda case: case.concern),
        _by(cases, lambda case: case.channel),
    )


def totals(conn: sqlite3.Connection, stretches: Sequence[Days], now: datetime) -> tuple[Count, ...]:
    """All cases opened in each of these stretches, which may overlap, as `of` counts them; read once."""
    hull = Days(min(days.first for days in stretches), max(days.end for days in stretches))
    cases = _cases(conn, hull, now)
    bounds = [(days.first.isoformat(), days.end.isoformat()) for days in stretches]
    return tuple(_count("all", [case for case in cases if first <= case.day < end]) for first, end in bounds)


LIVE: Final = """
SELECT "case" FROM queue_item INDEXED BY queue_order WHERE state = 'waiting' AND conversation > 0
UNION ALL SELECT "case" FROM queue_item INDEXED BY queue_held WHERE holder IS NOT NULL AND conversation > 0
UNION ALL SELECT "case" FROM queue_item INDEXED BY queue_scheduled WHERE wake_at IS NOT NULL AND conversation > 0
"""
"""Every case that has not ended, once, without practice: in three ways, each over an index without the ended ones."""


def opened(conn: sqlite3.Connection, days: Iterable[date], before_hour: int = 24) -> Mapping[date, int]:
    """How many cases were opened on each of these days before an hour of the service's clock; days without any are
    left out."""
    values = {"days": json.dumps([day.isoformat() for day in days]), "hour": before_hour}
    rows = conn.execute(_OPENED if before_hour < 24 else _OPENED_WHOLE, values)
    return {date.fromisoformat(day): int(count) for day, count in rows}


FACT_COLUMNS: Final = (
    *("period", "hour", "channel", "lane", "language", "role", "setting", "nation", "platform", "reason", "tier"),
    *("concern", "issue", "concerns", "taxonomy", "outcome", "route", "escalation", "knew_tools", "urls", "signposts"),
    *("follow_up", "feedback", "is_return", "claim_wait_s", "answer_wait_s", "handling_s", "answered_in_time"),
    *("put_back", "library", "scope"),
)
"""Of `case_facts`, all but the number of the row: codes, days and seconds, nothing of a person."""


def facts(conn: sqlite3.Connection, days: Days) -> Iterator[tuple[int | str | None, ...]]:
    """The facts of cases opened in these days, in the order of FACT_COLUMNS, sorted by what they hold."""
    columns = ", ".join(FACT_COLUMNS)
    query = f"SELECT {columns} FROM case_facts WHERE period >= ? AND period < ? ORDER BY {columns}"
    return (tuple(row) for row in conn.execute(query, [days.first.isoformat(), days.end.isoformat()]))


# --- within ----------------------------------------------------------------------------------------------------------

_CASES = f"""
SELECT period, coalesce(lane, '{UNSAID}'), coalesce(issue, concern, '{UNSAID}'), channel, tier, answer_wait_s,
    coalesce(answered_in_time, 0),
    outcome = 'left' AND answer_wait_s IS NULL, 0
  FROM case_facts WHERE period >= :first AND period < :end
UNION ALL
SELECT c.opened_on, q.lane, coalesce(q.issue, c.concern, '{UNSAID}'), c.channel, q.tier,
    (q.first_answer_at - c.opened_at) / 1000, coalesce(q.first_answer_at <= q.due_at, 0), 0,
    q.first_answer_at IS NULL AND q.due_at <= :now
  FROM queue_item q JOIN cases c ON c.id = q."case"
 WHERE q."case" IN ({LIVE}) AND c.opened_on >= :first AND c.opened_on < :end
"""
_OPEN_BY_DAY = f"""
SELECT c.opened_on AS day FROM queue_item q JOIN cases c ON c.id = q."case"
 WHERE q."case" IN ({LIVE}) AND c.opened_on IN (SELECT value FROM json_each(:days))
   AND c.opened_hour < :hour
"""
_OPENED = f"""
SELECT day, count(*) FROM (
    SELECT period AS day FROM case_facts WHERE period IN (SELECT value FROM json_each(:days)) AND hour < :hour
    UNION ALL {_OPEN_BY_DAY}) GROUP BY day
"""
_OPENED_WHOLE = f"""
SELECT day, sum(many) FROM (
    SELECT period AS day, count(*) AS many FROM case_facts WHERE period IN (SELECT value FROM json_each(:days))
     GROUP BY period
    UNION ALL SELECT day, 1 FROM ({_OPEN_BY_DAY})) GROUP BY day
"""
"""Whole days are counted on the index alone."""


def _cases(conn: sqlite3.Connection, days: Days, now: datetime) -> Sequence[_Case]:
    values = {"first": f"{days.first}", "end": f"{days.end}", "now": to_ms(now)}
    cursor = conn.cursor()
    cursor.row_factory = None  # plain tuples: half the time of rows
    return list(map(_Case._make, cursor.execute(_CASES, values)))


def _by(cases: Sequence[_Case], of_case: Callable[[_Case], str]) -> tuple[Count, ...]:
    """The most frequent first."""
    found: dict[str, list[_Case]] = {}
    for case in cases:
        found.setdefault(of_case(case), []).append(case)
    counts = [_count(code, found[code]) for code in sorted(found)]
    return tuple(sorted(counts, key=lambda count: -count.opened))


def _count(code: str, cases: Sequence[_Case]) -> Count:
    lengths = sorted(case.wait_s for case in cases if case.wait_s is not None)
    return Count(
        code,
        len(cases),
        len(lengths),
        abandoned=sum(case.left for case in cases),
        danger=sum(case.tier == DANGER_TIER for case in cases),
        waits=_waits(lengths),
        in_time=Share(sum(case.in_time for case in cases), len(lengths) + sum(case.is_late for case in cases)),
    )


def _waits(lengths: Sequence[int]) -> Waits:
    """`lengths` are seconds, the shortest first."""
    if len(lengths) < ENOUGH:
        return Waits(len(lengths), None, None)
    nine_of_ten = lengths[ceil(0.9 * len(lengths)) - 1]
    return Waits(len(lengths), timedelta(seconds=median(lengths)), timedelta(seconds=nine_of_ten))
