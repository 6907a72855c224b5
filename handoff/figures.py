"""Live figures: what came in and how long it waited, counted from the cases themselves; and the facts as rows.

A figure always stands beside its n. Practice is never counted.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import median
from typing import Final

from handoff.domain import State
from handoff.moments import to_ms
from handoff.periods import Period, period_of

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
    waits: Waits
    in_time: Share
    """Answered by their deadline, of those answered and those whose deadline has passed."""


@dataclass(frozen=True, slots=True)
class Figures:
    period: Period
    total: Count
    lanes: tuple[Count, ...]
    concerns: tuple[Count, ...]
    channels: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    lane: str
    concern: str
    channel: str
    opened_ms: int
    answered_ms: int | None
    due_ms: int
    abandoned: bool


def today(local: Callable[[datetime], datetime], now: datetime) -> Period:
    day = local(now).date()
    return period_of(local, day, day, now)


def this_week(local: Callable[[datetime], datetime], now: datetime) -> Period:
    """From Monday to today."""
    day = local(now).date()
    return period_of(local, day - timedelta(days=day.weekday()), day, now)


def of(conn: sqlite3.Connection, period: Period, now: datetime) -> Figures:
    """Cases opened in the period, as they stand now. A case's concern is what it was closed as, else what was heard."""
    cases = [_case(row) for row in conn.execute(_OPENED, [to_ms(period.begins), to_ms(period.ends)])]
    return Figures(
        period,
        _count("all", cases, now),
        _by(cases, lambda case: case.lane, now),
        _by(cases, lambda case: case.concern, now),
        _by(cases, lambda case: case.channel, now),
    )


def waiting(conn: sqlite3.Connection) -> int:
    """How many wait now, whenever they came."""
    row = conn.execute("SELECT count(*) FROM queue_item WHERE state = 'waiting' AND conversation > 0").fetchone()
    return int(row[0])


FACT_COLUMNS: Final = (
    *("period", "hour", "channel", "lane", "language", "role", "setting", "nation", "platform", "reason", "tier"),
    *("concern", "issue", "concerns", "taxonomy", "outcome", "route", "escalation", "knew_tools", "urls", "signposts"),
    *("follow_up", "feedback", "is_return", "claim_wait_s", "answer_wait_s", "handling_s", "answered_in_time"),
    *("put_back", "library"),
)
"""Of `case_facts`, all but the number of the row: codes, days and seconds, nothing of a person."""


def facts(conn: sqlite3.Connection, period: Period) -> Iterator[tuple[int | str | None, ...]]:
    """The facts of cases opened in the period, in the order of FACT_COLUMNS, sorted by what they hold."""
    columns = ", ".join(FACT_COLUMNS)
    query = f"SELECT {columns} FROM case_facts WHERE period BETWEEN ? AND ? ORDER BY {columns}"
    return (tuple(row) for row in conn.execute(query, [period.first.isoformat(), period.last.isoformat()]))


# --- within ----------------------------------------------------------------------------------------------------------

_OPENED = """
SELECT q.lane, coalesce(q.issue, c.concern), c.channel, c.opened_at, q.first_answer_at, q.due_at, q.state
  FROM cases c JOIN queue_item q ON q."case" = c.id
 WHERE c.conversation > 0 AND c.opened_at >= ? AND c.opened_at < ?
"""


def _case(row: Sequence[str | int | None]) -> _Case:
    lane, concern, channel, opened, answered, due, state = row
    assert isinstance(opened, int)
    assert isinstance(due, int)
    assert not isinstance(answered, str)
    left = state == State.ABANDONED and answered is None
    return _Case(str(lane), str(concern or UNSAID), str(channel), opened, answered, due, left)


def _by(cases: Sequence[_Case], of_case: Callable[[_Case], str], now: datetime) -> tuple[Count, ...]:
    """The most frequent first."""
    codes = sorted({of_case(case) for case in cases})
    counts = [_count(code, [case for case in cases if of_case(case) == code], now) for code in codes]
    return tuple(sorted(counts, key=lambda count: -count.opened))


def _count(code: str, cases: Sequence[_Case], now: datetime) -> Count:
    answered = [case for case in cases if case.answered_ms is not None]
    judged = [case for case in cases if case.answered_ms is not None or case.due_ms <= to_ms(now)]
    met = sum(case.answered_ms is not None and case.answered_ms <= case.due_ms for case in judged)
    abandoned = sum(case.abandoned for case in cases)
    return Count(code, len(cases), len(answered), abandoned, _waits(answered), Share(met, len(judged)))


def _waits(answered: Sequence[_Case]) -> Waits:
    lengths = sorted(case.answered_ms - case.opened_ms for case in answered if case.answered_ms is not None)
    if len(lengths) < ENOUGH:
        return Waits(len(lengths), None, None)
    nine_of_ten = lengths[ceil(0.9 * len(lengths)) - 1]
    return Waits(len(lengths), timedelta(milliseconds=median(lengths)), timedelta(milliseconds=nine_of_ten))
