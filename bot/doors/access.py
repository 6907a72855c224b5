"""What the bot keeps of one conversation, for whoever asks what is held about them."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from bot.channels.contract import TERMINAL, WEB
from bot.domain import ConversationId
from bot.doors.records import RecordsDoor
from bot.engine.forgetting import with_past
from bot.outbox import Outbox
from bot.shelf import Shelf
from bot.speech import Speech
from bot.store import Store
from handoff.ledger import Ledger
from handoff.moments import from_ms
from handoff.queue import Queue
from handoff.subject_parts import Part, Value

KEYS: Final = frozenset({WEB, TERMINAL})
"""Where what finds a conversation is a random key to it: who has it can read on, so no file may hold it."""
EMPTIED: Final = "24 hours after the conversation ended; it ends by itself after 14 idle days"
Row = Mapping[str, Value]


class AccessDoor:
    """Implements handoff.doors.Access."""

    def __init__(self, ledger: Ledger, shelf: Shelf, queue: Queue, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._store = Store(ledger.seal)
        self._outbox = Outbox(ledger.seal)
        self._speech = Speech(shelf, queue)
        self._records = RecordsDoor(ledger, shelf, now)
        self._now = now

    def known(self, conversation: int) -> tuple[Part, ...]:
        """Empty once it was forgotten."""
        db, here = self._ledger.reader(), ConversationId(conversation)
        if self._store.kept_address(db, here) is None:
            return ()
        why = "so that the bot can go on where you were, and answer you"
        parts = (
            Part("conversation", "The conversation", "Where it was held, and when.", why, EMPTIED,
                 (self._of(db, here),)),
            Part("turn", "What was typed or pressed", "Masked: names and numbers were taken out before it was kept.",
                 why, "24 idle hours, or until it ended", tuple(self._typed(db, here)), review=True),
            Part("state", "Answers, and what the bot took from them", "Codes, and what was understood of words.",
                 why, EMPTIED, (self._state(db, here),), review=True),
            Part("advice", "What was asked and advised", "Each question with its answer, each page shown.",
                 "so that a record of advice can be given", EMPTIED, tuple(self._advised(here))),
            Part("outbox", "What the bot said", "Each reply, and how far it got.", why, EMPTIED,
                 tuple(self._said(db, here))),
            Part("reach", "Marks", "How many keyed marks find this conversation: of a user id or number, of a return "
                 "code. And until when it can be written to.", why, EMPTIED, (self._marks(db, here),)),
        )  # fmt: skip
        return tuple(part for part in parts if part.rows)

    def _of(self, db: sqlite3.Connection, here: ConversationId) -> Row:
        row = db.execute(_CONVERSATION, [here]).fetchone()
        channel, address = self._store.address(db, here)
        shown = "a random key, which is not written here" if channel in KEYS else address
        times = ("started_at", "last_turn_at", "ended_at", "words_gone_at", "heard_at")
        told = {name: None if at is None else from_ms(at).isoformat() for name, at in zip(times, row[2:], strict=True)}
        return {"channel": channel, "address": shown, "came_by_link": row[0], "library": row[1], **told}

    def _typed(self, db: sqlite3.Connection, here: ConversationId) -> Iterable[Row]:
        for each in self._store.spoken(db, here):
            yield {"number": each.number, "at": each.at.isoformat(), "kind": each.kind, "words": each.words}

    def _state(self, db: sqlite3.Connection, here: ConversationId) -> Row:
        stored = self._store.get(db, here)
        state: Row = msgspec.to_builtins(with_past(stored.conversation)) if stored else {}
        return state

    def _advised(self, here: ConversationId) -> Iterable[Row]:
        known = self._records.of(here)
        for answer in known.answers if known else ():
            yield {"question": answer.question, "answer": answer.answer, "at": _moment(answer.at)}
        for advice in known.advice if known else ():
            yield {"page": advice.title, "at": _moment(advice.at)}

    def _said(self, db: sqlite3.Connection, here: ConversationId) -> Iterable[Row]:
        """An adviser's lines are told with their case."""
        for each in self._outbox.of_conversation(db, here):
            if each.message is None:
                text = self._speech.rendered(db, each, self._now()).text if each.reply else None
                yield {"at": each.at.isoformat(), "state": each.state, "text": text}

    def _marks(self, db: sqlite3.Connection, here: ConversationId) -> Row:
        known, codes, closes = db.execute(_MARKS, {"here": here}).fetchone()
        closes_at = None if closes is None else from_ms(closes).isoformat()
        return {"names_known": known, "return_codes": codes, "can_be_written_to_until": closes_at}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


_CONVERSATION = """
SELECT referrer, library, started_at, last_turn_at, ended_at, words_gone_at, heard_at FROM conversation WHERE id = ?
"""
_MARKS = """
SELECT (SELECT count(*) FROM known_as k JOIN conversation c ON k.person = c.mark WHERE c.id = :here),
       (SELECT count(*) FROM return_code WHERE conversation = :here),
       (SELECT closes_at FROM reply_window WHERE conversation = :here)
"""
