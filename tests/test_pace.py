"""How fast a channel may send, with a clock that the test moves."""

import asyncio
import heapq
import random
from itertools import count

import pytest

from bot.channels import pace as pacing
from bot.channels.pace import Pace


class Time:
    """Passes only when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
        await woken

    async def passes(self, seconds: float) -> None:
        end = self.now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self._settle()
        self.now = end

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


class Sender:
    """Asks for admission, and notes who was admitted when."""

    def __init__(self, overall: int = 30, spacing_s: float = 1.0) -> None:
        self.time = Time()
        self.pace = Pace(overall, spacing_s, self.time.clock, self.time.sleep)
        self.admitted: list[tuple[float, str]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def asks(self, recipient: str, label: str = "") -> None:
        self._tasks.append(asyncio.create_task(self._asked(recipient, label or recipient)))

    async def _asked(self, recipient: str, label: str) -> None:
        await self.pace.admit(recipient)
        self.admitted.append((self.time.now, label))

    def when(self, label: str) -> list[float]:
        return [at for at, who in self.admitted if who == label]


async def test_one_recipient_is_written_to_once_a_second_in_the_order_asked() -> None:
    sender = Sender()
    for label in ("first", "second", "third"):
        sender.asks("ann", label)
    await sender.time.passes(10)
    assert sender.admitted == [(0.0, "first"), (1.0, "second"), (2.0, "third")]


async def test_who_waits_for_their_own_space_holds_nobody_else_up() -> None:
    sender = Sender(overall=2)
    for _ in range(50):
        sender.asks("flooded")
    await sender.time.passes(0.5)
    sender.asks("bob")
    await sender.time.passes(0)
    assert sender.when("bob") == [0.5]


async def test_never_more_than_so_many_in_any_second() -> None:
    sender, chance = Sender(overall=30), random.Random(1)
    for _ in range(300):
        sender.asks(f"person {chance.randrange(200)}")
        await sender.time.passes(chance.choice((0, 0, 0.01, 0.2)))
    await sender.time.passes(60)
    moments = [at for at, _ in sender.admitted]
    assert len(moments) == 300
    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[30:], strict=False))


async def test_without_a_limit_overall_all_are_admitted_at_once() -> None:
    """What the test before would see if the limit did nothing."""
    sender = Sender(overall=10_000)
    for number in range(60):
        sender.asks(f"person {number}")
    await sender.time.passes(0)
    assert len(sender.admitted) == 60


async def test_sixty_people_take_two_seconds_at_thirty_a_second() -> None:
    sender = Sender(overall=30)
    for number in range(60):
        sender.asks(f"person {number}")
    await sender.time.passes(0.9)
    assert len(sender.admitted) == 30
    await sender.time.passes(0.2)
    assert len(sender.admitted) == 60


async def test_idle_recipients_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "LOOK_FOR_IDLE_AT", 10)
    sender = Sender(overall=10_000)
    for number in range(200):
        sender.asks(f"person {number}")
        await sender.time.passes(1.5)
    assert sender.pace.remembered <= 10


async def test_who_gives_up_waiting_leaves_the_others_their_place() -> None:
    sender = Sender()
    sender.asks("ann", "first")
    sender.asks("ann", "gives up")
    sender.asks("ann", "third")
    await sender.time.passes(0)
    sender._tasks[1].cancel()
    await sender.time.passes(10)
    assert [label for _, label in sender.admitted] == ["first", "third"]
