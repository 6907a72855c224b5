"""Legal holds: a lead keeps a case as it is, for a reason, until a lead lets it go. Looked at again by a day."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from handoff.domain import AdviserId, CaseId
from handoff.errors import NotAllowed, Refused
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

MAX_WORDS_CHARACTERS = 500
LONGEST = timedelta(days=366)
"""A hold is looked at again within a year."""


class HoldReason(StrEnum):
    POLICE = "police"
    COURT = "court"
    SAFEGUARDING_REVIEW = "safeguarding_review"
    COMPLAINT = "complaint"
    DATA_REQUEST = "data_request"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Hold:
    """`words` None where there are none, or they went with the case. `reference` None once that is forgotten."""

    id: int
    case_id: CaseId
    reference: str | None
    reason: HoldReason
    words: str | None
    review_by: date
    placed_by: AdviserId
    placed_at: datetime
    released_by: AdviserId | None
    released_at: datetime | None


def place(
    conn: sqlite3.Connection,
    seal: Seal,
    case_id: CaseId,
    lead: AdviserId,
    reason: HoldReason,
    words: str,
    review_by: date,
    now: datetime,
) -> int:
    """Returns its number. Raises: NotAllowed (no lead), Refused (held already, no such case, a day out of reason)."""
    _refuse_day(review_by, now)
    if len(words) > MAX_WORDS_CHARACTERS:
        raise Refused(f"The words are longer than {MAX_WORDS_CHARACTERS} characters.")
    row = [case_id, reason, seal.seal(words, _about(case_id)) if words else None, review_by.isoformat(), lead]
    try:
        return conn.execute(_PLACE, [*row, to_ms(now)]).lastrowid or 0
    except sqlite3.IntegrityError as error:
        raise _refusal(error, "The case is held already, or there is no such case.") from error


def review(conn: sqlite3.Connection, hold: int, lead: AdviserId, review_by: date, now: datetime) -> None:
    """It stays, and is looked at again by another day. Raises: NotAllowed, Refused."""
    _refuse_day(review_by, now)
    _change(conn, _REVIEW, hold, lead, now, review_by.isoformat())


def release(conn: sqlite3.Connection, hold: int, lead: AdviserId, now: datetime) -> None:
    """From now on the case is forgotten when its time comes; one whose time has passed goes in the coming night.

    Raises: NotAllowed, Refused.
    """
    _change(conn, _RELEASE, hold, lead, now)


def standing(conn: sqlite3.Connection, seal: Seal) -> tuple[Hold, ...]:
    """Holds that hold, the first to be looked at first."""
    return tuple(_hold(seal, row) for row in conn.execute(_SELECT + "h.released_at IS NULL ORDER BY h.review_by, h.id"))


def of_case(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> Hold | None:
    """The hold on a case, if there is one."""
    row = conn.execute(_SELECT + 'h.released_at IS NULL AND h."case" = ?', [case_id]).fetchone()
    return None if row is None else _hold(seal, row)


# --- within ----------------------------------------------------------------------------------------------------------

_PLACE = """
INSERT INTO legal_hold ("case", reason, words, review_by, placed_by, placed_at) VALUES (?, ?, ?, ?, ?, ?)
"""
_REVIEW = """
UPDATE legal_hold SET review_by = :day, reviewed_by = :lead, reviewed_at = :now WHERE id = :hold AND released_at IS NULL
"""
_RELEASE = "UPDATE legal_hold SET released_by = :lead, released_at = :now WHERE id = :hold AND released_at IS NULL"
_SELECT = """
SELECT h.id, h."case", c.reference, h.reason, h.words, h.review_by, h.placed_by, h.placed_at, h.released_by,
       h.released_at
  FROM legal_hold h LEFT JOIN cases c ON c.id = h."case" WHERE """


def _change(
    conn: sqlite3.Connection, statement: str, hold: int, lead: AdviserId, now: datetime, day: str | None = None
) -> None:
    try:
        changed = conn.execute(statement, {"hold": hold, "lead": lead, "now": to_ms(now), "day": day}).rowcount
    except sqlite3.IntegrityError as error:
        raise _refusal(error, "The hold cannot be changed like that.") from error
    if not changed:
        raise Refused("There is no such hold, or it was released meanwhile.")


def _refusal(error: sqlite3.IntegrityError, words: str) -> Exception:
    by_no_lead = str(error) in ("hold_by_a_lead", "hold_changed_by_a_lead")
    return NotAllowed() if by_no_lead else Refused(words)


def _refuse_day(review_by: date, now: datetime) -> None:
    if not now.date() <= review_by <= (now + LONGEST).date():
        raise Refused("Choose a day within the next twelve months on which the hold is looked at again.")


def _about(case_id: CaseId) -> str:
    return f"hold:{case_id}"


def _hold(
    seal: Seal, row: tuple[int, int, str | None, str, bytes | None, str, int, int, int | None, int | None]
) -> Hold:
    number, case, reference, reason, words, review_by, placed_by, placed_at, released_by, released_at = row
    return Hold(
        number,
        CaseId(case),
        reference,
        HoldReason(reason),
        seal.open(words, _about(CaseId(case))) if words else None,
        date.fromisoformat(review_by),
        AdviserId(placed_by),
        from_ms(placed_at),
        None if released_by is None else AdviserId(released_by),
        None if released_at is None else from_ms(released_at),
    )
