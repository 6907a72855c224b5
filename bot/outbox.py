"""What is waiting to be delivered, and what became of it. A row is written with the turn that caused it."""

import sqlite3
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
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
FORGOTTEN = "forgotten"
"""The reason of rows whose words are gone."""
UNTIL_THEY_WRITE = 2**62
"""The `not_before` of what is held until the enquirer writes again."""


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
    part: int = 0
    """How many of the channel's own messages it is made of were delivered before."""
    doubts: int = 0
    """How often the provider was sent it and never answered."""
    reason: str | None = None


class Delivery(Enum):
    """How what is said gets to the enquirer."""

    PUSHED = auto()
    """The courier delivers it."""
    FETCHED = auto()
    """It waits until the enquirer's side asks."""
    WITH_THE_ANSWER = auto()
    """It goes out with the answer to this very turn."""


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
        delivery: Delivery,
        notice: bool = False,
    ) -> list[int]:
        """The sequence numbers given. `notice`: fixed safety screens, which may be said while an adviser speaks.

        Raises: sqlite3.IntegrityError (outbox_one_voice) when an adviser is speaking.
        """
        state = "sent" if delivery is Delivery.WITH_THE_ANSWER else "queued"
        author, pushed = ("notice" if notice else "bot"), delivery is Delivery.PUSHED
        row = [conversation, turn, author, epoch]
        return [
            db.execute(_PUT, [*row, self._sealed(reply), state, to_ms(now), pushed]).lastrowid or 0 for reply in replies
        ]

    def of_conversation(self, db: sqlite3.Connection, conversation: ConversationId, after: int = 0) -> list[Waiting]:
        """Everything said to this enquirer after `after`, in order; not what was left unsaid as they moved, and not
        what was forgotten."""
        return self._rows(db.execute(_SELECT + _SAID, [conversation, after]))

    def unfetched(self, db: sqlite3.Connection, conversation: ConversationId) -> list[Waiting]:
        """What waits for this enquirer's side to fetch it, in order."""
        return self._rows(
            db.execute(_SELECT + "o.conversation = ? AND o.state = 'queued' ORDER BY o.id", [conversation])
        )

    def of_turn(self, db: sqlite3.Connection, conversation: ConversationId, turn: int) -> list[Waiting]:
        """The replies of one turn, in order."""
        return self._rows(db.execute(_SELECT + "o.conversation = ? AND o.turn = ? ORDER BY o.id", [conversation, turn]))

    def due(
        self,
        db: sqlite3.Connection,
        channel: ChannelName,
        now: datetime,
        limit: int = 200,
        under_way: Container[int] = (),
    ) -> list[Waiting]:
        """The oldest waiting row of each conversation of a channel, where its time has come. Conversations that are
        under way count for the limit and are left out."""
        rows = db.execute(_DUE, [channel, to_ms(now), limit])
        return self._rows(row for row in rows if row[1] not in under_way)

    def together_with(self, db: sqlite3.Connection, first: Waiting, state: str = "queued") -> list[Waiting]:
        """What is delivered with this row, itself first: all that was said in one breath, up to a question."""
        if first.message is not None:
            return [first]
        same = [first.conversation, first.turn, to_ms(first.at), first.seq, state]
        rows = self._rows(db.execute(_SELECT + _ONE_BREATH, same))
        asked = next((place for place, row in enumerate(rows) if row.reply and row.reply.choices), len(rows))
        return rows[: asked + 1]

    def one(self, db: sqlite3.Connection, seq: int) -> Waiting | None:
        rows = self._rows(db.execute(_SELECT + "o.id = ?", [seq]))
        return rows[0] if rows else None

    def sending(self, db: sqlite3.Connection, seqs: Sequence[int]) -> bool:
        """Takes rows in hand; False, and nothing taken, when one is no longer waiting."""
        waiting = db.execute(_STILL_WAITING, [_json(seqs)]).fetchone()[0]
        if waiting != len(seqs):
            return False
        db.execute(_SENDING, [_json(seqs)])
        return True

    def got_to(self, db: sqlite3.Connection, seq: int, part: int) -> None:
        """So many parts were delivered; the row stays in hand."""
        db.execute("UPDATE outbox SET part = ?, attempts = 1, doubts = 0 WHERE id = ?", [part, seq])

    def settle(self, db: sqlite3.Connection, seqs: Sequence[int], state: str, reason: str | None = None) -> None:
        """state: sent, delivered, read, failed or unknown; never back."""
        db.execute(
            "UPDATE outbox SET state = ?, reason = ? WHERE id IN (SELECT value FROM json_each(?))",
            [state, reason, _json(seqs)],
        )

    def fetched(self, db: sqlite3.Connection, seq: int) -> bool:
        """A pulling channel's side has it now; False when it had it before."""
        return db.execute("UPDATE outbox SET state = 'sent' WHERE id = ? AND state = 'queued'", [seq]).rowcount == 1

    def again(
        self, db: sqlite3.Connection, seqs: Sequence[int], not_before: datetime, reason: str, *, doubted: bool = False
    ) -> None:
        """Back to waiting, not before the time given."""
        db.execute(_AGAIN, [to_ms(not_before), reason, doubted, _json(seqs)])

    def hold(self, db: sqlite3.Connection, seqs: Sequence[int], reason: str) -> None:
        """Back to waiting until the enquirer writes again."""
        db.execute(_AGAIN, [UNTIL_THEY_WRITE, reason, False, _json(seqs)])

    def advisers_waiting(self, db: sqlite3.Connection, conversation: ConversationId) -> list[int]:
        """The advisers' messages (handoff ids) that wait for this enquirer."""
        rows = db.execute(f"SELECT message FROM outbox WHERE {_ADVISERS}", [conversation])
        return [row[0] for row in rows]

    def now_waits_for(self, db: sqlite3.Connection, seq: int, reason: str) -> Waiting | None:
        """Another reason why a row is held; None when it is not held any more."""
        changed = db.execute(_NOW_WAITS_FOR, [reason, seq, UNTIL_THEY_WRITE]).rowcount
        return self.one(db, seq) if changed else None

    def release(self, db: sqlite3.Connection, conversation: ConversationId) -> None:
        """The enquirer wrote: what was held goes out, of an earlier conversation too."""
        db.execute(_RELEASE, [UNTIL_THEY_WRITE, conversation])

    def look_again(self, db: sqlite3.Connection, conversation: ConversationId) -> None:
        """There is something for which the enquirer is asked to write: what is held is looked at again."""
        db.execute(_LOOK_AGAIN, [conversation])

    def give_back(self, db: sqlite3.Connection, first: Waiting, reason: str) -> None:
        """The provider had taken it, with all that was sent with it, and gave it back: the reply window had closed."""
        rows = self.together_with(db, first, state="sent")
        db.execute(_GIVE_BACK, [reason, _json([row.seq for row in rows])])

    def lose(self, db: sqlite3.Connection, conversation: ConversationId, reason: str) -> list[int]:
        """What waits for this enquirer has failed. Returns the advisers' messages (handoff ids) among it."""
        rows = db.execute(_LOSE, [reason, conversation])
        return [row[0] for row in rows.fetchall() if row[0] is not None]

    def regain(self, db: sqlite3.Connection, conversation: ConversationId, reason: str) -> None:
        """What the bot could not say for this reason is said now. An adviser's message is the adviser's to repeat."""
        db.execute(_REGAIN, [conversation, reason])

    def interrupted(self, db: sqlite3.Connection) -> list[int]:
        """After a crash: the bot's replies wait again; an adviser's message in doubt becomes unknown.

        Returns the handoff message ids that became unknown.
        """
        db.execute(f"UPDATE outbox SET state = 'queued' WHERE {_IN_HAND} AND author <> 'adviser'")
        rows = db.execute(
            f"UPDATE outbox SET state = 'unknown', reason = 'interrupted' WHERE {_IN_HAND} RETURNING message"
        )
        return [row[0] for row in rows.fetchall()]

    def forget(self, db: sqlite3.Connection, conversation: ConversationId, slots: frozenset[str]) -> None:
        """Takes the values of these slots out of what was said."""
        for row in self.of_conversation(db, conversation):
            if row.reply and any(name in slots for name, _ in row.reply.slots):
                kept = tuple((name, value) for name, value in row.reply.slots if name not in slots)
                sealed = self._sealed(replace(row.reply, slots=kept))
                db.execute("UPDATE outbox SET body = ? WHERE id = ?", [sealed, row.seq])

    def forget_own(self, db: sqlite3.Connection, conversation: ConversationId) -> None:
        """Empties what the bot said, and shows it no more; what advisers said stays."""
        db.execute("PRAGMA secure_delete = ON")
        db.execute(_FORGET_OWN, [FORGOTTEN, conversation, FORGOTTEN])
        db.execute("PRAGMA secure_delete = FAST")

    def forget_before(self, db: sqlite3.Connection, conversation: ConversationId, before: datetime) -> None:
        """Empties what was said until then, and shows it no more; what still waited is not delivered any more."""
        db.execute("PRAGMA secure_delete = ON")
        db.execute(_FORGET_BEFORE, [FORGOTTEN, conversation, to_ms(before), FORGOTTEN])
        db.execute("PRAGMA secure_delete = FAST")

    def _sealed(self, reply: Reply) -> bytes:
        row: _Row = (reply.response, reply.slots, reply.choices, reply.language)
        return self._seal.seal_bytes(_encode(row), "reply")

    def _rows(self, rows: Iterable[Any]) -> list[Waiting]:
        return [self._waiting(row) for row in rows]

    def _waiting(self, row: Any) -> Waiting:
        seq, conversation, channel, turn, body, message, state, attempts, at, *rest = row
        reply = Reply(*_decode(self._seal.open_bytes(body, "reply"))) if body else None
        return Waiting(seq, conversation, channel, turn, reply, message, state, attempts, from_ms(at), *rest)


def _json(seqs: Sequence[int]) -> str:
    return f"[{','.join(map(str, seqs))}]"


_SELECT = """
SELECT o.id, o.conversation, c.channel, o.turn, o.body, o.message, o.state, o.attempts, o.at, o.part, o.doubts, o.reason
  FROM outbox o JOIN conversation c ON c.id = o.conversation WHERE """
_PUT = """
INSERT INTO outbox (conversation, turn, author, epoch, body, state, at, pushed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_WAITING = "pushed = 1 AND state IN ('queued', 'sending')"
"""In the words of the index outbox_waiting, or SQLite would read every row there is."""
_IN_HAND = f"{_WAITING} AND state = 'sending'"
_WITHOUT_WORDS = _SELECT.replace("o.body", "NULL")
"""Words are opened one delivery at a time, where one that cannot be harms no other."""
_DUE = (
    _WITHOUT_WORDS
    + f"""o.id IN (SELECT min(id) FROM outbox WHERE {_WAITING} GROUP BY conversation)
   AND o.state = 'queued' AND c.channel = ? AND o.not_before <= ? ORDER BY o.id LIMIT ?"""
)
_ONE_BREATH = """o.conversation = ? AND o.turn IS ? AND o.at = ? AND o.id >= ? AND o.message IS NULL
   AND o.pushed = 1 AND o.state = ? ORDER BY o.id"""
_AMONG = "id IN (SELECT value FROM json_each(?))"
_STILL_WAITING = f"SELECT count(*) FROM outbox WHERE {_AMONG} AND state = 'queued'"
_SENDING = f"UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE {_AMONG}"
_AGAIN = f"""
UPDATE outbox SET state = 'queued', not_before = ?, reason = ?, doubts = doubts + ?
 WHERE {_AMONG} AND state = 'sending'"""
_GIVE_BACK = f"UPDATE outbox SET state = 'queued', not_before = 0, part = 0, reason = ? WHERE {_AMONG}"
_SAID = "o.conversation = ? AND o.id > ? AND coalesce(o.reason, '') NOT IN ('moved', 'forgotten') ORDER BY o.id"
_FORGET_BEFORE = """
UPDATE outbox SET body = NULL, reason = ?, state = iif(state IN ('queued', 'sending'), 'failed', state)
 WHERE conversation = ? AND at <= ? AND reason IS NOT ?"""
_FORGET_OWN = """
UPDATE outbox SET body = NULL, reason = ?, state = iif(state IN ('queued', 'sending'), 'failed', state)
 WHERE conversation = ? AND author <> 'adviser' AND reason IS NOT ?"""
_RELEASE = f"""
UPDATE outbox SET not_before = 0, reason = NULL WHERE {_WAITING} AND not_before = ?
   AND conversation IN (SELECT theirs.id FROM conversation here JOIN conversation theirs ON theirs.mark = here.mark
                         WHERE here.id = ?)"""
_LOOK_AGAIN = f"""
UPDATE outbox SET not_before = 0 WHERE conversation = ? AND {_WAITING} AND state = 'queued'
   AND reason IN ('window_closed', 'window_closed_no_template', 'asked_to_reply')"""
_ADVISERS = f"conversation = ? AND {_WAITING} AND message IS NOT NULL"
_NOW_WAITS_FOR = "UPDATE outbox SET reason = ? WHERE id = ? AND state = 'queued' AND not_before = ?"
_LOSE = f"""
UPDATE outbox SET state = 'failed', reason = ? WHERE conversation = ? AND {_WAITING} AND state = 'queued'
RETURNING message"""
_REGAIN = """
UPDATE outbox SET state = 'queued', not_before = 0, attempts = 0, part = 0, doubts = 0
 WHERE conversation = ? AND state = 'failed' AND reason = ? AND author <> 'adviser' AND body IS NOT NULL"""
