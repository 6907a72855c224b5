"""What the bot is to ask an enquirer, once: planned by the desk, said and answered through the bot."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from handoff.domain import AdviserId, CaseId
from handoff.moments import from_ms, to_ms

ReminderId = NewType("ReminderId", int)


class ReminderKind(StrEnum):
    STILL_UP = "still_up"
    TASK = "task"


class Answer(StrEnum):
    """What an enquirer says to a reminder."""

    GONE = "gone"
    STILL_UP = "still_up"
    NOT_SURE = "not_sure"
    DONE = "done"
    NOT_YET = "not_yet"


class Drop(StrEnum):
    """Why a reminder is not said, or not waited for any more."""

    SETTLED = "settled"
    REPLACED = "replaced"
    LEFT = "left"
    CHILD = "child"
    CANNOT_ASK = "cannot_ask"


@dataclass(frozen=True, slots=True)
class Planned:
    """One reminder: whom it is for, what it is about, how far it got."""

    id: ReminderId
    case_id: CaseId
    conversation: int
    kind: ReminderKind
    takedown: int | None
    task: int | None
    due_at: datetime
    sent_at: datetime | None
    answer: Answer | None
    dropped_for: Drop | None


def plan(
    conn: sqlite3.Connection,
    case_id: CaseId,
    kind: ReminderKind,
    about: int,
    due_at: datetime,
    by: AdviserId | None,
    now: datetime,
) -> bool:
    """`about`: a takedown's or a task's number. One that was open about it gives way. False, and nothing planned, for
    practice and for an enquirer who has left."""
    row = conn.execute(_REACHED, [case_id]).fetchone()
    if row is None:
        return False
    drop_about(conn, kind, about, Drop.REPLACED, now)
    takedown, task = (about, None) if kind is ReminderKind.STILL_UP else (None, about)
    conn.execute(_PLAN, [case_id, row[0], kind, takedown, task, to_ms(due_at), by, to_ms(now)])
    return True


def due(conn: sqlite3.Connection, now: datetime) -> tuple[Planned, ...]:
    """What is to be said by now, the earliest first."""
    where = "sent_at IS NULL AND dropped_at IS NULL AND due_at <= ? ORDER BY due_at, id"
    return tuple(_planned(row) for row in conn.execute(_SELECT + where, [to_ms(now)]).fetchall())


def one(conn: sqlite3.Connection, reminder: ReminderId) -> Planned | None:
    row = conn.execute(_SELECT + "id = ?", [reminder]).fetchone()
    return None if row is None else _planned(row)


def last_about(conn: sqlite3.Connection, kind: ReminderKind, about: int) -> Planned | None:
    """The newest one about a takedown or task."""
    row = conn.execute(_SELECT + f"{_about(kind)} = ? ORDER BY id DESC LIMIT 1", [about]).fetchone()
    return None if row is None else _planned(row)


def is_unanswered(conn: sqlite3.Connection, conversation: int) -> bool:
    """Something was asked in this conversation, and not answered yet."""
    where = "conversation = ? AND sent_at IS NOT NULL AND answered_at IS NULL AND dropped_at IS NULL"
    return conn.execute(_SELECT + where, [conversation]).fetchone() is not None


def sent(conn: sqlite3.Connection, reminder: ReminderId, now: datetime) -> bool:
    """False when it was said before, or is not to be said any more."""
    where = "UPDATE reminder SET sent_at = ? WHERE id = ? AND sent_at IS NULL AND dropped_at IS NULL"
    return conn.execute(where, [to_ms(now), reminder]).rowcount == 1


def answered(conn: sqlite3.Connection, reminder: ReminderId, answer: Answer, now: datetime) -> bool:
    """False when it was answered before, or nobody waits for its answer any more."""
    row = conn.execute(_ANSWER, [answer, to_ms(now), reminder])
    return row.rowcount == 1


def drop(conn: sqlite3.Connection, reminder: ReminderId, reason: Drop, now: datetime) -> bool:
    return conn.execute(_DROP + "id = ?" + _OPEN, [reason, to_ms(now), reminder]).rowcount == 1


def drop_about(conn: sqlite3.Connection, kind: ReminderKind, about: int, reason: Drop, now: datetime) -> None:
    conn.execute(_DROP + f"{_about(kind)} = ?" + _OPEN, [reason, to_ms(now), about])


# --- within ----------------------------------------------------------------------------------------------------------

_REACHED = """
SELECT c.conversation FROM cases c JOIN queue_item q ON q."case" = c.id
 WHERE c.id = ? AND c.conversation > 0 AND q.left_at IS NULL AND q.state <> 'abandoned'
"""
_PLAN = """
INSERT INTO reminder ("case", conversation, kind, takedown, task, due_at, made_by, made_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_SELECT = """
SELECT id, "case", conversation, kind, takedown, task, due_at, sent_at, answer, dropped_for FROM reminder WHERE """
_OPEN = " AND answered_at IS NULL AND dropped_at IS NULL"
_ANSWER = f"UPDATE reminder SET answer = ?, answered_at = ? WHERE id = ? AND sent_at IS NOT NULL{_OPEN}"
_DROP = "UPDATE reminder SET dropped_for = ?, dropped_at = ? WHERE "


def _about(kind: ReminderKind) -> str:
    return "takedown" if kind is ReminderKind.STILL_UP else "task"


def _planned(row: Any) -> Planned:
    id_, case_id, conversation, kind, takedown, task, due_at, sent_at, answer, dropped_for = row
    return Planned(
        ReminderId(id_),
        CaseId(case_id),
        conversation,
        ReminderKind(kind),
        takedown,
        task,
        from_ms(due_at),
        None if sent_at is None else from_ms(sent_at),
        None if answer is None else Answer(answer),
        None if dropped_for is None else Drop(dropped_for),
    )
