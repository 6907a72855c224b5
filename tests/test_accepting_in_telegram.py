"""The advisers' group, all parts together: a case waits, somebody accepts it in Telegram, the desk knows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.channels.contract import TELEGRAM
from handoff import handles
from handoff.domain import CaseId
from tests.fakes.telegram import FakeTelegram
from tests.small_house import Clock, Ready, SmallHouse, running_house

GROUP, AMIRA, STRANGER = -100123, 501, 502


@asynccontextmanager
async def listening(house: SmallHouse) -> AsyncIterator[None]:
    task = asyncio.create_task(house.firstline.listen())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as made:
        made.group(GROUP).adds_bot(made.user(AMIRA))
        yield made


@pytest.fixture
async def house(tmp_path: Path, ready: Ready, fake: FakeTelegram, clock: Clock) -> AsyncIterator[SmallHouse]:
    settings = ready.copied_to(tmp_path, telegram_token=fake.token, telegram_api=fake.url, telegram_advisers=GROUP)
    async with running_house(settings, clock) as made, listening(made):
        yield made


async def waiting(house: SmallHouse, fake: FakeTelegram) -> CaseId:
    """A case of somebody in the web chat, announced in the group."""
    before = len(fake.sent(GROUP))
    case = await house.asks_for_people()
    await fake.until(lambda: len(fake.sent(GROUP)) > before)
    return case


async def test_whoever_accepts_in_the_group_holds_the_case_and_nothing_is_told_of_it(
    house: SmallHouse, fake: FakeTelegram
) -> None:
    amira = house.adviser("Amira")
    ledger = house.firstline.ledger
    ledger.write_now(lambda db: handles.link(db, ledger.seal, "Amira@example.org", TELEGRAM, str(AMIRA), house.clock()))
    case = await waiting(house, fake)
    reference = house.one("SELECT reference FROM cases WHERE id = ?", case)
    told = fake.sent(GROUP)[-1]
    assert reference in told
    assert not {"impersonation", "fake", "wales", "danger right now"} & set(told.lower().split())

    query = fake.group(GROUP).presses(fake.user(AMIRA), "Accept")
    await fake.until(lambda: fake.queries[query].answer is not None)
    assert house.one('SELECT holder FROM queue_item WHERE "case" = ?', case) == amira
    await fake.until(lambda: "Amira" in fake.chat(GROUP).last.text)
    assert fake.chat(GROUP).last.keyboard == []


async def test_a_stranger_who_presses_is_told_why_and_the_case_still_waits(
    house: SmallHouse, fake: FakeTelegram
) -> None:
    case = await waiting(house, fake)
    query = fake.group(GROUP).presses(fake.user(STRANGER), "Accept")
    await fake.until(lambda: fake.queries[query].answer is not None)
    assert str(STRANGER) in str(fake.queries[query].answer)
    assert house.one('SELECT state FROM queue_item WHERE "case" = ?', case) == "waiting"
