"""A house whose courier delivers to a provider that does as it is told, on a clock that can be moved."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.channels.contract import CALLBACK, WINDOWS, Limits, Parcel, Pushing, Receipt
from bot.config import Settings
from bot.courier import Courier
from bot.domain import Address, ChannelName, Heard, Said, Turn
from bot.errors import DeliveryError
from bot.reply_window import ReplyWindow
from bot.speech import Speech
from handoff.domain import AdviserId, CaseId
from tests.small_house import Clock, opened_house


class FakeProvider(Pushing[tuple[Parcel, int, str]]):
    """A pushing channel: notes what it was given, and fails as it is told. One message for each part."""

    limits = Limits(text=4096, buttons=10, title=100, rows=10)

    def __init__(self, name: ChannelName = CALLBACK) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.parcels: list[Parcel] = []
        """What each try was about, with repeats."""
        self.taken: list[tuple[str, int, str]] = []
        """(address, number, text) of what got through, and of what got through although we were not told."""
        self.tried: list[tuple[str, int]] = []
        self.failing: dict[str, list[BaseException]] = {}
        self.fails_at: dict[str, dict[int, list[BaseException]]] = {}
        """The same for a certain part."""
        self.stuck_at: dict[str, int] = {}
        """The part that never ends."""
        self.always: dict[str, DeliveryError] = {}
        self.slow: dict[str, asyncio.Event] = {}
        self.waiting_for_pace: dict[str, asyncio.Event] = {}
        self.down: DeliveryError | None = None
        self.probe_passes = False
        """Whether a probe passes although nothing else does."""
        self.probes = 0
        self.joins = False
        """Whether a parcel becomes one message."""
        self.names_messages = False
        self.has_template = True
        self.knocked: list[tuple[str, str]] = []
        self.knock_fails: list[BaseException] = []
        self._ids = itertools.count(1)

    async def admit(self, address: Address) -> None:
        if address in self.waiting_for_pace:
            await self.waiting_for_pace[address].wait()

    def parts(self, parcel: Parcel) -> list[tuple[Parcel, int, str]]:
        texts = [message.text for message in parcel.messages]
        return [(parcel, part, text) for part, text in enumerate(["\n".join(texts)] if self.joins else texts)]

    async def deliver(self, address: Address, seq: int, letter: tuple[Parcel, int, str]) -> str | None:
        parcel, part, text = letter
        self.parcels.append(parcel)
        self.tried.append((address, parcel.seq + part))
        if address in self.slow:
            await self.slow[address].wait()
        if self.stuck_at.get(address) == part:
            await asyncio.Event().wait()
        error = self._error(address, part)
        if error is None or (isinstance(error, DeliveryError) and error.unanswered):
            self.taken.append((address, parcel.seq + part, text))
        if error:
            raise error
        return f"id-{next(self._ids)}" if self.names_messages else None

    def _error(self, address: str, part: int) -> BaseException | None:
        if self.fails_at.get(address, {}).get(part):
            return self.fails_at[address][part].pop(0)
        if self.failing.get(address):
            return self.failing[address].pop(0)
        return self.always.get(address) or self.down

    async def knock(self, address: Address, language: str, seq: int) -> bool:
        self.knocked.append((address, language))
        if self.knock_fails:
            raise self.knock_fails.pop(0)
        return self.has_template

    async def probe(self) -> None:
        self.probes += 1
        if self.down and not self.probe_passes:
            raise self.down

    def texts(self, address: str) -> list[str]:
        return [text for to, _, text in self.taken if to == address]


class Delivering:
    """The house with a courier on a fake provider, on a clock that can be moved."""

    def __init__(self, settings: Settings, clock: Clock, channel: ChannelName = CALLBACK) -> None:
        self.house = opened_house(settings, clock)
        self.provider = FakeProvider(channel)
        self.channel = channel
        parts = self.house.firstline
        self.ledger, self.rooms, self.queue = parts.ledger, parts.rooms, parts.queue
        speech = Speech(parts.shelf, parts.queue)
        window = ReplyWindow(WINDOWS)
        self.courier = Courier(parts.ledger, {channel: self.provider}, speech, parts.queue, window, clock)
        parts.ledger.on_commit(self.courier.wake)

    # --- an enquirer -------------------------------------------------------------------------------------------------

    async def say(self, text: str, who: str = "ann", id_: str | None = None) -> None:
        await self.hear(Said(text, self.house.clock()), who, id_)

    async def hear(self, heard: Heard, who: str = "ann", id_: str | None = None) -> None:
        turn = Turn(self.channel, Address(who), id_ or f"t{next(self.house.count)}", heard)  # type: ignore[arg-type]
        await self.rooms.take(turn)

    async def case(self, who: str = "ann") -> tuple[CaseId, AdviserId]:
        """Handed over and claimed; everything the bot said is delivered."""
        for text in ("hello", "talk to a person", "yes"):
            await self.say(text, who)
        await self.until(lambda: set(self.states(who)) <= {"sent", "delivered", "read"})
        adviser = self.house.adviser(f"Amira {who}")
        case = CaseId(self.house.one("SELECT max(id) FROM cases"))
        self.house.claim(case, adviser)
        return case, adviser

    # --- the courier -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.courier.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, true: Callable[[], bool], limit_s: float = 5) -> None:
        """Until something is so. It says what it was about when it never is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not true():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        assert true()

    async def settled(self) -> None:
        """Until the courier has looked through everything and stands still."""
        for _ in range(5):
            self.courier.wake()
            await asyncio.sleep(0.01)

    async def later(self, **passed: float) -> None:
        self.house.clock.passes(**passed)
        self.courier.wake()
        await asyncio.sleep(0.05)

    async def heard_back(self, *receipts: Receipt) -> None:
        await self.rooms.heard_back(self.channel, receipts)

    # --- what became of it -------------------------------------------------------------------------------------------

    def states(self, who: str = "ann") -> list[str]:
        return [row["state"] for row in self.rows(who)]

    def rows(self, who: str = "ann") -> list[sqlite3.Row]:
        mark = self.house.firstline.turns.store.mark(self.channel, Address(who))
        sql = "SELECT o.* FROM outbox o JOIN conversation c ON c.id = o.conversation WHERE c.mark = ? ORDER BY o.id"
        return self.ledger.reader().execute(sql, [mark]).fetchall()

    def seq(self, message: int) -> int:
        return int(self.house.one("SELECT id FROM outbox WHERE message = ?", message))

    def told_desk(self, message: int) -> str:
        return self.on_desk(message)[0]

    def on_desk(self, message: int) -> tuple[str, str | None]:
        row = self.ledger.reader().execute("SELECT state, reason FROM delivery WHERE message = ?", [message]).fetchone()
        return row[0], row[1]
