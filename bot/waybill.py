"""What becomes of a delivery, written down: the outbox and the desk are told in one write, so they never disagree."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.channels.contract import Reach
from bot.domain import ChannelName
from bot.errors import DeliveryError
from bot.outbox import BACKOFF_S, Outbox, Waiting
from bot.receipts import Receipts
from bot.reply_window import WINDOW_CLOSED, ReplyWindow
from handoff.domain import DeliveryState, MessageId
from handoff.errors import LedgerError
from handoff.ledger import Ledger, Work
from handoff.queue import Queue

log = structlog.get_logger()
T = TypeVar("T")

LEDGER_PAUSE_S = 1.0
OUTAGE_PAUSE_S = 10.0
"""The longest wait of what only an outage held up: while it lasts nothing is tried, so all may go soon after."""


class Waybill:
    def __init__(self, ledger: Ledger, queue: Queue, window: ReplyWindow, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._queue = queue
        self._now = now
        self._window = window
        self._outbox = Outbox(ledger.seal)
        self._receipts = Receipts(ledger.seal, queue, window)

    async def interrupted(self) -> None:
        """After a crash. The bot's replies wait again; whether an adviser's message arrived is theirs to judge."""

        def told(db: sqlite3.Connection) -> None:
            for message in self._outbox.interrupted(db):
                self._tell_desk(db, message, DeliveryState.UNKNOWN, "interrupted")

        await self._ledger.write(told)

    async def in_hand(self, rows: Sequence[Waiting]) -> bool:
        """False when something of it is no longer waiting: then nothing is in hand."""

        def told(db: sqlite3.Connection) -> bool:
            is_ours = self._outbox.sending(db, _seqs(rows))
            if is_ours:
                self._tell_desk(db, rows[0].message, DeliveryState.SENDING)
            return is_ours

        return await self.written(told)

    async def part_gone(self, row: Waiting, part: int, provider_id: str | None) -> None:
        """Part `part` (from 0) was taken, and others follow."""

        def told(db: sqlite3.Connection) -> None:
            self._outbox.got_to(db, row.seq, part + 1)
            self._know(db, row, provider_id)

        await self.written(told)

    async def gone(self, rows: Sequence[Waiting], provider_id: str | None) -> None:
        """The provider has taken all of it."""

        def told(db: sqlite3.Connection) -> None:
            self._outbox.settle(db, _seqs(rows), "sent")
            self._tell_desk(db, rows[0].message, DeliveryState.SENT)
            self._know(db, rows[0], provider_id)

        await self.written(told)

    async def settled(self, rows: Sequence[Waiting], state: DeliveryState, reason: str | None) -> None:
        def told(db: sqlite3.Connection) -> None:
            self._outbox.settle(db, _seqs(rows), state.value, reason)
            self._tell_desk(db, rows[0].message, state, reason)

        await self.written(told)

    async def in_doubt(self, row: Waiting, reason: str) -> None:
        """An adviser's message: unknown, unless the provider has reported on it although it never answered."""

        def told(db: sqlite3.Connection) -> None:
            receipt = self._receipts.unanswered(db, row.channel, row.seq)
            state = DeliveryState(receipt.reach.value) if receipt else DeliveryState.UNKNOWN
            said = (receipt.reason if receipt.reach is Reach.FAILED else None) if receipt else reason
            self._outbox.settle(db, [row.seq], state.value, said)
            self._tell_desk(db, row.message, state, said)

        await self.written(told)

    async def again(self, rows: Sequence[Waiting], error: DeliveryError, *, in_outage: bool) -> None:
        """It waits for another try."""
        not_before = self._now() + timedelta(seconds=_pause_s(rows[0].attempts, error, in_outage))

        def told(db: sqlite3.Connection) -> None:
            self._outbox.sending(db, _seqs(rows))  # it may have failed before it was taken in hand
            self._outbox.again(db, _seqs(rows), not_before, error.reason, doubted=error.unanswered)
            self._tell_desk(db, rows[0].message, DeliveryState.QUEUED, error.reason)

        await self.written(told)

    async def held(self, rows: Sequence[Waiting], reason: str) -> None:
        """It waits until the enquirer writes, and every answer of an adviser's behind it; but not where they wrote, or
        an adviser answered, while we were at it: then it is looked at again."""
        first, now = rows[0], self._now()

        def told(db: sqlite3.Connection) -> None:
            advisers = self._outbox.advisers_waiting(db, first.conversation)
            is_open = not self._window.is_closed(db, first.channel, first.conversation, now)
            if is_open or (advisers and reason == WINDOW_CLOSED):
                self._outbox.again(db, _seqs(rows), now, WINDOW_CLOSED)
                return
            self._outbox.hold(db, _seqs(rows), reason)
            for message in advisers:
                self._tell_desk(db, message, DeliveryState.QUEUED, reason)

        await self.written(told)

    async def written(self, work: Work[T]) -> T:
        """What became of a delivery is not forgotten because the disk is full for a while: it is written later."""
        while True:
            try:
                return await self._ledger.write(work)
            except LedgerError as error:
                log.error("courier.not_written", error=type(error).__name__)
                await asyncio.sleep(LEDGER_PAUSE_S)

    def _know(self, db: sqlite3.Connection, row: Waiting, provider_id: str | None) -> None:
        if provider_id:
            self._receipts.sent_as(db, ChannelName(row.channel), provider_id, row.seq, self._now())

    def _tell_desk(
        self, db: sqlite3.Connection, message: int | None, state: DeliveryState, reason: str | None = None
    ) -> None:
        if message is not None:
            self._queue.record_delivery(db, MessageId(message), state, self._now(), reason=reason)


def _seqs(rows: Sequence[Waiting]) -> list[int]:
    return [row.seq for row in rows]


def _pause_s(attempts: int, error: DeliveryError, in_outage: bool) -> float:
    backoff = BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)] * random.uniform(0.5, 1.0)
    return max(error.retry_after_s or 0, min(backoff, OUTAGE_PAUSE_S) if in_outage else backoff)
