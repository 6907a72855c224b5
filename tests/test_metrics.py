"""Metrics: what an operator watches, as numbers; routes by their pattern, and no words."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot import courier as couriers
from bot import outage as outages
from bot.channels.contract import CALLBACK, WEB
from bot.config import Settings
from bot.domain import Address, Said, Turn
from bot.errors import DeliveryError
from bot.metrics import Metrics
from bot.server import application
from tests.delivering import Delivering
from tests.small_house import Clock, SmallHouse

Client = TestClient[web.Request, web.Application]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couriers, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(outages, "PAUSES_S", (0.05,))


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
    assert (found[outbox("queued")], found[outbox("sending")]) == (2, 0)
    assert found["firstline_outbox_oldest_seconds"] > 0
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE outbox SET state = 'sending'"))
    found = await numbers(client)
    assert (found[outbox("queued")], found[outbox("sending")]) == (0, 2)
    assert found["firstline_outbox_oldest_seconds"] > 0
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE outbox SET state = 'sent'"))
    found = await numbers(client)
    assert {name: value for name, value in found.items() if name.startswith("firstline_outbox{") and value} == {}
    assert found["firstline_outbox_oldest_seconds"] == 0


def outbox(state: str) -> str:
    return f'firstline_outbox{{state="{state}"}}'


async def test_what_a_page_has_yet_to_fetch_waits_for_nobody_here(client: Client, house: SmallHouse) -> None:
    """Nobody may ever come back for it: it says nothing of our deliveries."""
    case = await house.asks_for_people("ann", WEB)
    amira = house.adviser()
    house.claim(case, amira)
    house.answers(case, amira, "Hello.")
    found = await numbers(client)
    assert (found[outbox("queued")], found["firstline_outbox_oldest_seconds"]) == (0, 0)


async def test_what_failed_or_is_in_doubt_is_counted_by_its_reason(client: Client, house: SmallHouse) -> None:
    for who in ("ann", "bea"):
        await house.firstline.turns.handle(Turn(CALLBACK, Address(who), who, Said("hello", house.clock())))
    for row in (["failed", "blocked", "[1]"], ["unknown", "timed_out", "[2, 3]"], ["unknown", None, "[4]"]):
        house.firstline.ledger.write_now(partial(settled, row))
    found = await numbers(client)
    troubled = {name: value for name, value in found.items() if name.startswith("firstline_outbox_troubled{")}
    assert troubled == {
        'firstline_outbox_troubled{reason="blocked"}': 1,
        'firstline_outbox_troubled{reason="timed_out"}': 2,
        'firstline_outbox_troubled{reason="unknown"}': 1,
    }
    assert (found[outbox("failed")], found[outbox("unknown")], found[outbox("queued")]) == (1, 3, 0)
    house.firstline.ledger.write_now(lambda db: db.execute("UPDATE outbox SET state = 'delivered', reason = NULL"))
    assert not [name for name in await numbers(client) if "troubled{" in name]


def settled(row: Sequence[str | None], db: sqlite3.Connection) -> None:
    db.execute("UPDATE outbox SET state = ?, reason = ? WHERE id IN (SELECT value FROM json_each(?))", row)


async def test_tries_that_failed_are_counted_since_the_start(settings: Settings, clock: Clock) -> None:
    made = Delivering(settings, clock)
    async with served(made) as client:
        made.provider.failing["ann"] = [DeliveryError("http_429", retry_after_s=5), DeliveryError("http_403")]
        async with made.at_work():
            await made.say("hello")
            await made.until(lambda: made.courier.failures[CALLBACK, "http_429"] == 1)
            await made.until(lambda: made.states() == ["queued", "queued"])
            await made.later(seconds=10)
            await made.until(lambda: made.states() == ["failed", "failed"])
        for _ in range(2):
            found = await numbers(client)
            assert found['firstline_delivery_failures_total{channel="callback",reason="http_429"}'] == 1
            assert found['firstline_delivery_failures_total{channel="callback",reason="http_403"}'] == 1


async def test_a_channel_is_up_until_its_provider_is_gone(settings: Settings, clock: Clock) -> None:
    made = Delivering(settings, clock)
    up = 'firstline_channel_up{channel="callback"}'
    async with served(made) as client, made.at_work():
        assert (await numbers(client))[up] == 1
        made.provider.down = DeliveryError("no_connection", 0, provider_down=True)
        await made.say("hello")
        await made.until(lambda: made.courier.is_down(CALLBACK))
        assert (await numbers(client))[up] == 0
        made.provider.down = None
        await made.until(lambda: not made.courier.is_down(CALLBACK))
        assert (await numbers(client))[up] == 1


async def test_what_a_channel_passed_over_is_counted_by_kind(settings: Settings, clock: Clock) -> None:
    made = Delivering(settings, clock)
    async with served(made) as client:
        made.provider.counts.update({"unsigned": 2, "malformed": 1})
        assert await passed_over(client) == {"unsigned": 2, "malformed": 1}
        made.provider.counts["unsigned"] += 1
        for _ in range(2):
            assert await passed_over(client) == {"unsigned": 3, "malformed": 1}


async def passed_over(client: Client) -> dict[str, float]:
    kind = 'firstline_channel_passed_over_total{channel="callback",kind="'
    found = await numbers(client)
    return {name.removeprefix(kind).removesuffix('"}'): value for name, value in found.items() if name.startswith(kind)}


@asynccontextmanager
async def served(made: Delivering) -> AsyncIterator[Client]:
    """The page of numbers over a courier on a fake provider."""
    app = web.Application()
    page = Metrics(made.ledger, made.courier, {made.channel: made.provider}).page
    app.add_routes([web.get("/metrics", page)])
    async with TestClient(TestServer(app)) as client:
        yield client
    made.ledger.close()


async def test_cases_are_counted_by_state(client: Client, house: SmallHouse) -> None:
    await house.asks_for_people("ann")
    case = await house.asks_for_people("ben")
    assert (await numbers(client))['firstline_cases{state="waiting"}'] == 2
    house.claim(case, house.adviser())
    found = await numbers(client)
    assert found['firstline_cases{state="waiting"}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("firstline_cases{")) == 2
