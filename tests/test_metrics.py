"""Metrics: what an operator watches, as numbers; routes by their pattern, and no words."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.contract import CALLBACK
from bot.domain import Address, Said, Turn
from bot.server import application
from tests.small_house import SmallHouse

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(house: SmallHouse) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(house.firstline))) as made:
        yield made


async def numbers(client: Client) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.status == 200
    lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_requests_are_counted_by_route_and_status(client: Client) -> None:
    await client.get("/healthz")
    await client.get("/healthz")
    found = await numbers(client)
    assert found['firstline_request_seconds_count{route="/healthz",status="200"}'] == 2


async def test_a_path_with_words_in_it_is_counted_without_them(client: Client) -> None:
    await client.get("/Jane-Smith")
    await client.get("/desk/case/Jane-Smith", allow_redirects=False)
    assert not [name for name in await numbers(client) if "Jane" in name]
    assert 'firstline_request_seconds_count{route="unknown",status="404"}' in await numbers(client)


async def test_commits_are_those_on_disk(client: Client, house: SmallHouse) -> None:
    before = (await numbers(client))["firstline_commits_total"]
    await house.say("hello")
    after = (await numbers(client))["firstline_commits_total"]
    assert after - before >= 1
    assert after == house.firstline.ledger.commits
    assert (await numbers(client))["firstline_commits_total"] == after


async def test_what_waits_in_the_outbox_is_seen_until_it_is_gone(client: Client, house: SmallHouse) -> None:
    assert (await numbers(client))["firstline_outbox_oldest_seconds"] == 0
    await house.firstline.turns.handle(Turn(CALLBACK, Address("ann"), "one", Said("hello", house.clock())))
    found = await numbers(client)
    assert found['firstline_outbox{state="queued"}'] >= 1
    assert found["firstline_outbox_oldest_seconds"] > 0
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE outbox SET state = 'sending'"))
    assert 'firstline_outbox{state="queued"}' not in await numbers(client)
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE outbox SET state = 'sent'"))
    found = await numbers(client)
    assert not [name for name in found if name.startswith("firstline_outbox{")]
    assert found["firstline_outbox_oldest_seconds"] == 0


async def test_cases_are_counted_by_state(client: Client, house: SmallHouse) -> None:
    await house.asks_for_people("ann")
    case = await house.asks_for_people("ben")
    assert (await numbers(client))['firstline_cases{state="waiting"}'] == 2
    house.claim(case, house.adviser())
    found = await numbers(client)
    assert found['firstline_cases{state="waiting"}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("firstline_cases{")) == 2
