"""Fetches updates: one is acknowledged only after it and every update before it is durable.

Telegram forgets all updates below the `offset` it is asked for (core.telegram.org/bots/api#getupdates).
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence

from telegram import Bot, Update
from telegram.error import Conflict, TelegramError

from bot.channels.telegram.request import Lost
from bot.channels.telegram.retrying import LONGEST_PAUSE_S, Retrying
from bot.channels.telegram.updates import ALLOWED_UPDATES, chat_of, number_of, read
from bot.errors import AnotherPoller

POLL_S = 25
"""How long Telegram holds a request open while there is nothing new."""
ANSWER_S = 10
BATCH = 100
CONFLICT_PATIENCE_S = 10.0
"""A poller that was just stopped may still have a request open."""
CONFLICT_PAUSE_S = 1.0
NOT_KEPT_PAUSE_S = 1.0
MOMENT_S = 0.25
"""For so long what was fetched is waited for before we look for more."""
RAW_UPDATES = "get_updates_"
"""The library's way to call getUpdates and read the answer ourselves: its own `get_updates` loses a whole batch when
it cannot read one of it."""

Receive = Callable[[Sequence[Update]], AsyncIterator[int]]
"""Takes the updates of one chat, in order: gives the number of each as soon as it is durable, and ends at the first
that is not."""


class Polling:
    """A chat whose updates take long, or cannot be kept, holds no other up: what is not durable is fetched again with
    what is new, and passed over while it is in hand.

    One thing is Telegram's: it gives the oldest 100 that are not confirmed. Where one chat has so many, what others
    wrote after them is reached as they become durable, one for one.
    """

    def __init__(self, bot: Bot, receive: Receive, counts: Counter[str], reached: Callable[[bool], None]) -> None:
        self._bot = bot
        self._receive = receive
        self._counts = counts
        self._reached = reached
        self._retrying = Retrying("polling")
        self._conflict = _Conflict()
        self._offset: int | None = None
        self._done: set[int] = set()
        """Durable, but behind one that is not yet."""
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        """By chat: what takes in its updates, one after the other."""
        self._failures: Counter[int] = Counter()

    async def run(self) -> None:
        """Until cancelled. Raises: AnotherPoller."""
        try:
            while True:
                await self._round()
        finally:
            under_way = list(self._in_hand.values())
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _round(self) -> None:
        try:
            batch = await self._fetched()
        except Conflict:
            self._reached(False)
            await self._conflict.goes_on()
        except TelegramError as error:
            self._reached(False)
            await self._retrying.failed(error)
        else:
            self._retrying.worked()
            self._reached(True)
            await self._handled(batch)

    async def _fetched(self) -> list[object]:
        asked: dict[str, object] = {"timeout": POLL_S, "limit": BATCH, "allowed_updates": list(ALLOWED_UPDATES)}
        if self._offset is not None:
            asked["offset"] = self._offset
        found = await self._bot.do_api_request(RAW_UPDATES, asked, read_timeout=POLL_S + ANSWER_S)
        if not isinstance(found, list):
            raise Lost("unreadable")
        return found

    async def _handled(self, batch: Sequence[object]) -> None:
        """Returns when all is taken in, or after a moment: then the rest goes on while we look for more."""
        for chat, updates in self._by_chat(batch).items():
            if chat not in self._in_hand:
                self._in_hand[chat] = asyncio.create_task(self._take_in(chat, updates))
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=MOMENT_S)
        numbers = [number for raw in batch if (number := number_of(raw)) is not None]
        if numbers:
            oldest_wanted = min((number for number in numbers if number not in self._done), default=max(numbers) + 1)
            self._offset = oldest_wanted
            self._done = {number for number in self._done if number >= oldest_wanted}
        elif batch:  # nothing in it can be confirmed: it comes again at once
            await asyncio.sleep(MOMENT_S)

    def _by_chat(self, batch: Sequence[object]) -> dict[int, list[Update]]:
        """What cannot be read is counted, and done with."""
        chats: dict[int, list[Update]] = {}
        for raw in batch:
            number = number_of(raw)
            if number in self._done:
                continue
            update = read(raw)
            if update is not None:
                chat = chat_of(update)
                chats.setdefault(chat.id if chat else 0, []).append(update)
                continue
            self._counts["malformed"] += 1
            if number is not None:
                self._done.add(number)
        return chats

    async def _take_in(self, chat: int, updates: Sequence[Update]) -> None:
        """Up to the first that could not be kept; then this chat rests, ever longer while nothing of it can be."""
        kept = 0
        try:
            async for number in self._receive(updates):
                self._done.add(number)
                kept += 1
            if kept:
                del self._failures[chat]
            if kept == len(updates):
                return
            self._failures[chat] += 1
            await asyncio.sleep(min(NOT_KEPT_PAUSE_S * 2 ** min(self._failures[chat] - 1, 10), LONGEST_PAUSE_S))
        finally:
            del self._in_hand[chat]


class _Conflict:
    """Two pollers end each other's requests in turn, so updates may come in between: only quiet shows it is over."""

    def __init__(self) -> None:
        self._since = self._last = -math.inf

    async def goes_on(self) -> None:
        """Waits before the next try. Raises: AnotherPoller."""
        now = asyncio.get_running_loop().time()
        if now - self._last > CONFLICT_PATIENCE_S:
            self._since = now
        self._last = now
        if now - self._since >= CONFLICT_PATIENCE_S:
            raise AnotherPoller()
        await asyncio.sleep(min(CONFLICT_PAUSE_S, CONFLICT_PATIENCE_S / 4))
