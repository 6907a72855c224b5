"""Care for advisers: one's own exposure, asking for a talk, and who may see what."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff import care
from handoff.care import Exposure, NothingAsked
from handoff.domain import AdviserId, Role
from handoff.errors import Refused
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.test_console import Visitor, visiting
from tests.test_desk_wrapping import practice_of


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
    return desk.adviser("Amira Khan", capacity=20)


@pytest.fixture
def lead(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD)


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


def note(desk: DemoDesk, adviser: AdviserId, weight: int | None = None, wants_talk: bool = False) -> None:
    desk.ledger.write_now(lambda conn: care.note(conn, adviser, desk.now(), None, weight, wants_talk))


def exposure(desk: DemoDesk, adviser: AdviserId, days: int) -> Exposure:
    return care.exposure(desk.ledger.reader(), adviser, desk.now() - timedelta(days=days))


def test_exposure_counts_what_one_took_each_case_once_and_no_practice(
    desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    ben = desk.adviser("Ben Okafor")
    old = desk.case(1)
    desk.claim(old, amira)
    clock.pass_(timedelta(days=10))
    grave = desk.case(0)
    desk.claim(grave, amira)
    desk.ledger.write_now(lambda conn: desk.queue.release(conn, grave, amira, clock()))
    desk.claim(grave, amira)
    desk.say(grave, amira, "Hello")
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, grave, amira, ben, clock()))
    desk.ledger.write_now(lambda conn: desk.queue.accept(conn, grave, ben, clock()))
    practice_of(desk, amira)
    for weight in (1, 4, 5):
        note(desk, amira, weight)
    assert exposure(desk, amira, 7) == Exposure((1, 0, 0, 0), rated=3, heavy=2)
    assert exposure(desk, amira, 28) == Exposure((1, 1, 0, 0), rated=3, heavy=2)
    assert exposure(desk, ben, 7) == Exposure((1, 0, 0, 0), rated=0, heavy=0)


def test_exposure_is_found_by_the_index(desk: DemoDesk) -> None:
    plan = desk.ledger.reader().execute(f"EXPLAIN QUERY PLAN {care._TAKEN}", {"adviser": 1, "since": 0}).fetchall()
    assert any("event_taken" in row[3] for row in plan)


async def test_one_asks_for_a_talk_at_any_time_and_once(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, clock: Clock
) -> None:
    assert "I would like to talk" in await visitor.page("/care")
    for _ in range(2):
        assert (await visitor.post("/care/ask")).status == 303
    page = await visitor.page("/care")
    assert "You asked on Monday 23 November, 10:00" in page
    assert desk.ledger.reader().execute("SELECT count(*) FROM debrief").fetchone()[0] == 1
    assert "Ask your lead" in page


async def test_a_lead_sees_who_asked_and_marks_the_talk_as_had(
    desk: DemoDesk, server: TestServer, visitor: Visitor, amira: AdviserId, lead: AdviserId, clock: Clock
) -> None:
    await visitor.post("/care/ask")
    clock.pass_(timedelta(minutes=10))
    async with visiting(server, desk, lead) as seeing:
        page = await seeing.page("/care")
        assert "Who would like to talk" in page
        assert "Amira Khan" in page
        note(desk, amira, wants_talk=True)
        done = await seeing.post("/care/talked", adviser=amira, newest=1)
        assert done.status == 303
        assert care.asking(desk.ledger.reader())[0].newest == 2
        assert (await seeing.post("/care/talked", adviser=amira, newest=2)).status == 303
        assert (await seeing.post("/care/talked", adviser=amira, newest=2)).status == 409
        assert (await seeing.post("/care/talked", adviser=999, newest=2)).status == 409
        assert (await seeing.post("/care/talked", adviser="x", newest=2)).status == 400
    assert "You asked on" not in await visitor.page("/care")


def test_nobody_has_the_talk_with_themselves(desk: DemoDesk, lead: AdviserId) -> None:
    note(desk, lead, wants_talk=True)
    with pytest.raises(Refused):
        desk.ledger.write_now(lambda conn: care.talked(conn, lead, 1, lead, desk.now()))
    with pytest.raises(NothingAsked):
        desk.ledger.write_now(lambda conn: care.talked(conn, AdviserId(9), 1, lead, desk.now()))
    with pytest.raises(Refused):
        note(desk, lead, weight=0)


@pytest.mark.parametrize("role", list(Role))
async def test_what_somebody_said_of_themselves_is_theirs_and_the_leads(
    desk: DemoDesk, server: TestServer, amira: AdviserId, role: Role
) -> None:
    note(desk, amira, 5, wants_talk=True)
    looker = desk.adviser("Lou Ray", role, available=False)
    async with visiting(server, desk, looker) as seeing:
        answer = await seeing.get("/care")
        text = await answer.text()
        posted = await seeing.post("/care/talked", adviser=amira, newest=1)
    if role is Role.LEAD:
        assert (answer.status, posted.status) == (200, 303)
        assert "Amira Khan" in text
        return
    assert answer.status == (200 if role in {Role.ADVISER, Role.SENIOR} else 403)
    assert posted.status == 403
    assert "Amira Khan" not in text
    assert care.asked_since(desk.ledger.reader(), amira) is not None


def test_the_trail_says_that_something_was_noted_and_not_by_whom(
    desk: DemoDesk, amira: AdviserId, lead: AdviserId
) -> None:
    note(desk, amira, 5, wants_talk=True)
    desk.ledger.write_now(lambda conn: care.talked(conn, amira, 1, lead, desk.now()))
    rows = desk.ledger.reader().execute("SELECT kind, \"case\", adviser FROM event WHERE kind GLOB 'care.*'").fetchall()
    assert [tuple(row) for row in rows] == [("care.noted", None, None), ("care.talked", None, None)]
