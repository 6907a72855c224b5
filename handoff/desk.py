"""What advisers look at: the board, a case, its thread, who is on duty, what happened. Reading only."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff import thread
from handoff.board import Light, Row, explained, rows, ruled
from handoff.domain import AdviserId, CaseId, Event, Message, Note, Pack, Rules, Speaker, State, Voice
from handoff.errors import NoSuchCase
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

EVENTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One case in full: its row, what the bot passed on, who may speak, how it ended."""

    row: Row
    library: str
    pack: Pack | None
    """None once its words were forgotten."""
    voice: Voice
    issue: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class OnDuty:
    """An adviser who is available; `connected` when their console was heard from lately."""

    id: AdviserId
    name: str
    role: str
    holding: int
    capacity: int
    connected: bool


class Desk:
    """All reads take any connection; `now` is only used to say how long something has been."""

    def __init__(self, seal: Seal, rules: Rules | None = None) -> None:
        self._seal = seal
        self._rules = rules or Rules()

    @property
    def rules(self) -> Rules:
        """How long things may take, as the service was started with."""
        return self._rules

    def board(self, conn: sqlite3.Connection, now: datetime) -> tuple[Row, ...]:
        """What waits, in the order in which it will be taken."""
        where = "q.state = 'waiting' AND q.conversation > 0 ORDER BY q.tier > 0, q.due_at, q.\"case\""
        return explained(self._rows(conn, now, where))

    def held(self, conn: sqlite3.Connection, now: datetime, adviser: AdviserId | None = None) -> tuple[Row, ...]:
        """Who holds what, longest held first: of all advisers, without practice; or of one, with practice and with what
        is offered to them."""
        where = (
            "q.holder IS NOT NULL AND iif(:adviser IS NULL, q.conversation > 0, :adviser IN (q.holder, q.offered_to))"
            " ORDER BY q.moved_at"
        )
        return tuple(self._rows(conn, now, where, adviser=adviser))

    def scheduled(self, conn: sqlite3.Connection, now: datetime) -> tuple[Row, ...]:
        """Agreed call-backs, the next one first."""
        return tuple(self._rows(conn, now, "q.wake_at IS NOT NULL AND q.conversation > 0 ORDER BY q.wake_at"))

    def case(self, conn: sqlite3.Connection, case_id: CaseId, now: datetime) -> Case:
        """Raises: NoSuchCase."""
        return self._case(conn, now, 'q."case" = :case', case=case_id)

    def referred(self, conn: sqlite3.Connection, reference: str, now: datetime) -> Row | None:
        """The case with that reference, as a row."""
        return next(self._rows(conn, now, "c.reference = :reference", reference=reference), None)

    def thread(self, conn: sqlite3.Connection, case_id: CaseId, after_seq: int = 0) -> tuple[Message, ...]:
        return thread.lines(conn, self._seal, case_id, after_seq)

    def notes(self, conn: sqlite3.Connection, case_id: CaseId) -> tuple[Note, ...]:
        return thread.notes(conn, self._seal, case_id)

    def on_duty(self, conn: sqlite3.Connection, now: datetime) -> tuple[OnDuty, ...]:
        fresh = to_ms(now - self._rules.lease)
        rows = conn.execute(_ON_DUTY, {"fresh": fresh})
        return tuple(OnDuty(AdviserId(row[0]), row[1], row[2], row[3], row[4], bool(row[5])) for row in rows)

    def is_heard(self, conn: sqlite3.Connection, now: datetime, adviser: AdviserId) -> bool:
        """Whether their console was heard from lately."""
        row = conn.execute("SELECT coalesce(heartbeat_at, 0) FROM adviser WHERE id = ?", [adviser]).fetchone()
        return row is not None and int(row[0]) > to_ms(now - self._rules.lease)

    def light(self, conn: sqlite3.Connection, now: datetime, on_duty: Iterable[OnDuty] | None = None) -> Light:
        """Red only for danger; amber when something is overdue or more wait than can be taken; else green.

        `on_duty` is as `on_duty` gives it, when it was asked already.
        """
        waiting, overdue, danger, oldest = conn.execute(_WAITING, {"now": to_ms(now)}).fetchone()
        there = self.on_duty(conn, now) if on_duty is None else on_duty
        free = sum(max(0, each.capacity - each.holding) for each in there if each.connected)
        colour, rule = ruled(danger, overdue, waiting, free)
        longest = now - from_ms(oldest) if oldest is not None else timedelta()
        return Light(colour, rule, waiting, overdue, free, longest)

    def _case(self, conn: sqlite3.Connection, now: datetime, where: str, **values: int | str) -> Case:
        row = next(self._rows(conn, now, where, **values), None)
        if row is None:
            raise NoSuchCase
        library, pack, issue, outcome, speaker, epoch = conn.execute(_CASE, [row.id]).fetchone()
        opened = thread.opened_pack(self._seal, row.reference, pack)
        return Case(row, library, opened, Voice(Speaker(speaker), epoch), issue, outcome)

    def _rows(self, conn: sqlite3.Connection, now: datetime, where: str, **values: int | str | None) -> Iterator[Row]:
        return rows(conn, now, now - self._rules.unreachable + self._rules.lease, where, values)


def events_after(conn: sqlite3.Connection, seq: int, limit: int = EVENTS_AT_ONCE) -> tuple[Event, ...]:
    """The feed after `seq`, in order: what a console that reconnects, and the bot's relay, resume from.

    `conversation` is None for events without a case, of a case that was forgotten, of practice, or whose
    enquirer left.
    """
    rows = conn.execute(_EVENTS, [seq, limit])
    return tuple(
        Event(row[0], row[1], row[2] and CaseId(row[2]), row[3], row[4] and AdviserId(row[4]), from_ms(row[5]), row[6])
        for row in rows
    )


def reference_of(conn: sqlite3.Connection, conversation: int) -> str | None:
    """The reference of a conversation's newest case, live or ended."""
    row = conn.execute(
        "SELECT reference FROM cases WHERE conversation = ? ORDER BY id DESC LIMIT 1", [conversation]
    ).fetchone()
    return None if row is None else str(row[0])


def conversation_of(conn: sqlite3.Connection, case_id: CaseId) -> int | None:
    """The conversation of a case; None once it was forgotten."""
    row = conn.execute("SELECT conversation FROM cases WHERE id = ?", [case_id]).fetchone()
    return None if row is None else int(row[0])


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands, with nothing of what it is about."""

    reference: str
    state: State
    tier: int
    holder: str | None
    """The name of the adviser who has it."""


def standing(conn: sqlite3.Connection, case_id: CaseId) -> Standing | None:
    """None once the case was forgotten, and for practice."""
    row = conn.execute(_STANDING, [case_id]).fetchone()
    return None if row is None else Standing(row[0], State(row[1]), row[2], row[3])


def agreed_for(conn: sqlite3.Connection, case_id: CaseId, seq: int) -> datetime | None:
    """The time of the call-back that was agreed by that event; None when it has come, or another was agreed since."""
    row = conn.execute(_AGREED, [case_id, seq]).fetchone()
    return None if row is None else from_ms(row[0])


def waiting(conn: sqlite3.Connection) -> tuple[CaseId, ...]:
    """What waits, in the order in which it will be taken."""
    return tuple(CaseId(row[0]) for row in conn.execute(_WAIT))


def claimed_since(conn: sqlite3.Connection, adviser: AdviserId, seq: int) -> CaseId | None:
    """The first case they claimed after that event, hold, and have not answered yet."""
    row = conn.execute(_CLAIMED_SINCE, {"seq": seq, "adviser": adviser}).fetchone()
    return None if row is None else CaseId(row[0])


@dataclass(frozen=True, slots=True)
class Ending:
    """How a conversation's newest case ended."""

    reference: str
    given_back: bool


def last_ending(conn: sqlite3.Connection, conversation: int) -> Ending | None:
    """None when its newest case has not ended, or there never was one."""
    row = conn.execute(_ENDING, [conversation]).fetchone()
    return None if row is None else Ending(row[0], row[1] == "given_back")


def last_event(conn: sqlite3.Connection) -> int:
    """The newest event's number, 0 when there is none: where a fresh console begins."""
    row = conn.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    return int(row[0])


# --- within ----------------------------------------------------------------------------------------------------------

_CASE = """
SELECT c.library, c.pack, q.issue, q.outcome, v.speaker, v.epoch
  FROM cases c JOIN queue_item q ON q."case" = c.id JOIN voice v ON v.conversation = c.conversation WHERE c.id = ?
"""
_STANDING = """
SELECT c.reference, q.state, q.tier, a.name FROM queue_item q JOIN cases c ON c.id = q."case"
  LEFT JOIN adviser a ON a.id = q.holder WHERE q."case" = ? AND q.conversation > 0
"""
_WAIT = """
SELECT "case" FROM queue_item WHERE state = 'waiting' AND conversation > 0 ORDER BY tier > 0, due_at, "case"
"""
_CLAIMED_SINCE = """
SELECT e."case" FROM event e JOIN queue_item q ON q."case" = e."case"
 WHERE e.seq > :seq AND e.kind = 'case.claimed' AND e.adviser = :adviser AND q.holder = :adviser
   AND q.state = 'claimed' AND q.conversation > 0 ORDER BY e.seq LIMIT 1
"""
_AGREED = """
SELECT agreed_for FROM queue_item q WHERE q."case" = ? AND q.state = 'scheduled'
   AND NOT EXISTS (SELECT 1 FROM event e WHERE e."case" = q."case" AND e.kind = 'case.scheduled' AND e.seq > ?)
"""
_ENDING = """
SELECT c.reference, q.outcome FROM cases c JOIN queue_item q ON q."case" = c.id
 WHERE c.conversation = ? AND q.state = 'done' ORDER BY c.id DESC LIMIT 1
"""
_ON_DUTY = """
SELECT a.id, a.name, a.role, (SELECT count(*) FROM queue_item q WHERE q.holder = a.id
        AND q.state IN ('claimed', 'active', 'offered')), a.capacity, coalesce(a.heartbeat_at, 0) > :fresh
  FROM adviser a WHERE a.available AND a.disabled_at IS NULL AND a.role IN ('adviser', 'senior', 'lead')
 ORDER BY a.name, a.id
"""
_WAITING = """
SELECT count(*), coalesce(sum(max(q.due_at, coalesce(q.agreed_for, 0)) < :now), 0), coalesce(sum(q.tier = 0), 0),
    min(coalesce(q.agreed_for, c.opened_at))
  FROM queue_item q INDEXED BY queue_order JOIN cases c ON c.id = q."case" WHERE q.state = 'waiting'
   AND q.conversation > 0
"""
_EVENTS = """
SELECT e.seq, e.kind, e."case", CASE WHEN q.left_at IS NULL AND q.conversation > 0 THEN q.conversation END,
    e.adviser, e.at, c.reference
  FROM event e LEFT JOIN queue_item q ON q."case" = e."case" LEFT JOIN cases c ON c.id = e."case"
 WHERE e.seq > ? ORDER BY e.seq LIMIT ?
"""
