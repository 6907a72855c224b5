"""Notices at the desk: the list in every page, the page, acknowledging by pressing, by claiming and by opening."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff.desk import events_after
from handoff.domain import AdviserId, DeliveryState, Role
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.test_console import Visitor, found, visiting


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app())
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


async def count(visitor: Visitor) -> int:
    return int(found(r'id="notices"[^>]*data-count="(\d+)"', await visitor.page("/account")))


async def test_every_page_counts_what_is_to_be_seen_the_gravest_first(desk: DemoDesk, visitor: Visitor) -> None:
    assert await count(visitor) == 0
    desk.case(1)
    danger = desk.case(0)
    assert await count(visitor) == 2
    page = await visitor.page("/account")
    assert found(r'notices-first">.*?href="/desk/cases/(\d+)"', page) == str(danger)


async def test_acknowledging_says_by_whom_for_everybody(server: TestServer, desk: DemoDesk, visitor: Visitor) -> None:
    ben = desk.adviser("Ben Okafor")
    desk.case(0)
    assert (await visitor.post("/notices", notice=1)).status == 303
    async with visiting(server, desk, ben) as other:
        page = await other.page("/notices")
    assert "Nothing waits for you." in page
    assert "<bdi>Amira Khan</bdi>" in page
    assert "notification.acked" in [event.kind for event in events_after(desk.ledger.reader(), 0)]


async def test_all_that_was_shown_is_acknowledged_and_nothing_that_came_meanwhile(
    desk: DemoDesk, visitor: Visitor
) -> None:
    desk.case(1)
    desk.case(1)
    upto = found(r'name="upto" value="(\d+)"', await visitor.page("/notices"))
    desk.case(0)
    await visitor.post("/notices", upto=upto)
    assert await count(visitor) == 1


async def test_claiming_acknowledges_and_so_does_opening_what_is_not_in_danger(
    desk: DemoDesk, clock: Clock, visitor: Visitor, amira: AdviserId
) -> None:
    urgent, danger = desk.case(1), desk.case(0)
    await visitor.page(f"/cases/{urgent}")
    assert await count(visitor) == 1
    await visitor.page(f"/cases/{danger}")
    assert await count(visitor) == 1
    await visitor.post(f"/cases/{danger}/claim")
    assert await count(visitor) == 0
    desk.say(danger, amira, "Hello", DeliveryState.FAILED)
    assert await count(visitor) == 1
    await visitor.page(f"/cases/{danger}")
    assert await count(visitor) == 0


@pytest.mark.parametrize("fields", [{}, {"notice": "x"}, {"notice": "-1"}, {"upto": "9" * 30}])
async def test_what_is_no_number_is_refused(visitor: Visitor, fields: dict[str, str]) -> None:
    assert (await visitor.post("/notices", **fields)).status == 400


async def test_a_notice_of_somebody_elses_is_not_shown_and_cannot_be_acknowledged(
    server: TestServer, desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    ben = desk.adviser("Ben Okafor")
    case_id = desk.case(2)
    desk.claim(case_id, ben)
    desk.say(case_id, ben, "Hello", DeliveryState.FAILED)
    assert await count(visitor) == 0
    await visitor.post("/notices", notice=1)
    async with visiting(server, desk, ben) as other:
        assert await count(other) == 1


async def test_who_is_away_is_not_told_of_what_waits_for_those_on_duty(
    server: TestServer, desk: DemoDesk, clock: Clock
) -> None:
    away = desk.adviser("Ffion Price", Role.ADVISER, available=False)
    desk.case(0)
    clock.pass_(timedelta(minutes=1))
    async with visiting(server, desk, away) as visitor:
        assert await count(visitor) == 0
