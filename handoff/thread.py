"""The words of a case: sealed as they are written, opened as they are read, each bound to its own row."""

import json
import sqlite3
from dataclasses import asdict
from datetime import datetime

from handoff.domain import (
    AdviserId,
    Author,
    CaseId,
    DeliveryState,
    Message,
    MessageId,
    Note,
    Pack,
    PackAdvice,
    PackAnswer,
)
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

_LINES = """
SELECT m.id, m."case", m.seq, m.author, m.adviser, m.body, m.at, d.state, d.reason
  FROM message m LEFT JOIN delivery d ON d.message = m.id
"""
_ADD = """
INSERT INTO message ("case", seq, author, adviser, body, client_id, epoch, at)
SELECT :case, :seq, :author, :adviser, :body, :client,
    (SELECT voice.epoch FROM voice JOIN cases ON cases.conversation = voice.conversation WHERE cases.id = :case), :at
RETURNING id
"""


def add(
    conn: sqlite3.Connection,
    seal: Seal,
    case_id: CaseId,
    author: Author,
    text: str,
    now: datetime,
    adviser: AdviserId | None = None,
    client_id: str | None = None,
) -> MessageId:
    """Adds one line at the end of the thread, in the epoch that is now."""
    seq = _next_seq(conn, "message", case_id)
    line = {"case": case_id, "seq": seq, "author": author, "adviser": adviser, "client": client_id, "at": to_ms(now)}
    row = conn.execute(_ADD, {**line, "body": seal.seal(text, _about(case_id, "message", seq))}).fetchone()
    return MessageId(row[0])


def lines(conn: sqlite3.Connection, seal: Seal, case_id: CaseId, after_seq: int = 0) -> tuple[Message, ...]:
    """The thread after `after_seq`, in order."""
    rows = conn.execute(_LINES + 'WHERE m."case" = ? AND m.seq > ? ORDER BY m.seq', [case_id, after_seq])
    return tuple(_line(seal, row) for row in rows)


def line(conn: sqlite3.Connection, seal: Seal, message_id: MessageId) -> Message | None:
    """One line by its id; None when there is none, or it was forgotten."""
    row = conn.execute(_LINES + "WHERE m.id = ?", [message_id]).fetchone()
    return None if row is None else _line(seal, row)


def news(
    conn: sqlite3.Connection, seal: Seal, case_id: CaseId, adviser: AdviserId, seen_seq: int
) -> tuple[Message, ...]:
    """What others have added since `seen_seq`; opens nothing when that is nothing."""
    where = 'WHERE m."case" = ? AND m.seq > ? AND m.adviser IS NOT ? ORDER BY m.seq'
    return tuple(_line(seal, row) for row in conn.execute(_LINES + where, [case_id, seen_seq, adviser]))


def add_note(
    conn: sqlite3.Connection,
    seal: Seal,
    case_id: CaseId,
    adviser: AdviserId,
    text: str,
    now: datetime,
    client_id: str | None = None,
    to: AdviserId | None = None,
) -> int:
    """Writes a note and returns its number in the case. `to` must hold the case."""
    seq = _next_seq(conn, "note", case_id)
    body = seal.seal(text, _about(case_id, "note", seq))
    conn.execute(
        'INSERT INTO note ("case", seq, adviser, body, at, client_id, addressee) VALUES (?, ?, ?, ?, ?, ?, ?)',
        [case_id, seq, adviser, body, to_ms(now), client_id, to],
    )
    return seq


def said(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, client_id: str) -> MessageId | None:
    """The message of theirs that carries this `client_id`."""
    row = conn.execute(
        'SELECT id FROM message WHERE "case" = ? AND client_id = ? AND adviser = ?', [case_id, client_id, adviser]
    ).fetchone()
    return None if row is None else MessageId(row[0])


def noted(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, client_id: str | None) -> int | None:
    """The number of the note of theirs that carries this `client_id`."""
    row = conn.execute(
        'SELECT seq FROM note WHERE "case" = ? AND client_id = ? AND adviser = ?', [case_id, client_id, adviser]
    ).fetchone()
    return None if row is None else int(row[0])


def notes(conn: sqlite3.Connection, seal: Seal, case_id: CaseId) -> tuple[Note, ...]:
    rows = conn.execute('SELECT seq, adviser, body, at, addressee FROM note WHERE "case" = ? ORDER BY seq', [case_id])
    return tuple(
        Note(seq, AdviserId(adviser), seal.open(body, _about(case_id, "note", seq)), from_ms(at), to and AdviserId(to))
        for seq, adviser, body, at, to in rows
    )


def sealed_pack(seal: Seal, reference: str, pack: Pack) -> bytes:
    return seal.seal(json.dumps(asdict(pack), ensure_ascii=False), _about_pack(reference))


def opened_pack(seal: Seal, reference: str, sealed: bytes | None) -> Pack | None:
    """None once it was forgotten."""
    if sealed is None:
        return None
    plain = json.loads(seal.open(sealed, _about_pack(reference)))
    return Pack(
        answers=tuple(PackAnswer(**answer) for answer in plain["answers"]),
        advice=tuple(PackAdvice(**advice) for advice in plain["advice"]),
        words=tuple(plain["words"]),
    )


def _about(case_id: CaseId, what: str, seq: int) -> str:
    return f"case:{case_id}:{what}:{seq}"


def _about_pack(reference: str) -> str:
    return f"case:{reference}:pack"


def _next_seq(conn: sqlite3.Connection, table: str, case_id: CaseId) -> int:
    row = conn.execute(f'SELECT coalesce(max(seq), 0) + 1 FROM {table} WHERE "case" = ?', [case_id]).fetchone()
    return int(row[0])


def _line(seal: Seal, row: tuple[int, int, int, str, int | None, bytes, int, str | None, str | None]) -> Message:
    id_, case_id, seq, author, adviser, body, at, delivery, reason = row
    return Message(
        MessageId(id_),
        CaseId(case_id),
        seq,
        Author(author),
        None if adviser is None else AdviserId(adviser),
        seal.open(body, _about(CaseId(case_id), "message", seq)),
        from_ms(at),
        None if delivery is None else DeliveryState(delivery),
        reason,
    )
