"""What must be done for a case by when. A task outlives the case's closing, and is never lost with it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from handoff import reminders
from handoff.domain import MAY_TAKE_OVER, Adviser, AdviserId, CaseId
from handoff.errors import NoSuchCase, NotAllowed, Refused
from handoff.moments import from_ms, to_ms
from handoff.reminders import Drop, ReminderKind
from handoff.seal import Seal

TaskId = NewType("TaskId", int)

MAX_WORDS_CHARACTERS = 500
DONE_LATELY = timedelta(days=7)


class NoSuchTask(NoSuchCase):
    """There is no task with that number."""


class TaskKind(StrEnum):
    """What is to be done, in a word that tells nothing of the case."""

    FOLLOW_UP = "follow_up"
    REFER = "refer"
    ASK_PLATFORM = "ask_platform"
    LOOK_AGAIN = "look_again"
    DECIDE = "decide"
    WRITE_UP = "write_up"
    OTHER = "other"
    REPORT_IT = "report_it"
    KEEP_EVIDENCE = "keep_evidence"
    TELL_LEAD = "tell_lead"


FOR_ADVISERS = (
    TaskKind.FOLLOW_UP,
    TaskKind.ASK_PLATFORM,
    TaskKind.LOOK_AGAIN,
    TaskKind.REFER,
    TaskKind.WRITE_UP,
    TaskKind.OTHER,
)
"""What an adviser may add for themselves or a colleague."""
FOR_ENQUIRERS = (TaskKind.REPORT_IT, TaskKind.KEEP_EVIDENCE, TaskKind.TELL_LEAD)
"""What the enquirer said they would do: the bot reminds them of it, in the library's words."""


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class NewTask:
    case_id: CaseId
    kind: TaskKind
    due_at: datetime
    words: str = ""
    assignee: AdviserId | None = None
    takedown: int | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `words` is None where they are not for these eyes, or were forgotten; "" where there are none."""

    id: TaskId
    case_id: CaseId
    reference: str
    seq: int
    kind: TaskKind
    words: str | None
    takedown: int | None
    assignee: AdviserId | None
    assignee_name: str | None
    due_at: datetime
    state: TaskState
    version: int
    moved_at: datetime
    practice: bool


def may_do(adviser: Adviser, task: Task) -> bool:
    """Its assignee, seniors and leads; one that is nobody's, every holder."""
    return task.assignee in (None, adviser.id) or adviser.role in MAY_TAKE_OVER


def may_read(adviser: Adviser, task: Task) -> bool:
    """The words themselves: not of a task that is nobody's, before somebody takes it."""
    return task.assignee == adviser.id or adviser.role in MAY_TAKE_OVER


class Tasks:
    """Every method takes a connection; those that write raise Refused when somebody was faster."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def add(self, conn: sqlite3.Connection, new: NewTask, by: AdviserId | None, now: datetime) -> TaskId:
        """`by` None: the bot or the clock. The same `client_id` again gives the same task. Raises: Refused,
        NotAllowed when the assignee may not hold cases."""
        known = conn.execute('SELECT id FROM task WHERE "case" = ? AND client_id = ?', [new.case_id, new.client_id])
        before = known.fetchone()
        if before is not None:
            return TaskId(before[0])
        words = _words(new.words)
        seq = _next_seq(conn, new.case_id)
        row = {
            "case": new.case_id,
            "seq": seq,
            "kind": new.kind,
            "words": self._seal.seal(words, _about(new.case_id, seq)) if words else None,
            "takedown": new.takedown,
            "assignee": new.assignee,
            "due": to_ms(new.due_at),
            "by": by,
            "now": to_ms(now),
            "client": new.client_id,
        }
        with _refusals():
            return TaskId(conn.execute(_ADD, row).fetchone()[0])

    def remind(self, conn: sqlite3.Connection, new: NewTask, by: AdviserId, now: datetime) -> TaskId:
        """Something the enquirer is to do: the bot reminds them of it when it is due.

        Raises: Refused when they cannot be reached.
        """
        task = self.add(conn, new, by, now)
        if reminders.last_about(conn, ReminderKind.TASK, task) is None and not reminders.plan(
            conn, new.case_id, ReminderKind.TASK, task, new.due_at, by, now
        ):
            raise Refused("They cannot be reminded: they have left, or this is practice.")
        return task

    def assign(
        self,
        conn: sqlite3.Connection,
        task: TaskId,
        version: int,
        to: AdviserId | None,
        by: AdviserId,
        now: datetime,
    ) -> None:
        """`to` None: anybody may take it."""
        self._move(conn, task, version, "assigned", "state = 'open', assignee = :to", by, now, to=to)

    def put_off(
        self, conn: sqlite3.Connection, task: TaskId, version: int, until: datetime, by: AdviserId, now: datetime
    ) -> None:
        """Raises: Refused when `until` is past."""
        if until <= now:
            raise Refused("Choose a time that is still to come.")
        self._move(conn, task, version, "put_off", "due_at = :until", by, now, until=to_ms(until))
        found = self.find(conn, task)
        if found.kind in FOR_ENQUIRERS:
            reminders.plan(conn, found.case_id, ReminderKind.TASK, task, until, by, now)

    def done(self, conn: sqlite3.Connection, task: TaskId, version: int, by: AdviserId | None, now: datetime) -> None:
        self._move(conn, task, version, "done", "state = 'done'", by, now)
        reminders.drop_about(conn, ReminderKind.TASK, task, Drop.SETTLED, now)

    def drop(self, conn: sqlite3.Connection, task: TaskId, version: int, by: AdviserId | None, now: datetime) -> None:
        """Nothing has to be done any more."""
        self._move(conn, task, version, "dropped", "state = 'dropped'", by, now)
        reminders.drop_about(conn, ReminderKind.TASK, task, Drop.SETTLED, now)

    def reopen(self, conn: sqlite3.Connection, task: TaskId, version: int, by: AdviserId, now: datetime) -> None:
        self._move(conn, task, version, "reopened", "state = 'open'", by, now)

    def settle(self, conn: sqlite3.Connection, takedown: int, by: AdviserId | None, now: datetime) -> None:
        """What was to be done about a thing that is down is no more to be done."""
        rows = conn.execute("SELECT id, version FROM task WHERE takedown = ? AND state = 'open'", [takedown])
        for task, version in rows.fetchall():
            self.drop(conn, TaskId(task), version, by, now)

    # --- reading -----------------------------------------------------------------------------------------------------

    def find(self, conn: sqlite3.Connection, task: TaskId) -> Task:
        """Raises: NoSuchTask."""
        row = conn.execute(_SELECT + "t.id = ?", [task]).fetchone()
        if row is None:
            raise NoSuchTask
        return self._task(row)

    def is_about(self, conn: sqlite3.Connection, takedown: int, adviser: AdviserId) -> bool:
        """Something about this takedown is theirs to do."""
        where = "SELECT 1 FROM task WHERE takedown = ? AND assignee = ? AND state = 'open'"
        return conn.execute(where, [takedown, adviser]).fetchone() is not None

    def of_case(self, conn: sqlite3.Connection, case_id: CaseId) -> tuple[Task, ...]:
        """All of one case, open ones first, for whoever may see the case."""
        rows = conn.execute(_SELECT + "t.\"case\" = ? ORDER BY t.state <> 'open', t.due_at", [case_id])
        return tuple(self._task(row) for row in rows)

    def open_for(self, conn: sqlite3.Connection, adviser: Adviser) -> tuple[Task, ...]:
        """Theirs and nobody's, for seniors and leads everybody's; the earliest first. Practice only to its owner."""
        return self._for(conn, adviser, "t.state = 'open' ORDER BY t.due_at, t.id")

    def done_lately(self, conn: sqlite3.Connection, adviser: Adviser, now: datetime) -> tuple[Task, ...]:
        since = to_ms(now - DONE_LATELY)
        where = "t.state <> 'open' AND t.moved_at >= :since ORDER BY t.moved_at DESC, t.id DESC LIMIT 50"
        return self._for(conn, adviser, where, since=since)

    def _for(self, conn: sqlite3.Connection, adviser: Adviser, where: str, **more: int) -> tuple[Task, ...]:
        values = {"me": adviser.id, "senior": adviser.role in MAY_TAKE_OVER, **more}
        found = (self._task(row, opened=False) for row in conn.execute(_SELECT + _MINE + where, values).fetchall())
        return tuple(self.find(conn, each.id) if may_read(adviser, each) else each for each in found)

    def _task(self, row: Any, *, opened: bool = True) -> Task:
        id_, case_id, reference, seq, kind, words, takedown, assignee, name, due, state, version, moved, practice = row
        text = self._seal.open(words, _about(case_id, seq)) if opened and words is not None else ""
        return Task(
            id_,
            case_id,
            reference,
            seq,
            TaskKind(kind),
            text if opened else None,
            takedown,
            assignee,
            name,
            from_ms(due),
            TaskState(state),
            version,
            from_ms(moved),
            bool(practice),
        )

    def _move(
        self,
        conn: sqlite3.Connection,
        task: TaskId,
        version: int,
        move: str,
        change: str,
        by: AdviserId | None,
        now: datetime,
        **more: int | None,
    ) -> None:
        values = {"task": task, "version": version, "by": by, "now": to_ms(now), **more}
        with _refusals():
            moved = conn.execute(_MOVE.format(change=change, move=move), values).rowcount
        if moved != 1:
            self.find(conn, task)
            raise Refused("Somebody changed this task since the page was loaded. Here it is as it is now.")


# --- within ----------------------------------------------------------------------------------------------------------

_ADD = """
INSERT INTO task ("case", seq, kind, words, takedown, assignee, due_at, state, moved_by, moved_at, added_by, added_at,
    client_id)
VALUES (:case, :seq, :kind, :words, :takedown, :assignee, :due, 'open', :by, :now, :by, :now, :client) RETURNING id
"""
_MOVE = """
UPDATE task SET {change}, move = '{move}', moved_by = :by, moved_at = :now, version = version + 1
 WHERE id = :task AND version = :version
"""
_SELECT = """
SELECT t.id, t."case", c.reference, t.seq, t.kind, t.words, t.takedown, t.assignee, a.name, t.due_at, t.state,
    t.version, t.moved_at, c.practice
  FROM task t JOIN cases c ON c.id = t."case" LEFT JOIN adviser a ON a.id = t.assignee WHERE """
_MINE = "(t.assignee = :me OR (c.conversation > 0 AND (:senior OR t.assignee IS NULL))) AND "


@contextmanager
def _refusals() -> Iterator[None]:
    """Raises: NotAllowed or Refused for what the database refuses."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise (NotAllowed if "_to_who_may_hold" in str(error) else Refused)() from error


def _words(text: str) -> str:
    words = text.strip()
    if len(words) > MAX_WORDS_CHARACTERS:
        raise Refused(f"That is longer than {MAX_WORDS_CHARACTERS} characters.")
    return words


def _about(case_id: CaseId, seq: int) -> str:
    return f"case:{case_id}:task:{seq}"


def _next_seq(conn: sqlite3.Connection, case_id: CaseId) -> int:
    row = conn.execute('SELECT coalesce(max(seq), 0) + 1 FROM task WHERE "case" = ?', [case_id]).fetchone()
    return int(row[0])
