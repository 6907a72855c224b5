"""What advisers look at: the board, a case, its thread, who is on duty. Reading only; codes and numbers, not words."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from handoff import thread
from handoff.domain import (
    DANGER_TIER,
    AdviserId,
    CaseId,
    Event,
    Message,
    Note,
    Pack,
    Rules,
    Speaker,
    State,
    Voice,
)
from handoff.errors import NoSuchCase
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

EVENTS_AT_ONCE = 200


class TierWord(StrEnum):
    """What a tier is called; the console has the words."""

    DANGER = "danger"
    URGENT = "urgent"
    SOON = "soon"
    ROUTINE = "routine"


TIER_WORDS = (TierWord.DANGER, TierWord.URGENT, TierWord.SOON, TierWord.ROUTINE)


class Why(StrEnum):
    """Why a case stands where it stands; each comes with one number."""

    DANGER = "danger"
    """Danger goes first. Number: 0."""
    OVERDUE = "overdue"
    """Its deadline passed. Number: minutes ago."""
    DUE = "due"
    """The earliest deadline goes first. Number: minutes left."""
    SAME_DEADLINE = "same_deadline"
    """As the row above, and asked later. Number: 0."""
    PUT_BACK = "put_back"
    """It was claimed before and kept its place. Number: how often."""
    LEFT = "left"
    """The enquirer left; it has only to be wrapped up. Number: 0."""


@dataclass(frozen=True, slots=True)
class Reason:
    why: Why
    number: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    id: AdviserId
    name: str


@dataclass(frozen=True, slots=True)
class Row:
    """One case as a line of the board."""

    id: CaseId
    reference: str
    state: State
    tier: int
    tier_word: TierWord
    reason: str
    concern: str | None
    role: str | None
    nation: str | None
    platform: str | None
    channel: str
    language: str
    opened_at: datetime
    waited: timedelta
    due_at: datetime
    due_in: timedelta
    """Negative when overdue."""
    version: int
    moved_at: datetime
    holder: Holder | None
    offered_to: Holder | None
    wake_at: datetime | None
    unreachable: bool
    """Its holder's console has been silent for so long that a senior or lead should look."""
    left: bool
    why_here: tuple[Reason, ...]
    last_seq: int


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


class Colour(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class LightRule(StrEnum):
    """The rule that set the light, to be shown beside it."""

    DANGER_WAITS = "danger_waits"
    OVERDUE = "overdue"
    MORE_WAITING_THAN_PLACES = "more_waiting_than_places"
    ALL_WELL = "all_well"


@dataclass(frozen=True, slots=True)
class Light:
    """The state of the queue at a glance."""

    colour: Colour
    rule: LightRule
    waiting: int
    overdue: int
    free_places: int
    longest_wait: timedelta


class Desk:
    """All reads take any connection; `now` is only used to say how long something has been."""

    def __init__(self, seal: Seal, rules: Rules | None = None) -> None:
        self._seal = seal
        self._rules = rules or Rules()

    def board(self, conn: sqlite3.Connection, now: datetime) -> tuple[Row, ...]:
        """What waits, in the order in which it will be taken."""
        where = "q.state = 'waiting' ORDER BY q.tier > 0, q.due_at, q.\"case\""
        return _explained(self._rows(conn, now, where))

    def held(self, conn: sqlite3.Connection, now: datetime, adviser: AdviserId | None = None) -> tuple[Row, ...]:
        """Who holds what (of one adviser, or of all), longest held first; and, for one, what is offered to them."""
        where = (
            "q.holder IS NOT NULL AND (:adviser IS NULL OR :adviser IN (q.holder, q.offered_to)) ORDER BY q.moved_at"
        )
        return tuple(self._rows(conn, now, where, adviser=adviser))

    def scheduled(self, conn: sqlite3.Connection, now: datetime) -> tuple[Row, ...]:
        """Agreed call-backs, the next one first."""
        return tuple(self._rows(conn, now, "q.wake_at IS NOT NULL ORDER BY q.wake_at"))

    def case(self, conn: sqlite3.Connection, case_id: CaseId, now: datetime) -> Case:
        """Raises: NoSuchCase."""
        return self._case(conn, now, 'q."case" = :case', case=case_id)

    def case_by_reference(self, conn: sqlite3.Connection, reference: str, now: datetime) -> Case:
        """Raises: NoSuchCase."""
        return self._case(conn, now, "c.reference = :reference", reference=reference.strip().upper())

    def thread(self, conn: sqlite3.Connection, case_id: CaseId, after_seq: int = 0) -> tuple[Message, ...]:
        return thread.lines(conn, self._seal, case_id, after_seq)

    def notes(self, conn: sqlite3.Connection, case_id: CaseId) -> tuple[Note, ...]:
        return thread.notes(conn, self._seal, case_id)

    def in_doubt(self, conn: sqlite3.Connection) -> tuple[CaseId, ...]:
        """Open cases with a message that failed or may not have arrived."""
        rows = conn.execute(
            'SELECT DISTINCT m."case" FROM delivery d JOIN message m ON m.id = d.message'
            " JOIN queue_item q ON q.\"case\" = m.\"case\" WHERE d.state IN ('unknown', 'failed')"
            " AND q.state NOT IN ('done', 'abandoned') ORDER BY 1"
        )
        return tuple(CaseId(row[0]) for row in rows)

    def on_duty(self, conn: sqlite3.Connection, now: datetime) -> tuple[OnDuty, ...]:
        fresh = to_ms(now - self._rules.lease)
        rows = conn.execute(_ON_DUTY, {"fresh": fresh})
        return tuple(OnDuty(AdviserId(row[0]), row[1], row[2], row[3], row[4], bool(row[5])) for row in rows)

    def light(self, conn: sqlite3.Connection, now: datetime) -> Light:
        """Red only for danger; amber when something is overdue or more wait than can be taken; else green."""
        waiting, overdue, danger, oldest = conn.execute(_WAITING, {"now": to_ms(now)}).fetchone()
        free = sum(max(0, each.capacity - each.holding) for each in self.on_duty(conn, now) if each.connected)
        colour, rule = _light(danger, overdue, waiting, free)
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
        cursor = conn.cursor()
        cursor.row_factory = sqlite3.Row
        silent_since = to_ms(now - self._rules.unreachable + self._rules.lease)
        return (_row(row, now, silent_since) for row in cursor.execute(_ROWS + where, values))


def events_after(conn: sqlite3.Connection, seq: int, limit: int = EVENTS_AT_ONCE) -> tuple[Event, ...]:
    """The feed after `seq`, in order: what a console that reconnects, and the bot's relay, resume from.

    `conversation` is None for events without a case, of a case that was forgotten, or whose enquirer left.
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

_ROWS = """
SELECT q."case" AS id, q.state, q.tier, q.due_at, q.version, q.moved_at, q.wake_at, q.lease_until, q.left_at,
    q.put_back, q.holder, h.name AS holder_name, q.offered_to, o.name AS offered_name, c.reference, c.reason,
    c.concern, c.role, c.nation, c.platform, c.channel, c.language, c.opened_at,
    (SELECT coalesce(max(m.seq), 0) FROM message m WHERE m."case" = q."case") AS last_seq
  FROM queue_item q JOIN cases c ON c.id = q."case"
  LEFT JOIN adviser h ON h.id = q.holder LEFT JOIN adviser o ON o.id = q.offered_to
 WHERE """
_CASE = """
SELECT c.library, c.pack, q.issue, q.outcome, v.speaker, v.epoch
  FROM cases c JOIN queue_item q ON q."case" = c.id JOIN voice v ON v.conversation = c.conversation WHERE c.id = ?
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
SELECT count(*), coalesce(sum(q.due_at < :now), 0), coalesce(sum(q.tier = 0), 0), min(c.opened_at)
  FROM queue_item q JOIN cases c ON c.id = q."case" WHERE q.state = 'waiting'
"""
_EVENTS = """
SELECT e.seq, e.kind, e."case", CASE WHEN q.left_at IS NULL THEN q.conversation END, e.adviser, e.at, c.reference
  FROM event e LEFT JOIN queue_item q ON q."case" = e."case" LEFT JOIN cases c ON c.id = e."case"
 WHERE e.seq > ? ORDER BY e.seq LIMIT ?
"""


def _row(row: sqlite3.Row, now: datetime, silent_since: int) -> Row:
    due_at, opened_at = from_ms(row["due_at"]), from_ms(row["opened_at"])
    return Row(
        id=CaseId(row["id"]),
        reference=row["reference"],
        state=State(row["state"]),
        tier=row["tier"],
        tier_word=TIER_WORDS[row["tier"]],
        reason=row["reason"],
        concern=row["concern"],
        role=row["role"],
        nation=row["nation"],
        platform=row["platform"],
        channel=row["channel"],
        language=row["language"],
        opened_at=opened_at,
        waited=now - opened_at,
        due_at=due_at,
        due_in=due_at - now,
        version=row["version"],
        moved_at=from_ms(row["moved_at"]),
        holder=_holder(row["holder"], row["holder_name"]),
        offered_to=_holder(row["offered_to"], row["offered_name"]),
        wake_at=None if row["wake_at"] is None else from_ms(row["wake_at"]),
        unreachable=row["lease_until"] is not None and row["lease_until"] <= silent_since,
        left=row["left_at"] is not None,
        why_here=_why(row, due_at - now),
        last_seq=row["last_seq"],
    )


def _holder(id_: int | None, name: str) -> Holder | None:
    return None if id_ is None else Holder(AdviserId(id_), name)


def _why(row: sqlite3.Row, due_in: timedelta) -> tuple[Reason, ...]:
    minutes = int(abs(due_in) / timedelta(minutes=1))
    if row["tier"] == DANGER_TIER:
        first = Reason(Why.DANGER)
    else:
        first = Reason(Why.OVERDUE if due_in < timedelta() else Why.DUE, minutes)
    back = (Reason(Why.PUT_BACK, row["put_back"]),) if row["put_back"] else ()
    left = (Reason(Why.LEFT),) if row["left_at"] is not None else ()
    return (first, *back, *left)


def _explained(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Adds what can only be seen beside the row above: the same deadline, asked later."""
    explained: list[Row] = []
    for row in rows:
        above = explained[-1] if explained else None
        same = above is not None and (above.tier == DANGER_TIER, above.due_at) == (row.tier == DANGER_TIER, row.due_at)
        explained.append(replace(row, why_here=(*row.why_here, Reason(Why.SAME_DEADLINE))) if same else row)
    return tuple(explained)


def _light(danger: int, overdue: int, waiting: int, free: int) -> tuple[Colour, LightRule]:
    if danger:
        return Colour.RED, LightRule.DANGER_WAITS
    if overdue:
        return Colour.AMBER, LightRule.OVERDUE
    if waiting > free:
        return Colour.AMBER, LightRule.MORE_WAITING_THAN_PLACES
    return Colour.GREEN, LightRule.ALL_WELL
