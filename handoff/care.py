"""Care for advisers: how much of what is heavy each has taken, how heavy they found it, who would like to talk.

What one adviser said of themselves is for them and for the leads. No word of a case is in any of it.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from handoff.domain import AdviserId, CaseId
from handoff.errors import HandoffError, Refused
from handoff.moments import from_ms, to_ms

WEIGHTS: Final = range(1, 6)
HEAVY_WEIGHT = 4
"""From this weight on, of five, a case counts as one its adviser found heavy."""
SHORT, LONG = timedelta(days=7), timedelta(days=28)


class NothingAsked(HandoffError):
    """Nobody of that number asks for a talk any more."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one adviser took on in some time: cases by tier (0 to 3), and those they found heavy themselves."""

    tiers: tuple[int, int, int, int]
    rated: int
    heavy: int

    @property
    def taken(self) -> int:
        return sum(self.tiers)

    @property
    def grave(self) -> int:
        """Danger and urgent."""
        return self.tiers[0] + self.tiers[1]


@dataclass(frozen=True, slots=True)
class Asked:
    """An adviser who would like to talk: since when, and the newest of their requests."""

    adviser: AdviserId
    name: str
    since: datetime
    newest: int


@dataclass(frozen=True, slots=True)
class Team:
    """One adviser's exposure, as a lead sees it."""

    adviser: AdviserId
    name: str
    short: Exposure
    long: Exposure


def note(
    conn: sqlite3.Connection,
    adviser: AdviserId,
    now: datetime,
    case_id: CaseId | None = None,
    weight: int | None = None,
    wants_talk: bool = False,
) -> None:
    """Keeps what an adviser says of themselves; nothing said is nothing kept. Raises: Refused (weight not 1 to 5)."""
    if weight is not None and weight not in WEIGHTS:
        raise Refused("How heavy it was goes from 1 to 5.")
    if weight is None and not wants_talk:
        return
    values = [case_id, adviser, weight, wants_talk, to_ms(now)]
    conn.execute('INSERT INTO debrief ("case", adviser, weight, wants_talk, at) VALUES (?, ?, ?, ?, ?)', values)


def ask(conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> None:
    """They would like to talk, whatever about. Asked twice is asked once."""
    if asked_since(conn, adviser) is None:
        note(conn, adviser, now, wants_talk=True)


def talked(conn: sqlite3.Connection, adviser: AdviserId, newest: int, lead: AdviserId, now: datetime) -> None:
    """A lead has talked with them: what they asked up to `newest` is answered. Raises: NothingAsked; Refused for
    oneself. That `lead` is one is for the caller to see."""
    if adviser == lead:
        raise Refused("Somebody else must have the talk with you.")
    values = {"adviser": adviser, "newest": newest, "lead": lead, "now": to_ms(now)}
    if conn.execute(_TALKED, values).rowcount == 0:
        raise NothingAsked


def asked_since(conn: sqlite3.Connection, adviser: AdviserId) -> datetime | None:
    """When they first asked for the talk that was not had yet."""
    row = conn.execute(f"SELECT min(at) FROM debrief WHERE adviser = ? AND {_OPEN}", [adviser]).fetchone()
    return None if row[0] is None else from_ms(row[0])


def asking(conn: sqlite3.Connection) -> tuple[Asked, ...]:
    """Who would like to talk, whoever has waited longest first."""
    return tuple(Asked(AdviserId(row[0]), row[1], from_ms(row[2]), row[3]) for row in conn.execute(_ASKING))


def exposure(conn: sqlite3.Connection, adviser: AdviserId, since: datetime) -> Exposure:
    """Cases they claimed or accepted since then, each once, without practice."""
    values = {"adviser": adviser, "since": to_ms(since)}
    tiers = {row[0]: row[1] for row in conn.execute(_TAKEN, values)}
    rated, heavy = conn.execute(_RATED, {**values, "heavy": HEAVY_WEIGHT}).fetchone()
    return Exposure((tiers.get(0, 0), tiers.get(1, 0), tiers.get(2, 0), tiers.get(3, 0)), rated, heavy)


def team(conn: sqlite3.Connection, now: datetime) -> tuple[Team, ...]:
    """Everybody who may hold cases, by name."""
    rows = conn.execute(_HOLDERS).fetchall()
    return tuple(
        Team(AdviserId(row[0]), row[1], exposure(conn, row[0], now - SHORT), exposure(conn, row[0], now - LONG))
        for row in rows
    )


# --- within ----------------------------------------------------------------------------------------------------------

_OPEN = "wants_talk AND talked_at IS NULL"
_TALKED = f"""
UPDATE debrief SET talked_at = :now, talked_with = :lead WHERE adviser = :adviser AND id <= :newest AND {_OPEN}
"""
_ASKING = f"""
SELECT d.adviser, a.name, min(d.at), max(d.id) FROM debrief d JOIN adviser a ON a.id = d.adviser
 WHERE {_OPEN} GROUP BY d.adviser ORDER BY min(d.at), d.adviser
"""
_TAKEN = """
SELECT q.tier, count(*) FROM queue_item q WHERE q.conversation > 0 AND q."case" IN (SELECT "case" FROM event
    WHERE kind IN ('case.claimed', 'case.accepted') AND adviser = :adviser AND at >= :since) GROUP BY q.tier
"""
_RATED = """
SELECT count(*), coalesce(sum(weight >= :heavy), 0) FROM debrief
 WHERE adviser = :adviser AND at >= :since AND weight IS NOT NULL
"""
_HOLDERS = """
SELECT id, name FROM adviser WHERE disabled_at IS NULL AND role IN ('adviser', 'senior', 'lead') ORDER BY name, id
"""
