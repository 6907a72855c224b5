"""What the bot keeps of a conversation, by kind, and its end: asked for, or because its case has gone."""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from bot import receipts
from bot.config import Settings
from bot.domain import ConversationId
from bot.outbox import Outbox
from bot.returning import GOOD_FOR, marked
from bot.store import Store
from handoff import contacts
from handoff.domain import DeliveryState, MessageId
from handoff.moments import to_ms
from handoff.queue import Queue
from handoff.retention import Keep, Kind
from handoff.seal import Seal

KINDS: Final = (
    Kind("typed", (), ("turn.words",)),
    Kind(
        "conversation",
        ("known_as", "reply_window", "parting"),
        (
            *("conversation.mark", "conversation.address", "conversation.state", "conversation.referrer"),
            *("outbox.body", "outbox.reason"),
        ),
    ),
    Kind("repeats", ("turn", "receipt", "taken_until")),
    Kind("codes", ("return_code", "came_back")),
)
"""Every table and column of the bot's that can hold something of a person."""
STAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "number": "conversation outbox alert alert_cursor relay_cursor",
        "fact": "referral",
        "service": "library_files library_version",
    }
)
"""Tables whose rows stay, by why: numbers, times and codes."""


def keep_of(settings: Settings) -> Keep:
    days = timedelta(days=1)
    return Keep(
        settings.keep_cases_days * days,
        settings.keep_notices_days * days,
        settings.keep_gaps_days * days,
        settings.keep_care_days * days,
        settings.keep_marks_days * days,
    )


class Forgetting:
    """Implements handoff.doors.Forgetting."""

    def __init__(self, seal: Seal, queue: Queue, words_idle: timedelta, local: Callable[[datetime], datetime]) -> None:
        self._seal = seal
        self._queue = queue
        self._store = Store(seal)
        self._outbox = Outbox(seal)
        self._words_idle = words_idle
        self._local = local

    def conversation(self, db: sqlite3.Connection, conversation: int, now: datetime) -> None:
        """It ends, and nothing is left of it but that it was. An adviser's words that still wait are not delivered.
        The contact's fact is apart from the person from now on."""
        contacts.close(db, conversation, self._local, self._words_idle)
        for message in self._store.scrub(db, ConversationId(conversation), now):
            self._queue.record_delivery(db, MessageId(message), DeliveryState.FAILED, now, "forgotten")

    def case_gone(self, db: sqlite3.Connection, conversation: int, now: datetime) -> None:
        """A case of a conversation that may go on was forgotten: what was said there of it goes too."""
        self._outbox.forget_before(db, ConversationId(conversation), now - self._words_idle)

    def by_code(self, db: sqlite3.Connection, code: str, now: datetime) -> ConversationId | None:
        """The conversation a return code belongs to, used or not; None when it is no code, or is too old."""
        row = db.execute(_BY_CODE, [marked(self._seal, code), to_ms(now - GOOD_FOR)]).fetchone()
        return None if row is None else ConversationId(row[0])

    def preview(self, db: sqlite3.Connection, now: datetime) -> Mapping[str, int]:
        before = now - self._words_idle
        return {
            "typed": self._store.count_with_words(db, before),
            "conversation": self._store.count_ended(db, before),
            "repeats": _count(db, "receipt WHERE at < ?", now - receipts.KEPT)
            + _count(db, "taken_until WHERE until < ?", now),
            "codes": _count(db, "return_code WHERE made_at <= ?", now - GOOD_FOR),
        }

    def has_forgotten(self, db: sqlite3.Connection, since: datetime) -> bool:
        """Typed words went since then."""
        row = db.execute("SELECT 1 FROM conversation WHERE words_gone_at >= ? LIMIT 1", [to_ms(since)]).fetchone()
        return row is not None

    def forget_codes(self, db: sqlite3.Connection, now: datetime) -> int:
        """Return codes that are too old to be used."""
        return db.execute("DELETE FROM return_code WHERE made_at <= ?", [to_ms(now - GOOD_FOR)]).rowcount


_BY_CODE = "SELECT conversation FROM return_code WHERE mark = ? AND made_at > ?"


def _count(db: sqlite3.Connection, where: str, at: datetime) -> int:
    return int(db.execute(f"SELECT count(*) FROM {where}", [to_ms(at)]).fetchone()[0])
