"""Rings when something new was written for a conversation, so that an open page shows it at once."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bot.domain import ConversationId
from bot.waiting import rung
from handoff import desk
from handoff.ledger import Ledger

GATHER_S = 0.02
"""Commits that follow each other this quickly are looked at together."""
LOOK_AGAIN_S = 1.0
"""Another process may have written without waking this one."""


class Bell:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._listeners: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._woken = asyncio.Event()
        db = ledger.reader()
        self._outbox_seen = db.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()[0]
        self._events_seen = desk.last_event(db)
        ledger.on_commit(self._woken.set)

    @contextmanager
    def listening(self, conversation: ConversationId) -> Iterator[asyncio.Event]:
        """An event that is set each time there may be something new."""
        ring = asyncio.Event()
        self._listeners[conversation].add(ring)
        try:
            yield ring
        finally:
            self._listeners[conversation].discard(ring)
            if not self._listeners[conversation]:
                del self._listeners[conversation]

    def ring(self, conversation: ConversationId) -> None:
        """Whoever listens to this conversation looks again, whatever the reason."""
        for ring in self._listeners.get(conversation, ()):
            ring.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if await rung(self._woken, LOOK_AGAIN_S):
                await asyncio.sleep(GATHER_S)
            self._woken.clear()
            self._ring()

    def _ring(self) -> None:
        """Looks on when nobody listens, too: whoever comes later need not be told of what was before."""
        for conversation in self._news() & self._listeners.keys():
            self.ring(ConversationId(conversation))

    def _news(self) -> set[int]:
        """The conversations for which something was written since the last look."""
        db = self._ledger.reader()
        news: set[int] = set()
        for row in db.execute("SELECT id, conversation FROM outbox WHERE id > ? ORDER BY id", [self._outbox_seen]):
            self._outbox_seen = row[0]
            news.add(row[1])
        while events := desk.events_after(db, self._events_seen):
            self._events_seen = events[-1].seq
            news.update(event.conversation for event in events if event.conversation is not None)
        return news
