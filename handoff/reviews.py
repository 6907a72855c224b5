"""A second look at closed cases: a sample that anybody can draw again, and what reviewers said about each."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256

from handoff.domain import MAX_MESSAGE_CHARACTERS, AdviserId, CaseId
from handoff.errors import Refused
from handoff.moments import from_ms, to_ms
from handoff.notifications import Kind, notify
from handoff.seal import Seal

LARGEST_SAMPLE = 50


class Verdict(StrEnum):
    GOOD = "good"
    COULD_BE_BETTER = "could_be_better"
    TALK_ABOUT_IT = "talk_about_it"


@dataclass(frozen=True, slots=True)
class Sampled:
    """One closed case of a sample; `verdict` is this reviewer's, None until they gave one."""

    case_id: CaseId
    reference: str
    tier: int
    issue: str
    outcome: str
    closed_at: datetime
    closed_by: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Review:
    case_id: CaseId
    reference: str
    reviewer_id: AdviserId
    reviewer: str
    verdict: Verdict
    words: str
    at: datetime


def sample(
    conn: sqlite3.Connection, reviewer: AdviserId, first: date, last: date, seed: str, size: int
) -> tuple[Sampled, ...]:
    """Cases opened from `first` to `last` and closed by others, drawn by chance: the same period and seed draw the same
    cases for everybody, but for their own. What is closed later may join; nothing drawn is moved by it but out of
    the last places. Practice is never drawn."""
    rows = conn.execute(_CLOSED, {"me": reviewer, "first": first.isoformat(), "last": last.isoformat()}).fetchall()
    drawn = sorted(rows, key=lambda row: sha256(f"{seed}\n{row[1]}".encode()).digest())[: min(size, LARGEST_SAMPLE)]
    return tuple(_sampled(row) for row in drawn)


def one(conn: sqlite3.Connection, reviewer: AdviserId, case_id: CaseId) -> Sampled | None:
    """A case this reviewer may review: closed, by somebody else, and no practice."""
    row = conn.execute(f'{_ANY_CLOSED} AND q."case" = :case', {"me": reviewer, "case": case_id}).fetchone()
    return None if row is None else _sampled(row)


def write(
    conn: sqlite3.Connection,
    seal: Seal,
    case_id: CaseId,
    reviewer: AdviserId,
    verdict: Verdict,
    words: str,
    now: datetime,
) -> None:
    """Keeps a review, once for a reviewer and case; who closed the case is told. Raises: Refused."""
    if len(words) > MAX_MESSAGE_CHARACTERS:
        raise Refused(f"That is longer than {MAX_MESSAGE_CHARACTERS} characters.")
    about = conn.execute("SELECT moved_by FROM queue_item WHERE \"case\" = ? AND state = 'done'", [case_id]).fetchone()
    if about is None or about[0] in (None, reviewer):
        raise Refused("Only a closed case of somebody else’s can be reviewed.")
    body = seal.seal(words.strip(), _about(case_id, reviewer)) if words.strip() else None
    values = [case_id, reviewer, about[0], verdict, body, to_ms(now)]
    try:
        conn.execute(
            'INSERT INTO review ("case", reviewer, about, verdict, body, at) VALUES (?, ?, ?, ?, ?, ?)', values
        )
    except sqlite3.IntegrityError as error:
        raise Refused("You have reviewed this case already.") from error
    notify(conn, Kind.REVIEWED, AdviserId(about[0]), now, case_id=case_id, about=reviewer)


def about(conn: sqlite3.Connection, seal: Seal, adviser: AdviserId) -> tuple[Review, ...]:
    """What was said about an adviser's own cases, the newest first."""
    return _read(conn, seal, "r.about = ?", adviser)


def of_case(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> tuple[Review, ...]:
    """What all reviewers said about a case."""
    return _read(conn, seal, 'r."case" = ?', case_id)


# --- within ----------------------------------------------------------------------------------------------------------

_ANY_CLOSED = """
SELECT q."case", c.reference, q.tier, q.issue, q.outcome, q.moved_at, a.name,
    (SELECT verdict FROM review r WHERE r."case" = q."case" AND r.reviewer = :me)
  FROM queue_item q JOIN cases c ON c.id = q."case" JOIN adviser a ON a.id = q.moved_by
 WHERE q.state = 'done' AND q.moved_by <> :me AND q.conversation > 0
"""
_CLOSED = f"{_ANY_CLOSED} AND c.opened_on BETWEEN :first AND :last"
_REVIEWS = """
SELECT r."case", c.reference, a.name, r.verdict, r.body, r.at, r.reviewer
  FROM review r JOIN cases c ON c.id = r."case" JOIN adviser a ON a.id = r.reviewer
"""


def _sampled(row: tuple[int, str, int, str, str, int, str, str | None]) -> Sampled:
    case_id, reference, tier, issue, outcome, closed_at, closed_by, verdict = row
    given = None if verdict is None else Verdict(verdict)
    return Sampled(CaseId(case_id), reference, tier, issue, outcome, from_ms(closed_at), closed_by, given)


def _read(conn: sqlite3.Connection, seal: Seal, where: str, value: int) -> tuple[Review, ...]:
    rows = conn.execute(f"{_REVIEWS} WHERE {where} ORDER BY r.at DESC, r.id DESC", [value])
    return tuple(
        Review(
            CaseId(case_id),
            reference,
            AdviserId(by),
            reviewer,
            Verdict(verdict),
            "" if body is None else seal.open(body, _about(CaseId(case_id), AdviserId(by))),
            from_ms(at),
        )
        for case_id, reference, reviewer, verdict, body, at, by in rows
    )


def _about(case_id: CaseId, reviewer: AdviserId) -> str:
    return f"case:{case_id}:review:{reviewer}"
