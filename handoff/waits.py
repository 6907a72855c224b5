"""How long an enquirer may have to wait, said honestly: next, a range, when we open, or that we cannot say.

DESK section 6: with k free places and K places of the advisers on duty, position p <= k is next; else the wait is
ceil((p - k) / K) times the handling time, as the range from its 50th to its 80th percentile, taken only from cases of
the last 28 days opened in the same hours, and only with 20 of them at least.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import quantiles

from handoff.domain import CaseId, Rules, State
from handoff.hours import Hours
from handoff.moments import to_ms

LEAST_SAMPLES = 20
LOOKED_BACK = timedelta(days=28)
HOURS_ALIKE = 1
"""So many hours before and after now count as the same hours."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said to an enquirer whose case waits."""

    is_open: bool
    opens_at: datetime | None
    """When somebody is next there (now, when open); None: nobody can say."""
    is_next: bool = False
    between: tuple[timedelta, timedelta] | None = None
    """None: there is no honest estimate."""


class Waits:
    def __init__(self, hours: Hours, rules: Rules | None = None) -> None:
        self._hours = hours
        self._rules = rules or Rules()

    def outlook(self, conn: sqlite3.Connection, case_id: CaseId, now: datetime) -> Outlook | None:
        """None when the case does not wait."""
        ahead = _ahead(conn, case_id)
        if ahead is None:
            return None
        opens_at = self._hours.next_opening(now)
        if not self._hours.is_open(now):
            return Outlook(False, opens_at)
        free, places = _places(conn, to_ms(now - self._rules.lease))
        if ahead < free:
            return Outlook(True, opens_at, is_next=True)
        return Outlook(True, opens_at, between=self._between(conn, ahead + 1 - free, places, now))

    def _between(
        self, conn: sqlite3.Connection, behind: int, places: int, now: datetime
    ) -> tuple[timedelta, timedelta] | None:
        """`behind`: how many must be finished with before it is this case's turn."""
        taken = self._handling(conn, now)
        if places == 0 or len(taken) < LEAST_SAMPLES:
            return None
        tenths = quantiles(taken, n=10, method="inclusive")
        rounds = ceil(behind / places)
        return timedelta(seconds=rounds * tenths[4]), timedelta(seconds=rounds * tenths[7])

    def _handling(self, conn: sqlite3.Connection, now: datetime) -> list[int]:
        """Seconds from claim to close of cases opened lately in these hours."""
        local = self._hours.local(now)
        hours = [(local.hour + step) % 24 for step in range(-HOURS_ALIKE, HOURS_ALIKE + 1)]
        since = (local - LOOKED_BACK).date().isoformat()
        return [row[0] for row in conn.execute(_HANDLING, [since, *hours])]


def _ahead(conn: sqlite3.Connection, case_id: CaseId) -> int | None:
    """How many waiting cases will be taken before this one; None when it does not wait."""
    row = conn.execute('SELECT state, tier > 0, due_at FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    if row is None or row[0] != State.WAITING:
        return None
    return int(conn.execute(_AHEAD, [row[1], row[2], case_id]).fetchone()[0])


def _places(conn: sqlite3.Connection, fresh_ms: int) -> tuple[int, int]:
    """Free places, and all places, of the advisers on duty whose console was heard from lately."""
    row = conn.execute(_PLACES, [fresh_ms]).fetchone()
    return int(row[0]), int(row[1])


_AHEAD = """
SELECT count(*) FROM queue_item WHERE state = 'waiting' AND conversation > 0
   AND (tier > 0, due_at, "case") < (?, ?, ?)
"""
_PLACES = """
SELECT coalesce(sum(max(0, capacity - holding)), 0), coalesce(sum(capacity), 0) FROM (
    SELECT a.capacity, (SELECT count(*) FROM queue_item q WHERE q.holder = a.id
            AND q.state IN ('claimed', 'active', 'offered')) AS holding
      FROM adviser a WHERE a.available AND a.disabled_at IS NULL AND a.role IN ('adviser', 'senior', 'lead')
       AND a.heartbeat_at > ?)
"""
_HANDLING = """
SELECT handling_s FROM case_facts WHERE period >= ? AND hour IN (?, ?, ?) AND handling_s IS NOT NULL
   AND lane IS NOT 'call_backs'
"""
"""A call-back rests between its claims, for days perhaps: nobody was busy with it then."""
