"""By what else an adviser is known: their account on a messenger, as a keyed hash. It lets them accept a case there."""

import sqlite3
from datetime import datetime

from handoff.advisers import named, witness
from handoff.domain import Adviser, AdviserId
from handoff.errors import HandoffError
from handoff.moments import to_ms
from handoff.seal import Seal

_TAKEN = """
SELECT 1 FROM adviser_handle h JOIN adviser a ON a.id = h.adviser
 WHERE h.mark = ? AND h.adviser <> ? AND a.disabled_at IS NULL
"""


class HandleTaken(HandoffError):
    """That account is linked to another adviser. Take it from them first: firstline adviser link EMAIL --remove."""


def link(
    conn: sqlite3.Connection, seal: Seal, adviser_email: str, channel: str, handle: str | None, now: datetime
) -> Adviser:
    """Gives an adviser one account on a channel in place of any they had there; None leaves them without one.

    Raises: NoSuchAdviser; HandleTaken when an adviser whose account is not disabled has it.
    """
    adviser = named(conn, adviser_email)
    mark = None if handle is None else _mark(seal, channel, handle)
    if mark is not None and conn.execute(_TAKEN, [mark, adviser.id]).fetchone():
        raise HandleTaken
    conn.execute(
        "DELETE FROM adviser_handle WHERE mark IS ? OR (adviser = ? AND channel = ?)", [mark, adviser.id, channel]
    )
    if mark is not None:
        conn.execute("INSERT INTO adviser_handle VALUES (?, ?, ?, ?)", [mark, adviser.id, channel, to_ms(now)])
    witness(conn, "adviser.unlinked" if mark is None else "adviser.linked", adviser.id, now)
    return adviser


def adviser_of(conn: sqlite3.Connection, seal: Seal, channel: str, handle: str) -> AdviserId | None:
    """Whose account that is, disabled advisers too; None when nobody's."""
    row = conn.execute("SELECT adviser FROM adviser_handle WHERE mark = ?", [_mark(seal, channel, handle)]).fetchone()
    return None if row is None else AdviserId(row[0])


def _mark(seal: Seal, channel: str, handle: str) -> bytes:
    return seal.mark(f"handle:{channel}:{handle}")
