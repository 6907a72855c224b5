"""Passing a case on to a colleague: an offer with its reason, and what became of it."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff import thread
from handoff.domain import AdviserId, CaseId, State
from handoff.errors import AtCapacity, Refused
from handoff.moments import from_ms, to_ms
from handoff.queue import Queue

FRESH = timedelta(minutes=5)
"""For so long the sender is told that nobody took what they offered."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An offer that came to nothing: `by` declined, or None when nobody answered in time."""

    by: AdviserId | None


class ColleagueFull(AtCapacity):
    """That colleague holds as many conversations as they may. Offer it to somebody else, or release it to the queue."""


def offer(
    queue: Queue,
    conn: sqlite3.Connection,
    case_id: CaseId,
    adviser: AdviserId,
    to: AdviserId,
    reason: str,
    client_id: str,
    now: datetime,
) -> None:
    """Offers a held case and keeps the reason as a note. A paused case is taken up again first. The same `client_id`
    again does nothing.

    Raises: ColleagueFull, NotAllowed (they may hold no case), NotYours, Refused, AtCapacity.
    """
    if thread.noted(conn, case_id, adviser, client_id) is not None:
        return
    state, tier = _standing(conn, case_id)
    if state == State.CLAIMED:
        raise Refused("Nobody has answered yet. Answer once, then transfer; or release it to the queue.")
    if tier > 0 and not _has_room(conn, to):
        raise ColleagueFull
    if state == State.PAUSED:
        queue.resume(conn, case_id, adviser, now)
    queue.offer(conn, case_id, adviser, to, now)
    queue.note(conn, case_id, adviser, reason, now, client_id)


def reasons(conn: sqlite3.Connection, case_id: CaseId) -> tuple[int, ...]:
    """The notes, by seq, that were the reason of a transfer; the last offer's last."""
    return tuple(row[0] for row in conn.execute(_REASONS, [case_id]))


def not_taken(conn: sqlite3.Connection, case_id: CaseId, now: datetime) -> NotTaken | None:
    """The offer that has just come to nothing, while nothing else has been done to the case."""
    row = conn.execute(_LAST_MOVE, [case_id]).fetchone()
    if row is None or row[0] not in {"case.declined", "case.offer_lapsed"} or from_ms(row[2]) < now - FRESH:
        return None
    return NotTaken(AdviserId(row[1]) if row[0] == "case.declined" and row[1] is not None else None)


def has_held(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> bool:
    """Whether this case was in their hands within a day: whoever had it may know who has it now."""
    since = to_ms(now - timedelta(days=1))
    return conn.execute(_HAS_HELD, [case_id, adviser, since]).fetchone() is not None


def _standing(conn: sqlite3.Connection, case_id: CaseId) -> tuple[str | None, int]:
    row = conn.execute('SELECT state, tier FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    return (None, 0) if row is None else (row[0], row[1])


def _has_room(conn: sqlite3.Connection, adviser: AdviserId) -> bool:
    return conn.execute(_HAS_ROOM, [adviser]).fetchone() is not None


_REASONS = """
SELECT n.seq FROM event e JOIN note n ON n."case" = e."case" AND n.adviser = e.adviser AND n.at = e.at
 WHERE e."case" = ? AND e.kind = 'case.offered' ORDER BY e.seq, n.seq
"""
_LAST_MOVE = """
SELECT kind, adviser, at FROM event WHERE "case" = ? AND kind GLOB 'case.*' ORDER BY seq DESC LIMIT 1
"""
_HAS_HELD = """
SELECT 1 FROM event WHERE "case" = ? AND adviser = ? AND kind GLOB 'case.*' AND kind <> 'case.declined' AND at >= ?
 LIMIT 1
"""
_HAS_ROOM = """
SELECT 1 FROM adviser a WHERE a.id = ? AND a.capacity > (SELECT count(*) FROM queue_item q
    WHERE q.holder = a.id AND q.state IN ('claimed', 'active', 'offered'))
"""
