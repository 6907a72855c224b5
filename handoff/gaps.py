"""Gaps in the content, as advisers meet them: what is missing, wrong or old, and what became of it."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handoff.domain import AdviserId
from handoff.errors import Refused
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal


class GapKind(StrEnum):
    MISSING = "missing"
    WRONG = "wrong"
    OLD = "old"


class GapState(StrEnum):
    OPEN = "open"
    TAKEN_UP = "taken_up"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class NewGap:
    """`page` is a page's id where it is about one; nothing of the case but its concern is kept."""

    kind: GapKind
    page: str | None
    concern: str | None
    words: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Gap:
    id: int
    kind: GapKind
    page: str | None
    concern: str | None
    adviser: AdviserId
    words: str
    at: datetime
    state: GapState
    editor: AdviserId | None
    answer: str | None
    """What was done about it, once it is done."""
    answered_at: datetime | None


def report(conn: sqlite3.Connection, seal: Seal, adviser: AdviserId, gap: NewGap, now: datetime) -> None:
    """The same `client_id` again changes nothing."""
    if conn.execute("SELECT 1 FROM content_gap WHERE client_id = ?", [gap.client_id]).fetchone() is None:
        body = seal.seal(gap.words, _about(gap.client_id))
        values = [gap.kind, gap.page, gap.concern, adviser, body, gap.client_id, to_ms(now)]
        conn.execute(_REPORT, values)


def take_up(conn: sqlite3.Connection, gap: int, editor: AdviserId, now: datetime) -> None:
    """Raises: Refused when somebody has."""
    done = conn.execute(_TAKE_UP, {"gap": gap, "editor": editor, "now": to_ms(now)}).rowcount
    if done != 1:
        raise Refused("Somebody has taken that up already.")


def finish(conn: sqlite3.Connection, seal: Seal, gap: int, editor: AdviserId, answer: str, now: datetime) -> None:
    """Raises: Refused when it is done."""
    row = conn.execute("SELECT client_id FROM content_gap WHERE id = ? AND state <> 'done'", [gap]).fetchone()
    if row is None:
        raise Refused("That is done already.")
    body = seal.seal(answer, _about(f"{row[0]}:answer"))
    conn.execute(_FINISH, {"gap": gap, "editor": editor, "answer": body, "now": to_ms(now)})


def listed(conn: sqlite3.Connection, seal: Seal, limit: int = 200) -> tuple[Gap, ...]:
    """What is open, the oldest first, then what is being done, then what was done, the newest first."""
    return tuple(_gap(seal, row) for row in conn.execute(_LISTED, [limit]).fetchall())


# --- within ----------------------------------------------------------------------------------------------------------

_REPORT = """
INSERT INTO content_gap (kind, page, concern, adviser, body, client_id, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_TAKE_UP = """
UPDATE content_gap SET state = 'taken_up', editor = :editor, answered_at = :now WHERE id = :gap AND state = 'open'
"""
_FINISH = """
UPDATE content_gap SET state = 'done', editor = :editor, answer = :answer, answered_at = :now WHERE id = :gap
"""
_LISTED = """
SELECT id, kind, page, concern, adviser, body, client_id, at, state, editor, answer, answered_at FROM content_gap
 ORDER BY state = 'done', state = 'taken_up', iif(state = 'done', -answered_at, at), id LIMIT ?
"""

_Row = tuple[int, str, str | None, str | None, int, bytes, str, int, str, int | None, bytes | None, int | None]


def _gap(seal: Seal, row: _Row) -> Gap:
    id_, kind, page, concern, adviser, body, client_id, at, state, editor, answer, answered_at = row
    return Gap(
        id_,
        GapKind(kind),
        page,
        concern,
        AdviserId(adviser),
        seal.open(body, _about(client_id)),
        from_ms(at),
        GapState(state),
        None if editor is None else AdviserId(editor),
        None if answer is None else seal.open(answer, _about(f"{client_id}:answer")),
        None if answered_at is None else from_ms(answered_at),
    )


def _about(client_id: str) -> str:
    return f"gap:{client_id}"
