"""Delivers what was written: in order for each recipient, never holding one up for another, nothing lost."""

import asyncio
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.channels.contract import Parcel, Pushing, Reach
from bot.domain import Address, ChannelName
from bot.errors import DeliveryError
from bot.outage import Outage
from bot.outbox import BACKOFF_S, Outbox, Waiting
from bot.receipts import Receipts
from bot.reply_window import ASKED, CANNOT_ASK, WINDOW_CLOSED, ReplyWindow
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
LOOK_AT = 200
"""How many due rows are taken from the queue at a time."""
MAX_UNDER_WAY = 1_000
"""Of one channel: else all who wait for its pace, thousands after an outage, would be taken up and looked through again
and again."""
FAULT_PAUSE_S = 60.0
"""How long to wait before trying again after a fault nobody foresaw."""
OUTAGE_PAUSE_S = 10.0
"""The longest wait of what only an outage held up: while it lasts nothing is tried, so all may go soon after."""
MAX_DOUBTS = 2
"""How often a bot's reply is sent when nothing ever comes back: once, and once again."""


@dataclass(frozen=True, slots=True)
class _InHand:
    """What one delivery is about: its rows, who gets them, and in which words."""

    rows: tuple[Waiting, ...]
    address: Address
    parcel: Parcel
    channel: Pushing

    @property
    def first(self) -> Waiting:
        return self.rows[0]

    @property
    def seqs(self) -> tuple[int, ...]:
        return tuple(row.seq for row in self.rows)


class _Fault(DeliveryError):
    """A fault of ours: the provider may have had it by then, and a repeat may well be a second copy."""

    @property
    def unanswered(self) -> bool:
        return self.in_doubt


class Courier:
    """One delivery under way for each recipient; a paused or slow recipient delays nobody else."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[ChannelName, Pushing],
        speech: Speech,
        queue: Queue,
        window: ReplyWindow,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._speech = speech
        self._queue = queue
        self._window = window
        self._now = now
        self._store = Store(ledger.seal)
        self._outbox = Outbox(ledger.seal)
        self._receipts = Receipts(ledger.seal, queue, window)
        self._woken = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._busy: Counter[ChannelName] = Counter()
        """How many of each channel are under way."""
        self._outages = {name: Outage(name, channel.probe, self.wake) for name, channel in channels.items()}
        self.failures: Counter[tuple[ChannelName, str]] = Counter()
        """(channel, reason) -> how many tries failed so, since the start."""

    def wake(self) -> None:
        self._woken.set()

    def is_down(self, channel: ChannelName) -> bool:
        return self._outages[channel].is_down

    async def run(self) -> None:
        """Until cancelled. What was interrupted by a crash is settled first."""
        if not self._channels:
            return
        await self._ledger.write(self._settle_interrupted)
        try:
            while True:
                self._woken.clear()
                took_s = self._look()
                await asyncio.sleep(took_s)  # so that looking through a long queue takes half our time at most
                await rung(self._woken, LOOK_AGAIN_S)
        finally:
            await self._stop()

    def _look(self) -> float:
        """Starts what is due, each channel by itself. Returns the seconds it took."""
        started = time.perf_counter()
        for name in self._channels:
            if self._outages[name].is_down or self._busy[name] > MAX_UNDER_WAY - LOOK_AT:
                continue
            limit = LOOK_AT + self._busy[name]  # those who wait for their pace must not hide who comes after
            for waiting in self._outbox.due(self._ledger.reader(), name, self._now(), limit, self._under_way):
                self._start(waiting)
        return time.perf_counter() - started

    def _settle_interrupted(self, db: sqlite3.Connection) -> None:
        for message in self._outbox.interrupted(db):
            self._tell_desk(db, message, DeliveryState.UNKNOWN, "interrupted")

    async def _stop(self) -> None:
        """Ends what is under way. A row left in hand is settled at the next start."""
        for outage in self._outages.values():
            await outage.stop()
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _start(self, waiting: Waiting) -> None:
        task = asyncio.create_task(self._carry(waiting))
        self._under_way[waiting.conversation] = task
        self._busy[waiting.channel] += 1
        task.add_done_callback(lambda _: self._finished(waiting))

    def _finished(self, waiting: Waiting) -> None:
        self._under_way.pop(waiting.conversation, None)
        self._busy[waiting.channel] -= 1
        self.wake()

    # --- one delivery ------------------------------------------------------------------------------------------------

    async def _carry(self, waiting: Waiting) -> None:
        """A delivery of which nothing can be noted is not begun again at once, for ever."""
        try:
            await self._deliver(waiting)
        except Exception as error:
            log.error("courier.fault", seq=waiting.seq, error=type(error).__name__)
            await asyncio.sleep(FAULT_PAUSE_S)

    async def _deliver(self, waiting: Waiting) -> None:
        """From taking it in hand to writing down what became of it. While nothing can be written, it waits."""
        in_hand = None
        try:
            in_hand = self._in_hand(waiting)
            await self._all_parts(in_hand)
        except DeliveryError as error:
            await self._failed(waiting, in_hand, error)
        except TimeoutError:
            timeout = DeliveryError("timeout", retry_after_s=0, in_doubt=True, provider_down=True)
            await self._failed(waiting, in_hand, timeout)
        except Exception as error:  # a fault of ours must not hold a recipient up for good
            fault = _Fault(type(error).__name__, FAULT_PAUSE_S, in_doubt=in_hand is not None)
            await self._failed(waiting, in_hand, fault)

    def _in_hand(self, waiting: Waiting) -> _InHand:
        db, now = self._ledger.reader(), self._now()
        rows = tuple(self._outbox.together_with(db, waiting)) or (waiting,)
        _, address = self._store.address(db, waiting.conversation)
        rendered = (self._speech.rendered(db, row, now) for row in rows)
        messages = tuple(each for each in rendered if each.text.strip() or each.choices)
        if not messages:
            raise DeliveryError("empty")
        return _InHand(rows, address, Parcel(waiting.seq, messages), self._channels[waiting.channel])

    async def _all_parts(self, in_hand: _InHand) -> None:
        channel, first = in_hand.channel, in_hand.first
        parts = max(channel.parts(in_hand.parcel), first.part + 1)
        for part in range(first.part, parts):
            await channel.admit(in_hand.address)
            if part == first.part and not await self._may_go(in_hand):
                return
            async with asyncio.timeout(DELIVERY_TIMEOUT_S):
                provider_id = await channel.deliver(in_hand.address, in_hand.parcel, part)
            await self._delivered(in_hand, part, provider_id, is_last=part + 1 == parts)

    async def _may_go(self, in_hand: _InHand) -> bool:
        """Takes it in hand. False when it is no longer waiting, or now waits for the enquirer to write."""
        if not await self._take_in_hand(in_hand):
            return False
        if not self._is_shut(in_hand):
            return True
        await self._ask_to_reply(in_hand)
        return False

    async def _take_in_hand(self, in_hand: _InHand) -> bool:
        def taken(db: sqlite3.Connection) -> bool:
            is_ours = self._outbox.sending(db, in_hand.seqs)
            if is_ours:
                self._tell_desk(db, in_hand.first.message, DeliveryState.SENDING)
            return is_ours

        return await self._written(taken)

    async def _delivered(self, in_hand: _InHand, part: int, provider_id: str | None, *, is_last: bool) -> None:
        """The outbox and the desk are told in one write: they never disagree."""
        first, name, now = in_hand.first, in_hand.first.channel, self._now()

        def told(db: sqlite3.Connection) -> None:
            if is_last:
                self._outbox.settle(db, in_hand.seqs, "sent")
                self._tell_desk(db, first.message, DeliveryState.SENT)
            else:
                self._outbox.got_to(db, first.seq, part + 1)
            if provider_id:
                self._receipts.sent_as(db, name, provider_id, first.seq, now)

        await self._written(told)

    # --- what went wrong ---------------------------------------------------------------------------------------------

    async def _failed(self, waiting: Waiting, in_hand: _InHand | None, error: DeliveryError) -> None:
        """In doubt, a bot's reply is repeated once and an adviser's message is left to the adviser."""
        log.warning("delivery.failed", channel=waiting.channel, seq=waiting.seq, reason=error.reason)
        self.failures[waiting.channel, error.reason] += 1
        if error.provider_down:
            self._outages[waiting.channel].suspect()
        seqs = in_hand.seqs if in_hand else (waiting.seq,)
        waiting = self._outbox.one(self._ledger.reader(), waiting.seq) or waiting  # some parts may have gone
        if error.window_closed and in_hand:
            await self._shut(in_hand)
        elif error.in_doubt and waiting.message is not None:
            await self._doubt(waiting, error)
        elif error.retry_after_s is None or (error.unanswered and waiting.doubts + 1 >= MAX_DOUBTS):
            state = DeliveryState.UNKNOWN if error.in_doubt else DeliveryState.FAILED
            await self._settle(waiting, seqs, state, error.reason)
        else:
            await self._again(waiting, seqs, error)

    async def _doubt(self, waiting: Waiting, error: DeliveryError) -> None:
        """Unknown, unless the provider has reported on it although it never answered."""

        def told(db: sqlite3.Connection) -> None:
            receipt = self._receipts.unanswered(db, waiting.channel, waiting.seq)
            state = DeliveryState(receipt.reach.value) if receipt else DeliveryState.UNKNOWN
            reason = (receipt.reason if receipt.reach is Reach.FAILED else None) if receipt else error.reason
            self._outbox.settle(db, [waiting.seq], state.value, reason)
            self._tell_desk(db, waiting.message, state, reason)

        await self._written(told)

    async def _again(self, waiting: Waiting, seqs: Sequence[int], error: DeliveryError) -> None:
        if error.unanswered:
            await self._outages[waiting.channel].verdict()  # its last try is not spent on an outage
        backoff = _backoff_s(waiting.attempts)
        pause = max(error.retry_after_s or 0, min(backoff, OUTAGE_PAUSE_S) if error.provider_down else backoff)
        not_before = self._now() + timedelta(seconds=pause)

        def told(db: sqlite3.Connection) -> None:
            self._outbox.sending(db, seqs)  # it may have failed before it was taken in hand
            self._outbox.again(db, seqs, not_before, error.reason, doubted=error.unanswered)
            self._tell_desk(db, waiting.message, DeliveryState.QUEUED, error.reason)

        await self._written(told)

    async def _settle(self, waiting: Waiting, seqs: Sequence[int], state: DeliveryState, reason: str | None) -> None:
        def told(db: sqlite3.Connection) -> None:
            self._outbox.settle(db, seqs, state.value, reason)
            self._tell_desk(db, waiting.message, state, reason)

        await self._written(told)

    # --- the reply window --------------------------------------------------------------------------------------------

    def _is_shut(self, in_hand: _InHand) -> bool:
        first = in_hand.first
        return self._window.is_closed(self._ledger.reader(), first.channel, first.conversation, self._now())

    async def _shut(self, in_hand: _InHand) -> None:
        """The provider says that the window is closed, whatever we had counted."""
        first = in_hand.first
        await self._written(lambda db: self._window.shut(db, first.conversation, self._now()))
        try:
            await self._ask_to_reply(in_hand)
        except DeliveryError as error:
            await self._again(first, in_hand.seqs, error)

    async def _ask_to_reply(self, in_hand: _InHand) -> None:
        """Holds it until they write. For an adviser's answer they are asked to, once.

        Raises: DeliveryError when asking failed; nothing of the message itself was sent.
        """
        first, reason = in_hand.first, WINDOW_CLOSED
        if first.message is not None:
            reason = ASKED if first.reason == ASKED else await self._knock(in_hand)

        def told(db: sqlite3.Connection) -> None:
            self._outbox.hold(db, in_hand.seqs, reason)
            self._tell_desk(db, first.message, DeliveryState.QUEUED, reason)

        await self._written(told)

    async def _knock(self, in_hand: _InHand) -> str:
        try:
            async with asyncio.timeout(DELIVERY_TIMEOUT_S):
                asked = await in_hand.channel.knock(in_hand.address, self._language(in_hand))
        except DeliveryError as error:
            if error.in_doubt:
                return ASKED  # they may have been; twice would be worse than waiting
            if error.retry_after_s is None:
                return CANNOT_ASK
            raise
        except TimeoutError:
            return ASKED
        return ASKED if asked else CANNOT_ASK

    def _language(self, in_hand: _InHand) -> str:
        stored = self._store.get(self._ledger.reader(), in_hand.first.conversation)
        return stored.conversation.language if stored else "en"

    # --- within ------------------------------------------------------------------------------------------------------

    async def _written(self, work: Work[T]) -> T:
        """What became of a delivery is not forgotten because the disk is full for a while: it is written later."""
        while True:
            try:
                return await self._ledger.write(work)
            except LedgerError as error:
                log.error("courier.not_written", error=type(error).__name__)
                await asyncio.sleep(LEDGER_PAUSE_S)

    def _tell_desk(
        self, db: sqlite3.Connection, message: int | None, state: DeliveryState, reason: str | None = None
    ) -> None:
        if message is not None:
            self._queue.record_delivery(db, MessageId(message), state, self._now(), reason=reason)


def _backoff_s(attempts: int) -> float:
    base = BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)]
    return base * random.uniform(0.5, 1.0)
