"""An enquirer's "delete my conversation", in the write of that turn: what goes at once, and what follows later.

What says that it was done must still reach them. So the way to them, and that reply, stay until `bot.farewell` finds
it delivered; the row in `parting` outlives a crash. Nobody else's conversation or case is touched.
"""

import sqlite3
from datetime import datetime

from bot.domain import ConversationId, Reply
from bot.outbox import Outbox
from bot.store import Store
from handoff import erasing, retention
from handoff.domain import DeliveryState, MessageId
from handoff.erasing import Request, Way
from handoff.hours import Hours
from handoff.moments import to_ms
from handoff.queue import Queue
from handoff.retention import Found, Keep, Standing
from handoff.seal import Seal

KEPT = "utter_delete_kept"
FLAG = "asked_to_be_forgotten"


class Parting:
    def __init__(self, seal: Seal, store: Store, outbox: Outbox, queue: Queue, hours: Hours) -> None:
        self._seal = seal
        self._store = store
        self._outbox = outbox
        self._queue = queue
        self._hours = hours

    def begin(self, db: sqlite3.Connection, here: ConversationId, language: str, now: datetime) -> tuple[Reply, ...]:
        """Typed words go, what was said, the return code, and every ended case that nobody holds. While a case is
        open, it and the way to the enquirer stay. Returns what is to be said of what stays.
        """
        cases = retention.of_conversation(db, here, Keep(), now)
        is_open = any(each.goes_at is None for each in cases)
        self._store.forget_words(db, here, now)
        if is_open:
            self._outbox.forget_own(db, here)
            self._queue.flag(db, here, FLAG, now)
        else:
            self._forget_said(db, here, now)
        self._ask(db, cases, now)
        db.execute("INSERT OR REPLACE INTO parting (conversation, asked_at) VALUES (?, ?)", [here, to_ms(now)])
        stay = [kept for kept, is_so in (("open", is_open), ("held", _any_held(cases))) if is_so]
        return tuple(Reply(KEPT, (("context.kept", kept),), language=language) for kept in stay)

    def _forget_said(self, db: sqlite3.Connection, here: ConversationId, now: datetime) -> None:
        for message in self._outbox.advisers_waiting(db, here):
            self._queue.record_delivery(db, MessageId(message), DeliveryState.FAILED, now, "forgotten")
        self._outbox.forget_before(db, here, now)
        self._store.forget_code(db, here)

    def _ask(self, db: sqlite3.Connection, cases: tuple[Found, ...], now: datetime) -> None:
        """What the bot keeps is left to the farewell: no door."""
        today = self._hours.local(now).date()
        for each in cases:
            if each.case_id is not None:
                erasing.ask(db, self._seal, None, each.case_id, Request(Way.CHAT), today, now)


def _any_held(cases: tuple[Found, ...]) -> bool:
    return any(each.standing is Standing.HELD for each in cases)
