"""What the desk keeps of people, for how long, and what may be forgotten now. The bot's own tables are the bot's.

Facts and the audit trail stay: they hold codes, days and numbers, and nothing leads from them to a case that is gone.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from handoff.domain import CaseId
from handoff.doorkeeper import FAILURE_WINDOW, KNOWN_FOR
from handoff.erasing import mark_of, overwriting
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each kind is kept. FACTS rule 19: what was passed on, a short fixed period; 30 days are suggested."""

    cases: timedelta = 30 * DAY
    """After the case ended. The day is written down as it ends: a changed setting is of cases that end from then on."""
    notices: timedelta = 30 * DAY
    """After a notice was settled."""
    gaps: timedelta = 365 * DAY
    """After an editor said what was done."""
    care: timedelta = 365 * DAY
    """How heavy an adviser found a case."""
    marks: timedelta = 365 * DAY
    """After a case was forgotten: until then somebody with its reference is told when that was."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What goes together. `rows`: tables whose rows go; `columns`: what is emptied in rows that stay."""

    code: str
    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()


KINDS: Final = (
    Kind(
        "case",
        (
            *("cases", "queue_item", "message", "delivery", "note", "contact", "case_link", "decision"),
            *("second_reading", "practice", "task", "takedown", "takedown_step", "reminder", "case_term", "closing"),
            *("review", "watch"),
        ),
        ("identity_reveal.words", "legal_hold.words"),
    ),
    Kind("contact", ("contact_now", "contact_turn")),
    Kind("notices", ("notification", "notification_step")),
    Kind("attempts", ("login_attempt",)),
    Kind("addresses", ("known_address",)),
    Kind("sessions", ("adviser_session",)),
    Kind("gaps", ("content_gap",)),
    Kind("care", ("debrief",)),
    Kind("marks", ("forgotten",)),
)
"""Every table and column of the desk that can hold something of a person; tests compare it with the schema."""
STAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "adviser adviser_handle one_time_password",
        "audit": "event event_chain event_head identity_reveal insertion legal_hold erasure_request access_request "
        "forgetting_run",
        "fact": "case_facts contact_facts takedown_facts adviser_load step_count page_count miss_count",
        "released": "released released_split released_cell released_report",
        "standing": "voice",
        "service": "taxonomy taxonomy_term hours_version school_term seal_mark _sqlite_migrations",
    }
)
"""Tables whose rows stay, by why. But for `account` and `service`, what text they have is codes and keyed marks."""
REMAINS: Final = ("facts", "events", "mark", "backups")
"""What is left of a forgotten case, as codes. A backup that was made before holds it for as long as it is kept."""


class Standing(StrEnum):
    """How a case stands to being forgotten."""

    OPEN = "open"
    HELD = "held"
    WORK_LEFT = "work_left"
    """Ended, with a task still open: it waits for that, but never longer than twice its time."""
    ENDED = "ended"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of one case, and what would become of it. `there`: how many of each, by table; none is 0.

    FORGOTTEN has only `forgotten_on`. `goes_at` is None while the case is open; `waits` says that somebody asked.
    """

    reference: str
    standing: Standing
    case_id: CaseId | None = None
    conversation: int | None = None
    there: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    goes_at: datetime | None = None
    held_for: str | None = None
    held_until: date | None = None
    """The day by which the hold is looked at again: it may stand longer."""
    waits: bool = False
    forgotten_on: date | None = None
    asked: bool = False
    """It was forgotten because somebody asked, not for its age."""

    @property
    def goes(self) -> bool:
        """It would be forgotten if it were asked for now."""
        return self.standing in (Standing.ENDED, Standing.WORK_LEFT)


def by_reference(conn: sqlite3.Connection, seal: Seal, reference: str, keep: Keep, now: datetime) -> Found | None:
    """None when no case ever had it, or its mark is gone too. `reference` whole and in capitals."""
    row = conn.execute(_FOUND + "WHERE c.reference = :is AND c.conversation > 0", _at(keep, now, reference)).fetchone()
    if row is not None:
        return _found(conn, row)
    gone = conn.execute("SELECT day, why FROM forgotten WHERE mark = ?", [mark_of(seal, reference)]).fetchone()
    if gone is None:
        return None
    return Found(reference, Standing.FORGOTTEN, forgotten_on=date.fromisoformat(gone[0]), asked=gone[1] == "asked")


def of_conversation(conn: sqlite3.Connection, conversation: int, keep: Keep, now: datetime) -> tuple[Found, ...]:
    """Every case a conversation has, the oldest first. What was forgotten before leads to no conversation."""
    rows = conn.execute(_FOUND + "WHERE c.conversation = :is ORDER BY c.id", _at(keep, now, conversation)).fetchall()
    return tuple(_found(conn, row) for row in rows)


def due(conn: sqlite3.Connection, keep: Keep, now: datetime, limit: int) -> tuple[CaseId, ...]:
    """Cases that are to be forgotten: their time is over, or somebody asked and nothing stands in the way any more."""
    rows = conn.execute(_SOME_DUE, {**_at(keep, now), "limit": limit})
    return tuple(CaseId(row[0]) for row in rows)


def preview(conn: sqlite3.Connection, keep: Keep, at: datetime) -> Mapping[str, int]:
    """How many of each kind would be forgotten at that moment, as things stand now."""
    values = _at(keep, at)
    cases = conn.execute(f"SELECT count(*) FROM ({_DUE})", values).fetchone()[0]
    return {"case": cases} | {
        kind: conn.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0]
        for kind, (table, where) in _OTHERS.items()
    }


def any_others(conn: sqlite3.Connection, keep: Keep, now: datetime) -> bool:
    """`forget_others` has something to do."""
    values = _at(keep, now)
    return any(
        conn.execute(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1", values).fetchone()
        for table, where in _OTHERS.values()
    )


def passed_over(conn: sqlite3.Connection, keep: Keep, at: datetime) -> Mapping[Standing, int]:
    """Cases whose time is over and that stay all the same, by why."""
    values = _at(keep, at)
    held = conn.execute(f"SELECT count(*) FROM queue_item q WHERE q.forget_at <= :now AND {_HELD}", values)
    work = conn.execute(f"SELECT count(*) FROM queue_item q WHERE {_AGED} AND NOT {_HELD} AND {_WORK_LEFT}", values)
    return {Standing.HELD: held.fetchone()[0], Standing.WORK_LEFT: work.fetchone()[0]}


def forget_others(conn: sqlite3.Connection, keep: Keep, now: datetime, limit: int) -> int:
    """Everything but cases whose time is over; of each kind up to `limit` rows. Returns how many went."""
    values = {**_at(keep, now), "limit": limit}
    with overwriting(conn):
        return sum(
            conn.execute(_DELETE.format(table=table, key=_KEYS.get(table, "rowid"), where=where), values).rowcount
            for table, where in _OTHERS.values()
        )


# --- within ----------------------------------------------------------------------------------------------------------

_HELD = 'EXISTS (SELECT 1 FROM legal_hold h WHERE h."case" = q."case" AND h.released_at IS NULL)'
_AGED = "q.forget_at <= :now"
_WORK_LEFT = """(q.forget_at > :now - :cases
    AND EXISTS (SELECT 1 FROM task t WHERE t."case" = q."case" AND t.state = 'open'))"""
_OVER = f'SELECT q."case" AS id FROM queue_item q WHERE {_AGED} AND NOT {_HELD} AND NOT {_WORK_LEFT}'
_ASKED = f"""
SELECT r."case" AS id FROM erasure_request r JOIN queue_item q ON q."case" = r."case"
 WHERE r.done_at IS NULL AND q.forget_at IS NOT NULL AND NOT {_HELD}"""
_DUE = f"{_OVER} UNION {_ASKED}"
_SOME_DUE = f"SELECT * FROM ({_OVER} LIMIT :limit) UNION SELECT * FROM ({_ASKED} LIMIT :limit)"
"""Each part stops by itself: however many are due, looking up the first of them takes no longer."""
_OTHERS: Final = {
    "notices": ("notification", "acked_at <= :now - :notices"),
    "attempts": ("login_attempt", "at <= :now - :attempts"),
    "addresses": ("known_address", "at <= :now - :addresses"),
    "sessions": ("adviser_session", "ends_at <= :now OR idle_until <= :now"),
    "gaps": ("content_gap", "state = 'done' AND answered_at <= :now - :gaps"),
    "care": ("debrief", "at <= :now - :care AND (talked_at IS NOT NULL OR NOT wants_talk)"),
    "marks": ("forgotten", "day <= date((:now - :marks) / 1000, 'unixepoch')"),
}
_KEYS: Final = {"known_address": "adviser, address_mark", "adviser_session": "token_hash", "forgotten": "mark"}
_DELETE = "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {where} LIMIT :limit)"
_COUNTED: Final = (
    *("message", "note", "decision", "task", "takedown", "reminder", "review", "contact", "identity_reveal"),
)
_FOUND = f"""
SELECT c.id, c.reference, c.conversation, c.pack IS NOT NULL, q.forget_at, h.reason, h.review_by,
       {_WORK_LEFT.replace("q.forget_at > :now - :cases", "1")},
       EXISTS (SELECT 1 FROM erasure_request r WHERE r."case" = c.id AND r.done_at IS NULL)
  FROM cases c JOIN queue_item q ON q."case" = c.id
  LEFT JOIN legal_hold h ON h."case" = c.id AND h.released_at IS NULL
"""


def _at(keep: Keep, now: datetime, what: str | int | None = None) -> dict[str, int | str | None]:
    lengths = {
        "cases": keep.cases,
        "notices": keep.notices,
        "gaps": keep.gaps,
        "care": keep.care,
        "marks": keep.marks,
        "attempts": FAILURE_WINDOW,
        "addresses": KNOWN_FOR,
    }
    as_ms = {name: length // timedelta(milliseconds=1) for name, length in lengths.items()}
    return {"now": to_ms(now), "is": what, **as_ms}


_Row = tuple[int, str, int, int, int | None, str | None, str | None, int, int]


def _found(conn: sqlite3.Connection, row: _Row) -> Found:
    case, reference, conversation, has_pack, forget_at, reason, review_by, work_left, waits = row
    counts = {
        table: conn.execute(f'SELECT count(*) FROM {table} WHERE "case" = ?', [case]).fetchone()[0]
        for table in _COUNTED
    }
    return Found(
        reference,
        _standing(forget_at is None, reason is not None, bool(work_left)),
        CaseId(case),
        conversation,
        {"pack": has_pack, **counts},
        None if forget_at is None else from_ms(forget_at),
        reason,
        None if review_by is None else date.fromisoformat(review_by),
        bool(waits),
    )


def _standing(is_open: bool, is_held: bool, work_left: bool) -> Standing:
    if is_held:
        return Standing.HELD
    if is_open:
        return Standing.OPEN
    return Standing.WORK_LEFT if work_left else Standing.ENDED
