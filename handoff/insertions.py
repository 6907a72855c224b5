"""Which pages of the library an adviser's messages carried, and so: whom did we tell the old rule?"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from handoff.domain import AdviserId, CaseId, MessageId
from handoff.doors import PageCard
from handoff.moments import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class Insertion:
    """One page that a message carried, as it stood when it was sent."""

    page: str
    library: str
    review_by: date | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Told:
    """That a page went to the enquirer of a case. `reference` and `channel` are None once the case was forgotten."""

    case_id: CaseId
    reference: str | None
    channel: str | None
    adviser_id: AdviserId | None
    carried: Insertion
    at: datetime


def remember(conn: sqlite3.Connection, message_id: MessageId, cards: Iterable[PageCard], now: datetime) -> None:
    """Writes which pages a message carried, in the transaction that writes the message. Said twice, it is kept once."""
    for card in cards:
        day = card.review_by and card.review_by.isoformat()
        conn.execute(_REMEMBER, [card.id, card.library, day, card.overdue, to_ms(now), message_id, card.id])


def of_case(conn: sqlite3.Connection, case_id: CaseId) -> Mapping[int, tuple[Insertion, ...]]:
    """What the messages of a case carried, by their seq."""
    found: dict[int, tuple[Insertion, ...]] = {}
    for row in conn.execute(_OF_CASE, [case_id]):
        found[row[0]] = (*found.get(row[0], ()), _insertion(*row[1:]))
    return found


def told(conn: sqlite3.Connection, page: str, library: str | None = None) -> tuple[Told, ...]:
    """To whom a page was sent, newest first; with `library`, only as it stood in that version. Practice is nobody."""
    rows = conn.execute(_TOLD, {"page": page, "library": library})
    return tuple(
        Told(CaseId(row[0]), row[1], row[2], row[3] and AdviserId(row[3]), _insertion(page, *row[5:]), from_ms(row[4]))
        for row in rows
    )


def versions(conn: sqlite3.Connection, page: str) -> tuple[str, ...]:
    """The versions in which a page was sent, the last used first."""
    rows = conn.execute("SELECT library FROM insertion WHERE page = ? GROUP BY library ORDER BY max(at) DESC", [page])
    return tuple(row[0] for row in rows)


_REMEMBER = """
INSERT INTO insertion ("case", seq, page, library, review_by, overdue, at)
SELECT "case", seq, ?, ?, ?, ?, ? FROM message WHERE id = ?
   AND NOT EXISTS (SELECT 1 FROM insertion i WHERE i."case" = message."case" AND i.seq = message.seq AND i.page = ?)
"""
_OF_CASE = 'SELECT seq, page, library, review_by, overdue FROM insertion WHERE "case" = ? ORDER BY seq, page'
_TOLD = """
SELECT i."case", c.reference, c.channel, m.adviser, i.at, i.library, i.review_by, i.overdue FROM insertion i
  LEFT JOIN cases c ON c.id = i."case" LEFT JOIN message m ON m."case" = i."case" AND m.seq = i.seq
 WHERE i.page = :page AND (:library IS NULL OR i.library = :library) AND coalesce(c.conversation, 1) > 0
 ORDER BY i.at DESC, i."case"
"""


def _insertion(page: str, library: str, review_by: str | None, overdue: int) -> Insertion:
    return Insertion(page, library, None if review_by is None else date.fromisoformat(review_by), bool(overdue))
