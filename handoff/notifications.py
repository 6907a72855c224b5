"""What people must be told: stored first, then carried up a ladder until somebody acknowledges. Never any content.

A kind, a case's number, a tier and for whom: that is all a notification holds.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from handoff.advisers import witness
from handoff.domain import DANGER_TIER, MAY_HOLD, MAY_TAKE_OVER, Adviser, AdviserId, CaseId, Role, Rules
from handoff.moments import from_ms, to_ms

CALM_TIER = 3


class Kind(StrEnum):
    """What is told. All but WHISPERED and REVIEWED are made by the database's own triggers, or by `sweep`."""

    CASE_WAITS = "case_waits"
    """A case of tier 0 or 1 waits, or waits again."""
    CALL_BACK_DUE = "call_back_due"
    CASE_RAISED = "case_raised"
    """A case somebody holds became graver."""
    CASE_OVERDUE = "case_overdue"
    CASE_LAPSED = "case_lapsed"
    """Your claim ran out, and the case went back."""
    TAKEN_OVER = "taken_over"
    TRANSFER_OFFERED = "transfer_offered"
    HOLDER_UNREACHABLE = "holder_unreachable"
    MESSAGE_UNKNOWN = "message_unknown"
    MESSAGE_FAILED = "message_failed"
    WHISPERED = "whispered"
    REVIEWED = "reviewed"
    SECOND_READING = "second_reading"
    TASK_DUE = "task_due"
    """A task, or what a takedown waits for."""
    DEBRIEF = "debrief"


class Audience(StrEnum):
    """For whom it is, where it is not for one adviser."""

    ON_DUTY = "on_duty"
    SENIORS = "seniors"
    LEAD = "lead"


class Rung(StrEnum):
    """The steps beyond the desk's own pages, which ask for themselves."""

    TELEGRAM = "telegram"
    EMAIL = "email"


AFTER: Mapping[Rung, timedelta] = MappingProxyType(
    {Rung.TELEGRAM: timedelta(seconds=60), Rung.EMAIL: timedelta(minutes=5)}
)
"""How long the desk and the browser have before a rung is told. Danger is told everywhere at once."""
DANGER_OVERDUE = timedelta(minutes=2)
"""Danger is due the moment it comes: so long it may wait for a hand before that is told once more."""

_NEAR = frozenset({Kind.CASE_LAPSED, Kind.TAKEN_OVER, Kind.WHISPERED, Kind.REVIEWED, Kind.DEBRIEF})
"""Between two people, or of no use to anybody else: these never leave the desk."""
_ANNOUNCED = frozenset({Kind.CASE_WAITS, Kind.CALL_BACK_DUE})
"""The advisers' group has a message with a button for each case that waits: it needs no second one."""
TOLD_ON: Mapping[Rung, frozenset[Kind]] = MappingProxyType(
    {Rung.TELEGRAM: frozenset(Kind) - _NEAR - _ANNOUNCED, Rung.EMAIL: frozenset(Kind) - _NEAR}
)


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to be told. `case_id` and `reference` are None where it is about no case."""

    id: int
    kind: Kind
    case_id: CaseId | None
    reference: str | None
    tier: int
    made_at: datetime
    audience: str
    acked_at: datetime | None = None
    acked_by: str | None = None
    """The name of who acknowledged; None when it settled itself."""


# --- making and settling: inside a ledger write ----------------------------------------------------------------------


def notify(
    conn: sqlite3.Connection,
    kind: Kind,
    to: AdviserId | Audience,
    now: datetime,
    *,
    case_id: CaseId | None = None,
    about: int | str = "",
) -> bool:
    """Keeps a notification, in the write of what it is about. `about` (a number or a code) tells two of a kind on one
    case apart. False, and nothing is done, when it was told of before; practice cases are never told of."""
    tier = CALM_TIER
    if case_id is not None:
        row = conn.execute('SELECT tier, conversation FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
        if row is None or row[1] < 0:
            return False
        tier = row[0]
    values = {
        "kind": kind,
        "case": case_id,
        "audience": to if isinstance(to, Audience) else "adviser",
        "adviser": None if isinstance(to, Audience) else to,
        "tier": tier,
        "key": key_of(kind, case_id, about),
        "now": to_ms(now),
    }
    if conn.execute(_NOTIFY, values).rowcount != 1:
        return False
    witness(conn, "notification.made", None, now, case_id)
    return True


def settle(
    conn: sqlite3.Connection, kind: Kind, now: datetime, *, case_id: CaseId | None = None, about: int | str = ""
) -> None:
    """What it was about is done: nobody need be told any more."""
    values = [to_ms(now), key_of(kind, case_id, about)]
    if conn.execute("UPDATE notification SET acked_at = ? WHERE dedupe_key = ? AND acked_at IS NULL", values).rowcount:
        witness(conn, "notification.settled", None, now, case_id)


def key_of(kind: Kind, case_id: CaseId | None, about: int | str) -> str:
    return f"{kind}:{'' if case_id is None else case_id}:{about}"


def acknowledge(conn: sqlite3.Connection, ids: Iterable[int], me: Adviser, now: datetime) -> int:
    """Somebody has seen it and says so; only what is theirs to see. Returns how many."""
    done = 0
    for number in ids:
        values = {"me": me.id, "now": to_ms(now), "id": number, **_sight(me)}
        row = conn.execute(f'{_ACKNOWLEDGE} AND {_MINE} RETURNING "case"', values).fetchone()
        if row is not None:
            witness(conn, "notification.acked", me.id, now, row[0])
            done += 1
    return done


def to_acknowledge_by_opening(conn: sqlite3.Connection, case_id: CaseId, me: Adviser) -> tuple[int, ...]:
    """What looking at the case settles for this adviser. Danger that waits needs a hand or a plain yes, not a look."""
    values = {"case": case_id, **_sight(me)}
    rows = conn.execute(f'SELECT id FROM notification WHERE "case" = :case AND {_BY_LOOKING} AND {_MINE}', values)
    return tuple(row[0] for row in rows)


def sweep(conn: sqlite3.Connection, now: datetime, rules: Rules | None = None) -> int:
    """Makes what time alone brings about: cases overdue, holders unreachable; settles what is true no more. Returns how
    much changed. To be called every few seconds, when `anything_to_sweep`."""
    values, changed = _times(now, rules), 0
    for select in (_OVERDUE, _UNREACHABLE, _TASK_DUE):
        made = conn.execute(f'{_INSERT} {select} ON CONFLICT (dedupe_key) DO NOTHING RETURNING "case"', values)
        for row in made.fetchall():
            witness(conn, "notification.made", None, now, row[0])
            changed += 1
    for row in conn.execute(_REACHABLE_AGAIN, values).fetchall():
        witness(conn, "notification.settled", None, now, row[0])
        changed += 1
    return changed


def anything_to_sweep(conn: sqlite3.Connection, now: datetime, rules: Rules | None = None) -> bool:
    """Asked on a reader, so that a quiet desk writes nothing."""
    values = _times(now, rules)
    fresh = "WHERE key NOT IN (SELECT dedupe_key FROM notification)"
    news = any(
        conn.execute(f"WITH found ({_FOUND}) AS ({select}) SELECT 1 FROM found {fresh} LIMIT 1", values).fetchone()
        for select in (_OVERDUE, _UNREACHABLE, _TASK_DUE)
    )
    return news or conn.execute(f"SELECT 1 {_UNREACHABLE_NO_MORE} LIMIT 1", values).fetchone() is not None


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Glance:
    """What the frame of every page shows of the open ones: how many, the gravest, and the newest for the browser."""

    count: int
    gravest: Notification | None
    newest: tuple[Notification, ...]


NEWEST = 10


def glance(conn: sqlite3.Connection, me: Adviser) -> Glance:
    """Costs the same however many are open."""
    sight = _sight(me)
    count = conn.execute(f"SELECT count(*) FROM notification n WHERE acked_at IS NULL AND {_MINE}", sight).fetchone()
    if not count[0]:
        return Glance(0, None, ())
    mine = f"{_READ} WHERE n.acked_at IS NULL AND {_MINE}"
    gravest = conn.execute(f"{mine} ORDER BY n.tier, n.id LIMIT 1", sight).fetchone()
    newest = conn.execute(f"{mine} ORDER BY n.id DESC LIMIT {NEWEST}", sight)
    return Glance(count[0], _read(gravest), tuple(_read(row) for row in newest))


def open_for(conn: sqlite3.Connection, me: Adviser) -> tuple[Notification, ...]:
    """What this adviser has to know and nobody has acknowledged: the gravest first, then the oldest."""
    rows = conn.execute(f"{_READ} WHERE n.acked_at IS NULL AND {_MINE} ORDER BY n.tier, n.id", _sight(me))
    return tuple(_read(row) for row in rows)


def lately_for(conn: sqlite3.Connection, me: Adviser, limit: int = 30) -> tuple[Notification, ...]:
    """What was acknowledged or settled, the newest first."""
    where = f"WHERE n.acked_at IS NOT NULL AND {_MINE} ORDER BY n.acked_at DESC, n.id DESC LIMIT :limit"
    return tuple(_read(row) for row in conn.execute(f"{_READ} {where}", {**_sight(me), "limit": limit}))


def open_of(conn: sqlite3.Connection, kinds: Collection[Kind]) -> tuple[Notification, ...]:
    """Everything of these kinds that nobody has acknowledged, whoever it is for."""
    marks = ", ".join("?" * len(kinds))
    where = f"WHERE n.acked_at IS NULL AND n.kind IN ({marks}) ORDER BY n.tier, n.id"
    return tuple(_read(row) for row in conn.execute(f"{_READ} {where}", list(kinds)))


def due(conn: sqlite3.Connection, rung: Rung, now: datetime, limit: int = 50) -> tuple[Notification, ...]:
    """What this rung is to be told now and was not told yet."""
    kinds = sorted(TOLD_ON[rung])
    where = (
        f"WHERE n.acked_at IS NULL AND n.kind IN ({', '.join('?' * len(kinds))})"
        " AND (n.tier = ? OR n.made_at <= ?)"
        " AND NOT EXISTS (SELECT 1 FROM notification_step s WHERE s.notification = n.id AND s.rung = ?)"
        " ORDER BY n.tier, n.id LIMIT ?"
    )
    values = [*kinds, DANGER_TIER, to_ms(now - AFTER[rung]), rung, limit]
    return tuple(_read(row) for row in conn.execute(f"{_READ} {where}", values))


def told(conn: sqlite3.Connection, rung: Rung, ids: Iterable[int], now: datetime) -> None:
    """This rung has them: it is not told again, after a restart neither."""
    statement = "INSERT INTO notification_step VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
    conn.executemany(statement, [(number, rung, to_ms(now)) for number in ids])


# --- within ----------------------------------------------------------------------------------------------------------

_FOUND = 'kind, "case", audience, adviser, tier, key, made_at'
_INSERT = 'INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)'
_NOTIFY = """
INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)
VALUES (:kind, :case, :audience, :adviser, :tier, :key, :now) ON CONFLICT (dedupe_key) DO NOTHING
"""
_ACKNOWLEDGE = "UPDATE notification SET acked_at = :now, acked_by = :me WHERE id = :id AND acked_at IS NULL"
_MINE = """
(audience = 'adviser' AND adviser = :adviser OR audience = 'on_duty' AND :on_duty
    OR audience = 'seniors' AND :senior OR audience = 'lead' AND :lead)
"""
_BY_LOOKING = """
acked_at IS NULL AND NOT (kind = 'case_waits' AND tier = 0)
    AND kind NOT IN ('transfer_offered', 'second_reading', 'task_due', 'debrief', 'reviewed')
"""
"""An offer is answered, a reading given, a task done: looking is not enough for those."""
_READ = """
SELECT n.id, n.kind, n."case", c.reference, n.tier, n.made_at, n.audience, n.acked_at, a.name
  FROM notification n LEFT JOIN cases c ON c.id = n."case" LEFT JOIN adviser a ON a.id = n.acked_by
"""
_OVERDUE = """
SELECT 'case_overdue', "case", 'on_duty', NULL, tier, 'case_overdue:' || "case" || ':' || due_at, :now FROM queue_item
 WHERE state = 'waiting' AND conversation > 0 AND left_at IS NULL
   AND due_at <= iif(tier = 0, :danger_overdue, :now)
"""
_UNREACHABLE = """
SELECT 'holder_unreachable', "case", 'seniors', NULL, tier,
    'holder_unreachable:' || "case" || ':' || lease_until, :now
  FROM queue_item WHERE holder IS NOT NULL AND state <> 'claimed' AND conversation > 0 AND lease_until <= :silent
"""
_TASK_DUE = """
SELECT 'task_due', t."case", iif(t.assignee IS NULL, 'on_duty', 'adviser'), t.assignee, q.tier,
    'task_due:' || t.id || ':' || t.version, :now
  FROM task t JOIN queue_item q ON q."case" = t."case"
 WHERE t.state = 'open' AND t.due_at <= :now AND q.conversation > 0
"""
_UNREACHABLE_NO_MORE = """
FROM notification n JOIN queue_item q ON q."case" = n."case" WHERE n.kind = 'holder_unreachable'
 AND n.acked_at IS NULL AND q.lease_until > :silent
"""
_REACHABLE_AGAIN = f"""
UPDATE notification SET acked_at = :now WHERE id IN (SELECT n.id {_UNREACHABLE_NO_MORE}) RETURNING "case"
"""


def _times(now: datetime, rules: Rules | None) -> dict[str, int]:
    rules = rules or Rules()
    silent = now - rules.unreachable + rules.lease
    return {"now": to_ms(now), "silent": to_ms(silent), "danger_overdue": to_ms(now - DANGER_OVERDUE)}


def _sight(me: Adviser) -> dict[str, int]:
    return {
        "adviser": me.id,
        "on_duty": me.role in MAY_HOLD and me.available,
        "senior": me.role in MAY_TAKE_OVER,
        "lead": me.role is Role.LEAD,
    }


def _read(row: tuple[int, str, int | None, str | None, int, int, str, int | None, str | None]) -> Notification:
    id_, kind, case_id, reference, tier, made_at, audience, acked_at, acked_by = row
    return Notification(
        id_,
        Kind(kind),
        None if case_id is None else CaseId(case_id),
        reference,
        tier,
        from_ms(made_at),
        audience,
        None if acked_at is None else from_ms(acked_at),
        acked_by,
    )
