"""What people asked that no flow took, by week: codes and counts; and passing one of them on to the editors."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Final

from handoff import gaps
from handoff.domain import AdviserId
from handoff.gaps import GapKind, GapState, NewGap
from handoff.seal import Seal

WEEKS: Final = 4
SHOWN: Final = 10
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Missed:
    """What was missed: the kind of miss, what it was about, on which platform, at which step; "" where not known."""

    kind: str
    about: str
    platform: str
    step: str


@dataclass(frozen=True, slots=True)
class Miss:
    what: Missed
    mark: str
    """Stands for `what` in a form, and for having passed it on."""
    by_week: tuple[int, ...]
    """Of the last WEEKS weeks from Monday, the oldest first; the last one is this week so far."""
    reported: int
    """Gaps that advisers reported about the same concern and that are not done."""
    is_passed_on: bool
    """A lead passed it on, and it is not done."""

    @property
    def times(self) -> int:
        return sum(self.by_week)


@dataclass(frozen=True, slots=True)
class Misses:
    mondays: tuple[date, ...]
    shown: tuple[Miss, ...]
    """The most frequent first, at most SHOWN."""
    kinds: Mapping[str, tuple[int, ...]]
    """All of them by kind, those that are not shown too, by week."""
    more: int
    """How many are not shown."""
    open_gaps: int
    """All gaps that are not done, whoever reported them."""


def misses(conn: sqlite3.Connection, today: date) -> Misses:
    monday = today - timedelta(days=today.weekday())
    mondays = tuple(monday - WEEK * back for back in range(WEEKS - 1, -1, -1))
    found: dict[Missed, list[int]] = {}
    for week, times, *what in conn.execute(_MISSES, {"first": f"{mondays[0]}", "last": f"{today}"}):
        found.setdefault(Missed(*what), [0] * WEEKS)[week] += times
    ordered = sorted(found, key=lambda what: (-sum(found[what]), what.kind, what.about, what.platform, what.step))
    reported, total, marks = _open_gaps(conn)
    shown = (_miss(what, found[what], reported, marks) for what in ordered[:SHOWN])
    return Misses(mondays, tuple(shown), _by_kind(found), max(0, len(ordered) - SHOWN), total)


def pass_on(conn: sqlite3.Connection, seal: Seal, what: Missed, words: str, adviser: AdviserId, now: datetime) -> None:
    """Reports it as a gap, in `words` that say what is missing. While one of the same is not done, nothing changes."""
    before = [row[0] for row in conn.execute(_PASSED_ON, [f"{_MARK}{mark_of(what)}-*"])]
    if all(state == GapState.DONE for state in before):
        client_id = f"{_MARK}{mark_of(what)}-{len(before)}"
        gaps.report(conn, seal, adviser, NewGap(GapKind.MISSING, None, what.about or None, words, client_id), now)


def mark_of(what: Missed) -> str:
    parts = json.dumps([what.kind, what.about, what.platform, what.step]).encode()
    return blake2b(parts, digest_size=8).hexdigest()


# --- within ----------------------------------------------------------------------------------------------------------

_MARK: Final = "miss-"
_MISSES = """
SELECT CAST(julianday(day) - julianday(:first) AS INTEGER) / 7 AS week, sum(times), kind, about, platform, step
  FROM miss_count WHERE day >= :first AND day <= :last GROUP BY week, kind, about, platform, step
"""
_PASSED_ON = "SELECT state FROM content_gap WHERE client_id GLOB ?"
_OPEN_GAPS = "SELECT concern, client_id FROM content_gap WHERE state <> 'done'"


def _open_gaps(conn: sqlite3.Connection) -> tuple[Mapping[str, int], int, frozenset[str]]:
    """(by concern how many advisers reported, how many there are in all, the marks of what was passed on from here)."""
    rows = conn.execute(_OPEN_GAPS).fetchall()
    reported = Counter(concern for concern, client_id in rows if concern and not client_id.startswith(_MARK))
    marks = (client_id.removeprefix(_MARK).partition("-")[0] for _, client_id in rows if client_id.startswith(_MARK))
    return reported, len(rows), frozenset(marks)


def _miss(what: Missed, by_week: Sequence[int], reported: Mapping[str, int], marks: frozenset[str]) -> Miss:
    mark = mark_of(what)
    return Miss(what, mark, tuple(by_week), reported.get(what.about, 0), mark in marks)


def _by_kind(found: Mapping[Missed, Sequence[int]]) -> Mapping[str, tuple[int, ...]]:
    kinds: dict[str, list[int]] = {}
    for what, by_week in found.items():
        kinds.setdefault(what.kind, [0] * WEEKS)
        kinds[what.kind] = [a + b for a, b in zip(kinds[what.kind], by_week, strict=True)]
    return {kind: tuple(counts) for kind, counts in sorted(kinds.items(), key=lambda each: -sum(each[1]))}
