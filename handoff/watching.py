"""What seniors look at: who watches whose conversation, words for the one who holds it, what goes unattended."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff.domain import AdviserId, CaseId
from handoff.errors import Refused
from handoff.moments import from_ms, to_ms
from handoff.moves import refusals
from handoff.notifications import Kind, notify
from handoff.queue import Queue

WATCH = timedelta(seconds=90)
"""A watcher's page shows itself more often than this; one that does not has gone."""
TOUCH_EVERY = timedelta(seconds=20)
SILENT = timedelta(minutes=10)
"""An enquirer who spoke last and has had no answer for so long."""


@dataclass(frozen=True, slots=True)
class Watcher:
    adviser_id: AdviserId
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """An adviser's message that failed, or of which nobody knows whether it arrived."""

    case_id: CaseId
    reference: str
    tier: int
    state: str
    reason: str | None
    holder: str | None
    at: datetime


# --- watching --------------------------------------------------------------------------------------------------------


def is_to_be_watched(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> bool:
    """True when `watch` has something to write: so that a page that is only shown again hardly writes."""
    row = conn.execute(_MY_WATCH, [case_id, adviser]).fetchone()
    return row is None or row[0] <= to_ms(now - TOUCH_EVERY)


def watch(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
    """A senior looks at a conversation somebody else holds: begun with an event, or still going on. Not done, without
    an error, when nobody else holds it any more."""
    end_left(conn, now)
    values = {"case": case_id, "adviser": adviser, "now": to_ms(now)}
    if conn.execute(_GOES_ON, values).rowcount == 0:
        conn.execute(_BEGIN, values)


def stop(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
    """The watcher says that they have gone."""
    conn.execute(_STOP, {"case": case_id, "adviser": adviser, "now": to_ms(now)})


def end_left(conn: sqlite3.Connection, now: datetime) -> int:
    """Ends watches whose page was not shown for WATCH. Returns how many."""
    return conn.execute(_END_LEFT, {"now": to_ms(now), "gone": to_ms(now - WATCH)}).rowcount


def any_left(conn: sqlite3.Connection, now: datetime) -> bool:
    """Asked on a reader, so that a quiet desk writes nothing."""
    where = "SELECT 1 FROM watch WHERE ended_at IS NULL AND seen_at <= ? LIMIT 1"
    return conn.execute(where, [to_ms(now - WATCH)]).fetchone() is not None


def watchers(conn: sqlite3.Connection, case_id: CaseId, now: datetime) -> tuple[Watcher, ...]:
    """Who looks at a conversation now, the longest first."""
    rows = conn.execute(_WATCHERS, [case_id, to_ms(now - WATCH)])
    return tuple(Watcher(AdviserId(row[0]), row[1], from_ms(row[2])) for row in rows)


# --- whispering and taking over: inside one ledger write -------------------------------------------------------------


def whisper(
    conn: sqlite3.Connection,
    queue: Queue,
    case_id: CaseId,
    adviser: AdviserId,
    text: str,
    now: datetime,
    client_id: str,
) -> None:
    """A note for whoever holds the case: a note like any other, so it can never be sent. Raises: Refused when nobody
    else holds it."""
    row = conn.execute('SELECT holder FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    if row is None or row[0] in (None, adviser):
        raise Refused("Nobody else holds this case, so nobody would read it.")
    with refusals():
        seq = queue.note(conn, case_id, adviser, text, now, client_id, AdviserId(row[0]))
    notify(conn, Kind.WHISPERED, AdviserId(row[0]), now, case_id=case_id, about=seq)


def take_over(
    conn: sqlite3.Connection,
    queue: Queue,
    case_id: CaseId,
    adviser: AdviserId,
    reason: str,
    now: datetime,
    client_id: str,
) -> None:
    """Takes a case out of another's hands and keeps the reason as a note beside it; its former holder is told by the
    database. Raises: NotAllowed, Refused, AtCapacity; then nothing is kept, the reason neither."""
    queue.note(conn, case_id, adviser, reason, now, client_id)
    queue.take_over(conn, case_id, adviser, now)


# --- the wall --------------------------------------------------------------------------------------------------------


def silences(conn: sqlite3.Connection, now: datetime) -> dict[CaseId, timedelta]:
    """Held conversations whose enquirer spoke last, SILENT ago or longer, with how long ago; the longest first."""
    rows = conn.execute(_SILENCES, [to_ms(now - SILENT)])
    return {CaseId(row[0]): now - from_ms(row[1]) for row in rows}


def doubts(conn: sqlite3.Connection) -> tuple[Doubt, ...]:
    """Messages in held cases that failed or may not have arrived, the oldest first."""
    return tuple(
        Doubt(CaseId(row[0]), row[1], row[2], row[3], row[4], row[5], from_ms(row[6])) for row in conn.execute(_DOUBTS)
    )


def read_by_nobody(conn: sqlite3.Connection) -> tuple[tuple[CaseId, str, int, datetime], ...]:
    """(case, reference, tier, since) of every decision that waits for its second reading, the oldest first."""
    return tuple((CaseId(row[0]), row[1], row[2], from_ms(row[3])) for row in conn.execute(_READINGS))


# --- within ----------------------------------------------------------------------------------------------------------

_MY_WATCH = 'SELECT seen_at FROM watch WHERE "case" = ? AND adviser = ? AND ended_at IS NULL'
_GOES_ON = """
UPDATE watch SET seen_at = max(seen_at, :now) WHERE "case" = :case AND adviser = :adviser AND ended_at IS NULL
"""
_BEGIN = """
INSERT INTO watch ("case", adviser, began_at, seen_at) SELECT :case, :adviser, :now, :now
 WHERE EXISTS (SELECT 1 FROM queue_item WHERE "case" = :case AND holder IS NOT NULL AND holder <> :adviser)
"""
_STOP = """
UPDATE watch SET ended_at = max(began_at, :now) WHERE "case" = :case AND adviser = :adviser AND ended_at IS NULL
"""
_END_LEFT = "UPDATE watch SET ended_at = max(began_at, :now) WHERE ended_at IS NULL AND seen_at <= :gone"
_WATCHERS = """
SELECT w.adviser, a.name, w.began_at FROM watch w JOIN adviser a ON a.id = w.adviser
 WHERE w."case" = ? AND w.ended_at IS NULL AND w.seen_at > ? ORDER BY w.began_at, w.id
"""
_SILENCES = """
SELECT q."case", m.at FROM queue_item q JOIN message m ON m."case" = q."case"
   AND m.seq = (SELECT max(seq) FROM message WHERE "case" = q."case" AND author <> 'system')
 WHERE q.state IN ('claimed', 'active', 'paused', 'offered') AND q.left_at IS NULL AND q.conversation > 0
   AND m.author = 'enquirer' AND m.at <= ? ORDER BY m.at
"""
_DOUBTS = """
SELECT m."case", c.reference, q.tier, d.state, d.reason, a.name, d.at
  FROM queue_item q JOIN message m ON m."case" = q."case" JOIN delivery d ON d.message = m.id
  JOIN cases c ON c.id = q."case" LEFT JOIN adviser a ON a.id = q.holder
 WHERE q.holder IS NOT NULL AND q.conversation > 0 AND d.state IN ('unknown', 'failed') ORDER BY d.at
"""
_READINGS = """
SELECT d."case", c.reference, q.tier, d.at FROM decision d JOIN cases c ON c.id = d."case"
  JOIN queue_item q ON q."case" = d."case"
 WHERE d.second_wanted = 1 AND q.conversation > 0
   AND NOT EXISTS (SELECT 1 FROM second_reading s WHERE s.decision = d.id) ORDER BY d.at
"""
