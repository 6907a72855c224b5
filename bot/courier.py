"""Delivers what was written: in order for each recipient, never holding one up for another, nothing lost."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.channels.contract import Pushing
from bot.domain import ChannelName
from bot.errors import DeliveryError
from bot.outbox import BACKOFF_S, Outbox, Waiting
from bot.speech import Speech
from bot.store import Store
from bot.waiting import rung
from handoff.domain import DeliveryState, MessageId
from handoff.errors import LedgerError
from handoff.ledger import Ledger, Work
from handoff.queue import Queue

log = structlog.get_logger()
T = TypeVar("T")

LOOK_AGAIN_S = 1.0
"""How often waiting rows are looked for when nothing woke the courier (another process may have written)."""
DELIVERY_TIMEOUT_S = 30.0
LEDGER_PAUSE_S = 1.0
FAULT_PAUSE_S = 60.0
"""How long to wait before trying again after a fault nobody foresaw."""


class Courier:
    """One delivery under way for each recipient; a paused or slow recipient delays nobody else."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[ChannelName, Pushing],
        speech: Speech,
        queue: Queue,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._speech = speech
        self._queue = queue
        self._now = now
        self._store = Store(ledger.seal)
        self._outbox = Outbox(ledger.seal)
        self._woken = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. What was interrupted by a crash is settled first."""
        if not self._channels:
            return
        await self._ledger.write(self._settle_interrupted)
        try:
            while True:
                self._woken.clear()
                for waiting in self._outbox.due(self._ledger.reader(), list(self._channels), self._now()):
                    if waiting.conversation not in self._under_way:
                        self._start(waiting)
                await rung(self._woken, LOOK_AGAIN_S)
        finally:
            await self._stop()

    def _settle_interrupted(self, db: sqlite3.Connection) -> None:
        for message in self._outbox.interrupted(db):
            self._tell_desk(db, message, DeliveryState.UNKNOWN, "interrupted")

    async def _stop(self) -> None:
        """Ends what is under way. A row left in hand is settled at the next start."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _start(self, waiting: Waiting) -> None:
        task = asyncio.create_task(self._deliver(waiting))
        self._under_way[waiting.conversation] = task
        task.add_done_callback(lambda _: self._finished(waiting))

    def _finished(self, waiting: Waiting) -> None:
        self._under_way.pop(waiting.conversation, None)
        self.wake()

    async def _deliver(self, waiting: Waiting) -> None:
        """From taking a row in hand to writing down what became of it. While nothing can be written, it waits."""
        if not await self._written(lambda db: self._outbox.sending(db, waiting.seq)):
            return
        try:
            await self._sent(waiting)
        except DeliveryError as error:
            await self._failed(waiting, error)
        except TimeoutError:
            await self._failed(waiting, DeliveryError("timeout", retry_after_s=0, in_doubt=True))
        except Exception as error:  # a fault of ours must not hold a recipient up for good
            await self._failed(waiting, DeliveryError(type(error).__name__, retry_after_s=FAULT_PAUSE_S, in_doubt=True))
        else:
            await self._settle(waiting, DeliveryState.SENT, None)

    async def _sent(self, waiting: Waiting) -> None:
        db = self._ledger.reader()
        _, address = self._store.address(db, waiting.conversation)
        message = self._speech.rendered(db, waiting, self._now())
        async with asyncio.timeout(DELIVERY_TIMEOUT_S):
            await self._channels[waiting.channel].deliver(address, waiting.seq, message)

    async def _written(self, work: Work[T]) -> T:
        """What became of a delivery is not forgotten because the disk is full for a while: it is written later."""
        while True:
            try:
                return await self._ledger.write(work)
            except LedgerError as error:
                log.error("courier.not_written", error=type(error).__name__)
                await asyncio.sleep(LEDGER_PAUSE_S)

    async def _failed(self, waiting: Waiting, error: DeliveryError) -> None:
        """In doubt, a bot's reply is repeated and an adviser's message is left to the adviser."""
        log.warning("delivery.failed", channel=waiting.channel, seq=waiting.seq, reason=error.reason)
        if error.in_doubt and waiting.message is not None:
            await self._settle(waiting, DeliveryState.UNKNOWN, error.reason)
        elif error.retry_after_s is None:
            await self._settle(waiting, DeliveryState.FAILED, error.reason)
        else:
            pause = max(error.retry_after_s, _backoff_s(waiting.attempts))
            not_before = self._now() + timedelta(seconds=pause)
            await self._written(lambda db: self._outbox.again(db, waiting.seq, not_before, error.reason))

    async def _settle(self, waiting: Waiting, state: DeliveryState, reason: str | None) -> None:
        """The outbox and the desk are told in one write: they never disagree."""

        def told(db: sqlite3.Connection) -> None:
            self._outbox.settle(db, waiting.seq, state.value, reason)
            if waiting.message is not None:
                self._tell_desk(db, waiting.message, state, reason)

        await self._written(told)

    def _tell_desk(self, db: sqlite3.Connection, message: int, state: DeliveryState, reason: str | None) -> None:
        self._queue.record_delivery(db, MessageId(message), state, self._now(), reason=reason)


def _backoff_s(attempts: int) -> float:
    base = BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)]
    return base * random.uniform(0.5, 1.0)
