"""What is waiting to be delivered, and what became of it. A row is written with the turn that caused it."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from bot.domain import ChannelName, ConversationId, Reply, SlotValue, Token
from handoff.moments import from_ms, to_ms
from handoff.seal import Seal

_Row = tuple[str, tuple[tuple[str, SlotValue], ...], tuple[tuple[Token, str], ...], str]
"""A Reply without the names of its fields: most of what a turn takes on disk."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Row).decode

BACKOFF_S = (1, 2, 5, 15, 30, 60, 120, 300)
"""Seconds to wait before the next try, by how many were made; the last goes on until the provider is back."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row as the courier or a pulling channel reads it. `reply` for the bot's words, `message` for an adviser's."""

    seq: int
    conversation: ConversationId
    channel: ChannelName
    turn: int | None
    reply: Reply | None
    message: int | None
    state: str
    attempts: int
    at: datetime


class Outbox:
    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def put(
        self,
        db: sqlite3.Connection,
        conversation: ConversationId,
        turn: int | None,
        replies: Iterable[Reply],
        now: datetime,
        *,
        epoch: int,
        fetched: bool,
        notice: bool = False,
    ) -> list[int]:
        """The sequence numbers given. `fetched`: they go out with the answer to this very turn. `notice`: fixed safety
        screens, which may be said while an adviser speaks.

        Raises: sqlite3.IntegrityError (outbox_one_voice) when an adviser is speaking.
        """
        state, author = ("sent" if fetched else "queued"), ("notice" if notice else "bot")
        return [
            db.execute(_PUT, [conversation, turn, author, epoch, self._sealed(reply), state, to_ms(now)]).lastrowid or 0
            for reply in replies
        ]

    def of_conversation(self, db: sqlite3.Connection, conversation: ConversationId, after: int = 0) -> list[Waiting]:
        """Everything said to this enquirer after `after`, in order."""
        return self._rows(db.execute(_SELECT + "o.conversation = ? AND o.id > ? ORDER BY o.id", [conversation, after]))

    def unfetched(self, db: sqlite3.Connection, conversation: ConversationId) -> list[Waiting]:
        """What waits for this enquirer's side to fetch it, in order."""
        return self._rows(
            db.execute(_SELECT + "o.conversation = ? AND o.state = 'queued' ORDER BY o.id", [conversation])
        )

    def of_turn(self, db: sqlite3.Connection, conversation: ConversationId, turn: int) -> list[Waiting]:
        """The replies of one turn, in order."""
        return self._rows(db.execute(_SELECT + "o.conversation = ? AND o.turn = ? ORDER BY o.id", [conversation, turn]))

    def due(
        self, db: sqlite3.Connection, channels: Sequence[ChannelName], now: datetime, limit: int = 200
    ) -> list[Waiting]:
        """The oldest waiting row of each conversation whose time has come, on the channels given."""
        marks = ",".join("?" * len(channels))
        return self._rows(db.execute(_DUE.format(marks=marks), [*channels, to_ms(now), limit]))

    def sending(self, db: sqlite3.Connection, seq: int) -> bool:
        """Takes a row in hand; False when it is no longer waiting."""
        return db.execute(_SENDING, [seq]).rowcount == 1

    def settle(self, db: sqlite3.Connection, seq: int, state: str, reason: str | None = None) -> None:
        """state: sent, delivered, read, failed or unknown; never back."""
        db.execute("UPDATE outbox SET state = ?, reason = ? WHERE id = ?", [state, reason, seq])

    def fetched(self, db: sqlite3.Connection, seq: int) -> bool:
        """A pulling channel's side has it now; False when it had it before."""
        return db.execute("UPDATE outbox SET state = 'sent' WHERE id = ? AND state = 'queued'", [seq]).rowcount == 1

    def again(self, db: sqlite3.Connection, seq: int, not_before: datetime, reason: str) -> None:
        """Back to waiting, not before the time given."""
        db.execute(_AGAIN, [to_ms(not_before), reason, seq])

    def interrupted(self, db: sqlite3.Connection) -> list[int]:
        """After a crash: the bot's replies wait again; an adviser's message in doubt becomes unknown.

        Returns the handoff message ids that became unknown.
        """
        db.execute("UPDATE outbox SET state = 'queued' WHERE state = 'sending' AND author <> 'adviser'")
        rows = db.execute(
            "UPDATE outbox SET state = 'unknown', reason = 'interrupted' WHERE state = 'sending' RETURNING message"
        )
        return [row[0] for row in rows.fetchall()]

    def forget(self, db: sqlite3.Connection, conversation: ConversationId, slots: frozenset[str]) -> None:
        """Takes the values of these slots out of what was said."""
        for row in self.of_conversation(db, conversation):
            if row.reply and any(name in slots for name, _ in row.reply.slots):
                kept = tuple((name, value) for name, value in row.reply.slots if name not in slots)
                sealed = self._sealed(replace(row.reply, slots=kept))
                db.execute("UPDATE outbox SET body = ? WHERE id = ?", [sealed, row.seq])

    def _sealed(self, reply: Reply) -> bytes:
        row: _Row = (reply.response, reply.slots, reply.choices, reply.language)
        return self._seal.seal_bytes(_encode(row), "reply")

    def _rows(self, rows: Iterable[Any]) -> list[Waiting]:
        return [self._waiting(row) for row in rows]

    def _waiting(self, row: Any) -> Waiting:
        seq, conversation, channel, turn, body, message, state, attempts, at = row
        reply = Reply(*_decode(self._seal.open_bytes(body, "reply"))) if body else None
        return Waiting(seq, conversation, channel, turn, reply, message, state, attempts, from_ms(at))


_SELECT = """
SELECT o.id, o.conversation, c.channel, o.turn, o.body, o.message, o.state, o.attempts, o.at
  FROM outbox o JOIN conversation c ON c.id = o.conversation WHERE """
_PUT = """
INSERT INTO outbox (conversation, turn, author, epoch, body, state, at) VALUES (?, ?, ?, ?, ?, ?, ?)"""
_DUE = (
    _SELECT
    + """o.id IN (SELECT min(id) FROM outbox WHERE state IN ('queued', 'sending') GROUP BY conversation)
   AND o.state = 'queued' AND c.channel IN ({marks}) AND o.not_before <= ? ORDER BY o.id LIMIT ?"""
)
_SENDING = "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ? AND state = 'queued'"
_AGAIN = "UPDATE outbox SET state = 'queued', not_before = ?, reason = ? WHERE id = ? AND state = 'sending'"
