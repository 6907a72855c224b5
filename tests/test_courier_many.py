"""Thousands who wait for one channel's pace are taken up a part at a time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from bot import courier as couriers
from bot.config import Settings
from tests.delivering import Delivering
from tests.small_house import Clock

EVERYBODY = [f"person{number}" for number in range(20)]


class Gate(asyncio.Event):
    """A channel's pace that lets nobody through until it is opened, and counts who stands before it."""

    def __init__(self) -> None:
        super().__init__()
        self.before_it = 0

    async def wait(self) -> Literal[True]:
        self.before_it += 1
        try:
            return await super().wait()
        finally:
            self.before_it -= 1


@pytest.fixture
async def delivering(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Delivering]:
    monkeypatch.setattr(couriers, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(couriers, "LOOK_AT", 3)
    made = Delivering(settings, clock)
    yield made
    await asyncio.sleep(0.01)
    made.house.firstline.ledger.close()


async def all_wait(delivering: Delivering) -> Gate:
    gate = Gate()
    for who in EVERYBODY:
        delivering.provider.waiting_for_pace[who] = gate
        await delivering.say("hello", who)
    return gate


async def test_only_so_many_are_taken_up_at_a_time_and_all_get_theirs(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "MAX_UNDER_WAY", 9)
    gate = await all_wait(delivering)
    async with delivering.at_work():
        await delivering.until(lambda: gate.before_it > 6)
        await delivering.settled()
        assert gate.before_it <= 9
        gate.set()
        await delivering.until(lambda: all(delivering.states(who) == ["sent", "sent"] for who in EVERYBODY))


async def test_without_that_limit_all_would_be_taken_up(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "MAX_UNDER_WAY", 1_000)
    gate = await all_wait(delivering)
    async with delivering.at_work():
        await delivering.until(lambda: gate.before_it == len(EVERYBODY))
        gate.set()
        await delivering.until(lambda: all(delivering.states(who) == ["sent", "sent"] for who in EVERYBODY))
