"""The channel layer: Telegram's webhook, the replies it leads to, a flood refused, and an outbox that waits."""

import asyncio
import contextlib
import gc
import json
import logging
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import ClientSession, ClientTimeout, web

from bench.ours import CONVERSATIONS, resident_mb
from bench.provider import Moments
from bot.app import Channels, Firstline, assemble, clock
from bot.channels.contract import TELEGRAM, WINDOWS, Taken
from bot.channels.pace import Pace
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.webhook import PATH
from bot.config import read_settings
from bot.courier import Courier
from bot.domain import Address, Conversation, Opened, Reply, Turn
from bot.engine import begin
from bot.house import Rooms
from bot.logs import quiet_logs
from bot.outbox import Delivery, Outbox
from bot.receipts import Receipts
from bot.reply_window import ReplyWindow
from bot.server import application
from bot.speech import Speech
from bot.store import Store
from handoff.ledger import Ledger

SECRET = "bench"
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens (the discard port): a provider that is down."""
OFFERED_PER_S = 100
"""Three times what Telegram lets a bot say."""
OFFERED_CHATS = 50
FLOODED_ONE_IN = 100
LOOKS = 20
LOOKED_THROUGH = 10_000
"""So many conversations wait when the courier's look is timed, in quick mode too."""
FILLED_AT_ONCE = 500


class TimedRooms(Rooms):
    """Remembers how long the house took for each turn: what a request took beside that is the channel's."""

    took_s: dict[str, float]

    async def take(self, turn: Turn) -> Taken:
        started = time.perf_counter()
        taken = await super().take(turn)
        self.took_s[turn.external_id] = time.perf_counter() - started
        return taken


@dataclass(frozen=True, slots=True)
class Provider:
    """The process of bench.provider, from here."""

    url: str
    _session: ClientSession

    async def ask(self, what: str, **asked: object) -> Any:
        return await self.post(what, asked)

    async def post(self, what: str, body: object) -> Any:
        async with self._session.post(f"{self.url}/bench/{what}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()


@contextlib.asynccontextmanager
async def provider_of_its_own() -> AsyncIterator[Provider]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.provider", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        async with ClientSession(timeout=ClientTimeout(None)) as session:
            yield Provider(f"http://127.0.0.1:{port}", session)
    finally:
        process.stdin.close()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Joined:
    """Firstline with a Telegram channel whose pace is set free: what we can do is measured, not what we may."""

    firstline: Firstline
    rooms: TimedRooms
    channel: TelegramChannel


def joined(folder: Path, provider: str) -> Joined:
    folder.mkdir(parents=True, exist_ok=True)
    settings = read_settings(data_dir=folder, opening_hours="mon-sun 00:00-24:00", holidays_nation="", key=None)
    whole, window = assemble(settings), ReplyWindow(WINDOWS)
    receipts = Receipts(whole.ledger.seal, whole.queue, window)
    rooms = TimedRooms(whole.ledger, whole.shelf, whole.turns, whole.queue, whole.bell, receipts, clock)
    rooms.took_s = {}
    free = Pace(1_000_000, 0.0)
    channel = TelegramChannel("1:bench", provider, "webhook", "https://bench.invalid", SECRET, rooms, clock, pace=free)
    speech = Speech(whole.shelf, whole.queue)
    courier = Courier(whole.ledger, {TELEGRAM: channel}, speech, whole.queue, window, clock)
    firstline = replace(whole, rooms=rooms, channels=Channels(telegram=channel), courier=courier)
    return Joined(firstline, rooms, channel)


# --- through the webhook ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Served:
    rooms: TimedRooms
    provider: Provider
    url: str

    async def _said(self, first: int, chats: int, words: list[str], a_second: float | None = None) -> list[Moments]:
        where = {"url": self.url, "secret": SECRET, "first": first, "chats": chats}
        said: list[Moments] = await self.provider.ask("say", **where, words=words, a_second=a_second)
        return said

    async def together(self, typed: list[str], first: int) -> tuple[float, float]:
        """(updates taken a second, updates answered a second): 200 chats, each posting when its last was taken."""
        await self._said(first, CONVERSATIONS, ["/start"])
        said = await self._said(first, CONVERSATIONS, typed)
        _, posted, taken, arrived = zip(*said, strict=True)
        return len(said) / (max(taken) - min(posted)), len(said) / (max(arrived) - min(posted))

    async def offered(self, typed: list[str], first: int) -> tuple[list[float], list[float]]:
        """(seconds of each request beside the house's, seconds from posting to the reply) at a modest rate, from
        chats that have said the words before these."""
        said = await self._said(first, OFFERED_CHATS, typed, OFFERED_PER_S)
        added = [taken - posted - self.rooms.took_s[f"u{number}"] for number, posted, taken, _ in said]
        return added, [arrived - posted for _, posted, _, arrived in said]


@contextlib.asynccontextmanager
async def served(folder: Path, provider: Provider) -> AsyncIterator[Served]:
    """The whole server, as `firstline serve` has it, on a port of its own."""
    ours = joined(folder, provider.url)
    async with ours.firstline.running():
        runner = web.AppRunner(application(ours.firstline), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ours.firstline.warm()
        try:
            yield Served(ours.rooms, provider, f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}")
        finally:
            await runner.cleanup()


# --- a thousand recipients at once -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bursts:
    firstline: Firstline
    provider: Provider

    async def others_s(self, first: int, recipients: int, *, flooded: bool) -> list[float]:
        """Seconds from the courier's start until each had its reply. One in a hundred is left out of the figures: those
        are refused (429, half a minute) when `flooded`, and served like the others when not."""
        chats = range(first, first + recipients)
        refused = list(chats[::FLOODED_ONE_IN])
        await asyncio.gather(*(opened(self.firstline, chat) for chat in chats))
        await self.provider.post("flood", refused if flooded else [])
        others = [chat for chat in chats if chat not in set(refused)]
        started = time.monotonic()
        delivering = asyncio.create_task(self.firstline.courier.run())
        try:
            arrived = await self.provider.post("arrivals", others)
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
        return [moment - started for moment in arrived]


@contextlib.asynccontextmanager
async def bursts(folder: Path, provider: Provider) -> AsyncIterator[Bursts]:
    """Nothing is delivered until a burst begins."""
    ours = joined(folder, provider.url)
    ours.firstline.ledger.on_commit(ours.firstline.courier.wake)
    try:
        yield Bursts(ours.firstline, provider)
    finally:
        await ours.channel.close()
        ours.firstline.ledger.close()


async def opened(firstline: Firstline, chat: int) -> None:
    await firstline.turns.handle(Turn(TELEGRAM, Address(str(chat)), f"u{chat}", Opened(clock())))


# --- while the provider is down --------------------------------------------------------------------------------------


async def waiting(folder: Path, conversations: int) -> tuple[float, float]:
    """(KB of memory for each 1,000 rows that wait, ms of one look of the courier), in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.channels", str(folder), str(conversations), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    kb, look_ms = json.loads(out)
    return kb, look_ms


async def wait_here(folder: Path, conversations: int) -> tuple[float, float]:
    ours = joined(folder, NOBODY)
    ledger = ours.firstline.ledger
    async with ours.firstline.running():
        warm = max(conversations // 2, CONVERSATIONS)  # SQLite's caches are filled by them
        before, rows_before = await _grown(ours.firstline, range(warm))
        after, rows = await _grown(ours.firstline, range(warm, warm + conversations))
        assert ours.firstline.courier.is_down(TELEGRAM)
        await _fill(ledger, begin(ours.firstline.shelf.live().library), LOOKED_THROUGH - warm - conversations)
        return (after - before) * 1024 / ((rows - rows_before) / 1000), _look_ms(ledger)


async def _grown(firstline: Firstline, chats: range) -> tuple[float, int]:
    """(MB, rows that wait) once each of these has a reply waiting and the courier has given up for now."""
    for first in chats[::CONVERSATIONS]:
        await asyncio.gather(*(opened(firstline, chat) for chat in range(first, first + CONVERSATIONS)))
    await asyncio.sleep(0.5)
    gc.collect()
    return resident_mb(), firstline.ledger.reader().execute(_WAITING).fetchone()[0]


async def _fill(ledger: Ledger, fresh: Conversation, count: int) -> None:
    """More conversations that wait, written without a turn."""
    store, outbox, now = Store(ledger.seal), Outbox(ledger.seal), clock()
    replies = [Reply("utter_goodbye")]

    def one(db: sqlite3.Connection, chat: str) -> None:
        mark = store.mark(TELEGRAM, Address(chat))
        here = store.start(db, Turn(TELEGRAM, Address(chat), chat, Opened(now)), mark, fresh, now)
        outbox.put(db, here.id, None, replies, now, epoch=0, delivery=Delivery.PUSHED)

    for first in range(0, count, FILLED_AT_ONCE):
        chats = (f"filled{number}" for number in range(first, min(first + FILLED_AT_ONCE, count)))
        await asyncio.gather(*(ledger.write(partial(one, chat=chat)) for chat in chats))


def _look_ms(ledger: Ledger) -> float:
    """The look of a courier that finds everything due, of which it starts the oldest."""
    outbox, db, later = Outbox(ledger.seal), ledger.reader(), clock() + timedelta(hours=1)
    took: list[float] = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        assert outbox.due(db, TELEGRAM, later)
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def only_errors() -> None:
    """That deliveries fail here is what is measured, and no news."""
    quiet_logs()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


_WAITING = "SELECT count(*) FROM outbox WHERE pushed = 1 AND state IN ('queued', 'sending')"

if __name__ == "__main__":
    only_errors()
    print(json.dumps(asyncio.run(wait_here(Path(sys.argv[1]), int(sys.argv[2])))))
