"""Content gaps: said by advisers without the case, worked on by editors; and what of the library is stale."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.checking.reviews import reviews_of
from bot.doors.reviews import LiveReviews
from handoff import gaps
from handoff.console.app import console
from handoff.desk import events_after
from handoff.domain import AdviserId, CaseId, Role
from handoff.doors import Doors, StalePage
from tests.builders import helpline
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, _mask, visiting


class FakeReviews:
    def stale(self, today: date) -> tuple[StalePage, ...]:
        assert today == date(2026, 11, 23)
        return (
            StalePage("old-page", "guidance", "An old page", "content-team", date(2026, 9, 1), True, True, True),
            StalePage("new-page", "law", "A new page", "legal", date(2027, 9, 1), False, False, False),
        )

    def pages(self) -> tuple[tuple[str, str], ...]:
        return (("new-page", "A new page"), ("old-page", "An old page"))


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    app = web.Application()
    doors = Doors(reviews=FakeReviews())
    app.add_subapp("/desk", console(desk.ledger, desk.queue, OPEN, desk.now, False, _mask, doors=doors))
    async with TestServer(app) as running:
        yield running


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


@pytest.fixture
async def editor(server: TestServer, desk: DemoDesk) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, desk.adviser("Ed Morgan", Role.EDITOR)) as visiting_desk:
        yield visiting_desk


async def said(visitor: Visitor, case_id: CaseId, **more: str) -> int:
    form = {"kind": "wrong", "page": "old-page", "words": "Jane: the number on it is <b>old</b>", "client_id": "m1"}
    return (await visitor.post(f"/cases/{case_id}/gap", **{**form, **more})).status


async def test_a_gap_is_said_from_a_case_without_the_case_and_without_names(
    desk: DemoDesk, visitor: Visitor, editor: Visitor, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    assert f"/cases/{case_id}/gap" in await visitor.page(f"/cases/{case_id}")
    assert "Keep evidence before you report or block" in await visitor.page(f"/cases/{case_id}/gap")
    assert await said(visitor, case_id) == 303
    assert await said(visitor, case_id) == 303  # pressed twice
    reader = desk.ledger.reader()
    (gap,) = gaps.listed(reader, desk.ledger.seal)
    assert (gap.kind, gap.page, gap.concern) == ("wrong", "old-page", "impersonation")
    page = await editor.page("/gaps")
    assert "[name]: the number on it is &lt;b&gt;old&lt;/b&gt;" in page
    reference = reader.execute("SELECT reference FROM cases").fetchone()[0]
    assert reference not in page
    row = reader.execute("SELECT * FROM content_gap").fetchone()
    assert b"the number on it" not in b"".join(each for each in row if isinstance(each, bytes))
    told = [event for event in events_after(reader, 0) if event.kind.startswith("gap.")]
    assert [(event.kind, event.case_id) for event in told] == [("gap.reported", None)]


@pytest.mark.parametrize(
    ("wrong", "said_of_it"),
    [
        ({"kind": "silly"}, "Choose what is the matter"),
        ({"words": " "}, "Say what you would change"),
        ({"words": "x" * 20_000}, "Make it shorter"),
    ],
)
async def test_what_cannot_be_kept_comes_back_with_what_was_typed(
    desk: DemoDesk, visitor: Visitor, wrong: dict[str, str], said_of_it: str
) -> None:
    case_id = desk.case()
    form = {"kind": "wrong", "page": "", "words": "It is old", "client_id": "m1", **wrong}
    answer = await visitor.post(f"/cases/{case_id}/gap", **form)
    assert answer.status == 422
    page = await answer.text()
    assert said_of_it in page
    assert form["words"].strip() in page
    assert gaps.listed(desk.ledger.reader(), desk.ledger.seal) == ()


async def test_a_page_nobody_knows_is_no_page(desk: DemoDesk, visitor: Visitor) -> None:
    assert await said(visitor, desk.case(), page="'; DROP TABLE cases") == 303
    (gap,) = gaps.listed(desk.ledger.reader(), desk.ledger.seal)
    assert gap.page is None


async def test_an_editor_takes_it_up_and_says_what_was_done_once(
    desk: DemoDesk, visitor: Visitor, editor: Visitor
) -> None:
    await said(visitor, desk.case())
    assert (await editor.post("/gaps/1/take-up")).status == 303
    assert (await editor.post("/gaps/1/take-up")).status == 409
    assert "Being worked on" in await editor.page("/gaps")
    wordless = await editor.post("/gaps/1/done", answer=" ")
    assert wordless.status == 422
    assert "Say what was done" in await wordless.text()
    assert (await editor.post("/gaps/1/done", answer="New number, checked today")).status == 303
    late = await editor.post("/gaps/1/done", answer="Once more")
    assert late.status == 409
    assert "That is done already" in await late.text()
    assert "New number, checked today" in await editor.page("/gaps")
    assert (await editor.post("/gaps/99/done", answer="What?")).status == 409
    assert (await visitor.get("/gaps")).status == 403


async def test_what_is_due_and_what_nobody_verified_is_listed_by_owner(editor: Visitor) -> None:
    page = await editor.page("/gaps")
    assert page.index("content-team") < page.index("An old page") < page.index("Not verified yet")
    assert "1 overdue" in page
    assert page.index("legal") < page.index("A new page")


async def test_without_the_bot_s_content_the_list_still_opens(desk: DemoDesk, visitor: Visitor) -> None:
    await said(visitor, desk.case())
    async with TestServer(desk.app()) as shut, visiting(shut, desk, desk.adviser("Sian", Role.SENIOR)) as senior:
        page = await senior.page("/gaps")
        assert "The content cannot be read" in page
        assert "old-page" in page


class _Shelf:
    def live(self) -> "_Shelf":
        return self

    library = helpline()


def test_the_door_tells_what_firstline_reviews_tells() -> None:
    door, today = LiveReviews(_Shelf()), date(2026, 7, 2)  # type: ignore[arg-type]
    due = {(each.kind, each.id) for each in reviews_of(_Shelf.library) if each.is_due(today)}
    stale = door.stale(today)
    assert {(each.kind, each.id) for each in stale if each.due} == due
    assert any(each.overdue for each in stale)
    assert all(each.due or not each.verified for each in stale)
    assert dict(door.pages())["report-fake-account"]
