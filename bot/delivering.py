"""One delivery: from taking it in hand to having written down what became of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from bot.channels.contract import Parcel, Pushing
from bot.domain import Address, ChannelName
from bot.errors import DeliveryError
from bot.outage import Outage
from bot.outbox import Outbox, Waiting
from bot.reply_window import ASKED, CANNOT_ASK, WINDOW_CLOSED, ReplyWindow
from bot.speech import Speech
from bot.store import Store
from bot.waybill import Waybill
from handoff.domain import DeliveryState
from handoff.ledger import Ledger
from handoff.reminders import is_unanswered

log = structlog.get_logger()

DELIVERY_TIMEOUT_S = 30.0
FAULT_PAUSE_S = 60.0
"""How long to wait before trying again after a fault nobody foresaw."""
MAX_DOUBTS = 2
"""How often a bot's reply is sent when nothing ever comes back: once, and once again."""


@dataclass(frozen=True, slots=True)
class _InHand:
    """What one delivery is about: its rows, and in which words."""

    rows: tuple[Waiting, ...]
    parcel: Parcel
    channel: Pushing[Any]
    began_at: datetime

    @property
    def first(self) -> Waiting:
        return self.rows[0]


class _Fault(DeliveryError):
    """A fault of ours: the provider may have had it by then, and a repeat may well be a second copy."""

    @property
    def unanswered(self) -> bool:
        return self.in_doubt


class Delivering:
    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[ChannelName, Pushing[Any]],
        outages: Mapping[ChannelName, Outage],
        speech: Speech,
        waybill: Waybill,
        window: ReplyWindow,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._outages = outages
        self._speech = speech
        self._waybill = waybill
        self._window = window
        self._now = now
        self._store = Store(ledger.seal)
        self._outbox = Outbox(ledger.seal)
        self.failures: Counter[tuple[ChannelName, str]] = Counter()
        """(channel, reason) -> how many tries failed so, since the start."""

    async def carry(self, waiting: Waiting) -> None:
        """While nothing can be written, it waits. One of which nothing can be noted is not begun again at once, for
        ever. Raises nothing."""
        try:
            await self._deliver(waiting)
        except Exception as error:
            log.error("courier.fault", seq=waiting.seq, error=type(error).__name__)
            await asyncio.sleep(FAULT_PAUSE_S)

    async def _deliver(self, waiting: Waiting) -> None:
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
        """Raises: DeliveryError when there is nothing to say."""
        db, now = self._ledger.reader(), self._now()
        rows = tuple(self._outbox.together_with(db, waiting)) or (waiting,)
        rendered = (self._speech.rendered(db, row, now) for row in rows)
        messages = tuple(each for each in rendered if each.text.strip() or each.choices)
        if not messages:
            raise DeliveryError("empty")
        return _InHand(rows, Parcel(waiting.seq, messages), self._channels[waiting.channel], now)

    def _address(self, row: Waiting) -> Address:
        """Read just before it is used: a number may become somebody else's while a message waits for its pace."""
        return self._store.address(self._ledger.reader(), row.conversation)[1]

    async def _all_parts(self, in_hand: _InHand) -> None:
        """From the first part that was not delivered before.

        Raises: DeliveryError, TimeoutError.
        """
        channel, first = in_hand.channel, in_hand.first
        await channel.admit(self._address(first))
        parts = channel.parts(in_hand.parcel)
        begin = min(first.part, len(parts) - 1)
        if not await self._may_go(in_hand):
            return
        for number, part in enumerate(parts[begin:], begin):
            if number > begin:
                await channel.admit(self._address(first))
            async with asyncio.timeout(DELIVERY_TIMEOUT_S):
                provider_id = await channel.deliver(self._address(first), first.seq, part)
            if number + 1 < len(parts):
                await self._waybill.part_gone(first, number, provider_id)
            else:
                await self._waybill.gone(in_hand.rows, provider_id)

    async def _may_go(self, in_hand: _InHand) -> bool:
        """Takes it in hand. False when it is no longer waiting, or now waits for the enquirer to write."""
        first = in_hand.first
        if not await self._waybill.in_hand(in_hand.rows):
            return False
        if not self._window.is_closed(self._ledger.reader(), first.channel, first.conversation, self._now()):
            return True
        await self._ask_to_reply(in_hand)
        return False

    # --- what went wrong ---------------------------------------------------------------------------------------------

    async def _failed(self, waiting: Waiting, in_hand: _InHand | None, error: DeliveryError) -> None:
        """In doubt, a bot's reply is repeated once and an adviser's message is left to the adviser."""
        log.warning("delivery.failed", channel=waiting.channel, seq=waiting.seq, reason=error.reason)
        self.failures[waiting.channel, error.reason] += 1
        if error.provider_down:
            self._outages[waiting.channel].suspect()
        newest = self._outbox.one(self._ledger.reader(), waiting.seq) or waiting  # some parts may have gone
        rows = (newest, *in_hand.rows[1:]) if in_hand else (newest,)
        if error.window_closed and in_hand:
            await self._shut(in_hand)
        elif error.in_doubt and newest.message is not None:
            await self._waybill.in_doubt(newest, error.reason)
        elif error.retry_after_s is None or (error.unanswered and newest.doubts + 1 >= MAX_DOUBTS):
            state = DeliveryState.UNKNOWN if error.in_doubt else DeliveryState.FAILED
            await self._waybill.settled(rows, state, error.reason)
        else:
            await self._again(rows, error)

    async def _again(self, rows: tuple[Waiting, ...], error: DeliveryError) -> None:
        """Whether it was only an outage is known first: its last try is not spent on one, nor its pauses lengthened."""
        outage = self._outages[rows[0].channel]
        if error.provider_down or error.unanswered:
            await outage.verdict()
        await self._waybill.again(rows, error, in_outage=error.provider_down and outage.is_down)

    # --- the reply window --------------------------------------------------------------------------------------------

    async def _shut(self, in_hand: _InHand) -> None:
        """The provider says that the window is closed, whatever we had counted."""
        first, began_at = in_hand.first, in_hand.began_at
        await self._waybill.written(lambda db: self._window.shut(db, first.conversation, began_at))
        try:
            await self._ask_to_reply(in_hand)
        except DeliveryError as error:
            await self._again(in_hand.rows, error)

    async def _ask_to_reply(self, in_hand: _InHand) -> None:
        """Holds it until they write. For an adviser's answer, and for a question of ours, they are asked to, once.

        Raises: DeliveryError when asking failed; nothing of the message itself was sent.
        """
        first, reason = in_hand.first, WINDOW_CLOSED
        db = self._ledger.reader()
        if self._outbox.advisers_waiting(db, first.conversation) or is_unanswered(db, first.conversation):
            reason = ASKED if first.reason == ASKED else await self._knock(in_hand)
        await self._waybill.held(in_hand.rows, reason)

    async def _knock(self, in_hand: _InHand) -> str:
        """Why it then waits. Raises: DeliveryError when it can be tried again."""
        first = in_hand.first
        try:
            async with asyncio.timeout(DELIVERY_TIMEOUT_S):
                asked = await in_hand.channel.knock(self._address(first), self._language(first), first.seq)
        except DeliveryError as error:
            if error.in_doubt:
                return ASKED  # they may have been; twice would be worse than waiting
            if error.retry_after_s is None:
                return CANNOT_ASK
            raise
        except TimeoutError:
            return ASKED
        return ASKED if asked else CANNOT_ASK

    def _language(self, row: Waiting) -> str:
        stored = self._store.get(self._ledger.reader(), row.conversation)
        return stored.conversation.language if stored else "en"
