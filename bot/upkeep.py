"""What must happen by itself: leases lapse, typed words are forgotten when a conversation has been idle."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import receipts
from bot.domain import IDLE_DAYS_UNTIL_END, ConversationId
from bot.engine.forgetting import slots_with_words, without_words
from bot.outbox import Outbox
from bot.shelf import Shelf
from bot.store import Store
from handoff import contacts
from handoff.domain import DeliveryState, MessageId
from handoff.hours import Hours
from handoff.ledger import Ledger
from handoff.queue import Queue

log = structlog.get_logger()

LAPSE_EVERY_S = 5.0
FORGET_EVERY = timedelta(minutes=10)
AT_ONCE = 10
"""How many ended conversations one write empties: turns are taken in between."""
WRITE_S = 0.006
"""A write forgets no further conversation's words after this long."""
PAUSE_S = 0.003
"""Between two writes, for the turns that came meanwhile."""


class Upkeep:
    def __init__(
        self,
        ledger: Ledger,
        shelf: Shelf,
        queue: Queue,
        hours: Hours,
        now: Callable[[], datetime],
        idle_hours: int,
    ) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._queue = queue
        self._hours = hours
        self._now = now
        self._idle = timedelta(hours=idle_hours)
        self._store = Store(ledger.seal)
        self._outbox = Outbox(ledger.seal)

    async def run(self) -> None:
        """Until cancelled."""
        forget_at = self._now()
        while True:
            await self.lapse()
            if self._now() >= forget_at:
                await self.forget()
                await self.end_abandoned()
                await self.forget_repeats()
                forget_at = self._now() + FORGET_EVERY
            await self.count_contacts()
            await asyncio.sleep(LAPSE_EVERY_S)

    async def lapse(self) -> None:
        """Leases, offers and call-backs whose time is up; nothing is written while none is."""
        if self._queue.something_lapses(self._ledger.reader(), self._now()):
            await self._ledger.write(lambda db: self._queue.lapse(db, self._now()))

    async def end_abandoned(self) -> None:
        """A conversation nobody has come back to for IDLE_DAYS_UNTIL_END ends; the next words begin a new one."""
        before = self._now() - timedelta(days=IDLE_DAYS_UNTIL_END)
        if self._store.any_idle(self._ledger.reader(), before):
            await self._ledger.write(lambda db: self._store.end_idle(db, before, self._now()))

    async def count_contacts(self) -> None:
        """What turns showed is added to the facts of their contacts; those in which nothing was said for as long as
        words are kept are over. Turns are taken in between."""
        before = self._now() - self._idle
        more = contacts.any_kept(self._ledger.reader())
        while more:
            more = await self._ledger.write(lambda db: contacts.settle(db, self._hours.local, self._idle))
        while contacts.any_over(self._ledger.reader(), before):
            await self._ledger.write(lambda db: contacts.close_over(db, before))

    async def forget_repeats(self) -> None:
        """What was kept only to know a provider's repeats."""

        def forgotten(db: sqlite3.Connection) -> bool:
            receipts.forget_old(db, self._now())
            return self._store.forget_taken(db, self._now(), AT_ONCE)

        more = True
        while more:
            more = await self._ledger.write(forgotten)
            await asyncio.sleep(0)

    async def forget(self) -> int:
        """Forgets the typed words of idle conversations, and all of ended ones. Returns how many had words to forget.

        What was passed to advisers is in the case by then, and stays there as long as cases are kept.
        """
        before, done = self._now() - self._idle, 0
        while idle := self._store.idle_with_words(self._ledger.reader(), before):
            done += len(idle)
            while idle:
                idle = idle[await self._ledger.write(partial(self._forget_some, idle)) :]
                await asyncio.sleep(PAUSE_S)
        while self._store.any_ended(self._ledger.reader(), before):
            await self._ledger.write(lambda db: self._scrub(db, before))
            await asyncio.sleep(PAUSE_S)
        return done

    def _scrub(self, db: sqlite3.Connection, before: datetime) -> None:
        for message in self._store.scrub_ended(db, before, AT_ONCE):
            self._queue.record_delivery(db, MessageId(message), DeliveryState.FAILED, self._now(), "forgotten")

    def _forget_some(self, idle: Sequence[ConversationId], db: sqlite3.Connection) -> int:
        """As many of them as fit into one short write; returns how many that were."""
        until = time.perf_counter() + WRITE_S
        for number, conversation in enumerate(idle, 1):
            self._forget(conversation, db)
            if time.perf_counter() > until:
                return number
        return len(idle)

    def _forget(self, conversation: ConversationId, db: sqlite3.Connection) -> None:
        """What was typed goes from the turns, from the state, and from replies that repeated it. A state that cannot be
        opened any more stays sealed for good; its typed words go all the same."""
        try:
            self._empty_state(db, conversation)
        except Exception as error:
            log.error("upkeep.state_left", error=type(error).__name__)
        self._store.forget_words(db, conversation, self._now())

    def _empty_state(self, db: sqlite3.Connection, conversation: ConversationId) -> None:
        stored = self._store.get(db, conversation)
        if stored is None:
            return
        names = slots_with_words(self._shelf.pinned(stored.conversation.library).library)
        self._store.put_aside(db, stored, without_words(stored.conversation, names))
        self._outbox.forget(db, conversation, names)
