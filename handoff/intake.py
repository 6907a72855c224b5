"""How cases come into the queue: one live case for each conversation, which later reasons may raise but not lower."""

import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime

from handoff import thread
from handoff.domain import DANGER_TIER, REFERENCE_ALPHABET, Author, CaseId, Lane, NewCase, OpenedCase, Rules, code
from handoff.hours import SUBDIVISIONS, Hours
from handoff.moments import to_ms
from handoff.seal import Seal

URGENT_TIER = 1
"""From here on a case keeps its own allowance even when it is only a message."""

_LIVE = """
SELECT q."case", c.reference FROM queue_item q JOIN cases c ON c.id = q."case"
 WHERE q.conversation = ? AND q.state NOT IN ('done', 'abandoned') AND q.left_at IS NULL
"""
_OPEN = """
INSERT INTO cases (reference, conversation, reason, concern, role, nation, platform, channel, language, library,
    opened_at, opened_on, opened_hour, pack)
VALUES (:reference, :conversation, :reason, :concern, :role, :nation, :platform, :channel, :language, :library, :at,
    :day, :hour, :pack)
RETURNING id
"""
_FIRST_VOICE = """
INSERT INTO voice SELECT :conversation, 'bot', 0
 WHERE NOT EXISTS (SELECT 1 FROM voice WHERE conversation = :conversation)
"""
_ENQUEUE = """
INSERT INTO queue_item ("case", conversation, tier, due_at, state, lane, moved_at) VALUES (?, ?, ?, ?, 'waiting', ?, ?)
"""
_RAISE = """
UPDATE queue_item SET tier = min(tier, :tier), due_at = min(due_at, :due), moved_at = :now,
    wake_at = iif(:tier = 0, min(wake_at, :now), wake_at), lane = iif(:tier = 0, 'live', lane)
 WHERE "case" = :case AND (tier > :tier OR (:tier = 0 AND wake_at > :now))
"""
"""A call-back does not sleep through danger: its time has come."""


def new_reference() -> str:
    """A case's public name, like FL-7K3Q-2M: chance alone, so that it tells nothing and cannot be counted."""
    signs = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(6))
    return f"FL-{signs[:4]}-{signs[4:]}"


def live_case(conn: sqlite3.Connection, conversation: int) -> OpenedCase | None:
    """The case this conversation's words go to, if any."""
    row = conn.execute(_LIVE, [conversation]).fetchone()
    return None if row is None else OpenedCase(CaseId(row[0]), row[1], already_open=True)


class Intake:
    """What the queue's `open_case` and `flag` do."""

    def __init__(self, seal: Seal, hours: Hours, rules: Rules, reference: Callable[[], str]) -> None:
        self._seal = seal
        self._hours = hours
        self._rules = rules
        self._reference = reference

    def open_case(self, conn: sqlite3.Connection, case: NewCase, now: datetime) -> OpenedCase:
        live = live_case(conn, case.conversation)
        if live is None:
            return self._open_new(conn, case, now)
        self.flag(conn, live, case.reason, now, case.tier)
        return live

    def flag(self, conn: sqlite3.Connection, live: OpenedCase, what: str, now: datetime, tier: int | None) -> None:
        """A line with the code `what`; with a graver `tier`, that tier and its deadline."""
        if tier is not None:
            due = to_ms(self._due(tier, Lane.LIVE, now))
            conn.execute(_RAISE, {"case": live.id, "tier": tier, "due": due, "now": to_ms(now)})
        thread.add(conn, self._seal, live.id, Author.SYSTEM, code(what), now)

    def _open_new(self, conn: sqlite3.Connection, case: NewCase, now: datetime) -> OpenedCase:
        reference = self._free_reference(conn)
        local = self._hours.local(now)
        row = {
            "reference": reference,
            "conversation": case.conversation,
            "reason": code(case.reason),
            "concern": _coded(case.concern),
            "role": _coded(case.role),
            "nation": case.nation if case.nation in SUBDIVISIONS else None,
            "platform": _coded(case.platform),
            "channel": code(case.channel),
            "language": case.language,
            "library": case.library,
            "at": to_ms(now),
            "day": local.date().isoformat(),
            "hour": local.hour,
            "pack": thread.sealed_pack(self._seal, reference, case.pack),
        }
        case_id = CaseId(conn.execute(_OPEN, row).fetchone()[0])
        conn.execute(_FIRST_VOICE, {"conversation": case.conversation})
        lane = self._lane(case, now)
        due = to_ms(self._due(case.tier, lane, now))
        conn.execute(_ENQUEUE, [case_id, case.conversation, case.tier, due, lane, to_ms(now)])
        return OpenedCase(case_id, reference)

    def _free_reference(self, conn: sqlite3.Connection) -> str:
        while True:
            reference = self._reference()
            if conn.execute("SELECT 1 FROM cases WHERE reference = ?", [reference]).fetchone() is None:
                return reference

    def _lane(self, case: NewCase, now: datetime) -> Lane:
        if case.tier == DANGER_TIER:
            return Lane.LIVE
        return case.lane or (Lane.LIVE if self._hours.is_open(now) else Lane.MESSAGES)

    def _due(self, tier: int, lane: Lane, now: datetime) -> datetime:
        is_patient = lane is Lane.MESSAGES and tier > URGENT_TIER
        allowance = self._rules.message if is_patient else self._rules.allowances[tier]
        return now + allowance if tier == DANGER_TIER else self._hours.add(now, allowance)


def _coded(text: str | None) -> str | None:
    return None if text is None else code(text)
