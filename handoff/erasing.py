"""Forgetting a case: every word and every code of it goes, in one write; facts, events and a mark remain."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from handoff.domain import ENDED, AdviserId, CaseId
from handoff.doors import Forgetting
from handoff.errors import NoSuchCase, NotAllowed, Refused
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal


class StillOpen(Refused):
    """The case is open. Close it first."""


class IsHeld(Refused):
    """A lead holds the case: nothing of it is forgotten until the hold is released."""


class Why(StrEnum):
    """Why a case was forgotten."""

    TIME = "time"
    ASKED = "asked"


class Way(StrEnum):
    """How somebody asked that a case be forgotten."""

    DESK = "desk"
    COMMAND = "command"
    CHAT = "chat"


class Asker(StrEnum):
    """Who asked."""

    ENQUIRER = "enquirer"
    SETTING = "setting"
    """Their school, team or other setting."""
    AUTHORITY = "authority"
    SERVICE = "service"


class Reason(StrEnum):
    """Why they may ask: the grounds of article 17 of the UK GDPR, and our own mistake."""

    WITHDRAWN = "withdrawn"
    OBJECTS = "objects"
    NOT_NEEDED = "not_needed"
    UNLAWFUL = "unlawful"
    MISTAKE = "mistake"


@dataclass(frozen=True, slots=True)
class Request:
    """`lead` is who wrote it down at the desk, None for any other way."""

    way: Way
    asker: Asker = Asker.ENQUIRER
    reason: Reason = Reason.WITHDRAWN
    lead: AdviserId | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as it is listed. `reference` None once the case is forgotten."""

    case_id: CaseId
    reference: str | None
    request: Request
    at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left to know of it in the write that erased it. `conversation` is negative for practice."""

    conversation: int
    ended_at: datetime


def ask(
    conn: sqlite3.Connection,
    seal: Seal,
    door: Forgetting | None,
    case_id: CaseId,
    request: Request,
    today: date,
    now: datetime,
) -> bool:
    """Writes the request down and forgets the case at once, with what the bot keeps of the conversation: True.

    While the case is open or held the request waits: False. It is done in the night after nothing stands in its way.
    Asked again while it waits, it is not written down again. Raises: NoSuchCase, NotAllowed (no lead).
    """
    try:
        conn.execute(_ASK, [case_id, request.way, request.asker, request.reason, request.lead, to_ms(now)])
    except sqlite3.IntegrityError as error:
        if str(error) == "request_at_the_desk_by_a_lead":
            raise NotAllowed from error
        if not was_asked(conn, case_id):
            raise NoSuchCase from error
    try:
        forget(conn, seal, door, case_id, today, now)
    except (StillOpen, IsHeld):
        return False
    return True


def asked(conn: sqlite3.Connection, limit: int = 50) -> tuple[Asked, ...]:
    """Requests, those that wait first, then the newest first."""
    rows = conn.execute(_ASKED, [limit])
    return tuple(
        Asked(
            CaseId(row[0]),
            row[1],
            Request(Way(row[2]), Asker(row[3]), Reason(row[4]), None if row[5] is None else AdviserId(row[5])),
            from_ms(row[6]),
            None if row[7] is None else from_ms(row[7]),
        )
        for row in rows
    )


def was_asked(conn: sqlite3.Connection, case_id: CaseId) -> bool:
    """Somebody asked that this case be forgotten, and it was not done yet."""
    row = conn.execute('SELECT 1 FROM erasure_request WHERE "case" = ? AND done_at IS NULL', [case_id]).fetchone()
    return row is not None


def forget(
    conn: sqlite3.Connection, seal: Seal, door: Forgetting | None, case_id: CaseId, today: date, now: datetime
) -> None:
    """A case, and what the bot keeps of it: all of the conversation where somebody asked and it has no other case that
    is open or held, else what was said there long ago.

    Raises: NoSuchCase, StillOpen, IsHeld; the write must then be undone.
    """
    _, there = _may_go(conn, case_id)
    why = Why.ASKED if was_asked(conn, case_id) else Why.TIME
    if door is not None and there.conversation > 0:
        others = conn.execute(_OTHERS_STAND, [there.conversation, case_id]).fetchone()
        ends = why is Why.ASKED and others is None
        (door.conversation if ends else door.case_gone)(conn, there.conversation, now)
    erase(conn, seal, case_id, today, now, why)


def erase(conn: sqlite3.Connection, seal: Seal, case_id: CaseId, today: date, now: datetime, why: Why) -> Erased:
    """All of it, or nothing when it raises; to be called inside one ledger write. `today` is the service's own day.

    Tasks that are still open are dropped. A request that waited for it is done.

    Raises: NoSuchCase, StillOpen, IsHeld.
    """
    reference, erased = _may_go(conn, case_id)
    values = {"case": case_id, "now": to_ms(now)}
    with overwriting(conn):
        for statement in _IN_ORDER:
            conn.execute(statement, values)
        if erased.conversation > 0:
            _leave_a_mark(conn, seal, reference, today, why)
        conn.execute(_TOLD, values)
        conn.execute(_DONE, values)
    return erased


@contextmanager
def overwriting(conn: sqlite3.Connection) -> Iterator[None]:
    """What is deleted in the block is overwritten with zeros in its page, and so is a page that becomes free."""
    conn.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        conn.execute("PRAGMA secure_delete = FAST")


def mark_of(seal: Seal, reference: str) -> bytes:
    """What remains of a reference: nobody without the key can tell which it was."""
    return seal.mark(f"forgotten|{reference}")


# --- within ----------------------------------------------------------------------------------------------------------

_STANDING = """
SELECT c.reference, c.conversation, q.state, q.moved_at,
       EXISTS (SELECT 1 FROM legal_hold WHERE "case" = c.id AND released_at IS NULL)
  FROM cases c JOIN queue_item q ON q."case" = c.id WHERE c.id = ?
"""
_ASK = """
INSERT INTO erasure_request ("case", way, asker, reason, adviser, at) VALUES (?, ?, ?, ?, ?, ?)
"""
_ASKED = """
SELECT r."case", c.reference, r.way, r.asker, r.reason, r.adviser, r.at, r.done_at
  FROM erasure_request r LEFT JOIN cases c ON c.id = r."case" ORDER BY r.done_at IS NOT NULL, r.id DESC LIMIT ?
"""
_OTHERS_STAND = """
SELECT 1 FROM queue_item q WHERE q.conversation = ? AND q."case" <> ? AND (q.forget_at IS NULL
    OR EXISTS (SELECT 1 FROM legal_hold h WHERE h."case" = q."case" AND h.released_at IS NULL))
"""
_OF_CASE = 'WHERE "case" = :case'
_IN_ORDER = (
    f"UPDATE task SET state = 'dropped', move = 'dropped', moved_by = NULL, moved_at = :now, version = version + 1"
    f" {_OF_CASE} AND state = 'open'",
    f"DELETE FROM reminder {_OF_CASE}",
    f"DELETE FROM task {_OF_CASE}",
    f"DELETE FROM second_reading WHERE decision IN (SELECT id FROM decision {_OF_CASE})",
    f"DELETE FROM decision {_OF_CASE}",
    f"DELETE FROM delivery WHERE message IN (SELECT id FROM message {_OF_CASE})",
    f"DELETE FROM message {_OF_CASE}",
    f"DELETE FROM note {_OF_CASE}",
    f"DELETE FROM contact {_OF_CASE}",
    f"DELETE FROM practice {_OF_CASE}",
    f"UPDATE identity_reveal SET words = NULL {_OF_CASE} AND words IS NOT NULL",
    f"UPDATE legal_hold SET words = NULL {_OF_CASE} AND words IS NOT NULL",
    f"DELETE FROM queue_item {_OF_CASE}",
    'DELETE FROM case_link WHERE "case" = :case OR other = :case',
    f"DELETE FROM takedown_step WHERE takedown IN (SELECT id FROM takedown {_OF_CASE})",
    f"DELETE FROM takedown {_OF_CASE}",
    f"DELETE FROM case_term {_OF_CASE}",
    f"DELETE FROM closing {_OF_CASE}",
    "DELETE FROM cases WHERE id = :case",
)
"""What hangs on the case's place in the queue goes after it. Reviews, watches and notices go with the case's row."""
_TOLD = """INSERT INTO event (kind, "case", adviser, at) VALUES ('retention.forgot', :case, NULL, :now)"""
_DONE = """UPDATE erasure_request SET done_at = max(at, :now) WHERE "case" = :case AND done_at IS NULL"""


def _may_go(conn: sqlite3.Connection, case_id: CaseId) -> tuple[str, Erased]:
    row = conn.execute(_STANDING, [case_id]).fetchone()
    if row is None:
        raise NoSuchCase
    reference, conversation, state, moved_at, is_held = row
    if is_held:
        raise IsHeld
    if state not in ENDED:
        raise StillOpen
    return reference, Erased(conversation, from_ms(moved_at))


def _leave_a_mark(conn: sqlite3.Connection, seal: Seal, reference: str, today: date, why: Why) -> None:
    """A reference that chance gave twice was forgotten on the later day."""
    mark = mark_of(seal, reference)
    conn.execute("DELETE FROM forgotten WHERE mark = ?", [mark])
    conn.execute("INSERT INTO forgotten VALUES (?, ?, ?)", [mark, today.isoformat(), why])
