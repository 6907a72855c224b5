"""A case's record: what it tells and to whom, contacts that may be one enquirer's, the record of advice and its PDF."""

import io
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from bot.server import application
from handoff import pdf, timeline
from handoff.console.looks import NOT_THEIRS, ONE_LOOK, RECORD_OPENED, RECORD_PRINTED
from handoff.domain import CaseId, NewCase
from tests.demo_desk import Clock, DemoDesk, desk_in
from tests.recorded import (
    IDENTITY,
    NOTE,
    RATIONALE,
    TALK,
    FakePeople,
    FakeRecords,
    close,
    conversation_of,
    events_of,
    full_case,
    held,
    reference_of,
    serving,
    team,
)
from tests.small_house import SmallHouse
from tests.test_console import visiting


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


# --- the timeline ----------------------------------------------------------------------------------------------------


async def test_the_record_tells_everything_in_words_and_in_order(desk: DemoDesk, clock: Clock) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    clock.pass_(timedelta(minutes=5))
    close(desk, case_id, amira)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        text = await visitor.page(f"/cases/{case_id}/record")
    told = ["Handed over by the bot", "Claimed", "They talked: 1 message from the enquirer, 1 from us", "Closed"]
    line = text.partition('id="timeline"')[2].partition("</section>")[0]
    assert [line.index(each) for each in told] == sorted(line.index(each) for each in told)
    for each in ("Refer today", "A child is in danger", RATIONALE, "Sharing nudes 2024", "Contact details kept",
                 "Page of advice sent", "report-fake-account", "Advice given"):  # fmt: skip
        assert each in text, each
    assert NOTE in text
    assert "never sent" in text
    assert TALK not in text  # the words stay in the conversation
    assert not any(each in text for each in IDENTITY)


def test_lines_close_to_each_other_are_one_stretch_and_a_pause_begins_another(desk: DemoDesk, clock: Clock) -> None:
    amira, _, _ = team(desk)
    case_id = held(desk, amira)
    desk.say(case_id, amira, "Hello")
    clock.pass_(timedelta(minutes=29))
    desk.hear(case_id, "Hello")
    clock.pass_(timedelta(minutes=30))
    desk.hear(case_id, "Still here?")
    told = timeline.of_case(desk.ledger.reader(), desk.ledger.seal, case_id)
    assert [(each.stretch.heard, each.stretch.said) for each in told if each.stretch] == [(1, 1), (1, 0)]


async def test_the_record_is_for_whoever_may_see_the_case(desk: DemoDesk, clock: Clock) -> None:
    amira, ben, sian = team(desk)
    case_id = full_case(desk, amira)
    path = f"/cases/{case_id}/record"
    async with serving(desk, FakePeople(), FakeRecords()) as server:
        for adviser, status in ((amira, 200), (ben, 404), (sian, 200)):
            async with visiting(server, desk, adviser) as visitor:
                assert (await visitor.get(path)).status == status
        close(desk, case_id, amira)
        for adviser, status in ((amira, 200), (ben, 404), (sian, 200)):
            async with visiting(server, desk, adviser) as visitor:
                assert (await visitor.get(path)).status == status
                assert (await visitor.get(f"{path}/advice")).status == status
        clock.pass_(timedelta(days=90))  # its words are to be forgotten: seniors only
        for adviser, status in ((amira, 404), (sian, 200)):
            async with visiting(server, desk, adviser) as visitor:
                assert (await visitor.get(path)).status == status


async def test_who_closed_a_case_reads_it_and_changes_nothing(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    close(desk, case_id, amira)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        assert (await visitor.get(f"/cases/{case_id}")).status == 200
        assert (await visitor.say(case_id, "one more thing")).status == 404
        for path in ("release", "wrap-up", "pause"):
            assert (await visitor.post(f"/cases/{case_id}/{path}")).status in {404, 409}
        assert (await visitor.post(f"/cases/{case_id}/contact", name="Somebody")).status == 404
        look = await visitor.post(f"/cases/{case_id}/contact/reveal", reason="call_back", words="I want to ring")
        assert look.status == 404


async def test_opening_a_record_is_written_down_once_for_each_look(desk: DemoDesk, clock: Clock) -> None:
    amira, _, sian = team(desk)
    case_id = held(desk, amira)
    async with serving(desk) as server, visiting(server, desk, sian) as visitor:
        for _ in range(3):
            await visitor.page(f"/cases/{case_id}/record")
        assert events_of(desk, RECORD_OPENED) == [(case_id, sian)]
        clock.pass_(ONE_LOOK)
        assert "Who has looked" in await visitor.page(f"/cases/{case_id}/record")
    assert events_of(desk, RECORD_OPENED) == [(case_id, sian)] * 2


async def test_asking_for_another_s_case_is_a_404_and_written_down_wherever_it_is_tried(desk: DemoDesk) -> None:
    _, ben, _ = team(desk)
    posts = ("say", "note", "release", "contact", "contact/reveal", "record/link", "wrap-up")
    gets = ("", "/record", "/contact", "/record/advice", "/record/advice.pdf", "/wrap-up")
    async with serving(desk, FakePeople(), FakeRecords()) as server, visiting(server, desk, ben) as prying:
        tried = []
        for path in gets:
            case_id = held(desk, desk.adviser(f"Holder{len(tried)} Smith"))
            assert (await prying.get(f"/cases/{case_id}{path}")).status == 404, path
            tried.append((case_id, ben))
        for path in posts:
            case_id = held(desk, desk.adviser(f"Holder{len(tried)} Smith"))
            fields = {"text": "x", "note": "x", "client_id": "a", "note_id": "b", "seen_seq": 0, "other": 1}
            fields |= {"verdict": "confirmed", "reason": "call_back", "words": "because I can", "name": "x"}
            assert (await prying.post(f"/cases/{case_id}/{path}", **fields)).status == 404, path
            tried.append((case_id, ben))
        assert events_of(desk, NOT_THEIRS) == tried
        await prying.get("/cases/999999")  # where there is none, there is nothing to pry into
        waiting = desk.case()
        await prying.page(f"/cases/{waiting}")  # and what waits is everybody's
        assert events_of(desk, NOT_THEIRS) == tried


# --- contacts that may be one enquirer's -----------------------------------------------------------------------------


async def test_a_return_is_suggested_and_linked_only_by_a_person(desk: DemoDesk, clock: Clock) -> None:
    amira, ben, _ = team(desk)
    before = held(desk, ben, concern="hacking")
    close(desk, before, ben)
    clock.pass_(timedelta(days=2))
    case_id = held(desk, amira)
    people = FakePeople({conversation_of(desk, case_id): (conversation_of(desk, before),)})
    path = f"/cases/{case_id}/record"
    async with serving(desk, people) as server, visiting(server, desk, amira) as visitor:
        text = await visitor.page(path)
        assert "Their other case began" not in text
        assert "Same enquirer" in text
        assert f"/cases/{before}/record" not in text  # it was Ben's: named, not opened
        assert reference_of(desk, before) in await visitor.page(path)
        assert "may be the same enquirer’s" in await visitor.page(f"/cases/{case_id}")
        for _ in range(2):  # a button pressed twice says it once
            answer = await visitor.post(f"{path}/link", other=before, verdict="confirmed")
            assert answer.status == 303
        assert "Their other case began" in await visitor.page(path)
        await visitor.post(f"{path}/link", other=before, verdict="dismissed")
        text = await visitor.page(path)
    assert "Their other case began" not in text
    assert "Said not to be the same enquirer" in text
    assert events_of(desk, "link.confirmed") == [(before, amira), (case_id, amira)]
    assert events_of(desk, "link.dismissed") == [(before, amira), (case_id, amira)]


async def test_only_what_was_suggested_can_be_linked(desk: DemoDesk) -> None:
    amira, ben, _ = team(desk)
    case_id, stranger = held(desk, amira), held(desk, ben)
    async with serving(desk, FakePeople()) as server, visiting(server, desk, amira) as visitor:
        path = f"/cases/{case_id}/record/link"
        assert (await visitor.post(path, other=stranger, verdict="confirmed")).status == 404
        assert (await visitor.post(path, other=999, verdict="confirmed")).status == 404
        assert (await visitor.post(path, other=stranger, verdict="perhaps")).status == 400
        assert (await visitor.post(path, other="-1", verdict="confirmed")).status == 400
        assert (await visitor.post(path, csrf="forged", other=stranger, verdict="confirmed")).status == 403
    assert events_of(desk, "link.confirmed") == []
    assert events_of(desk, NOT_THEIRS) == [(stranger, amira)]


async def test_practice_is_no_return_of_anybody(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    new = NewCase(-1, 2, "asked", "web", "v1")
    practice = desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now())).id
    case_id = held(desk, amira)
    people = FakePeople({conversation_of(desk, case_id): (-1,)})
    async with serving(desk, people) as server, visiting(server, desk, amira) as visitor:
        assert reference_of(desk, practice) not in await visitor.page(f"/cases/{case_id}/record")


# --- the record of advice --------------------------------------------------------------------------------------------

HELD_BACK = (NOTE, TALK, *IDENTITY)
"""What no record of advice may hold."""


def held_back_in(text: str) -> list[str]:
    return [each for each in HELD_BACK if each in text]


async def test_the_record_of_advice_holds_advice_and_nothing_else(desk: DemoDesk, clock: Clock) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    path = f"/cases/{case_id}/record/advice"
    async with serving(desk, FakePeople(), FakeRecords()) as server, visiting(server, desk, amira) as visitor:
        text = await visitor.page(path)
        for each in (reference_of(desk, case_id), "Where is it?", "TikTok", "Keep evidence before you report",
                     "impersonation/keep", "Not yet checked", "Report a fake account", "KCSIE 2026", "A child is named",
                     "A sexual image of a child", "Sharing nudes 2024", "A child is in danger",
                     "The page report-fake-account", "2026-11-21.2", "What our advisers sent"):  # fmt: skip
            assert each in text, each
        assert held_back_in(text) == []
        assert RATIONALE not in text
        assert RATIONALE in await visitor.page(f"{path}?rationale=yes")
        assert "canary-late" in text
        clock.pass_(timedelta(minutes=10))
        close(desk, case_id, amira)
        assert "canary-late" not in await visitor.page(path)  # asked in the same conversation, long after this case
    assert events_of(desk, RECORD_PRINTED)[0] == (case_id, amira)


async def test_joined_to_the_bot_the_record_holds_what_the_bot_asked_and_advised(house: SmallHouse) -> None:
    """No fakes: the flows, the library and the store of a small helpline."""
    case_id, adviser = await house.asks_for_people(), house.adviser()
    firstline = house.firstline
    desk = DemoDesk(firstline.ledger, firstline.queue, house.clock, itertools.count(1))
    house.claim(case_id, adviser)
    async with TestServer(application(firstline)) as server, visiting(server, desk, adviser) as visitor:
        text = await visitor.page(f"/cases/{case_id}/record/advice")
        assert firstline.shelf.live().library.version in text
        assert "What we asked" in text
        assert reference_of(desk, case_id) in text
        assert "No other case came from" in await visitor.page(f"/cases/{case_id}/record")


def test_what_must_not_be_in_it_would_be_noticed() -> None:
    """The control of the tests above and below."""
    assert held_back_in(f"<p>{NOTE}</p>") == [NOTE]


async def test_what_the_bot_has_forgotten_is_taken_from_the_hand_over(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = held(desk, amira)
    async with serving(desk, None, FakeRecords(forgotten=True)) as server, visiting(server, desk, amira) as visitor:
        text = await visitor.page(f"/cases/{case_id}/record/advice")
    assert "How long has it been up?" in text
    assert "The page after-48-hours" in text
    assert "someone made a tiktok" not in text  # their own words are not in the record


async def test_without_a_library_the_page_says_so(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = held(desk, amira)
    async with serving(desk) as server, visiting(server, desk, amira) as visitor:
        assert "not joined to a library" in await visitor.page(f"/cases/{case_id}/record/advice")
        assert (await visitor.get(f"/cases/{case_id}/record/advice.pdf")).status == 303


async def test_without_the_extra_the_page_says_how_to_print_and_what_to_install(
    desk: DemoDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    amira, _, _ = team(desk)
    case_id = held(desk, amira)
    monkeypatch.setattr(pdf, "is_installed", lambda: False)
    async with serving(desk, None, FakeRecords()) as server, visiting(server, desk, amira) as visitor:
        text = await visitor.page(f"/cases/{case_id}/record/advice")
        assert "firstline[pdf]" in text
        assert "advice.pdf" not in text
        assert (await visitor.get(f"/cases/{case_id}/record/advice.pdf")).status == 303


# --- on paper --------------------------------------------------------------------------------------------------------

needs_pdf = pytest.mark.skipif(not pdf.is_installed(), reason="the extra pdf, or Pango, is not installed")


def text_of(body: bytes) -> str:
    pypdf = pytest.importorskip("pypdf")
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages).split())


async def pdf_of(desk: DemoDesk, case_id: CaseId, adviser: int, query: str = "") -> bytes:
    async with serving(desk, FakePeople(), FakeRecords()) as server, visiting(server, desk, adviser) as visitor:  # type: ignore[arg-type]
        answer = await visitor.get(f"/cases/{case_id}/record/advice.pdf{query}")
        assert answer.status == 200
        assert answer.content_type == "application/pdf"
        assert answer.headers["Cache-Control"] == "no-store"
        assert reference_of(desk, case_id) in answer.headers["Content-Disposition"]
        return await answer.read()


@needs_pdf
async def test_the_pdf_says_what_the_page_says_and_nothing_that_must_not_leave(desk: DemoDesk) -> None:
    amira, _, _ = team(desk)
    case_id = full_case(desk, amira)
    body = await pdf_of(desk, case_id, amira)
    text = text_of(body)
    for each in ("Record of advice", reference_of(desk, case_id), "Where is it?", "TikTok", "A child is in danger"):
        assert each in text, each
    assert held_back_in(text) == []
    assert RATIONALE not in text
    assert held_back_in(body.decode("latin-1")) == []
    assert RATIONALE in text_of(await pdf_of(desk, case_id, amira, "?rationale=yes"))


@needs_pdf
async def test_the_pdf_is_tagged_and_says_its_language_and_title(desk: DemoDesk) -> None:
    pypdf = pytest.importorskip("pypdf")
    amira, _, _ = team(desk)
    root = pypdf.PdfReader(io.BytesIO(await pdf_of(desk, full_case(desk, amira), amira))).root_object
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert "/StructTreeRoot" in root


@needs_pdf
def test_nothing_is_fetched_for_a_pdf(tmp_path: Path) -> None:
    """A file of this computer, planted as a style sheet that would print a word, leaves no trace; inside, it does."""
    planted = "p::after { content: 'planted' }"
    (tmp_path / "planted.css").write_text(planted)
    page = "<html lang='en'><head><title>A page</title>{}</head><body><p>Said. </p></body></html>"
    fetched = page.format(f"<link rel='stylesheet' href='{(tmp_path / 'planted.css').as_uri()}'>")
    assert "planted" not in text_of(pdf.made(fetched))
    assert "planted" in text_of(pdf.made(page.format(f"<style>{planted}</style>")))
