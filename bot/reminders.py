"""Asks enquirers what the desk wants to know when its time has come: once, and never across anybody who speaks."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.domain import ConversationId
from bot.engine.walk import CHILD_WRITING
from bot.errors import ConversationMoved
from bot.reminding import PATTERNS, to_hear
from bot.store import Stored
from bot.turns import Turns
from bot.waiting import whenever
from handoff import reminders
from handoff.errors import KeyMissing, LedgerError
from handoff.hours import Hours
from handoff.ledger import Ledger
from handoff.queue import Queue
from handoff.reminders import Drop, Planned
from handoff.takedowns import Takedowns

log = structlog.get_logger()

LOOK_AGAIN_S = 5.0
GATHER_S = 0.05
"""Commits that follow each other this quickly are looked at together."""
QUIET_FOR = timedelta(minutes=5)
"""Somebody who has just said something is in the middle of it: it waits until they have been quiet for so long."""
ANSWER_WITHIN = timedelta(days=1)
"""One question at a time: the next takes the place of one that was left open for so long."""
DANGER = "pattern_danger"
ASKING = frozenset(PATTERNS.values())


class Reminders:
    def __init__(self, ledger: Ledger, turns: Turns, queue: Queue, hours: Hours, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._turns = turns
        self._queue = queue
        self._takedowns = Takedowns(ledger.seal, hours)
        self._now = now
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        await whenever(self._woken, self.follow, LOOK_AGAIN_S, GATHER_S)

    async def follow(self) -> None:
        """Takes up everything that is due and may be asked now. What may not yet is looked at again next time."""
        for planned in reminders.due(self._ledger.reader(), self._now()):
            await self._take_up(planned)

    async def _take_up(self, planned: Planned) -> None:
        """One that cannot be taken up holds up no other.

        Raises: LedgerError while nothing can be written.
        """
        try:
            await self._ask(planned)
        except ConversationMoved:
            self.wake()
        except LedgerError as error:
            if not isinstance(error, KeyMissing):
                raise
            log.error("reminders.sealed_otherwise", number=planned.id)
        except Exception as error:
            log.error("reminders.failed", number=planned.id, error=type(error).__name__)

    async def _ask(self, planned: Planned) -> None:
        """Raises: ConversationMoved."""
        now, db = self._now(), self._ledger.reader()
        conversation = ConversationId(planned.conversation)
        heard_at = self._turns.store.last_heard(db, conversation)
        before = self._turns.store.get(db, conversation) if heard_at else None
        if heard_at is None or before is None or before.conversation.ended:
            await self._unreached(planned, Drop.LEFT)
        elif before.conversation.slots.get(CHILD_WRITING) is True:
            await self._unreached(planned, Drop.CHILD)
        elif self._is_free(db, before, now - heard_at):
            asking = self._takedowns.asking(db, planned, now)
            if not await self._turns.remind(before, planned.id, to_hear(asking, now)):
                await self._unreached(planned, Drop.CANNOT_ASK)

    async def _unreached(self, planned: Planned, reason: Drop) -> None:
        await self._ledger.write(lambda db: self._takedowns.unreached(db, planned, reason, self._now()))

    def _is_free(self, db: sqlite3.Connection, before: Stored, quiet_for: timedelta) -> bool:
        """The bot has the voice, nobody waits for people, no danger screen is open, and no other reminder's question
        that may still be answered."""
        here, flows = before.conversation, {frame.flow for frame in before.conversation.stack}
        if quiet_for < QUIET_FOR or DANGER in flows or (flows & ASKING and quiet_for < ANSWER_WITHIN):
            return False
        return before.speaker == "bot" and not here.with_people and not self._queue.live_case(db, before.id)
