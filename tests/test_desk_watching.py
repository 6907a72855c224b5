"""The supervisor's wall, watching, whispering, taking over, reviews: through the web."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff import watching
from handoff.desk import Desk, events_after
from handoff.domain import AdviserId, CaseId, DeliveryState, NewCase, Role, State
from tests.demo_desk import PACK, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, row_of, thread_of, visiting

NASTY = "<b>x</b> \u202e evil"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


def _mask(text: str) -> tuple[str, tuple[str, ...]]:
    masked = text.replace("Jane", "[name]")
    return masked, ("name",) if masked != text else ()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app(mask=_mask))
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
def carys(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.SENIOR)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as open_visits:
        yield open_visits


@pytest.fixture
async def adviser(stack: AsyncExitStack, server: TestServer, desk: DemoDesk, amira: AdviserId) -> Visitor:
    return await stack.enter_async_context(visiting(server, desk, amira))


@pytest.fixture
async def senior(stack: AsyncExitStack, server: TestServer, desk: DemoDesk, carys: AdviserId) -> Visitor:
    return await stack.enter_async_context(visiting(server, desk, carys))


def held(desk: DemoDesk, adviser: AdviserId, tier: int = 2) -> CaseId:
    case_id = desk.case(tier)
    desk.claim(case_id, adviser)
    return case_id


def kinds(desk: DemoDesk, prefix: str) -> list[str]:
    return [event.kind for event in events_after(desk.ledger.reader(), 0, 1000) if event.kind.startswith(prefix)]


def reference(desk: DemoDesk, case_id: CaseId) -> str:
    row = desk.ledger.reader().execute("SELECT reference FROM cases WHERE id = ?", [case_id]).fetchone()
    return str(row[0])


def notes_of(desk: DemoDesk, case_id: CaseId) -> list[str]:
    return [note.text for note in Desk(desk.ledger.seal).notes(desk.ledger.reader(), case_id)]


def closed(desk: DemoDesk, adviser: AdviserId) -> CaseId:
    case_id = held(desk, adviser)
    desk.say(case_id, adviser, "Report each video, please.")
    desk.hear(case_id, "Thank you")

    def work(conn: object) -> None:
        desk.queue.wrap_up(conn, case_id, adviser, desk.now())  # type: ignore[arg-type]
        desk.queue.close(conn, case_id, adviser, "impersonation", "advised", desk.now())  # type: ignore[arg-type]

    desk.ledger.write_now(work)
    return case_id


# --- the wall --------------------------------------------------------------------------------------------------------


def look(page: str, name: str) -> str:
    found = re.search(rf'id="look-{name}".*?</section>', page, re.DOTALL)
    return found.group() if found else ""


async def test_a_quiet_shift_says_that_nothing_is_left_unattended(senior: Visitor) -> None:
    page = await senior.page("/wall")
    assert "Nothing is left unattended." in page
    assert "Nobody holds a case." in page


async def test_an_enquirer_who_spoke_last_shows_after_ten_minutes_and_not_before(
    desk: DemoDesk, clock: Clock, senior: Visitor, amira: AdviserId
) -> None:
    case_id, answered = held(desk, amira), held(desk, amira)
    for each in (case_id, answered):
        desk.say(each, amira, "Hello")
        desk.hear(each, "Are you there?")
    desk.say(answered, amira, "Yes.")
    clock.pass_(timedelta(minutes=9, seconds=59))
    assert not look(await senior.page("/wall"), "silent")
    clock.pass_(timedelta(seconds=1))
    shown = look(await senior.page("/wall"), "silent")
    assert reference(desk, case_id) in shown
    assert reference(desk, answered) not in shown


async def test_everything_unattended_is_on_the_wall_by_reference_and_practice_is_not(
    desk: DemoDesk, clock: Clock, senior: Visitor, amira: AdviserId
) -> None:
    ben = desk.adviser("Ben Okafor")
    failed, offered = held(desk, amira), held(desk, amira)
    desk.say(failed, amira, "Hello", DeliveryState.UNKNOWN)
    desk.say(offered, amira, "Hello")
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, offered, amira, ben, desk.now()))
    danger = desk.case(0, "immediate_danger")
    new = NewCase(-1, 0, "asked", "web", "v1", pack=PACK)
    practice = desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now()))
    page = await senior.page("/wall")
    assert reference(desk, failed) in look(page, "doubts")
    assert reference(desk, offered) in look(page, "offers")
    assert reference(desk, danger) in look(page, "danger")
    assert practice.reference not in page
    clock.pass_(timedelta(minutes=4))
    assert reference(desk, failed) in look(await senior.page("/wall"), "unreachable")


async def test_danger_that_somebody_acknowledged_leaves_that_list_and_not_the_queue(
    desk: DemoDesk, senior: Visitor
) -> None:
    desk.case(0, "immediate_danger")
    assert look(await senior.page("/wall"), "danger")
    await senior.post("/notices", notice=1)
    page = await senior.page("/wall")
    assert not look(page, "danger")
    assert 'class="light light-red"' in page


# --- watching --------------------------------------------------------------------------------------------------------


async def test_the_holder_sees_who_watches_from_the_first_look_and_until_they_leave(
    desk: DemoDesk, adviser: Visitor, senior: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    assert "is watching" not in await adviser.page(f"/cases/{case_id}")
    assert "You are watching." in await senior.page(f"/cases/{case_id}")
    assert "<bdi>Carys Lewis</bdi> is watching." in await adviser.page(f"/cases/{case_id}")
    assert (await senior.post(f"/cases/{case_id}/unwatch")).status == 303
    assert "is watching." not in await adviser.page(f"/cases/{case_id}")
    assert kinds(desk, "watch.") == ["watch.began", "watch.ended"]


async def test_a_watch_runs_out_by_itself_and_a_page_that_stays_open_goes_on_with_it(
    desk: DemoDesk, clock: Clock, adviser: Visitor, senior: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    for _ in range(4):
        await senior.page(f"/cases/{case_id}")
        clock.pass_(timedelta(seconds=60))
        desk.ledger.write_now(lambda conn: desk.queue.heartbeat(conn, amira, clock()))
    assert kinds(desk, "watch.") == ["watch.began"]
    clock.pass_(timedelta(seconds=31))
    assert "is watching." not in await adviser.page(f"/cases/{case_id}")
    assert watching.any_left(desk.ledger.reader(), clock())
    desk.ledger.write_now(lambda conn: watching.end_left(conn, clock()))
    assert kinds(desk, "watch.") == ["watch.began", "watch.ended"]
    assert not watching.any_left(desk.ledger.reader(), clock())


async def test_a_watch_ends_when_the_case_leaves_the_hands_it_was_in(
    desk: DemoDesk, senior: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    await senior.page(f"/cases/{case_id}")
    desk.ledger.write_now(lambda conn: desk.queue.release(conn, case_id, amira, desk.now()))
    assert kinds(desk, "watch.") == ["watch.began", "watch.ended"]
    await senior.page(f"/cases/{case_id}")
    assert kinds(desk, "watch.") == ["watch.began", "watch.ended"]


async def test_neither_the_holder_nor_whom_it_is_offered_to_watches(
    desk: DemoDesk, adviser: Visitor, senior: Visitor, amira: AdviserId, carys: AdviserId
) -> None:
    case_id = held(desk, amira)
    desk.say(case_id, amira, "Hello")
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, case_id, amira, carys, desk.now()))
    await adviser.page(f"/cases/{case_id}")
    await senior.page(f"/cases/{case_id}")
    assert kinds(desk, "watch.") == []


# --- whispering ------------------------------------------------------------------------------------------------------


async def test_a_whisper_reaches_the_holder_and_never_the_enquirer(
    desk: DemoDesk, adviser: Visitor, senior: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    told = await senior.post(f"/cases/{case_id}/whisper", note="Ask Jane about the 48 hours", whisper_id="w")
    assert told.status == 303
    await senior.post(f"/cases/{case_id}/whisper", note="Ask Jane about the 48 hours", whisper_id="w")
    page = await adviser.page(f"/cases/{case_id}")
    assert re.search(r"is-whisper.*For you.*Carys Lewis.*Ask \[name\] about the 48 hours", page)
    assert notes_of(desk, case_id) == ["Ask [name] about the 48 hours"]
    assert thread_of(desk, case_id) == []
    assert desk.ledger.reader().execute("SELECT count(*) FROM delivery").fetchone()[0] == 0


@pytest.mark.parametrize("text", ["", "x" * 20_000])
async def test_a_whisper_that_cannot_be_kept_comes_back_with_its_words(
    desk: DemoDesk, senior: Visitor, amira: AdviserId, text: str
) -> None:
    case_id = held(desk, amira)
    answer = await senior.post(f"/cases/{case_id}/whisper", note=text, whisper_id="w")
    assert answer.status == 409
    assert text in await answer.text()
    assert notes_of(desk, case_id) == []


async def test_there_is_nobody_to_whisper_to_in_a_case_that_waits(desk: DemoDesk, senior: Visitor) -> None:
    answer = await senior.post(f"/cases/{desk.case()}/whisper", note="hello", whisper_id="w")
    assert answer.status == 409


async def test_a_whisper_is_shown_as_text(desk: DemoDesk, adviser: Visitor, senior: Visitor, amira: AdviserId) -> None:
    case_id = held(desk, amira)
    await senior.post(f"/cases/{case_id}/whisper", note=NASTY, whisper_id="w")
    page = await adviser.page(f"/cases/{case_id}")
    assert "<b>x</b>" not in page
    assert "\u202e" not in page


# --- taking over -----------------------------------------------------------------------------------------------------


async def test_taking_over_needs_a_reason_which_is_kept_and_the_former_holder_is_told(
    desk: DemoDesk, adviser: Visitor, senior: Visitor, amira: AdviserId, carys: AdviserId
) -> None:
    case_id = held(desk, amira)
    form = await senior.page(f"/cases/{case_id}/take-over")
    assert "from <bdi>Amira Khan</bdi>" in form
    answer = await senior.post(f"/cases/{case_id}/take-over", reason="  ", client_id="t")
    assert answer.status == 422
    assert "Say why you take it over" in await answer.text()
    assert row_of(desk, case_id) == (State.CLAIMED, amira)
    told = {"reason": "Amira asked me to; Jane is on the line", "client_id": "t"}
    assert (await senior.post(f"/cases/{case_id}/take-over", **told)).status == 303
    assert row_of(desk, case_id) == (State.CLAIMED, carys)
    assert notes_of(desk, case_id) == ["Amira asked me to; [name] is on the line"]
    assert f"{reference(desk, case_id)} was taken over from you" in await adviser.page("/notices")
    assert (await senior.post(f"/cases/{case_id}/take-over", **told)).status == 303
    assert len(notes_of(desk, case_id)) == 1


async def test_a_take_over_that_is_refused_keeps_no_reason_and_gives_the_words_back(
    stack: AsyncExitStack, server: TestServer, desk: DemoDesk, amira: AdviserId
) -> None:
    full = desk.adviser("Dafydd Rees", Role.LEAD, capacity=1)
    held(desk, full)
    case_id = held(desk, amira)
    lead = await stack.enter_async_context(visiting(server, desk, full))
    answer = await lead.post(f"/cases/{case_id}/take-over", reason="to help", client_id="t")
    assert answer.status == 409
    assert ">to help</textarea>" in await answer.text()
    assert (row_of(desk, case_id), notes_of(desk, case_id)) == ((State.CLAIMED, amira), [])
    long = await lead.post(f"/cases/{case_id}/take-over", reason="x" * 20_000, client_id="t")
    assert long.status == 409


async def test_an_adviser_who_gives_a_case_back_is_told_nothing(
    desk: DemoDesk, adviser: Visitor, amira: AdviserId
) -> None:
    case_id = held(desk, amira)
    await adviser.post(f"/cases/{case_id}/release")
    assert "taken over" not in await adviser.page("/notices")


# --- reviews ---------------------------------------------------------------------------------------------------------


def drawn(page: str) -> list[str]:
    return re.findall(r"FL-\w{4}-\w{2}", page.partition('id="sample"')[2].partition("</section>")[0])


async def test_the_same_period_and_word_draw_the_same_sample_without_ones_own(
    stack: AsyncExitStack, server: TestServer, desk: DemoDesk, senior: Visitor, amira: AdviserId, carys: AdviserId
) -> None:
    cases = [closed(desk, amira) for _ in range(8)]
    own = closed(desk, carys)
    lead_id = desk.adviser("Dafydd Rees", Role.LEAD)
    lead = await stack.enter_async_context(visiting(server, desk, lead_id))
    path = "/reviews?from=2026-11-01&to=2026-11-30&size=3&seed=autumn"
    first = drawn(await senior.page(path))
    assert len(first) == 3
    assert drawn(await senior.page(path)) == first
    others = drawn(await lead.page(path.replace("size=3", "size=50")))
    assert [each for each in others if each != reference(desk, own)][:3] == first
    assert len(drawn(await senior.page(path.replace("size=3", "size=50")))) == len(cases)
    assert drawn(await senior.page(path.replace("2026-11", "2025-11"))) == []
    odd = await senior.page("/reviews?from=yesterday&to=&size=99999999&seed=" + "x" * 500)
    assert "A sample to review" in odd


async def test_a_review_is_written_once_and_read_by_who_closed_the_case(
    desk: DemoDesk, adviser: Visitor, senior: Visitor, amira: AdviserId
) -> None:
    case_id = closed(desk, amira)
    wrong = await senior.post(f"/cases/{case_id}/review", verdict="excellent", text="Well done Jane")
    assert wrong.status == 422
    assert "Well done [name]" in await wrong.text()
    kept = await senior.post(f"/cases/{case_id}/review", verdict="could_be_better", text=f"Kind to Jane. {NASTY}")
    assert kept.status == 303
    again = await senior.post(f"/cases/{case_id}/review", verdict="good", text="")
    assert again.status == 409
    page = await adviser.page("/reviews")
    assert "Could be better" in page
    assert "Kind to [name]." in page
    assert "<b>x</b>" not in page
    assert "A sample to review" not in page
    assert "was reviewed" in await adviser.page("/notices")
    sealed = desk.ledger.reader().execute("SELECT body FROM review").fetchone()[0]
    assert b"Kind" not in sealed


async def test_nobody_reviews_their_own_case_nor_one_that_is_open(
    desk: DemoDesk, senior: Visitor, amira: AdviserId, carys: AdviserId
) -> None:
    for case_id in (closed(desk, carys), held(desk, amira)):
        assert (await senior.get(f"/cases/{case_id}/review")).status == 404
        assert (await senior.post(f"/cases/{case_id}/review", verdict="good", text="")).status == 404


async def test_the_words_of_a_case_are_in_its_review_only_while_they_are_kept(
    desk: DemoDesk, senior: Visitor, amira: AdviserId
) -> None:
    case_id = closed(desk, amira)
    assert "Report each video, please." in await senior.page(f"/cases/{case_id}/review")

    def forget(conn: object) -> None:
        conn.execute("UPDATE cases SET pack = NULL")  # type: ignore[attr-defined]
        conn.execute("DELETE FROM delivery")  # type: ignore[attr-defined]
        conn.execute("DELETE FROM message")  # type: ignore[attr-defined]

    desk.ledger.write_now(forget)
    page = await senior.page(f"/cases/{case_id}/review")
    assert "have been forgotten" in page
    assert "Report each video" not in page
