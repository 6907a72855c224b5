"""Delivers what was written: in order for each recipient, never holding one up for another, nothing lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.channels.contract import Pushing
from bot.delivering import Delivering
from bot.domain import ChannelName
from bot.outage import Outage
from bot.outbox import Outbox, Waiting
from bot.reply_window import ReplyWindow
from bot.speech import Speech
from bot.waiting import rung
from bot.waybill import Waybill
from handoff.ledger import Ledger
from handoff.queue import Queue

LOOK_AGAIN_S = 1.0
"""How often waiting rows are looked for when nothing woke the courier (another process may have written)."""
LOOK_AT = 200
"""How many due rows are taken from the queue at a time."""
MAX_UNDER_WAY = 1_000
"""Of one channel: else all who wait for its pace, thousands after an outage, would be taken up and looked through again
and again."""


class Courier:
    """One delivery under way for each recipient; a paused or slow recipient delays nobody else."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[ChannelName, Pushing[Any]],
        speech: Speech,
        queue: Queue,
        window: ReplyWindow,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._now = now
        self._outbox = Outbox(ledger.seal)
        self._outages = {name: Outage(name, channel.probe, self.wake) for name, channel in channels.items()}
        self._waybill = Waybill(ledger, queue, window, now)
        self._delivering = Delivering(ledger, channels, self._outages, speech, self._waybill, window, now)
        self._woken = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._busy: Counter[ChannelName] = Counter()
        """How many of each channel are under way."""

    @property
    def failures(self) -> Mapping[tuple[ChannelName, str], int]:
        """(channel, reason) -> how many tries failed so, since the start."""
        return self._delivering.failures

    def wake(self) -> None:
        self._woken.set()

    def is_down(self, channel: ChannelName) -> bool:
        return self._outages[channel].is_down

    async def run(self) -> None:
        """Until cancelled. What was interrupted by a crash is settled first."""
        if not self._channels:
            return
        await self._waybill.interrupted()
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

    def _start(self, waiting: Waiting) -> None:
        task = asyncio.create_task(self._delivering.carry(waiting))
        self._under_way[waiting.conversation] = task
        self._busy[waiting.channel] += 1
        task.add_done_callback(lambda _: self._finished(waiting))

    def _finished(self, waiting: Waiting) -> None:
        self._under_way.pop(waiting.conversation, None)
        self._busy[waiting.channel] -= 1
        self.wake()

    async def _stop(self) -> None:
        """Ends what is under way. A row left in hand is settled at the next start."""
        for outage in self._outages.values():
            await outage.stop()
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
